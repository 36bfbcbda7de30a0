"""What AWS, its provider or Docker would refuse of a stack, or never finish: arithmetic and grammars from elsewhere.

No check of the components is asked. Sizes of instances follow from their names, regions from botocore's endpoints,
networks from `ipaddress`, zones from `zoneinfo`, addresses from the library of e-mail, schedules and images from
packages that read just those.
"""

from __future__ import annotations

import datetime
import email.errors
import ipaddress
import json
import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from email.headerregistry import Address
from functools import cache
from typing import Any

from aws_cron_expression_validator.validator import AWSCronExpressionValidator
from botocore.session import get_session
from docker_image.reference import Reference

from settings import effective
from tests.configurations import requests
from tests.mocks import PROJECT, Run

_T3 = {"nano": 0.5, "micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}
_INTERFACES = {"t3.nano": 2, "t3.micro": 2, "t3.small": 3, "t3.medium": 3, "m5.large": 3, "c6i.xlarge": 4}
_INTERFACES |= {"r5.2xlarge": 4, "m7i.4xlarge": 8, "t4g.medium": 3, "t3.large": 3}
"""https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html and its neighbours"""


def refusals(made: Run, configuration: Mapping[str, str]) -> list[str]:
    """Everything that somebody would refuse."""
    values = {path: _text(value) for path, value in effective(PROJECT, _decoded(configuration)).items()}
    region = values["aws:region"]
    found = [each for part in made.resources for each in requests.problems(part, region)]
    for judge in (_arns, _texts, _networks, _schedules, _totals, _instances):
        found += judge(made, values)
    return found


def _decoded(configuration: Mapping[str, str]) -> dict[str, Any]:
    return {key: json.loads(text) if text[:1] == "{" else text for key, text in configuration.items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _of(made: Run, kind: str) -> list[Mapping[str, Any]]:
    return [each.inputs for each in made.resources if each.type == kind]


@cache
def _regions() -> dict[str, str]:
    endpoints = get_session().get_component("data_loader").load_data("endpoints")["partitions"]
    return {region: each["partition"] for each in endpoints for region in each["regions"]}


def _partition(region: str) -> str | None:
    known = _regions()
    if region in known:
        return known[region]
    # Newer than botocore: called like others of the partition.
    alike = {name.split("-")[0]: partition for name, partition in known.items() if name.count("-") == 2}
    named = re.fullmatch(r"([a-z]+)-(north|south|east|west|central)+-[0-9]", region)
    return alike.get(named[1]) if named else None


_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PLACE = r"(?P<r>[a-z0-9-]*):\d{12}"
_ARNS = {
    "domain.certificateArn": rf"arn:(?P<p>[a-z-]+):acm:{_PLACE}:certificate/{_UUID}",
    "firewall": rf"arn:(?P<p>[a-z-]+):wafv2:{_PLACE}:regional/webacl/[A-Za-z0-9_-]{{1,128}}/[0-9a-f-]{{36}}",
    "permissionsBoundaryArn": r"arn:(?P<p>[a-z-]+):iam:(?P<r>):(\d{12}|aws):policy/(\S+/)*[A-Za-z0-9_+=,.@-]{1,128}",
}
_SECRET = re.compile(
    r"arn:(?P<p>[a-z-]+):(secretsmanager:(?P<r>[a-z0-9-]+):\d{12}:secret:[A-Za-z0-9/_+=.@!-]{1,512}-[A-Za-z0-9]{6}"
    r"|ssm:(?P<q>[a-z0-9-]+):\d{12}:parameter(/[A-Za-z0-9_.-]+){1,15})",
    re.ASCII,
)


def _arns(made: Run, values: Mapping[str, str]) -> Iterator[str]:
    region = values["aws:region"]
    ours = _partition(region)
    if ours is None:
        yield f"aws:region: {region!r} is none"
    for key, pattern in _ARNS.items():
        given = values[key]
        if given in ("", "none", "managed"):
            continue
        match = re.compile(pattern, re.ASCII).fullmatch(given)
        if match is None or len(given) > 2048 or "//" in given:
            yield f"{key}: {given!r:.120} is no ARN of it"
        elif match["p"] != ours or match["r"] not in ("", region):
            yield f"{key}: {given} is of elsewhere"
    for name, given in json.loads(values["secrets"]).items():
        read = ":".join(given.split(":")[:7]) if ":secretsmanager:" in given else given
        match = _SECRET.fullmatch(read)
        if match is None or "//" in read:
            yield f"secrets.{name}: {given!r:.120} is no ARN of a secret"
        elif match["p"] != ours or _partition(match["r"] or match["q"]) != ours:
            yield f"secrets.{name}: {given} is of elsewhere"
    for policy in _of(made, "aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(policy["policy"])["Statement"]:
            on = statement["Resource"]
            for each in [on] if isinstance(on, str) else on:
                if re.search(r":(secretsmanager|ssm):.*([*?\s]|\$\{)", each):
                    yield f"a role reads a pattern of secrets: {each}"


def _texts(made: Run, values: Mapping[str, str]) -> Iterator[str]:
    try:
        Reference.parse_normalized_named(values["image.base"])
    except Exception as error:
        yield f"image.base: {values['image.base']!r:.80}: {type(error).__name__}"
    for each in _of(made, "docker:index/image:Image"):
        try:
            Reference.parse_normalized_named(each["imageName"])
        except Exception as error:
            yield f"image: {each['imageName']!r:.120}: {type(error).__name__}"
    if any(int(each) > 2**31 - 1 for each in values["container.user"].split(":")):
        yield f"container.user: {values['container.user']} is beyond what runc takes"
    if address := values["alarms.email"]:
        try:
            parsed = Address(addr_spec=address)
            labels = parsed.domain.split(".")
            if len(address) > 254 or len(parsed.username) > 64 or len(labels) < 2 or len(labels[-1]) < 2:
                yield f"alarms.email: {address!r:.80} is none"
            if not all(re.fullmatch("[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", each) for each in labels):
                yield f"alarms.email: {address!r:.80} has no such domain"
        except (email.errors.MessageError, ValueError, IndexError):
            yield f"alarms.email: {address!r:.80} is none"
    if len(values["domain.name"]) > 64 and _of(made, "aws:acm/certificate:Certificate"):
        yield "domain.name: ACM issues no certificate for so long a name"
    for each in _of(made, "aws:ecs/taskDefinition:TaskDefinition"):
        if not re.fullmatch("[A-Za-z0-9_-]{1,255}", each["family"]):
            yield f"family: {each['family']!r:.80}"
    for words in json.loads(values["migration.command"]):
        if not words or "\0" in words:
            yield "migration.command: an empty word or a zero byte"
    for name, value in json.loads(values["environment"]).items():
        if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
            yield f"environment.{name}: no such text"


def _networks(made: Run, _: Mapping[str, str]) -> Iterator[str]:
    for vpc in _of(made, "aws:ec2/vpc:Vpc"):
        network = ipaddress.IPv4Network(vpc["cidrBlock"])
        if str(network) != vpc["cidrBlock"] or not 16 <= network.prefixlen <= 28:
            yield f"vpc: {vpc['cidrBlock']}"
        if network.is_loopback or network.is_link_local or network.is_multicast or network.is_reserved:
            yield f"vpc: {vpc['cidrBlock']} has no hosts"
        if network.subnet_of(ipaddress.IPv4Network("0.0.0.0/8")):
            yield f"vpc: {vpc['cidrBlock']} is this network"
        for subnet in _of(made, "aws:ec2/subnet:Subnet"):
            if not ipaddress.IPv4Network(subnet["cidrBlock"]).subnet_of(network):
                yield f"subnet: {subnet['cidrBlock']} is not within {network}"
    for direction in ("Ingress", "Egress"):
        rules = _of(made, f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule")
        seen: list[tuple[Any, ...]] = []
        for rule in rules:
            peer = rule.get("cidrIpv4")
            normal = str(ipaddress.IPv4Network(peer, strict=False)) if peer else rule.get("referencedSecurityGroupId")
            if peer and str(ipaddress.IPv4Network(peer)) != peer:
                yield f"rule: {peer} is not as EC2 writes it"
            if peer and ipaddress.IPv4Network(peer).is_multicast:
                yield f"rule: nobody has an address of {peer}"
            seen.append((rule["securityGroupId"], normal, rule.get("prefixListId"), rule["fromPort"], rule["toPort"]))
        if len(set(seen)) < len(seen):
            yield f"{direction}: the same rule twice"
        for group in {each[0] for each in seen}:
            if sum(each[0] == group for each in seen) > 60:
                yield f"{direction}: more than 60 rules in {group}"


def _schedules(made: Run, _: Mapping[str, str]) -> Iterator[str]:
    actions = _of(made, "aws:appautoscaling/scheduledAction:ScheduledAction")
    if len(actions) > 200:
        yield "more than 200 scheduled actions"
    for action in actions:
        kind, _, inside = action["schedule"].removesuffix(")").partition("(")
        try:
            if kind == "cron":
                AWSCronExpressionValidator.validate(inside)
            elif kind == "rate":
                value, unit = inside.split(" ")
                known = {"minute", "hour", "day"} if int(value) == 1 else {"minutes", "hours", "days"}
                assert int(value) > 0 and unit in known
            else:
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", inside, re.ASCII)
                datetime.datetime.fromisoformat(inside)
        except Exception as error:
            yield f"schedule: {action['schedule']!r}: {type(error).__name__}"
        try:
            zoneinfo.ZoneInfo(action["timezone"])
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            yield f"timezone: {action['timezone']!r:.60}"


def _totals(made: Run, _: Mapping[str, str]) -> Iterator[str]:
    for each in _of(made, "aws:ecs/taskDefinition:TaskDefinition"):
        size = len(json.dumps(dict(each)).encode())
        # The containers stand in it as a text, whose quotes are doubled by that.
        size = len(each["containerDefinitions"].encode()) + len(json.dumps({**each, "containerDefinitions": ""}))
        if size > 65536:
            yield f"task definition of {size} bytes"
    policies: dict[str, int] = {}
    for each in _of(made, "aws:iam/rolePolicy:RolePolicy"):
        policies[each["role"]] = policies.get(each["role"], 0) + len(re.sub(r"\s", "", each["policy"]))
    yield from (f"policies of {role}: {size} characters" for role, size in policies.items() if size > 10_240)
    for each in _of(made, "h4b:service:Service"):
        overrides = {"containerOverrides": [{"name": PROJECT, "command": each.get("migrationCommand", [])}]}
        if len(json.dumps(overrides)) > 8192:
            yield "overrides of more than 8192 characters"
    for each in _of(made, "aws:cloudwatch/dashboard:Dashboard"):
        if not re.fullmatch("[A-Za-z0-9_-]{1,255}", each["dashboardName"]):
            yield f"dashboard: {each['dashboardName']}"


def _instances(made: Run, values: Mapping[str, str]) -> Iterator[str]:
    for template in _of(made, "aws:ec2/launchTemplate:LaunchTemplate"):
        name = template["instanceType"]
        if name.startswith("mac") or ("gb200" in name and values["task.cpuArchitecture"] == "X86_64"):
            yield f"{name}: no image of ECS runs there"
        size = _size(name)
        if size is None:
            continue
        vcpus, memory_mib = size
        cpu, memory = int(values["task.cpuUnits"]), int(values["task.memoryMib"])
        # Not all of it is there for tasks: AWS's own example loses 2.5 %.
        fits = min(vcpus * 1024 // cpu, int(memory_mib * 0.975) // memory)
        if values["task.networkMode"] == "awsvpc":
            fits = min(fits, _INTERFACES.get(name, 99) - 1)
        if "distinctInstance" in values["placement.constraints"]:
            fits = min(fits, 1)
        (service,) = _of(made, "aws:ecs/service:Service")
        targets = _of(made, "aws:appautoscaling/target:Target")
        schedule: Sequence[str] = json.loads(values["scaling.schedule"])
        most = max([service["desiredCount"], *(each["maxCapacity"] for each in targets)])
        most = max([most, *(int(each.rpartition("-")[2]) for each in schedule)])
        surplus = (1 if values["deployment.strategy"] == "ROLLING" else most) if most else 0
        (group,) = _of(made, "aws:autoscaling/group:Group")
        if fits < 1:
            yield f"no task of {cpu} and {memory} fits on {name}"
        elif -(-(most + surplus) // fits) > group["maxSize"]:
            yield f"{most} and {surplus} tasks have no room on {group['maxSize']} {name}, {fits} on each"


def _size(name: str) -> tuple[int, int] | None:
    """vCPUs and MiB, as AWS names its types."""
    family, _, size = name.partition(".")
    if family == "t3" and size in _T3:
        return (2 if size not in ("xlarge", "2xlarge") else 4 * int(size.rstrip("xlarge") or 1)), int(_T3[size] * 1024)
    sized = re.fullmatch(r"(large|([0-9]*)xlarge)", size)
    if not sized or not re.fullmatch("[cmr][5-7][ai]?", family):
        return None
    vcpus = 2 if size == "large" else 4 * int(sized[2] or 1)
    return vcpus, vcpus * {"c": 2, "m": 4, "r": 8}[family[0]] * 1024
