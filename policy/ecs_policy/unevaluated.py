"""What could not be evaluated, as the user reads it: one line a resource."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ecs_policy.values import NOT_KNOWN, Unevaluated

_MOST_NAMED = 5
"""Rules that wait for a JSON text; of more of them the families are named."""
_SAY = 'let the component around it say what is in it, as its output "documents" (README.md of this pack)'
_HINTS = {
    "containerDefinitions": "To let them see, name the image by a tag or digest that is known before the update, or "
    + _SAY,
    **dict.fromkeys(("policy", "assumeRolePolicy"), f"To let them see, {_SAY}"),
}
"""What helps where a JSON text is unknown as a whole, by the property that holds it."""


def unevaluated_text(of_resource: Mapping[Unevaluated, Iterable[str]]) -> str:
    """One line of what is open on a resource: each value, why, and the ids of the rules that wait for it."""
    told, hints = [], []
    for outcome, ids in sorted(of_resource.items()):
        rules = sorted(ids)
        hint = _HINTS.get(outcome.location) if outcome.reason == NOT_KNOWN else None
        named = ", ".join(rules) if hint is None or len(rules) <= _MOST_NAMED else _families(rules)
        told.append(f"{outcome.location} {outcome.reason}. Not evaluated: {named}")
        hints += [hint] if hint is not None else []
    return ". ".join(["; ".join(told), *dict.fromkeys(hints)])


def _families(rules: list[str]) -> str:
    counted = Counter(each.partition("-")[0] for each in rules).most_common()
    return f"{len(rules)} rules ({', '.join(f'{family} {count}' for family, count in counted)})"
