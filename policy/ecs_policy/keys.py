"""KMS keys of the stack, and who may decrypt with them: by a policy of the role, of the key, or by a grant."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.iam import Grant, grants, listed, matches, statements
from ecs_policy.model import Key, KeyAlias, KeyGrant, KeyPolicy, Role
from ecs_policy.values import NOT_KNOWN, NotEvaluated, Value

DECRYPT = "kms:Decrypt"


def key_of(place: Value) -> Key | None:
    """The key that a property names; None for AWS's own, which need no permission. Raises for one of another stack."""
    if not place.given:
        return None
    stack = place.resource.stack
    if place.unknown:
        if stack.candidates(place, Key):
            return place.one(Key)
        alias = place.one(KeyAlias)
        return None if alias is None else alias["targetKeyId"].one(Key)
    text = place.text() or ""
    if text.rpartition(":")[2].startswith("alias/aws/") or not text:
        return None
    aliases = [*stack.known_as(text, KeyAlias), *stack.known_as(text.rpartition(":")[2], KeyAlias)]
    if aliases and not stack.known_as(text, Key):
        return aliases[0]["targetKeyId"].one(Key)
    return place.one(Key)


def may_decrypt(role: Role, key: Key) -> bool:
    """Whether the role may use the key to decrypt. Raises when that cannot be told."""
    granted, unclear = _granted(role, key)
    if granted:
        return True
    named, delegated, doubt = _by_key_policy(key, role)
    doubt = doubt or unclear
    if named:
        return True
    if delegated and grants(role, Grant(DECRYPT, _arn(key), "what is under the key")):
        return True
    if doubt is not None:
        raise doubt
    return False


def allows_service(key: Key, service: str) -> bool:
    """Whether the key's policy lets a service of AWS, as `logs`, encrypt and decrypt. Raises when it cannot be told."""
    doubt = key.stack.relation(KeyPolicy, "keyId", Key).doubt_about(key)
    for document in _documents(key):
        try:
            for statement in statements(document):
                if _allows_decrypt(statement) and any(_is_service(each, service) for each in _principals(statement)):
                    return True
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if doubt is not None:
        raise doubt
    return False


def _is_service(principal: Value, service: str) -> bool:
    text = principal.text() or ""
    return text == "*" or (text.startswith(f"{service}.") and ".amazonaws.com" in text)


def _arn(key: Key) -> str:
    arn = key.computed("arn").raw
    return arn if isinstance(arn, str) and arn.startswith("arn:") else "arn:*:kms:*:*:key/not-known-yet"


def _granted(role: Role, key: Key) -> tuple[bool, NotEvaluated | None]:
    given = key.stack.relation(KeyGrant, "keyId", Key)
    doubt = given.doubt_about(key)
    for grant in given.sure(key):
        try:
            place = grant["granteePrincipal"]
            sure, doubtful = key.stack.found_among(place, Role)
            if (role in sure or role in doubtful) and "Decrypt" in grant["operations"].texts():
                return True, None
            lost = key.stack.lost(place, Role)
            doubt = doubt or (lost.not_evaluated(NOT_KNOWN) if lost is not None else None)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    return False, doubt


def _documents(key: Key) -> Iterator[Value]:
    if key["policy"].given:
        yield key["policy"]
    for each in key.stack.relation(KeyPolicy, "keyId", Key).sure(key):
        yield each["policy"]


def _by_key_policy(key: Key, role: Role) -> tuple[bool, bool, NotEvaluated | None]:
    """Whether the key's policy names the role, whether it leaves the decision to IAM, and why it may be otherwise.

    Without a policy of its own a key leaves it to IAM.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    documents = list(_documents(key))
    named, delegated = False, not documents
    doubt = key.stack.relation(KeyPolicy, "keyId", Key).doubt_about(key)
    for document in documents:
        try:
            for statement in statements(document):
                if not _allows_decrypt(statement):
                    continue
                for principal in _principals(statement):
                    text = principal.text() or ""
                    if text in role.ids() or text == "*":
                        if statement["Condition"].filled:
                            doubt = doubt or statement["Condition"].not_evaluated("holds under a condition")
                        else:
                            named = True
                    elif text.endswith(":root") or text.isdigit():
                        delegated = True
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    return named, delegated, doubt


def _allows_decrypt(statement: Value) -> bool:
    return statement["Effect"].text() == "Allow" and any(
        matches(each.text() or "", DECRYPT) for each in listed(statement["Action"])
    )


def _principals(statement: Value) -> Iterator[Value]:
    principal = statement["Principal"]
    if isinstance(principal.raw, dict):
        for kind in principal.keys():  # noqa: SIM118 a cursor, not a dict
            yield from listed(principal[kind])
    else:
        yield from listed(principal)
