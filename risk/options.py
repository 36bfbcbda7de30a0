"""The command line option that both `python -m risk` and `make preview` have."""

from __future__ import annotations

import argparse

from risk.effects import Effect


def add_fail_on(parser: argparse.ArgumentParser) -> None:
    """The option that says which effects forbid a deployment."""
    known = ", ".join(effect.value for effect in Effect)
    parser.add_argument(
        "--fail-on",
        type=_effects,
        default=frozenset(),
        metavar="EFFECTS",
        help=f"effects that fail the report, separated by commas, of: {known} (default: none; refused always fails)",
    )


def _effects(given: str) -> frozenset[Effect]:
    try:
        return frozenset(Effect(word.strip()) for word in given.split(",") if word.strip())
    except ValueError as problem:
        known = ", ".join(effect.value for effect in Effect)
        raise argparse.ArgumentTypeError(f"got {given}, expected some of {known}, separated by commas") from problem
