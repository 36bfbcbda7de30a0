"""JSON texts that one unknown value makes unknown as a whole, and components that say the rest of them."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from ecs_policy.pack import SETTINGS
from tests.policy.example import resource, task_definition
from tests.policy.stacks import UNKNOWN, Resources, secret
from tests.policy.test_pack import configured, diagnostics

TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition::app"
GOOD = {"name": "web", "image": UNKNOWN, "portMappings": [{"containerPort": 80, "hostPort": 80}]}
BAD = {**GOOD, "privileged": True}
FARGATE = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}


def shop(documents: Any, *, between: bool = False) -> Resources:
    """A task definition with an unknown text, in a component, or in a component of that component."""
    inner = {"between": {"type": "acme:web:Task", "options": {"parent": "${shop}"}}} if between else {}
    task = task_definition(containerDefinitions=UNKNOWN, **FARGATE)
    return {
        "shop": {"type": "acme:web:Shop", "outputs": {"documents": documents}},
        **inner,
        "app": task | {"options": {"parent": "${between}" if between else "${shop}"}},
    }


def said(*containers: Mapping[str, Any]) -> dict[str, Any]:
    return {TASK_DEFINITION: {"containerDefinitions": list(containers)}}


def told(resources: Resources) -> list[tuple[str, str]]:
    return [(each.policyName, each.message) for each in diagnostics(configured({}), resources, preview=True)]


def waiting(resources: Resources) -> str:
    """What the pack lists as not evaluated."""
    return "\n".join(message for policy, message in told(resources) if policy == SETTINGS)


@pytest.mark.parametrize("between", [False, True], ids=["child", "grandchild"])
def test_rules_read_what_the_component_says_and_find_what_is_wrong(between: bool) -> None:
    found = [policy for policy, _ in told(shop(said(BAD), between=between))]
    assert found.count("TD-10-fargate-forbidden-params") == 1


def test_only_what_is_really_unknown_is_left_open() -> None:
    open_questions = waiting(shop(said(GOOD)))
    assert "containerDefinitions[web].image is not known yet" in open_questions
    assert "containerDefinitions is not known yet" not in open_questions


@pytest.mark.parametrize(
    "documents",
    [
        None,
        UNKNOWN,
        "text",
        [],
        {},
        {TASK_DEFINITION: None},
        {TASK_DEFINITION: {"family": "app"}},
        {"aws:ecs/taskDefinition:TaskDefinition::other": {"containerDefinitions": [GOOD]}},
        {TASK_DEFINITION: {"containerDefinitions": UNKNOWN}},
    ],
    ids=str,
)
def test_what_no_component_says_stays_open(documents: Any) -> None:
    assert "containerDefinitions is not known yet" in waiting(shop(documents))


def test_a_resource_in_no_component_is_reported_as_before() -> None:
    alone = {"app": task_definition(containerDefinitions=UNKNOWN, **FARGATE)}
    assert "containerDefinitions is not known yet" in waiting(alone)


def test_nothing_is_told_twice() -> None:
    resources = shop(said(BAD))
    resources["app"]["properties"]["cpu"] = "257"  # wrong whatever the containers are
    found = told(resources)
    assert len(found) == len(set(found))
    assert any(policy.startswith("TD-01") for policy, _ in found)


def test_the_text_itself_wins_where_it_is_known() -> None:
    text = task_definition({**GOOD, "image": "nginx:1.29"}, **FARGATE)
    found = [policy[:5] for policy, _ in told({**shop(said(BAD)), "app": text | {"options": {"parent": "${shop}"}}})]
    assert "TD-10" not in found
    assert "CM-01" in found


def test_a_secret_that_the_component_says_is_not_shown() -> None:
    hidden = {**GOOD, "command": secret(["--password", "hunter2"]), "environment": [{"name": "A", "value": "hunter2"}]}
    assert "hunter2" not in str(told(shop(said(hidden))))


def test_policies_of_roles_are_read_too() -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": UNKNOWN}]}
    role = resource("aws:iam/rolePolicy:RolePolicy", options={"parent": "${shop}"}, role="r", policy=UNKNOWN)
    documents = {"aws:iam/rolePolicy:RolePolicy::own": {"policy": policy}}
    stack = {"shop": {"type": "acme:web:Shop", "outputs": {"documents": documents}}, "own": role}
    assert "policy is not known yet" not in waiting(stack)
    assert any(policy.startswith("IM-01") for policy, _ in told(stack))


# An image that is built in the stack is not known until it is pushed, but where it comes from is


def building(*, image: Mapping[str, Any] | None = None, environment: str = "x", **outputs: Any) -> Resources:
    """A component whose container runs the image that the stack builds."""
    text = {**GOOD, "image": "${built.repoDigest}", "environment": [{"name": "A", "value": environment}]}
    said_of_it = {**text, "image": UNKNOWN, "environment": [{"name": "A", "value": UNKNOWN}]}
    properties = {"imageName": "${repository.repositoryUrl}:1", "build": {"platform": "linux/amd64"}, **(image or {})}
    return {
        "repository": resource("aws:ecr/repository:Repository", name="shop", imageTagMutability="IMMUTABLE"),
        "other": resource("aws:ecr/repository:Repository", name="other"),
        "built": {**resource("docker:index/image:Image", **properties), "outputs": outputs},
        "shop": {"type": "acme:web:Shop", "outputs": {"documents": said(said_of_it)}},
        "app": task_definition(text, **FARGATE) | {"options": {"parent": "${shop}"}},
        "web": resource("aws:ecs/service:Service", taskDefinition="${app.arn}", cluster="main", launchType="FARGATE"),
    }


def open_rules(resources: Resources, *, preview: bool) -> set[str]:
    """The rules that wait for the image."""
    found = diagnostics(configured({}), resources, preview=preview)
    texts = [each.message for each in found if each.policyName == SETTINGS]
    told = re.findall(r"\[web\]\.image [^;]+?\. Not evaluated: ([A-Z0-9, -]+)", "; ".join(texts))
    return {rule for rules in told for rule in rules.split(", ")}


def found_by(rule: str, resources: Resources, *, preview: bool = True) -> list[str]:
    return [
        each.message
        for each in diagnostics(configured({}), resources, preview=preview)
        if each.policyName.startswith(rule)
    ]


def test_what_an_image_is_built_for_and_pushed_to_is_read_before_it_is_pushed() -> None:
    assert open_rules(building(), preview=True) == {"ER-07", "SH-03", "TD-32"}
    assert found_by("TD-16", building(image={"build": {"platform": "linux/arm64"}}))
    assert found_by("ER-11", building(image={"skipPush": True}))
    assert found_by("ER-06", building(image={"imageName": "docker.io/acme/shop:1"}))
    for rule in ("TD-16", "ER-11", "ER-06", "OR-05"):
        assert found_by(rule, building()) == []


def test_an_image_of_which_the_digest_alone_is_unknown_is_named_by_it() -> None:
    assert open_rules(building(repoDigest=UNKNOWN), preview=False) == {"SH-03", "TD-32"}


@pytest.mark.parametrize("rule", ["TD-16", "ER-11", "ER-06"])
def test_an_image_that_may_come_from_elsewhere_stays_open(rule: str) -> None:
    faults = {"build": {"platform": "linux/arm64"}, "skipPush": True, "imageName": "docker.io/acme/shop:1"}
    either = building(image=faults, environment="${other.repositoryUrl}")
    assert found_by(rule, either) == []
    assert rule in open_rules(either, preview=True)
