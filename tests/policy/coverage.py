"""How much of the pack's work a preview leaves undone: `python -m tests.policy.coverage [STACK ...]`.

A check is one rule on one resource that the rule is about, whatever its level; CM-01, which is about components, is
none. It is a violation where the rule found something wrong there, else not evaluated where anything of it stayed open,
else a pass. What the rules get is what the real engine tells them, with the local providers, in two previews of every
stack and example: the first one, where nothing is there, and one after an update, in which the page has changed and so
the image. The update is pretended: what AWS would answer is made up (`tests.local.pretended`), so that neither AWS nor
Docker is needed. The examples run images of others: nothing changes in their second preview.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import pickle
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel

from ecs_policy.pack import SETTINGS, Analyzer, policies
from ecs_policy.rule import Outcome, Rule
from ecs_policy.stack import Resource
from ecs_policy.values import Problem, Unevaluated

ROOT = Path(__file__).parents[2]
STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))
EXAMPLES = sorted(f"examples/{file.parent.name}" for file in ROOT.glob("examples/*/__main__.py"))
FIRST, CHANGED = "first", "changed page"
MOST_NOT_EVALUATED = 0.05
"""Of all checks of a preview."""

_MESSAGES = "RECORDED_MESSAGES"
_ABOUT_COMPONENTS = "CM-01"

_RECORDING_PACK = f"""
import os, pickle, sys

sys.path.insert(0, {str(ROOT / "policy")!r})
from pulumi.runtime import proto
from ecs_policy import pack


class Recording(pack.Analyzer):
    def _record(self, request):
        with open(os.environ["{_MESSAGES}"], "ab") as file:
            pickle.dump((type(request).__name__, request.SerializeToString()), file)
        return proto.AnalyzeResponse()

    def Analyze(self, request, context):
        return self._record(request)

    def AnalyzeStack(self, request, context):
        return self._record(request)


pack.Analyzer = Recording
pack.serve()
"""


@dataclass
class Coverage:
    """What came of the checks of one preview."""

    passes: int = 0
    not_evaluated: int = 0
    violated: set[tuple[str, str]] = field(default_factory=set)
    """Rule id and URN of each violation."""
    left_open: set[tuple[str, Unevaluated]] = field(default_factory=set)
    """Rule id and what stood in the way; several of one check where several parts of it stayed open."""

    @property
    def checks(self) -> int:
        return self.passes + len(self.violated) + self.not_evaluated

    @property
    def share(self) -> float:
        """Of the checks, what was not evaluated."""
        return self.not_evaluated / self.checks

    @property
    def reasons(self) -> set[tuple[str, str]]:
        """Rule id and why, without the names of containers: as docs/advisories.md explains them."""
        return {(rule, without_names(f"{each.location} {each.reason}")) for rule, each in self.left_open}


def without_names(reason: str) -> str:
    return re.sub(r"\[[A-Za-z0-9_-]+\]", "[]", reason)


def explained() -> set[tuple[str, str]]:
    """Rule id and why, of all that docs/advisories.md explains."""
    page = (ROOT / "docs" / "advisories.md").read_text(encoding="utf-8")
    section = page.partition("## What a preview cannot evaluate")[2]
    return {
        (rule, reason)
        for reasons, rules in re.findall(r"^\| (`.+?) \| ([A-Z0-9, -]+) \| ", section, re.MULTILINE)
        for reason in reasons[1:-1].split("`, `")
        for rule in rules.split(", ")
    }


class _Counting(Analyzer):
    """The pack, which keeps the last word on each check."""

    def __init__(self, config: Path | None) -> None:
        super().__init__("ecs", "0.1.0", policies(), EnforcementLevel.MANDATORY)
        self.last: dict[tuple[str, str], list[Outcome]] = {}
        given: dict[str, Any] = {} if config is None else json.loads(config.read_text())
        request = proto.ConfigureAnalyzerRequest()
        for name in self._policies:
            request.policyConfig[name].enforcementLevel = proto.EnforcementLevel.MANDATORY
            if isinstance(given.get(name), dict) and name != SETTINGS:
                request.policyConfig[name].properties.update(given[name])
        self.Configure(request, None)

    def _run(self, resources: Iterable[Resource], *, joins: bool) -> Iterator[tuple[Rule, Outcome]]:
        for each in resources:
            found = list(super()._run([each], joins=joins))
            for rule, _ in self._plans[type(each), joins]:
                self.last[rule.id, each.urn] = [outcome for said, outcome in found if said is rule]
            yield from found


def count(messages: Iterable[Any], config: Path | None) -> Coverage:
    """What comes of what the engine tells the pack, with the configuration that previews of the program get."""
    pack = _Counting(config)
    for message in messages:
        (pack.Analyze if isinstance(message, proto.AnalyzeRequest) else pack.AnalyzeStack)(message, None)
    counted = Coverage()
    for (rule, urn), outcomes in pack.last.items():
        if rule == _ABOUT_COMPONENTS:
            continue
        left = [each for each in outcomes if isinstance(each, Unevaluated)]
        counted.left_open |= {(rule, each) for each in left}
        if any(isinstance(each, Problem) for each in outcomes):
            counted.violated.add((rule, urn))
        elif left:
            counted.not_evaluated += 1
        else:
            counted.passes += 1
    return counted


def by_the_engine(wanted: Iterable[str], folder: Path) -> Iterator[tuple[str, str, Coverage]]:
    """Name, preview and what came of it, for each stack or example."""
    from local import engine, paths, stack
    from local.console import Step
    from tests.local.pretended import PretendedProviders

    pack = folder / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_bytes((ROOT / "policy" / "PulumiPolicy.yaml").read_bytes())
    (pack / ".venv").symlink_to(ROOT / "policy" / ".venv")
    (pack / "__main__.py").write_text(_RECORDING_PACK)
    messages = folder / "messages"

    def run(name: str, page: str, *, update: bool = False) -> Coverage:
        program = stack.program_in(Path(name)) if "/" in name else stack.MAIN
        of = stack.LocalStack(
            name if program == stack.MAIN else program.default_stack,
            found,
            providers[page],
            state=folder / "state" / name.replace("/", "-"),
            program=program,
        )
        messages.unlink(missing_ok=True)
        with mock.patch.object(stack, "POLICY_PACK", pack), contextlib.redirect_stdout(io.StringIO()):
            report = of.up(Step(name)) if update else of.preview(Step(name))
        if report.errors:
            raise RuntimeError(f"{name}: {report.errors}")
        return count(_read(messages), program.policy_config)

    with contextlib.ExitStack() as ending:
        ending.callback(os.chdir, Path.cwd())
        os.chdir(paths.ROOT)
        ending.enter_context(mock.patch.object(paths, "LOCAL", folder))
        ending.enter_context(mock.patch.dict(os.environ, {_MESSAGES: str(messages)}))
        ending.enter_context(mock.patch("components.verdict.Follower._follow", mock.AsyncMock()))
        ending.enter_context(mock.patch("components.verdict.Follower.confirm", mock.AsyncMock()))
        found = engine.ensure()
        stack.warm_up()
        providers = {page: PretendedProviders(page) for page in ("old", "new")}
        for each in providers.values():
            ending.callback(each.stop)
        for name in wanted:
            yield name, FIRST, run(name, "old")
            run(name, "old", update=True)
            yield name, CHANGED, run(name, "new")


def _read(file: Path) -> Iterator[Any]:
    with file.open("rb") as opened, contextlib.suppress(EOFError):
        while True:
            name, content = pickle.load(opened)
            yield getattr(proto, name).FromString(content)


def _row(*cells: object) -> None:
    """Of a table as docs/policy-performance.md has it."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", default=[*STACKS, *EXAMPLES], metavar="STACK")
    parser.add_argument("--open", action="store_true", help="list what stayed open, and where")
    chosen = parser.parse_args()
    totals = {FIRST: Coverage(), CHANGED: Coverage()}
    worst = 0.0
    unexplained: set[tuple[str, str]] = set()
    left: dict[tuple[str, str, str], list[str]] = {}
    _row("stack", "preview", "checks", "passes", "violations", "not evaluated", "share")
    _row(*("---" for _ in range(7)))
    with tempfile.TemporaryDirectory() as folder:
        for name, when, came in by_the_engine(chosen.programs, Path(folder)):
            _told(name, when, came)
            total = totals[when]
            total.passes += came.passes
            total.not_evaluated += came.not_evaluated
            total.violated |= {(rule, f"{name} {urn}") for rule, urn in came.violated}
            worst, unexplained = max(worst, came.share), unexplained | came.reasons - explained()
            for rule, each in sorted(came.left_open):
                what = rule, f"{each.location} {each.reason}", each.urn.rpartition("$")[2].partition(":")[2]
                left.setdefault(what, []).append(f"{name} ({when})")
    for when, total in totals.items():
        _told("**all**", when, total)
    for (rule, reason, urn), where in sorted(left.items()) if chosen.open else ():
        print(f"{rule} {urn}: {reason}: {', '.join(where)}")
    for rule, reason in sorted(unexplained):
        print(f"docs/advisories.md: got nothing about {reason!r} of {rule}, expected why it stays open; add it")
    if worst > MOST_NOT_EVALUATED:
        print(f"expected at most {MOST_NOT_EVALUATED:.0%} not evaluated in each preview")
    return 1 if unexplained or worst > MOST_NOT_EVALUATED else 0


def _told(name: str, when: str, came: Coverage) -> None:
    _row(name, when, came.checks, came.passes, len(came.violated), came.not_evaluated, f"{came.share:.1%}")


if __name__ == "__main__":
    sys.exit(main())
