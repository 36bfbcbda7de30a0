"""What the real provider calls of AWS for each resource of the stacks, recorded against moto.

    .venv/bin/python -m tests.bootstrap.recorder

writes `provider_calls.json`: resource type -> create, read, update, delete -> IAM action, and whether the request had
tags. It needs Terraform with the AWS provider, the code that pulumi-aws bridges (tests/local/parity/terraform.py).
What this version does not call, or moto does not answer, is in `tests/bootstrap/calls.py`, by hand.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import runpy
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from pulumi.runtime import mocks

from tests import mocks as program
from tests.bootstrap.actions import action
from tests.local.parity import terraform
from tests.local.parity.terraform import PROVIDER, PROVIDER_VERSION, pulumi_names

RECORDING = Path(__file__).parent / "provider_calls.json"

TYPES = {
    "aws:acm/certificate:Certificate": "aws_acm_certificate",
    "aws:acm/certificateValidation:CertificateValidation": "aws_acm_certificate_validation",
    "aws:appautoscaling/policy:Policy": "aws_appautoscaling_policy",
    "aws:appautoscaling/scheduledAction:ScheduledAction": "aws_appautoscaling_scheduled_action",
    "aws:appautoscaling/target:Target": "aws_appautoscaling_target",
    "aws:autoscaling/group:Group": "aws_autoscaling_group",
    "aws:cloudwatch/dashboard:Dashboard": "aws_cloudwatch_dashboard",
    "aws:cloudwatch/eventRule:EventRule": "aws_cloudwatch_event_rule",
    "aws:cloudwatch/eventTarget:EventTarget": "aws_cloudwatch_event_target",
    "aws:cloudwatch/logGroup:LogGroup": "aws_cloudwatch_log_group",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "aws_cloudwatch_log_resource_policy",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "aws_cloudwatch_metric_alarm",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "aws_default_security_group",
    "aws:ec2/eip:Eip": "aws_eip",
    "aws:ec2/flowLog:FlowLog": "aws_flow_log",
    "aws:ec2/internetGateway:InternetGateway": "aws_internet_gateway",
    "aws:ec2/launchTemplate:LaunchTemplate": "aws_launch_template",
    "aws:ec2/natGateway:NatGateway": "aws_nat_gateway",
    "aws:ec2/route:Route": "aws_route",
    "aws:ec2/routeTable:RouteTable": "aws_route_table",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "aws_route_table_association",
    "aws:ec2/securityGroup:SecurityGroup": "aws_security_group",
    "aws:ec2/subnet:Subnet": "aws_subnet",
    "aws:ec2/vpc:Vpc": "aws_vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "aws_vpc_endpoint",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "aws_ecr_lifecycle_policy",
    "aws:ecr/repository:Repository": "aws_ecr_repository",
    "aws:ecs/capacityProvider:CapacityProvider": "aws_ecs_capacity_provider",
    "aws:ecs/cluster:Cluster": "aws_ecs_cluster",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "aws_ecs_cluster_capacity_providers",
    "aws:ecs/service:Service": "aws_ecs_service",
    "aws:ecs/taskDefinition:TaskDefinition": "aws_ecs_task_definition",
    "aws:iam/instanceProfile:InstanceProfile": "aws_iam_instance_profile",
    "aws:iam/role:Role": "aws_iam_role",
    "aws:iam/rolePolicy:RolePolicy": "aws_iam_role_policy",
    "aws:lb/listener:Listener": "aws_lb_listener",
    "aws:lb/listenerRule:ListenerRule": "aws_lb_listener_rule",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
    "aws:lb/targetGroup:TargetGroup": "aws_lb_target_group",
    "aws:route53/record:Record": "aws_route53_record",
    "aws:s3/bucket:Bucket": "aws_s3_bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "aws_s3_bucket_lifecycle_configuration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "aws_s3_bucket_ownership_controls",
    "aws:s3/bucketPolicy:BucketPolicy": "aws_s3_bucket_policy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "aws_s3_bucket_public_access_block",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "aws_s3_bucket_server_side_encryption_configuration"
    ),
    "aws:sns/topic:Topic": "aws_sns_topic",
    "aws:sns/topicPolicy:TopicPolicy": "aws_sns_topic_policy",
    "aws:sns/topicSubscription:TopicSubscription": "aws_sns_topic_subscription",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "aws_vpc_security_group_egress_rule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "aws_vpc_security_group_ingress_rule",
    "aws:wafv2/webAcl:WebAcl": "aws_wafv2_web_acl",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "aws_wafv2_web_acl_association",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "aws_wafv2_web_acl_logging_configuration",
}
TOKENS = {terraform_type: token for token, terraform_type in TYPES.items()}

STACKS = {"prod": "prod", "dev": "dev", "ec2": "dev-ec2", "internal": "internal"}
"""Terraform's label of a stack, to its name."""
COMMON = {"deployedBy": "administrator", "deletionProtection": False}
FIRST: Mapping[str, Mapping[str, Any]] = {
    "prod": COMMON,
    "dev": COMMON,
    # The provider crashes on what moto says of services in network mode bridge.
    "ec2": {**COMMON, "task.networkMode": "awsvpc"},
    "internal": {
        # moto knows no certificate and no web ACL of others.
        **COMMON,
        "domain.certificateArn": "",
        "deployment.strategy": "BLUE_GREEN",
        "domain.name": "",
        "firewall": "none",
    },
}
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "prod": {
        "network.flowLogRetentionDays": 30,
        "loadBalancer.accessLogRetentionDays": 30,
        "targetGroup.healthCheckPath": "/well",
        "targetGroup.deregistrationDelaySeconds": 7,
        "environment": {"A": "b"},
        "service.executeCommand": True,
        "task.logRetentionDays": 30,
        "alarms.errorPercent": 7,
        "scaling.maxCount": 9,
        "scaling.cpuPercent": 40,
        "containerInsights": "enabled",
        "loadBalancer.allowedIngressCidrs": ["192.0.2.0/24"],
    },
    "dev": {"scaling.schedule": ["cron(0 22 * * ? *) 0-0", "cron(0 8 ? * MON-FRI *) 1-3"], "fargate.spotPercent": 60},
    "ec2": {
        "instances.instanceType": "t3.medium",
        "instances.maxSize": 6,
        "service.desiredCount": 3,
        "task.logRetentionDays": 30,
    },
    "internal": {"secrets": {}, "service.desiredCount": 3, "targetGroup.healthCheckPath": "/well"},
}
ZONE = "Z0123456789EXAMPLE"
"""The zone that Pulumi.prod.yaml names."""


class _Expressions(mocks.Mocks):
    """Answers what AWS adds with Terraform's expressions for it: what the program says refers to what is made."""

    def __init__(self, label: str, blocks: Mapping[str, Any]) -> None:
        self.label, self.blocks = label, blocks

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "awsx:ec2:Vpc":
            zones = range(int(args.inputs["numberOfAvailabilityZones"]))
            return args.name, {
                "vpcId": f"${{aws_vpc.{self.label}.id}}",
                "publicSubnetIds": [f"${{aws_subnet.{self.label}_public_{zone}.id}}" for zone in zones],
                "privateSubnetIds": [f"${{aws_subnet.{self.label}_private_{zone}.id}}" for zone in zones],
                "routeTables": [],
            }
        if args.typ not in TYPES:
            added = {"repoDigest": "example.com/app@sha256:" + "0" * 64, "result": "0" * 32}
            return args.name, {**args.inputs, **added} if args.custom else {}
        address = f"{TYPES[args.typ]}.{self.label}_{identifier(args.name)}"
        outputs: dict[str, Any] = {}
        for name, attribute in pulumi_names(self.blocks[TYPES[args.typ]]).items():
            kind = self.blocks[TYPES[args.typ]].get("attributes", {}).get(attribute, {}).get("type")
            if kind in ("string", "number", "bool"):
                outputs[name] = f"${{{address}.{attribute}}}"
                outputs |= {ours: outputs[name] for ours, theirs in _RENAMED.items() if theirs == attribute}
        if args.typ == "aws:sns/topic:Topic":  # whose ARN the program takes apart
            outputs["arn"] = program._arn("sns", f"${{{address}.name}}")
        if args.typ == "aws:acm/certificate:Certificate":
            options = f"tolist({address}.domain_validation_options)[0]"
            outputs["domainValidationOptions"] = [
                {
                    f"resourceRecord{part.capitalize()}": f"${{{options}.resource_record_{part}}}"
                    for part in ("name", "type", "value")
                }
            ]
        return f"${{{address}.id}}", {**outputs, **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return program._CALLS[args.token], []


def _otherwise(each: program.Resource) -> program.Resource:
    """A resource with what no setting changes, but a change of the program may."""
    if each.type == "aws:ecr/lifecyclePolicy:LifecyclePolicy":
        policy = each.inputs["policy"].replace('"countNumber": 100', '"countNumber": 50')
        return replace(each, inputs={**each.inputs, "policy": policy})
    if each.type == "aws:lb/listener:Listener" and each.inputs["port"] == 80:
        return replace(each, inputs={**each.inputs, "port": 8080})
    return each


def identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def resources(label: str, changes: Mapping[str, Any], blocks: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The program as stack `label`, as Terraform's resources."""
    stack = STACKS[label]
    settings = {**FIRST[label], **changes}
    config = program.changed(program.stack_config(stack), settings)
    answers = _Expressions(label, blocks)
    with program.answering(lambda _preview: answers):
        ran = program.run(
            lambda: runpy.run_path(str(program.ROOT / "__main__.py")), stack=stack, config=config, preview=False
        )
    made: dict[str, dict[str, Any]] = defaultdict(dict)
    for each in map(_otherwise if changes else lambda each: each, ran.resources):
        if each.type == "awsx:ec2:Vpc":
            for kind, named in _network(label, each.inputs).items():
                made[kind].update(named)
        elif each.type in TYPES:
            block = blocks[TYPES[each.type]]
            arguments = _to_terraform(each.inputs, block)
            for key in ("name", "bucket", "alarm_name"):
                attribute = block["attributes"].get(key, {})
                is_named = attribute.get("required") or (
                    attribute.get("optional") and not each.type.endswith(_REFERRING)
                )
                if is_named and key not in arguments:
                    arguments[key] = f"{each.name}-{label}"[:32]
            waiting = [_address(label, dependency) for dependency in sorted(each.depends_on)]
            arguments["depends_on"] = [address for address in waiting if address is not None]
            if each.ignore_changes:
                names = pulumi_names(block)
                arguments["lifecycle"] = {"ignore_changes": [names[key] for key in each.ignore_changes]}
            made[TYPES[each.type]][f"{label}_{identifier(each.name)}"] = arguments
    return made


_REFERRING = (
    "BucketPolicy",
    "OwnershipControls",
    "PublicAccessBlock",
    "EncryptionConfiguration",
    "LifecycleConfiguration",
)


def _address(label: str, dependency: str) -> str | None:
    token, _, name = dependency.partition(" ")
    return f"{TYPES[token]}.{label}_{identifier(name)}" if token in TYPES else None


_RENAMED = {"name": "alarm_name", "topic": "topic_arn", "aliases": "alias"}
"""What pulumi-aws calls otherwise."""


def _to_terraform(inputs: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that this version of the provider knows, in its words."""
    names, result = pulumi_names(block), {}
    for key, value in inputs.items():
        name = names.get(key, terraform.snake(key))
        known = {*block.get("attributes", {}), *block.get("block_types", {})}
        if name not in known and _RENAMED.get(name) in known:
            name = _RENAMED[name]
        nested = block.get("block_types", {}).get(name)
        if nested is not None:
            items = value if isinstance(value, list) else [value]
            result[name] = [_to_terraform(item, nested["block"]) for item in items]
        elif name in block.get("attributes", {}):
            result[name] = terraform._attribute(value, block["attributes"][name]["type"])
    return result


def _network(label: str, inputs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What awsx makes of a VPC (local/providers/awsx.py)."""
    made: dict[str, dict[str, Any]] = defaultdict(dict)
    vpc = f"${{aws_vpc.{label}.id}}"
    made["aws_vpc"][label] = {"cidr_block": inputs["cidrBlock"], "enable_dns_hostnames": True}
    made["aws_internet_gateway"][label] = {"vpc_id": vpc}
    network = inputs["cidrBlock"].split(".")
    for zone in range(int(inputs["numberOfAvailabilityZones"])):
        for number, kind in enumerate(("public", "private")):
            name = f"{label}_{kind}_{zone}"
            made["aws_subnet"][name] = {
                "vpc_id": vpc,
                "cidr_block": f"{network[0]}.{network[1]}.{16 * (2 * zone + number)}.0/20",
                "availability_zone": f"{program.REGION}{'acd'[zone]}",
            }
            made["aws_route_table"][name] = {"vpc_id": vpc}
            made["aws_route_table_association"][name] = {
                "subnet_id": f"${{aws_subnet.{name}.id}}",
                "route_table_id": f"${{aws_route_table.{name}.id}}",
            }
        made["aws_eip"][f"{label}_{zone}"] = {"domain": "vpc"}
        made["aws_nat_gateway"][f"{label}_{zone}"] = {
            "subnet_id": f"${{aws_subnet.{label}_public_{zone}.id}}",
            "allocation_id": f"${{aws_eip.{label}_{zone}.id}}",
        }
        for kind, way in (("public", "gateway_id"), ("private", "nat_gateway_id")):
            target = f"aws_internet_gateway.{label}" if kind == "public" else f"aws_nat_gateway.{label}_{zone}"
            made["aws_route"][f"{label}_{kind}_{zone}"] = {
                "route_table_id": f"${{aws_route_table.{label}_{kind}_{zone}.id}}",
                "destination_cidr_block": "0.0.0.0/0",
                way: f"${{{target}.id}}",
            }
    return made


class Workspace:
    """Terraform in a folder, against moto."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        self.program, mirror = terraform.find()
        cli = folder / "cli.tfrc"
        cli.write_text(
            f'disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n'
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        self.environment = kept | {
            "TF_CLI_CONFIG_FILE": str(cli),
            "TF_IN_AUTOMATION": "1",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.tags = {"project": program.PROJECT, "stack": "any"}
        self.write({})
        self.run("init", "-input=false")
        schemas = json.loads(self.run("providers", "schema", "-json").stdout)["provider_schemas"][PROVIDER]
        self.blocks = {kind: schemas["resource_schemas"][kind]["block"] for kind in TOKENS}

    def write(self, made: Mapping[str, Any], **tags: str) -> None:
        configuration = {
            "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": PROVIDER_VERSION}}},
            "provider": {
                "aws": {
                    "region": program.REGION,
                    "access_key": "test",
                    "secret_key": "test",
                    "s3_use_path_style": True,
                    "max_retries": 2,
                    "default_tags": {"tags": {**self.tags, **tags}},
                }
            },
            **({"resource": {kind: named for kind, named in made.items() if named}} if made else {}),
        }
        (self.folder / "main.tf.json").write_text(json.dumps(configuration))

    def run(self, *words: str, log: Path | None = None, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
        logging = {} if log is None else {"TF_LOG": "JSON", "TF_LOG_PATH": str(log)}
        done = subprocess.run(
            [self.program, *words], cwd=self.folder, env=self.environment | logging, capture_output=True, text=True
        )
        if done.returncode and not may_fail:
            raise AssertionError(f"terraform {' '.join(words)}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
        return done


Calls = dict[str, dict[str, dict[str, bool]]]
_RPC = {
    "ApplyResourceChange": None,
    "ReadResource": "read",
    "PlanResourceChange": "read",
    "ImportResourceState": "read",
}


def calls_in(log: Path, phase: str) -> Iterator[tuple[str, str, str, bool]]:
    """Type, operation, action and whether the request has the stack's tags, of each call that a run's log tells of."""
    for line in log.read_text(errors="replace").splitlines():
        if '"HTTP Request Sent"' not in line:
            continue
        entry = json.loads(line)
        kind, rpc = entry.get("tf_resource_type"), entry.get("tf_rpc")
        if kind not in TOKENS or rpc not in _RPC:
            continue
        body = str(entry.get("http.request.body", ""))
        tagged = program.PROJECT in body and re.search(r"tag", body, re.IGNORECASE) is not None
        tagged = tagged and bool(re.search(r"\bproject\b", body))
        yield TOKENS[kind], _RPC[rpc] or phase, action(entry["rpc.service"], entry["rpc.method"]), tagged


@contextlib.contextmanager
def moto() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with (
        tempfile.TemporaryDirectory() as folder,  # its own recording lies where it runs
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder) as server,
    ):
        try:
            for _ in range(100):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/")
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _hosted_zone(endpoint: str) -> str:
    client = boto3.client(
        "route53", endpoint_url=endpoint, region_name=program.REGION,
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip
    made = client.create_hosted_zone(Name="example.com", CallerReference="recorder")
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def record(folder: Path, endpoint: str) -> Calls:
    workspace = Workspace(folder, endpoint)
    zone = _hosted_zone(endpoint)
    found: Calls = defaultdict(lambda: defaultdict(dict))

    def run(phase: str, *words: str) -> None:
        print(f"{phase}: terraform {words[0]}", file=sys.stderr)
        log = folder / "log"
        log.unlink(missing_ok=True)
        done = workspace.run(*words, "-input=false", "-no-color", "-parallelism=24", log=log, may_fail=True)
        for error in sorted(
            set(re.findall(r"Error: (.*?)\n(?:.*?with (\S+),)?", done.stderr + done.stdout, re.DOTALL))
        ):
            print(f"{phase}: {': '.join(error)}", file=sys.stderr)
        for token, operation, called, tagged in calls_in(log, phase):
            found[token][operation][called] = found[token][operation].get(called, False) or tagged

    def everything(changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        merged: dict[str, Any] = defaultdict(dict)
        for label in STACKS:
            for kind, named in resources(label, changes.get(label, {}), workspace.blocks).items():
                merged[kind].update(named)
        # Moto chooses the ids of zones.
        found: dict[str, Any] = json.loads(json.dumps(merged).replace(ZONE, zone))
        return found

    first = everything({})
    workspace.write(first)
    run("create", "apply", "-auto-approve")
    run("read", "plan", "-refresh-only")
    workspace.write(everything(CHANGED))
    run("update", "apply", "-auto-approve", "-refresh=false")
    workspace.write(first, more="tags")
    run("update", "apply", "-auto-approve", "-refresh=false")
    workspace.write(first)
    run("update", "apply", "-auto-approve", "-refresh=false")
    run("delete", "destroy", "-auto-approve", "-refresh=false")
    return found


def document(found: Calls) -> str:
    """The recording, a line for each operation."""
    lines = [
        "{",
        f' "recorded": "Terraform AWS provider {PROVIDER_VERSION} against moto {version("moto")}",',
        ' "calls": {',
    ]
    types = []
    for token, operations in sorted(found.items()):
        rows = [
            f"   {json.dumps(operation)}: "
            + json.dumps([f"{called} with tags" if tagged else called for called, tagged in sorted(calls.items())])
            for operation, calls in sorted(operations.items())
        ]
        types.append(f"  {json.dumps(token)}: {{\n" + ",\n".join(rows) + "\n  }")
    return "\n".join([*lines, ",\n".join(types), " }", "}"]) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, moto() as endpoint:
        RECORDING.write_text(document(record(Path(folder), endpoint)))


if __name__ == "__main__":
    main()
