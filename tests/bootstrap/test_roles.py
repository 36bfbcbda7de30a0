"""The roles that GitHub takes: every call of a deployment is allowed, and nothing of what an attacker would want."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bootstrap import permissions
from tests.bootstrap import needs
from tests.bootstrap.attacks import ATTACKS, Attack
from tests.bootstrap.evaluator import Request, allows, dependent_actions
from tests.mocks import ACCOUNT, REGION, run_main

Document = dict[str, Any]
UNBOUNDED: Document = permissions._policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
each_stack = pytest.mark.parametrize("stack", needs.SETTINGS)

DOCUMENTS: dict[str, dict[str, Document]] = {
    **{
        f"deploy {stack}": {
            "role": permissions.deploy_policy(needs.environment(stack), needs.state(stack)),
            **permissions.deploy_managed_policies(needs.environment(stack)),
        }
        for stack in needs.SETTINGS
    },
    **{
        f"preview {stack}": {"role": permissions.preview_policy(needs.environment(stack), needs.state(stack))}
        for stack in needs.SETTINGS
    },
    **{
        f"application {stack}": {"boundary": permissions.boundary_policy(needs.environment(stack))}
        for stack in needs.SETTINGS
    },
    "bucket of the states": {
        "resource": permissions.bucket_policy([(needs.environment(s), needs.state(s)) for s in ("dev", "prod")])
    },
    "key of prod": {"resource": permissions.key_policy(needs.environment("prod"))},
}
"""Who, to the documents that say what it may do."""


def is_allowed(documents: Mapping[str, Document], request: Request) -> bool:
    """For a role its own documents; the boundary, the bucket and the key are asked with a principal that may all."""
    if "boundary" in documents:
        return allows(request, [UNBOUNDED], boundary=documents["boundary"])
    if "resource" in documents:
        return allows(request, [UNBOUNDED], resource_policy=documents["resource"])
    return allows(request, documents.values())


def refused(who: str, requests: list[Request]) -> list[str]:
    return [str(request) for request in requests if not is_allowed(DOCUMENTS[who], request)]


# --- what is needed ---------------------------------------------------------------------------------------------------


@each_stack
def test_a_deployment_may_do_all_that_it_does_to_its_resources(stack: str) -> None:
    assert refused(f"deploy {stack}", needs.of_resources(stack, *needs.OPERATIONS)) == []


@each_stack
def test_a_deployment_may_keep_its_state_push_its_image_and_see_what_became_of_it(stack: str) -> None:
    assert refused(f"deploy {stack}", needs.of_pulumi(stack, writes=True) + needs.of_deployment(stack)) == []


@each_stack
def test_a_preview_may_read_all_that_it_refreshes(stack: str) -> None:
    assert refused(f"preview {stack}", needs.of_resources(stack, "read") + needs.of_pulumi(stack, writes=False)) == []


def test_every_type_of_resource_of_the_stacks_has_its_calls() -> None:
    recorded = json.loads(needs.RECORDING.read_text())["calls"]
    made = {token for stack in needs.SETTINGS for token, _, _ in needs.Stack(stack).resources}
    assert {token for token in made if not needs.calls(token, "create")} == set()
    assert made - {*recorded, *needs.BY_HAND} == set()
    assert set(needs.BY_HAND) <= made, "no stack has it"


def test_what_a_call_asks_for_beside_itself_is_asked_of_the_roles_too() -> None:
    asked = {each.action for stack in needs.SETTINGS for each in needs.of_resources(stack, *needs.OPERATIONS)}
    beside = {each for action in asked for each in dependent_actions(action)}
    # What AWS lists for features that the stacks do not use.
    other = re.compile(r"(amplify|apigateway|apprunner|appsync|cognito-idp):.*|ec2:.*VerifiedAccess.*|ecs:List.*")
    unused = {"wafv2:GetPermissionPolicy", "wafv2:PutPermissionPolicy", "secretsmanager:GetSecretValue"}
    assert {each for each in beside - asked - unused if not other.fullmatch(each)} == set()


@each_stack
def test_the_boundary_leaves_the_roles_of_the_stack_all_that_they_have(stack: str) -> None:
    settings: dict[str, Any] = {
        "service.executeCommand": True,
        "secrets": {
            "TOKEN": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:token-1a2b3c",
            "LEVEL": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/level",
        },
    }
    made = run_main(stack, preview=False, deployedBy="github", **settings)
    boundary = permissions.boundary_policy(needs.environment(stack))
    asked = [
        request
        for each in made.resources
        if each.type == "aws:iam/rolePolicy:RolePolicy"
        for statement in json.loads(each.inputs["policy"])["Statement"]
        for request in _granted(statement, needs.Stack(stack))
    ]
    assert {"ecr:BatchGetImage", "secretsmanager:GetSecretValue", "logs:PutLogEvents"} <= {r.action for r in asked}
    assert [str(each) for each in asked if not allows(each, [UNBOUNDED], boundary=boundary)] == []


def _granted(statement: Document, stack: needs.Stack) -> Iterator[Request]:
    actions, resources = (
        [value] if isinstance(value, str) else value for value in (statement["Action"], statement["Resource"])
    )
    for action in actions:
        for resource in resources:
            arn = re.sub(r":\*$", ":log-stream:1", resource).replace("/*", "/1")
            if action == "logs:DescribeLogStreams":
                arn = arn.removesuffix(":log-stream:1")
            if action.startswith("elasticloadbalancing:") and "listener-rule" in arn:
                arn = stack.arn("elasticloadbalancing", "listener-rule/app", "", {})
            tags = {} if arn == "*" else stack.own
            yield Request(action, arn, {"aws:RequestedRegion": REGION, **tags})


@pytest.mark.parametrize("alias", ["alias/aws/secretsmanager", "alias/aws/ssm"])
def test_the_boundary_lets_ecs_decrypt_secrets_by_the_two_services(alias: str) -> None:
    stack = needs.Stack("dev")
    key = stack.environment.arn("kms", "key/1")
    for service in ("secretsmanager", "ssm"):
        via = {"aws:RequestedRegion": REGION, "kms:ViaService": f"{service}.{REGION}.amazonaws.com"}
        for tags in ({"kms:ResourceAliases": [alias]}, stack.own):
            assert is_allowed(DOCUMENTS["application dev"], Request("kms:Decrypt", key, {**via, **tags}))


def test_administrators_are_not_locked_out_of_states_and_keys() -> None:
    admin = {
        "aws:RequestedRegion": REGION,
        "aws:PrincipalAccount": ACCOUNT,
        "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/admin",
        "aws:SecureTransport": "true",
    }
    bucket, key = needs.STATE.bucket_arn, needs.state("prod").key_arn
    for action, resource in (("s3:PutBucketPolicy", bucket), ("s3:GetObject", f"{bucket}/prod/x")):
        assert is_allowed(DOCUMENTS["bucket of the states"], Request(action, resource, admin))
    for action in ("kms:Decrypt", "kms:PutKeyPolicy"):
        assert is_allowed(DOCUMENTS["key of prod"], Request(action, key, admin))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_second_doors_are_open_for_the_jobs_of_their_stack(stack: str) -> None:
    environment, key = needs.environment(stack), needs.state(stack).key_arn
    job = {
        "aws:PrincipalAccount": ACCOUNT,
        "aws:PrincipalArn": environment.iam(f"role/{environment.role_name('deploy')}"),
        "aws:SecureTransport": "true",
    }
    for asked in needs.of_pulumi(stack, writes=True):
        request = Request(asked.action, asked.resource, {**asked.context, **job})
        if asked.action.startswith("s3:"):
            assert is_allowed(DOCUMENTS["bucket of the states"], request), str(request)
        if asked.action.startswith("kms:"):
            policy = permissions.key_policy(environment)
            assert allows(request, [UNBOUNDED], resource_policy=policy), str(request)
    assert key.endswith(stack)


# --- what is attacked -------------------------------------------------------------------------------------------------


def succeeds(attack: Attack, documents: Mapping[str, Document]) -> bool:
    return all(is_allowed(documents, request) for request in attack.requests)


@pytest.mark.parametrize("who", sorted({attack.who for attack in ATTACKS}))
def test_no_attack_succeeds(who: str) -> None:
    attacks = [attack for attack in ATTACKS if attack.who == who]
    assert len({attack.name for attack in attacks}) == len(attacks)
    assert [f"{attack}: {attack.gain}" for attack in attacks if succeeds(attack, DOCUMENTS[who])] == []


def test_every_attack_would_succeed_where_everything_is_allowed() -> None:
    assert [str(attack) for attack in ATTACKS if not attack.requests] == []
    for attack in ATTACKS:
        assert all(allows(request, [UNBOUNDED]) for request in attack.requests), attack


def _weakened(documents: Mapping[str, Document]) -> Iterator[tuple[tuple[str, str, str], dict[str, Document]]]:
    """Each document without one denial, and without one key of one condition, or with all resources."""
    for name, document in documents.items():
        for index, statement in enumerate(document["Statement"]):
            sid = str(statement.get("Sid", index))
            if statement["Effect"] == "Deny":
                yield (name, sid, "denial"), _changed(documents, name, index, lambda _statement: None)
                continue
            for operator, asked in statement.get("Condition", {}).items():
                for key in asked:
                    yield (name, sid, f"{operator} {key}"), _changed(documents, name, index, _without(operator, key))
            if statement["Resource"] != "*":
                yield (name, sid, "resources"), _changed(documents, name, index, _everywhere)


def _without(operator: str, key: str) -> Any:
    def change(statement: Document) -> Document:
        statement["Condition"][operator].pop(key)
        return statement

    return change


def _everywhere(statement: Document) -> Document:
    return {**statement, "Resource": "*"}


def _changed(documents: Mapping[str, Document], name: str, index: int, change: Any) -> dict[str, Document]:
    changed = dict(documents)
    statements = copy.deepcopy(documents[name]["Statement"])
    after = change(statements[index])
    statements[index : index + 1] = [] if after is None else [after]
    changed[name] = {**documents[name], "Statement": statements}
    return changed


SURVIVORS: Mapping[tuple[str, str, str], str] = {
    (
        "(deploy|application) .*",
        "LookAtSecrets|UpdateService|Change|Tag|Tell|Own|OwnKeys",
        "StringEquals aws:ResourceTag/stack",
    ): ("what has the project's tag and not the stack's, NotOthers denies, too"),
    ("deploy .*", "Tag", "StringEquals aws:ResourceTag/project"): (
        "what has another project's tag, NotForeign denies, too; what has none has no stack's tag either"
    ),
    ("deploy .*", "ServiceRoles", "resources"): "IAM makes such roles below this path alone; its name says what it is",
}
"""Defences (who, statement, what of it) without which no attack here succeeds, and why they are there all the same."""


def test_without_any_one_of_the_defences_an_attack_succeeds() -> None:
    unguarded, explained = [], set()
    for who in sorted({attack.who for attack in ATTACKS}):
        attacks = [attack for attack in ATTACKS if attack.who == who]
        for defence, weaker in _weakened(DOCUMENTS[who]):
            if any(succeeds(attack, weaker) for attack in attacks):
                continue
            told = (who, *defence)
            if (reason := _reason(told)) is None:
                unguarded.append(told)
            else:
                explained.add(reason)
    assert unguarded == []
    assert explained == set(SURVIVORS), "no longer needed"


def _reason(defence: tuple[str, ...]) -> tuple[str, str, str] | None:
    return next(
        (known for known in SURVIVORS if all(map(re.fullmatch, known, (defence[0], defence[2], defence[3])))), None
    )
