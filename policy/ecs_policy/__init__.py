"""Consistency and practice rules for Amazon ECS as a Pulumi policy pack."""

__version__ = "0.1.0"
