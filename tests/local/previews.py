"""Several previews in one process: `python -m tests.local.previews FOLDER WANTED`.

`WANTED` is JSON, by name: `of`, the stack or example; `config` that differs from its stack file; what is `acknowledged`
beside what its program does. The policies are in their strict profile. Prints, as JSON, what came of each.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from local import engine, paths, stack
from local.console import Step
from picture import architecture
from picture.graph import Graph
from tests.mocks import merged


def preview(name: str, wanted: dict[str, Any], providers: stack.Providers, found: engine.Engine) -> dict[str, Any]:
    program = stack.program_in(Path(wanted["of"])) if "/" in wanted["of"] else stack.MAIN
    stack_name = wanted["of"] if program == stack.MAIN else program.default_stack
    policy_config = program.policy_config
    if wanted["config"]:
        program = _changed(program, stack_name, wanted["config"], paths.LOCAL / name)
    previewed = stack.LocalStack(
        stack_name,
        found,
        providers,
        state=paths.LOCAL / "state" / program.project_name,
        program=program,
        policy_config=_strict(policy_config, wanted["acknowledged"]),
    )
    plan = paths.LOCAL / "plan.json"
    report = previewed.preview(Step(name), plan=plan)
    messages = [(level, rule, message.partition("\n")[2]) for level, rule, _, message in report.violations]
    open_ones = [each for each in messages if not each[2].startswith(stack.ACKNOWLEDGED)]
    return {
        "errors": report.errors + [f"{rule}: {text}" for level, rule, text in open_ones if level == "mandatory"],
        "acknowledged": sorted({rule for _, rule, text in messages if text.startswith(stack.ACKNOWLEDGED)}),
        "advisory": [
            f"{rule}: {text}" for level, rule, text in open_ones if level == "advisory" and rule != stack.NOT_EVALUATED
        ],
        "unevaluated": [each for _, rule, text in open_ones if rule == stack.NOT_EVALUATED for each in _open(text)],
        "picture": "" if report.errors else architecture.draw(Graph(json.loads(plan.read_text()))),
        "services": [name for kind, name in _created(report) if kind == "aws:ecs/service:Service"],
    }


def _open(text: str) -> list[tuple[str, str]]:
    """Each value that stayed open, with the reason, and the rules that wait for it."""
    return re.findall(r"(?:^|; )(.+?)\. Not evaluated: ([A-Z0-9, -]+)", text)


def _changed(program: stack.Program, name: str, config: dict[str, Any], folder: Path) -> stack.Program:
    """The program with another configuration."""
    folder.mkdir()
    for file in ("Pulumi.yaml", "__main__.py"):
        shutil.copyfile(program.folder / file, folder / file)
    changed = merged(program.configuration(name), config, program.project_name)
    (folder / program.stack_file(name).name).write_text(json.dumps({"config": changed}))
    return stack.Program(folder)


def _strict(given: Path | None, acknowledged: list[dict[str, str]]) -> Path:
    configured: dict[str, Any] = {} if given is None else json.loads(given.read_text())
    settings = configured.setdefault("ecs-settings", {})
    settings["profile"] = "strict"
    settings["acknowledged"] = settings.get("acknowledged", []) + acknowledged
    written = paths.LOCAL / "strict.json"
    written.write_text(json.dumps(configured))
    return written


def _created(report: stack.Report) -> list[tuple[str, str]]:
    created = [event.resource_pre_event.metadata for event in report.seen if event.resource_pre_event]
    return [(each.type, each.urn.rpartition("::")[2]) for each in created if each.op == "create"]


def main(folder: str, wanted: str) -> None:
    paths.LOCAL = Path(folder)
    paths.LOCAL.mkdir()
    os.chdir(paths.ROOT)
    found = engine.ensure()
    providers = stack.Providers(online=False)
    try:
        stack.warm_up()
        came = {name: preview(name, each, providers, found) for name, each in json.loads(wanted).items()}
    finally:
        providers.stop()
    print(json.dumps(came))


if __name__ == "__main__":
    main(*sys.argv[1:])
