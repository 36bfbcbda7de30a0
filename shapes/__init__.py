"""What AWS's APIs take, by botocore's service models and AWS's pages, in the names of the pulumi-aws provider.

Writes `policy/ecs_policy/shapes.json`, by which the policies' `SH` rules check, and docs/policy-coverage.md.
"""
