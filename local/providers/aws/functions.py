"""The functions (data sources) of the AWS provider. Offline, those with a fixed answer give it; the others refuse."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from local.providers.aws import ecr, schema
from local.providers.aws.clients import OFFLINE_ACCOUNT, Clients
from local.providers.aws.resource import Values, partition_of
from local.providers.aws.schema import Property, boolean, string
from local.providers.server import ProviderError
from local.providers.values import Secret

DESCRIPTIONS = {
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "eu-central-1": "Europe (Frankfurt)",
    "eu-west-1": "Europe (Ireland)",
    "us-east-1": "US East (N. Virginia)",
    "us-west-2": "US West (Oregon)",
}
# Zones that new subnets can use, by region; elsewhere a, b and c.
ZONE_LETTERS = {"ap-northeast-1": "acd", "us-east-1": "abcdef", "us-west-2": "abcd", "us-west-1": "ab"}
DNS_SUFFIXES = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}
OFFLINE_PARAMETER = "offline-preview"

Function = Callable[[Values, Clients, str], Values]


def get_region(args: Values, clients: Clients, region: str) -> Values:  # noqa: ARG001
    suffix = DNS_SUFFIXES[partition_of(region)]
    return {
        "description": DESCRIPTIONS.get(region, region),
        "endpoint": f"ec2.{region}.{suffix}",
        "id": region,
        "name": region,
        "region": region,
    }


def get_caller_identity(args: Values, clients: Clients, region: str) -> Values:  # noqa: ARG001
    if not clients.online:
        account, arn, user = OFFLINE_ACCOUNT, f"arn:{partition_of(region)}:iam::{OFFLINE_ACCOUNT}:root", OFFLINE_ACCOUNT
    else:
        found = clients.client("sts", region).get_caller_identity()
        account, arn, user = found["Account"], found["Arn"], found["UserId"]
    return {"accountId": account, "arn": arn, "id": account, "userId": user}


def get_partition(args: Values, clients: Clients, region: str) -> Values:  # noqa: ARG001
    partition = partition_of(region)
    suffix = DNS_SUFFIXES[partition]
    return {
        "dnsSuffix": suffix,
        "id": partition,
        "partition": partition,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def get_availability_zones(args: Values, clients: Clients, region: str) -> Values:  # noqa: ARG001
    if clients.online:
        found = clients.client("ec2", region).describe_availability_zones()["AvailabilityZones"]
        names = sorted(zone["ZoneName"] for zone in found)
    else:
        names = [f"{region}{letter}" for letter in ZONE_LETTERS.get(region, "abc")]
    return {"id": region, "names": names, "region": region}


def get_authorization_token(args: Values, clients: Clients, region: str) -> Values:
    host = ecr.registry_host()
    if clients.online:
        found = clients.client("ecr", region).get_authorization_token()["authorizationData"][0]
        token = found["authorizationToken"]
        proxy = f"http://{host}" if host else found["proxyEndpoint"]
        expires = found["expiresAt"].strftime("%Y-%m-%dT%H:%M:%SZ")
    else:
        token = base64.b64encode(b"AWS:offline-preview").decode()
        registry = args.get("registryId") or OFFLINE_ACCOUNT
        proxy = f"https://{registry}.dkr.ecr.{region}.{DNS_SUFFIXES[partition_of(region)]}"
        expires = "1970-01-01T00:00:00Z"
    user, _, password = base64.b64decode(token).decode().partition(":")
    return {
        "authorizationToken": Secret(token),
        "expiresAt": expires,
        "id": region,
        "password": Secret(password),
        "proxyEndpoint": proxy,
        "region": region,
        **({"registryId": args["registryId"]} if args.get("registryId") else {}),
        "userName": user,
    }


def get_parameter(args: Values, clients: Clients, region: str) -> Values:
    region = args.get("region") or region
    common = {"name": args["name"], "id": args["name"], "region": region, "withDecryption": args["withDecryption"]}
    if not clients.online:
        arn = f"arn:{partition_of(region)}:ssm:{region}:{OFFLINE_ACCOUNT}:parameter/{args['name'].lstrip('/')}"
        value, kind, version = OFFLINE_PARAMETER, "String", 1
    else:
        found = clients.client("ssm", region).get_parameter(Name=args["name"], WithDecryption=args["withDecryption"])[
            "Parameter"
        ]
        arn, value, kind, version = found.get("ARN", ""), found["Value"], found["Type"], found.get("Version", 1)
    return {
        **common,
        "arn": arn,
        "insecureValue": "" if kind == "SecureString" else value,
        "type": kind,
        "value": Secret(value),
        "version": version,
    }


def get_secret_versions(args: Values, clients: Clients, region: str) -> Values:
    region, secret_id = args.get("region") or region, args["secretId"]
    if not clients.online:
        arn = secret_id if secret_id.startswith("arn:") else _offline_secret(secret_id, region)
        versions = [{"VersionId": OFFLINE_PARAMETER, "VersionStages": ["AWSCURRENT"]}]
    else:
        client = clients.client("secretsmanager", region)
        found = client.list_secret_version_ids(SecretId=secret_id)
        arn, versions = found["ARN"], list(found["Versions"])
        while token := found.get("NextToken"):
            found = client.list_secret_version_ids(SecretId=secret_id, NextToken=token)
            versions += found["Versions"]
    return {
        **{key: value for key, value in args.items() if value is not None},
        "arn": arn,
        "id": arn,
        "name": arn.rpartition(":")[2].rpartition("-")[0],
        "region": region,
        "versions": [
            {
                "createdTime": _time(version.get("CreatedDate")),
                "lastAccessedDate": _time(version.get("LastAccessedDate")),
                "versionId": version["VersionId"],
                "versionStages": list(version.get("VersionStages") or ()),
            }
            for version in versions
        ],
    }


def _offline_secret(name: str, region: str) -> str:
    return f"arn:{partition_of(region)}:secretsmanager:{region}:{OFFLINE_ACCOUNT}:secret:{name}-000000"


def _time(given: Any) -> str:
    return given.strftime("%Y-%m-%dT%H:%M:%SZ") if given else ""


FUNCTIONS: dict[str, tuple[dict[str, Property], Function]] = {
    "aws:index/getRegion:getRegion": ({}, get_region),
    "aws:index/getCallerIdentity:getCallerIdentity": ({}, get_caller_identity),
    "aws:index/getPartition:getPartition": ({}, get_partition),
    "aws:index/getAvailabilityZones:getAvailabilityZones": ({}, get_availability_zones),
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": ({"registryId": string()}, get_authorization_token),
    "aws:secretsmanager/getSecretVersions:getSecretVersions": (
        {"region": string(), "secretId": string(required=True)},
        get_secret_versions,
    ),
    "aws:ssm/getParameter:getParameter": (
        {"name": string(required=True), "region": string(), "withDecryption": boolean(default=True)},
        get_parameter,
    ),
}


def invoke(token: str, args: Values, clients: Clients, region: str) -> tuple[Values, list[str]]:
    """The function's result, or the problems with its arguments."""
    if token not in FUNCTIONS:
        raise ProviderError(
            f"{token}: got a function the local AWS provider does not know; "
            "teach it (local/providers/aws/functions.py), or run this stack with the official plugins"
        )
    properties, function = FUNCTIONS[token]
    problems: list[str] = []
    checked = schema.check_fields(properties, args, "", problems)
    checked.pop(schema.DEFAULTS_KEY)
    if problems:
        return {}, problems
    return function(checked, clients, region), []
