"""Consistency and practice rules for Amazon ECS as a Pulumi policy pack."""
