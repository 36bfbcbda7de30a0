"""The providers of the local stack: the types this program uses, over boto3, the Docker engine and the Pulumi SDK.

`python -m local.providers` serves all three in one process; the engine attaches to them with PULUMI_DEBUG_PROVIDERS.
"""
