"""A cluster query written back: what the reader must read alike."""

from __future__ import annotations

import re

from ecs_policy.cluster_query import And, Comparison, Not, Or, Query

BARE = re.compile(r"[\w.:/*-]+")
"""What is written without quotes."""


def format_query(query: Query) -> str:
    """The expression in one spelling: operators as signs, `and`, `or` and `not` as words, all brackets written.

    A value may hold one kind of quote, not both: the language has no way to write that.
    """
    if isinstance(query, Comparison):
        return _format_comparison(query)
    if isinstance(query, Not):
        return f"not({format_query(query.operand)})"
    joint = " and " if isinstance(query, And) else " or "
    return joint.join(
        f"({format_query(part)})" if isinstance(part, And | Or) else format_query(part) for part in query.operands
    )


def _format_comparison(query: Comparison) -> str:
    if not query.arguments:
        return f"{query.subject} {query.operator}"
    if query.operator in ("in", "!in"):
        values = ", ".join(_quoted(value, BARE) for value in query.arguments)
        return f"{query.subject} {query.operator} [{values}]"
    return f"{query.subject} {query.operator} {_quoted(query.arguments[0], BARE)}"


def _quoted(value: str, bare: re.Pattern[str]) -> str:
    if bare.fullmatch(value):
        return value
    quote = "'" if "'" not in value else '"'
    return f"{quote}{value}{quote}"
