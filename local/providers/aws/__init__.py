"""The AWS provider of the local stack: each module describes the types of one AWS service."""
