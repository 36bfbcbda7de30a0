"""A resource monitor that records what a program registers, as the engine would see it, and answers as AWS would."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import functools
import json
import os
import runpy
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import yaml
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.stack import Stack, run_pulumi_func

ROOT = Path(__file__).parent.parent
PROJECT = "h4b-helloworld"
ACCOUNT = "123456789012"
REGION = "ap-northeast-1"
DIGEST = "sha256:" + "0123456789abcdef" * 4
UNKNOWN = "<unknown>"
SECRET = "<secret>"

_UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SPECIAL = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"


@dataclass(frozen=True)
class Resource:
    """One registered resource: what the program said about it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    """camelCase, as the provider gets them. `UNKNOWN` and `SECRET` stand for what they say."""
    urn: str
    parent: str
    provider: str
    protect: bool
    depends_on: frozenset[str]
    """`type name` of everything the resource waits for, by an input or by `depends_on`."""
    ignore_changes: tuple[str, ...]
    hooks: frozenset[str]
    """`before_update name` of every hook."""
    parent_urn: str = ""
    dependencies: tuple[str, ...] = ()
    """Urns of all that it waits for."""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Input to the urns of what its value comes from."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What the provider answered."""


@dataclass
class Run:
    """Everything that one run of a program did."""

    resources: list[Resource] = field(default_factory=list)
    reads: set[tuple[str, str]] = field(default_factory=set)
    """Type and id of what was there before and is only read."""
    calls: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)
    """Function calls: token, arguments, provider."""
    outputs: dict[str, Any] = field(default_factory=dict)
    """Stack outputs; `UNKNOWN` where a preview does not know them."""
    component_outputs: dict[str, set[str]] = field(default_factory=dict)
    """`type name` of every finished component, to the names of its outputs."""

    @property
    def names(self) -> set[tuple[str, str]]:
        """Type and name of every resource."""
        return {(resource.type, resource.name) for resource in self.resources}

    def get(self, type_: str, name: str | None = None) -> Resource:
        """The one resource of a type (and name)."""
        found = [each for each in self.resources if each.type == type_ and name in (None, each.name)]
        assert len(found) == 1, f"{len(found)} resources of type {type_}, name {name or 'any'}"
        return found[0]


def run(
    program: Callable[[], object],
    *,
    stack: str = "test",
    config: Mapping[str, str] | None = None,
    secret: Collection[str] = (),
    preview: bool = False,
) -> Run:
    """Run a program on a fresh monitor and event loop; no run sees anything of another, or of the environment.

    `secret` are the keys of `config` that hold a secret, as the engine names them: a whole key, whatever is in it.
    """
    hermetic = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
    no_aws = mock.patch("components.verdict.Follower.confirm", mock.AsyncMock())
    with mock.patch.dict(os.environ, hermetic, clear=True), no_aws:
        return contextvars.copy_context().run(_run, program, stack, dict(config or {}), secret, preview)


def unknown() -> pulumi.Output[Any]:
    """What another resource will produce, in a preview that cannot know it yet."""
    loop = asyncio.get_event_loop()
    future: asyncio.Future[Any] = loop.create_future()
    future.set_result(None)
    is_known: asyncio.Future[bool] = loop.create_future()
    is_known.set_result(False)
    return pulumi.Output(set(), future, is_known)


def run_main(stack: str, *, preview: bool = False, secret: Collection[str] = (), **changes: Any) -> Run:
    """Run the whole program as stack `stack`, with some settings changed: `scaling__maxCount=4`. To be read only."""
    config = changed(stack_config(stack), {key.replace("__", "."): value for key, value in changes.items()})
    return _run_main(stack, frozenset(config.items()), frozenset(f"{PROJECT}:{key}" for key in secret), preview)


@functools.cache  # the program takes most of a second, and many tests look at the same stack
def _run_main(stack: str, config: frozenset[tuple[str, str]], secret: frozenset[str], preview: bool) -> Run:
    program = lambda: runpy.run_path(str(ROOT / "__main__.py"))  # noqa: E731
    return run(program, stack=stack, config=dict(config), secret=secret, preview=preview)


def stack_config(stack: str) -> dict[str, str]:
    """What the engine gives a program: the stack's configuration with the project's."""
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    of_the_project = {key: entry["value"] for key, entry in schema.items()}
    own = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    return {key: _text(value) for key, value in {**of_the_project, **own}.items()}


def changed(config: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, str]:
    """The configuration with other settings, each by its path such as `scaling.maxCount`; None removes one."""
    tops = {path.partition(".")[0] for path in changes}
    touched = {key: json.loads(config[key]) for key in map(_full, tops) if config.get(key, "")[:1] == "{"}
    others = {key: text for key, text in config.items() if key not in touched}
    return {key: _text(value) for key, value in merged({**others, **touched}, changes).items()}


def _full(key: str, project: str = PROJECT) -> str:
    return key if ":" in key else f"{project}:{key}"


def merged(config: Mapping[str, Any], changes: Mapping[str, Any], project: str = PROJECT) -> dict[str, Any]:
    """The `config` of a stack file with other settings, each by its path; None removes one."""
    result = copy.deepcopy(dict(config))
    for path, value in changes.items():
        top, *steps = path.split(".")
        _put(result, [_full(top, project), *steps], value)
    return result


def _put(group: dict[str, Any], steps: Sequence[str], value: Any) -> None:
    for step in steps[:-1]:
        group = group.setdefault(step, {})
    if value is None:
        group.pop(steps[-1], None)
    else:
        group[steps[-1]] = value


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)


def _run(
    program: Callable[[], object], stack: str, config: dict[str, str], secret: Collection[str], preview: bool
) -> Run:
    record = Run()
    with _event_loop() as loop:
        pulumi.runtime.reset_options(project=PROJECT, stack=stack, preview=preview)
        pulumi.runtime.set_all_config(config, list(secret))
        answers = _answers(preview)
        mocks.set_mocks(answers, PROJECT, stack, preview, monitor=_Monitor(answers, record))
        loop.run_until_complete(run_pulumi_func(lambda: _called(program)))
        root = pulumi.runtime.get_root_resource()
        assert isinstance(root, Stack)
        for name, value in root.outputs.items():
            record.outputs[name] = loop.run_until_complete(_resolved(value))
    return record


def _answers(preview: bool) -> mocks.Mocks:
    return _Aws(preview)


def answering(answers: Callable[[bool], mocks.Mocks]) -> contextlib.AbstractContextManager[object]:
    """Programs that run within get other answers than `_Aws` has."""
    return mock.patch.object(sys.modules[__name__], "_answers", answers)


@contextlib.contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A new event loop, closed with all that the SDK leaves behind: tasks, threads, and a loop in each thread."""
    loops = [asyncio.new_event_loop()]

    def start_thread() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    loop = loops[0]
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(initializer=start_thread))
    try:
        yield loop
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        for each in loops:
            each.close()


def _called(program: Callable[[], object]) -> None:
    program()


async def _resolved(value: object) -> object:
    output = pulumi.Output.from_input(value)
    known: object = await output.future(with_unknowns=False) if await output.is_known() else UNKNOWN
    return SECRET if await output.is_secret() else known


def outputs_of(resource: Resource) -> dict[str, Any]:
    """What a resource is known by once it is there, as the mocked AWS answers."""
    added = _ADDED[resource.type](resource.name, resource.inputs) if resource.type in _ADDED else {}
    by_name = resource.type == "aws:cloudwatch/metricAlarm:MetricAlarm"
    return {**resource.inputs, **added, "id": added.get("name" if by_name else "arn", f"{resource.name}-id")}


class _Monitor(mocks.MockMonitor):
    def __init__(self, answers: mocks.Mocks, record: Run) -> None:
        super().__init__(answers)
        self._record = record
        self._labels: dict[str, str] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        for urn, state in _CHILDREN.get(request.type, {}).items():
            self.resources[urn] = mocks.MockMonitor.ResourceRegistration(urn, state["id"], state)
            self._labels[urn] = f"{urn.split('::')[2].split('$')[-1]} {urn.split('::')[-1]}"
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            self._labels[response.urn] = f"{request.type} {request.name}"
            self._record.resources.append(
                Resource(
                    type=request.type,
                    name=request.name,
                    inputs=_plain(json_format.MessageToDict(request.object)),
                    urn=response.urn,
                    parent=self._labels.get(request.parent, ""),
                    provider=request.provider or request.providers.get("aws", ""),
                    protect=request.protect,
                    depends_on=frozenset(self._labels[urn] for urn in request.dependencies),
                    ignore_changes=tuple(request.ignoreChanges),
                    hooks=frozenset(
                        f"{when.name} {name}" for when, names in request.hooks.ListFields() for name in names
                    ),
                    property_dependencies={
                        name: tuple(found.urns) for name, found in request.propertyDependencies.items() if found.urns
                    },
                    parent_urn=request.parent,
                    dependencies=tuple(request.dependencies),
                    outputs=_plain(json_format.MessageToDict(response.object)),
                )
            )
        return response

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        response = super().ReadResource(request)  # type: ignore[no-untyped-call]
        self._labels[response.urn] = f"{request.type} {request.name}"
        self._record.reads.add((request.type, request.id))
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if request.urn in self._labels:
            self._record.component_outputs[self._labels[request.urn]] = set(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        if request.tok == "pulumi:pulumi:getResource":
            return super().Invoke(request)  # type: ignore[no-untyped-call]
        arguments = _plain(json_format.MessageToDict(request.args))
        self._record.calls.append((request.tok, arguments, request.provider))
        return super().Invoke(request)  # type: ignore[no-untyped-call]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if _SPECIAL in value:
            return SECRET
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return UNKNOWN if value == _UNKNOWN_SENTINEL else value


class _Aws(mocks.Mocks):
    """What AWS adds to the inputs: ids, ARNs and addresses. In a preview nothing: the SDK takes it for unknown."""

    def __init__(self, preview: bool) -> None:
        self._preview = preview

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.resource_id:
            added = _ADDED[args.typ](args.resource_id, args.inputs) if args.typ in _ADDED else {}
            return args.resource_id, added | {"name": args.resource_id}
        # The answer of a component holds its outputs only.
        inputs = dict(args.inputs) if args.custom else {}
        if self._preview:
            return None, inputs
        added = _ADDED[args.typ](args.name, args.inputs) if args.typ in _ADDED else {}
        return f"{args.name}-id", inputs | added

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return _CALLS[args.token], []


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


_CALLS: dict[str, dict[str, Any]] = {
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
        "userName": "AWS",
        "password": "hunter2",
        "proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
    },
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
    "aws:index/getPartition:getPartition": {"partition": "aws"},
    "aws:index/getRegion:getRegion": {"region": REGION},
    "aws:secretsmanager/getSecretVersions:getSecretVersions": {
        "versions": [
            {"versionId": f"{stage.lower()}-id", "versionStages": [stage]} for stage in ("AWSPREVIOUS", "AWSCURRENT")
        ]
    },
    "aws:ssm/getParameter:getParameter": {"version": 3, "value": {_SPECIAL: _SECRET_SIGNATURE, "value": "hunter2"}},
}
"""What AWS answers to functions."""

_ROUTE_TABLE = "urn:pulumi:test::test::awsx:ec2:Vpc$aws:ec2/routeTable:RouteTable::table-"
_CHILDREN: dict[str, dict[str, dict[str, Any]]] = {
    "awsx:ec2:Vpc": {f"{_ROUTE_TABLE}{number}": {"id": f"rtb-{number}"} for number in range(2)}
}
"""What a component of another package makes that its outputs refer to."""

_ADDED: dict[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
    "aws:ecr/repository:Repository": lambda _name, inputs: {
        "arn": _arn("ecr", f"repository/{inputs['name']}"),
        "registryId": ACCOUNT,
        "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{inputs['name']}",
    },
    "docker:index/image:Image": lambda _name, inputs: {
        "repoDigest": f"{inputs['imageName'].rsplit(':', 1)[0]}@{DIGEST}"
    },
    "awsx:ec2:Vpc": lambda _name, inputs: {
        "vpcId": "vpc-1",
        "publicSubnetIds": [f"subnet-public-{zone}" for zone in range(int(inputs["numberOfAvailabilityZones"]))],
        "routeTables": [
            {_SPECIAL: _REFERENCE, "urn": urn, "id": state["id"]} for urn, state in _CHILDREN["awsx:ec2:Vpc"].items()
        ],
        "privateSubnetIds": [f"subnet-private-{zone}" for zone in range(int(inputs["numberOfAvailabilityZones"]))],
    },
    "random:index/randomPassword:RandomPassword": lambda _name, _inputs: {
        "result": {_SPECIAL: _SECRET_SIGNATURE, "value": "hunter2"}
    },
    "aws:ecs/cluster:Cluster": lambda name, inputs: {
        "name": inputs.get("name") or f"{name}-1a2b3c4",
        "arn": _arn("ecs", f"cluster/{inputs.get('name') or name}"),
    },
    "aws:ecs/capacityProvider:CapacityProvider": lambda name, _inputs: {"name": f"{name}-1a2b3c4"},
    "aws:autoscaling/group:Group": lambda name, _inputs: {"arn": _arn("autoscaling", f"autoScalingGroup:1:{name}")},
    "aws:ec2/launchTemplate:LaunchTemplate": lambda _name, _inputs: {"latestVersion": 3},
    "aws:iam/instanceProfile:InstanceProfile": lambda name, _inputs: {
        "arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/{name}-1a2b3c4"
    },
    "aws:ecs/service:Service": lambda name, _inputs: {"name": f"{name}-1a2b3c4"},
    "aws:ecs/taskDefinition:TaskDefinition": lambda _name, inputs: {
        "arn": _arn("ecs", f"task-definition/{inputs['family']}:7")
    },
    "aws:cloudwatch/logGroup:LogGroup": lambda name, _inputs: {
        "name": f"{name}-1a2b3c4",
        "arn": _arn("logs", f"log-group:{name}-1a2b3c4"),
        "region": REGION,
    },
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": lambda _name, inputs: {
        "arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{inputs['url'].removeprefix('https://')}",
    },
    "aws:iam/policy:Policy": lambda _name, inputs: {
        "arn": f"arn:aws:iam::{ACCOUNT}:policy{inputs.get('path') or '/'}{inputs['name']}",
    },
    "aws:kms/key:Key": lambda name, _inputs: {"arn": _arn("kms", f"key/{name}")},
    "aws:iam/role:Role": lambda name, _inputs: {
        "name": f"{name}-1a2b3c4",
        "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}-1a2b3c4",
    },
    "aws:lb/loadBalancer:LoadBalancer": lambda name, _inputs: {
        "arn": _arn("elasticloadbalancing", f"loadbalancer/app/{name}/1"),
        "arnSuffix": f"app/{name}/1",
        "zoneId": "ZLOADBALANCER",
        "dnsName": f"{name}-1.{REGION}.elb.amazonaws.com",
    },
    "aws:lb/targetGroup:TargetGroup": lambda name, _inputs: {
        "arn": _arn("elasticloadbalancing", f"targetgroup/{name}/1"),
        "arnSuffix": f"targetgroup/{name}/1",
    },
    "aws:lb/listenerRule:ListenerRule": lambda name, _inputs: {
        "arn": _arn("elasticloadbalancing", f"listener-rule/app/{name}/1/2/3")
    },
    "aws:acm/certificate:Certificate": lambda name, inputs: {
        "arn": _arn("acm", f"certificate/{name}"),
        "domainValidationOptions": [
            {
                "domainName": inputs["domainName"],
                "resourceRecordName": f"_1a2b.{inputs['domainName']}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": "_3c4d.acm-validations.aws.",
            }
        ],
    },
    "aws:route53/record:Record": lambda _name, inputs: {"fqdn": inputs["name"].rstrip(".")},
    "aws:s3/bucket:Bucket": lambda name, _inputs: {
        "bucket": f"{name}-1a2b3c4",
        "arn": f"arn:aws:s3:::{name}-1a2b3c4",
    },
    "aws:sns/topic:Topic": lambda name, _inputs: {"arn": _arn("sns", f"{name}-1a2b3c4")},
    "aws:cloudwatch/metricAlarm:MetricAlarm": lambda name, inputs: {
        "name": inputs.get("name", f"{name}-1a2b3c4"),
        "arn": _arn("cloudwatch", f"alarm:{inputs.get('name', f'{name}-1a2b3c4')}"),
    },
    "aws:cloudwatch/eventRule:EventRule": lambda name, _inputs: {"name": f"{name}-1a2b3c4"},
    "aws:wafv2/webAcl:WebAcl": lambda name, _inputs: {"arn": _arn("wafv2", f"regional/webacl/{name}-1a2b3c4/1")},
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda name, _inputs: {"prefixListId": f"pl-{name}"},
    "aws:lb/listener:Listener": lambda name, _inputs: {"arn": _arn("elasticloadbalancing", f"listener/app/{name}/1/2")},
}
