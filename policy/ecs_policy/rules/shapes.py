"""Each parameter by itself: what AWS requires, how much, how long and in which form, by the table of `shapes`.

What a parameter must be beside others is asked by the other rules, and so is what the table leaves to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ecs_policy.model import (
    AutoscalingTarget,
    CapacityProvider,
    Cluster,
    ClusterCapacityProviders,
    LifecyclePolicy,
    Listener,
    ListenerRule,
    LoadBalancer,
    Repository,
    ScalingPolicy,
    ScheduledAction,
    Service,
    TargetGroup,
    TaskDefinition,
)
from ecs_policy.rule import Enforcement, Level, Problem, Quote, Severity, resource_rule
from ecs_policy.shapes import FORM, KEY, LIMIT, REQUIRED, WORD, Finding, shape_of, table, walk
from ecs_policy.stack import Resource
from ecs_policy.values import NotEvaluated, Value, independently, is_unknown

_OF_AWS = (
    AutoscalingTarget,
    CapacityProvider,
    Cluster,
    ClusterCapacityProviders,
    LifecyclePolicy,
    Listener,
    ListenerRule,
    LoadBalancer,
    Repository,
    ScalingPolicy,
    ScheduledAction,
    Service,
    TargetGroup,
    TaskDefinition,
)
_REFERENCE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html"
_QUOTAS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html"
_CREATE_SERVICE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html"
_PORT_MAPPING = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html"
_MOST_BYTES = 65_536
_SAID_NO_IMAGE = Quote(
    "Container.image should not be null or empty.",
    "https://github.com/aws-actions/amazon-ecs-render-task-definition/issues/87",
)
_SAID_TOO_MANY = Quote("Too many containers.", "https://github.com/aws/amazon-ecs-cli/issues/184")
_SAID_TOO_LONG = Quote(
    "Max allowed length is '65536' bytes.", "https://github.com/awsdocs/amazon-ecs-developer-guide/pull/149"
)
_SAID_FAMILY = Quote("Family contains invalid characters", "https://github.com/aws/amazon-ecs-cli/issues/37")


@resource_rule(
    "SH-01 required",
    on=_OF_AWS,
    title="What AWS requires is there",
    why="The provider does not look into JSON text, and asks for less than AWS does: the call fails half way through "
    "the update.",
    level=Level.REJECTED,
    source=_REFERENCE,
)
def required(resource: Resource) -> Iterator[Problem]:
    checks = [_found(resource, REQUIRED)]
    if isinstance(resource, Service):
        checks.append(_task_definition(resource))
    if isinstance(resource, TaskDefinition):
        checks.append(_ports(resource))
    yield from independently(checks)


def _task_definition(service: Service) -> Iterator[Problem]:
    value = service["taskDefinition"]
    if (not value.given or value.raw == "") and service.controller in ("ECS", "CODE_DEPLOY"):
        yield value.problem(
            f"a task definition, since the deployment controller is {service.controller}",
            "set taskDefinition",
            source=_CREATE_SERVICE,
        )


def _ports(task_definition: TaskDefinition) -> Iterator[Problem]:
    for container in task_definition.containers:
        yield from independently(_port(each) for each in container["portMappings"].items())


def _port(mapping: Value) -> Iterator[Problem]:
    port = mapping["containerPort"]
    if not port.given and not mapping["containerPortRange"].given:
        yield port.problem("a port, or containerPortRange", "set containerPort", source=_PORT_MAPPING)


@resource_rule(
    "SH-02 limits",
    on=_OF_AWS,
    title="Numbers, texts and lists are within what AWS takes",
    why="Ranges, lengths and counts of the API are the same for everybody; no quota raises them.",
    level=Level.REJECTED,
    source=_REFERENCE,
)
def limits(resource: Resource) -> Iterator[Problem]:
    checks = [_found(resource, LIMIT)]
    if isinstance(resource, TaskDefinition):
        checks.append(_size(resource))
    yield from independently(checks)


def _size(task_definition: TaskDefinition) -> Iterator[Problem]:
    definitions = task_definition["containerDefinitions"]
    if isinstance(definitions.raw, str) and len(definitions.raw) > _MOST_BYTES // 6:
        compact = json.dumps(definitions.parsed().raw, separators=(",", ":"), ensure_ascii=False)
        count = len(compact.encode("utf-8", "replace"))
        if count > _MOST_BYTES:
            yield definitions.problem(
                f"at most {_MOST_BYTES} bytes, not {count}",
                "keep long values in Parameter Store or in an environment file",
                quote=_SAID_TOO_LONG,
                source=_QUOTAS,
            )


@resource_rule(
    "SH-03 form",
    on=_OF_AWS,
    title="Values have the form that AWS reads",
    why="A name with a dot, a number in quotes: the provider does not mind, or says so without telling where.",
    level=Level.REJECTED,
    source=_REFERENCE,
)
def form(resource: Resource) -> Iterator[Problem]:
    if isinstance(resource, TaskDefinition) and not _is_json(resource["containerDefinitions"]):
        yield resource["containerDefinitions"].problem("JSON", "write it by a function that writes JSON")
    else:
        yield from _found(resource, FORM)


def _is_json(definitions: Value) -> bool:
    """Whether text can be read; what is not known may be anything."""
    if not isinstance(definitions.raw, str) or is_unknown(definitions.raw):
        return True
    try:
        definitions.parsed()
    except NotEvaluated:
        return False
    return True


@resource_rule(
    "SH-04 words",
    on=_OF_AWS,
    title="Words of AWS are spelt as AWS spells them",
    why="AWS compares them letter by letter.",
    level=Level.REJECTED,
    source=_REFERENCE,
)
def words(resource: Resource) -> Iterator[Problem]:
    yield from _found(resource, WORD, near=True)


@resource_rule(
    "SH-05 unknown-words",
    on=_OF_AWS,
    title="Words of AWS are ones that the pack has heard of",
    why="AWS adds words: one that is not in the table is new, or wrong, and then the call fails.",
    beyond="Whether AWS has the word by now: the table is as old as its botocore.",
    level=Level.UNSUPPORTED,
    severity=Severity.LOW,
    enforcement=Enforcement.ADVISORY,
    source=_REFERENCE,
)
def unknown_words(resource: Resource) -> Iterator[Problem]:
    yield from _found(resource, WORD, near=False)


@resource_rule(
    "SH-06 ignored-keys",
    on=TaskDefinition,
    title="Container definitions have no key that nobody reads",
    why="The provider drops what it does not know, and says nothing: a misspelt setting is none.",
    level=Level.FAILS,
    severity=Severity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
)
def ignored_keys(task_definition: TaskDefinition) -> Iterator[Problem]:
    yield from _found(task_definition, KEY)


def _found(resource: Resource, kind: str, *, near: bool = True) -> Iterator[Problem]:
    """The problems of one kind. What is not known stops no other; the first such place is raised at the end."""
    found = _all_found(resource)
    if not found and not isinstance(resource, TaskDefinition):
        return
    doubt = None
    for root, each in found:
        if each.kind != kind:
            continue
        if not each.expected:
            doubt = doubt or _at(root, each).not_evaluated("is not known yet")
        elif kind != WORD or each.near is near:
            yield _problem(root, each)
    if doubt is not None:
        raise doubt
    if isinstance(resource, TaskDefinition):
        resource.containers  # noqa: B018 raises what keeps them from being read


def _problem(root: Resource | Value, found: Finding) -> Problem:
    place = _at(root, found)
    name = str(place.path[-1])
    if found.kind == REQUIRED:
        quote = _SAID_NO_IMAGE if name == "image" else None
        return place.problem(found.expected, f"set {name}", quote=quote, source=found.page)
    if found.kind == WORD:
        known = f"one of {found.expected}"
        if not found.near:
            known += f" (all that botocore {table()['botocore']} knows)"
        return place.problem(
            known, "correct it" if found.near else "correct it, if AWS has not added it since", source=found.page
        )
    if found.kind == KEY:
        return Problem(
            place.resource.urn,
            place.location,
            f"{place.resource.label} {place.location}: got a key that botocore {table()['botocore']} does not know, "
            "expected one of its reference; correct or remove it",
            source=found.page,
        )
    quote = _SAID_TOO_MANY if name == "containerDefinitions" else _SAID_FAMILY if name == "family" else None
    return place.problem(found.expected, f"change {name}", quote=quote, source=found.page)


def _at(root: Resource | Value, found: Finding) -> Value:
    place: Resource | Value = root
    for step in found.path:
        place = place.items()[step] if isinstance(step, int) and isinstance(place, Value) else place[str(step)]
    assert isinstance(place, Value)
    return place


def _all_found(resource: Resource) -> list[tuple[Resource | Value, Finding]]:
    """What a walk through the resource found, each with where it began; done once for all rules."""
    found: list[tuple[Resource | Value, Finding]] | None = resource._misshapen
    if found is None:
        found = resource._misshapen = list(_walked(resource))
    return found


def _walked(resource: Resource) -> Iterator[tuple[Resource | Value, Finding]]:
    shape = shape_of(resource.type)
    if shape is None:
        return
    for name in shape.required:
        value = resource[name]
        if not value.given or value.raw == "":
            yield resource, Finding(REQUIRED, (name,), "a value", shape.page)
    for name in resource.names():
        field = shape.fields.get(name)
        if field is None:
            continue
        if name == "containerDefinitions" and isinstance(resource, TaskDefinition):
            yield from _containers(resource)
        else:
            raw = resource[name].raw
            if type(raw) is field.anything:
                continue
            for each in walk(field, raw):
                yield resource, each._replace(path=(name, *each.path))


def _containers(task_definition: TaskDefinition) -> Iterator[tuple[Resource | Value, Finding]]:
    shape = shape_of(task_definition.type)
    assert shape is not None
    definitions = shape.fields["containerDefinitions"]
    try:
        containers = task_definition.containers
    except NotEvaluated:
        return  # each rule says so
    if definitions.most is not None and len(containers) > definitions.most:
        expected = f"at most {definitions.most} containers, not {len(containers)}"
        yield task_definition, Finding(LIMIT, ("containerDefinitions",), expected, definitions.page)
    strict = isinstance(task_definition["containerDefinitions"].raw, str)
    assert definitions.element is not None
    for container in containers:
        for each in walk(definitions.element, container.raw, strict=strict):
            yield container, each
