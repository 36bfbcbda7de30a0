"""`ecs-policy`: the pack without the engine.

Ends with 0 when nothing mandatory is found, 1 when something is, 2 when it was used wrongly.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ecs_policy import __version__
from ecs_policy.acknowledgements import ConfigurationError, nearest
from ecs_policy.catalogue import LEVELS, explained, facts, listed
from ecs_policy.check import check
from ecs_policy.configuration import Configuration, read_file
from ecs_policy.files import FileError, read
from ecs_policy.pack import PROFILES, Settings, options, policies
from ecs_policy.report import FORMATS, Source, as_text
from ecs_policy.rule import Rule, all_rules

CLEAN, VIOLATIONS, USAGE = range(3)

_STARTER = {
    "ecs-settings": {"profile": PROFILES[0], "levels": {}, "strictUnknown": False, "acknowledged": []},
}


class UsageError(Exception):
    """What the user is to change, a problem a line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command, and returns how it ends."""
    try:
        chosen = _parser().parse_args(arguments)
        code: int = chosen.run(chosen)
        sys.stdout.flush()
        return code
    except (UsageError, FileError, ConfigurationError) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ecs-policy",
        description="Policies for Amazon ECS: what the rules are, and what they say of a stack.",
        epilog="Exit codes: 0 nothing mandatory found, 1 something found, 2 used wrongly.",
    )
    parser.add_argument("--version", action="version", version=f"ecs-policy {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = commands.add_parser("list", help="the rules, a line each", description="Lists the rules.")
    command.add_argument("--level", choices=list(LEVELS), help="only rules of this level")
    command.add_argument("--family", metavar="WORD", help="only rules of this family or group, as LB or load_balancer")
    command.add_argument("--format", choices=["text", "json"], default="text")
    command.set_defaults(run=_list)

    command = commands.add_parser(
        "explain",
        help="one rule, with a stack that fails it and one that passes",
        description="Explains rules: what they hold, why, the source, a stack that fails and one that passes.",
    )
    command.add_argument("rules", metavar="RULE", nargs="+", help="an id, as LB-13, or a name as messages show it")
    command.set_defaults(run=_explain)

    command = commands.add_parser(
        "check",
        help="what the rules say of a stack",
        description="Checks a stack that a file holds, without the engine, a program or a login.",
    )
    command.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="what `pulumi stack export`, `pulumi preview --json --show-sames` or `pulumi preview --save-plan` wrote; "
        "- is the standard input. Without it the configuration alone is checked",
    )
    command.add_argument("--config", metavar="FILE", help="the pack's configuration")
    command.add_argument("--format", choices=["text", *FORMATS], default="text")
    command.set_defaults(run=_check)

    command = commands.add_parser(
        "init", help="write a starter configuration", description="Writes a starter configuration. Overwrites nothing."
    )
    command.add_argument("file", metavar="FILE", nargs="?", default="policy-config.json", help="default: %(default)s")
    command.set_defaults(run=_init)
    return parser


def _list(chosen: argparse.Namespace) -> int:
    families = {word for rule in all_rules() for word in (_family(rule), rule.group)}
    if chosen.family is not None and chosen.family not in families:
        raise UsageError(
            f"--family: got {chosen.family}, expected one of {', '.join(sorted(families))}; "
            f"{nearest(chosen.family, families)}"
        )
    rules = [
        rule
        for rule in all_rules()
        if (chosen.family is None or chosen.family in (_family(rule), rule.group))
        and (chosen.level is None or rule.level is LEVELS[chosen.level])
    ]
    print(json.dumps([facts(rule) for rule in rules], indent=2) if chosen.format == "json" else listed(rules))
    return CLEAN


def _family(rule: Rule) -> str:
    return rule.id.partition("-")[0]


def _explain(chosen: argparse.Namespace) -> int:
    named = {word.lower(): rule for rule in all_rules() for word in (rule.policy_name, rule.id)}
    problems = [
        f"RULE: got {word}, expected the id or the name of a rule; {nearest(word.upper(), [r.id for r in all_rules()])}"
        for word in chosen.rules
        if word.lower() not in named
    ]
    if problems:
        raise UsageError("\n".join(problems))
    print("\n\n\n".join(explained(named[word.lower()]) for word in chosen.rules))
    return CLEAN


def _check(chosen: argparse.Namespace) -> int:
    if chosen.file is None and chosen.config is None:
        raise UsageError("FILE: got nothing, expected a file that holds a stack; name one, or --config alone")
    configuration = Configuration()
    if chosen.config is not None:
        configuration = _configuration(chosen.config)
    if chosen.file is None:
        print(f"{chosen.config}: every word of it is read")
        return CLEAN
    source = Source("stdin" if chosen.file == "-" else chosen.file, _text("FILE", chosen.file))
    report = check(read(source.text, source.name), configuration)
    if chosen.format == "text":
        print(as_text(report, source, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    else:
        print(FORMATS[chosen.format](report, source))
    return VIOLATIONS if report.failed else CLEAN


def _configuration(name: str) -> Configuration:
    text = _text("--config", name)
    try:
        configuration = read_file(text, options(policies()))
        Settings(configuration.options.get("ecs-settings", {}), {})
    except ConfigurationError as error:
        raise ConfigurationError("\n".join(f"{name}: {line}" for line in str(error).splitlines())) from None
    return configuration


def _text(argument: str, name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{argument}: got {name}, expected a file to read; {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{argument}: got {name}, expected text in UTF-8; export it again") from None


def _init(chosen: argparse.Namespace) -> int:
    try:
        with Path(chosen.file).open("x", encoding="utf-8") as file:
            file.write(json.dumps(_STARTER, indent=2) + "\n")
    except OSError as error:
        raise UsageError(
            f"FILE: got {chosen.file}, expected one that can be made; {error.strerror}, name another"
        ) from None
    print(f"{chosen.file}: written; pass it with --policy-pack-config, or to `ecs-policy check --config`")
    return CLEAN
