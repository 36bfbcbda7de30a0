"""Who may decrypt what: secrets, files, sessions and logs under a KMS key of the stack.

What is under a key in ECR and EFS needs no permission of the task: these services decrypt by grants of their own.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.iam import Grant, grants
from ecs_policy.keys import DECRYPT, allows_service, key_of, may_decrypt
from ecs_policy.model import (
    Bucket,
    BucketEncryption,
    Container,
    Key,
    KeyAlias,
    LogGroup,
    Parameter,
    Role,
    Secret,
    Service,
    TaskDefinition,
)
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, stack_rule
from ecs_policy.sensitive import references, source_of
from ecs_policy.stack import Resource
from ecs_policy.values import independently

_ANY_KEY = "arn:*:kms:*:*:key/of-another-stack"
_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"


@stack_rule(
    "KM-01 execution-role-decrypts",
    on=TaskDefinition,
    title="The execution role may decrypt what it fetches",
    why="To read a secret under a key of one's own takes a permission on the key, too. Without it no task starts.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=f"{_GUIDE}/task_execution_IAM_role.html",
)
def execution_role_decrypts(task_definition: TaskDefinition) -> Iterator[Problem]:
    reference = task_definition["executionRoleArn"]
    if not reference.given:
        return  # TD-33
    yield from independently(_of_container(task_definition, container) for container in task_definition.containers)


def _of_container(task_definition: TaskDefinition, container: Container) -> Iterator[Problem]:
    places = [*references(container), *(each["value"] for each in container["environmentFiles"].items())]
    yield from independently(_decrypts(task_definition["executionRoleArn"], place) for place in places)


def _decrypts(reference: Value, place: Value) -> Iterator[Problem]:
    owner = _bucket(place) if "environmentFiles" in place.path else source_of(place)
    if owner is None:
        role = reference.one(Role)
        if place.given and role is not None and not grants(role, Grant(DECRYPT, _ANY_KEY, place.location)):
            raise place.not_evaluated("is of another stack, and may be under a key of its own")
        return
    named = _key_place(owner)
    if named is None:
        return
    yield from _may_decrypt(reference, named, f"{owner.label}, which {place.location} names")


def _may_decrypt(reference: Value, named: Value, what: str) -> Iterator[Problem]:
    if not named.unknown and _is_elsewhere(named):
        role = reference.one(Role)
        text = named.text() or ""
        arn = text if text.startswith("arn:") and ":alias/" not in text else _ANY_KEY
        if role is not None and not grants(role, Grant(DECRYPT, arn, what)):
            raise named.not_evaluated(f"is a key of another stack, whose policy may let {role.label} decrypt or not")
        return
    key = key_of(named)
    role = reference.one(Role) if key is not None else None
    if key is not None and role is not None and not may_decrypt(role, key):
        yield reference.problem(
            f"a role that may {DECRYPT} with {key.label}, as it needs {what}; {role.label} may not",
            "allow it in a policy of the role, on the key's arn",
        )


def _is_elsewhere(named: Value) -> bool:
    text, stack = named.text() or "", named.resource.stack
    short = text.rpartition(":")[2]
    if short.startswith("alias/aws/"):
        return False
    ours: list[Resource] = [
        *stack.known_as(text, Key),
        *stack.known_as(text, KeyAlias),
        *stack.known_as(short, KeyAlias),
    ]
    if not ours and short.startswith("alias/"):
        stack.require_named(KeyAlias)
    return not ours


def _key_place(owner: Secret | Parameter | Bucket) -> Value | None:
    """What names the key, when it is one of one's own."""
    if isinstance(owner, Bucket):
        rules = [owner["serverSideEncryptionConfiguration"]["rule"]]
        encryptions = owner.stack.relation(BucketEncryption, "bucket", Bucket)
        for each in encryptions.sure(owner):
            rules += each["rules"].items()
        places = [each["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] for each in rules]
        found = next((each for each in places if each.given), None)
        doubt = encryptions.doubt_about(owner)
        if found is None and doubt is not None:
            raise doubt
        return found
    place = owner["kmsKeyId" if isinstance(owner, Secret) else "keyId"]
    if not place.given or (isinstance(owner, Parameter) and owner["type"].text() != "SecureString"):
        return None
    return place


def _bucket(place: Value) -> Bucket | None:
    """The bucket of an environment file, if it is of this stack."""
    found = place.resource.stack.known_as((place.text() or "").partition("/")[0], Bucket)
    return found[0] if len(found) == 1 else None


_SAID_LOG_GROUP_KEY = Quote(
    "The specified KMS key does not exist or is not allowed to be used with",
    "https://github.com/hashicorp/terraform-provider-aws/issues/29282",
)


@stack_rule(
    "KM-02 log-group-key",
    on=LogGroup,
    title="The key of a log group lets CloudWatch Logs use it",
    why="A key's own policy must name that service; the default one does not, and the log group is refused.",
    beyond="Policies of keys of other stacks.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
)
def log_group_key(group: LogGroup) -> Iterator[Problem]:
    place = group["kmsKeyId"]
    if not place.given:
        return
    if not place.unknown and _is_elsewhere(place):
        raise place.not_evaluated("is a key of another stack, whose policy may let CloudWatch Logs use it or not")
    key = key_of(place)
    if key is not None and not allows_service(key, "logs"):
        yield place.problem(
            f"a key whose policy lets CloudWatch Logs encrypt and decrypt, which {key.label} does not",
            "add a statement for the principal logs.<region>.amazonaws.com to the key's policy",
            quote=_SAID_LOG_GROUP_KEY,
        )


@stack_rule(
    "KM-03 session-key",
    on=Service,
    title="The task role may decrypt with the key of ECS Exec's sessions",
    why="With a key of one's own for sessions the agent in the container decrypts with the task role. Without the "
    "permission no session opens.",
    level=Level.FAILS,
    source=f"{_GUIDE}/ecs-exec.html",
)
def session_key(service: Service) -> Iterator[Problem]:
    if not service["enableExecuteCommand"].flag():
        return
    cluster = service.cluster
    named = cluster["configuration"]["executeCommandConfiguration"]["kmsKeyId"] if cluster is not None else None
    task_definition = service.task_definition if named is not None and named.given else None
    if task_definition is not None and named is not None and task_definition["taskRoleArn"].given:
        yield from _may_decrypt(task_definition["taskRoleArn"], named, f"sessions of ECS Exec in {service.label}")
