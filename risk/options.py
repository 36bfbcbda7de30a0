"""The command line options that both `python -m risk` and `make preview` have."""

from __future__ import annotations

import argparse
from pathlib import Path

from risk.costs import PRICES, Prices, PricesError, read_prices
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


def add_prices(parser: argparse.ArgumentParser) -> None:
    """The option that names the prices for monthly fixed costs."""
    parser.add_argument(
        "--prices",
        type=_prices,
        metavar="FILE",
        help=f"YAML file with prices for monthly fixed costs: currency, and any of {', '.join(PRICES)} (default: none)",
    )


def _prices(given: str) -> Prices:
    try:
        return read_prices(Path(given))
    except PricesError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem


def _effects(given: str) -> frozenset[Effect]:
    try:
        return frozenset(Effect(word.strip()) for word in given.split(",") if word.strip())
    except ValueError as problem:
        known = ", ".join(effect.value for effect in Effect)
        raise argparse.ArgumentTypeError(f"got {given}, expected some of {known}, separated by commas") from problem
