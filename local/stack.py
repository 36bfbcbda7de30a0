"""The Pulumi side of the local stack: the real engine runs a program of this repository with the policy pack.

The program runs in this process (an Automation API inline program), the resources are made by the providers of
`local/providers`, the state is a folder.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import json
import os
import runpy
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation
from pulumi.automation import events

from components import interrupt
from local import console, emulator, paths
from local.console import Step, UserError
from local.engine import Engine
from risk.preview import without_colours

POLICY_PACK = paths.ROOT / "policy"
LOCAL = "local"
EXAMPLES = paths.ROOT / "examples"
LOCAL_POLICY_CONFIG = Path(__file__).parent / "policy-config.json"
"""Practices are for stacks that live; what AWS would reject is refused here too."""

NOT_EVALUATED = "ecs-settings"
"""The policy under which the pack reports what it could not evaluate."""

ACKNOWLEDGED = "acknowledged: "
"""How the pack begins, below the title, to tell of a finding that may stay."""

OUR_LAUNCHER = "using pulumi-analyzer-policy-python from $PATH"
"""The engine's warning about the launcher that `_policy_launcher` puts there."""

TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"

_ECHOES = ("update failed", "context canceled", "expected resource operations for")
"""What the engine adds to an error that it has told already."""

_UNCHANGED = {events.OpType.SAME, events.OpType.READ}
_SIGNS = {"create": ("+", "32"), "update": ("~", "33"), "delete": ("-", "31"), "replace": ("±", "35")}


@dataclass(frozen=True)
class Program:
    """A Pulumi program with its stack files."""

    folder: Path

    def stack_file(self, name: str) -> Path:
        return self.folder / f"Pulumi.{name}.yaml"

    def configuration(self, name: str) -> dict[str, Any]:
        """The `config` of `Pulumi.<name>.yaml`. Raises UserError where there is no such stack."""
        file = self.stack_file(name)
        if not file.exists():
            known = ", ".join(self.stacks)
            raise UserError(f"STACK: got {name}, expected one of {known}; name one of them, or write {file.name}")
        return dict((yaml.safe_load(file.read_text()) or {}).get("config") or {})

    @property
    def stacks(self) -> list[str]:
        return sorted(found.name.split(".")[1] for found in self.folder.glob("Pulumi.*.yaml"))

    @property
    def default_stack(self) -> str:
        return LOCAL if LOCAL in self.stacks else next(iter(self.stacks), LOCAL)

    @property
    def policy_config(self) -> Path | None:
        """Among it which findings of the policies may stay. The examples share one."""
        file = (EXAMPLES if self.folder.parent == EXAMPLES else self.folder) / "policy-config.json"
        return file if file.exists() else None

    @functools.cached_property
    def project(self) -> dict[str, Any]:
        """What `Pulumi.yaml` says."""
        return dict(yaml.safe_load((self.folder / "Pulumi.yaml").read_text()))

    @property
    def project_name(self) -> str:
        return str(self.project["name"])


MAIN = Program(paths.ROOT)


def program_in(folder: Path) -> Program:
    """The program in a folder. Raises UserError where there is none."""
    program = Program((paths.ROOT / folder).resolve())
    if not (program.folder / "Pulumi.yaml").exists():
        raise UserError(
            f"PROGRAM: got {folder}, expected a folder with a Pulumi.yaml; name one, such as examples/worker"
        )
    return program


def effective_configuration(name: str) -> dict[str, Any]:
    """The stack's settings by their paths, with their defaults."""
    from settings import effective  # all of AWS's SDK, which takes a moment

    return effective(MAIN.project_name, MAIN.configuration(name))


def check_configuration(name: str) -> None:
    """Raises UserError that lists what is wrong with the stack's settings: it takes no engine to know."""
    from settings import problems

    found = problems(MAIN.project_name, name, MAIN.configuration(name))
    if found:
        raise UserError("\n  - ".join([f"{MAIN.stack_file(name).name} cannot be used:", *found]))


def warm_up() -> None:
    """Imports what the program imports while the engine and the providers start."""

    def load() -> None:
        from pulumi_aws import cloudwatch, ec2, ecr, ecs, iam, lb, vpc

        for module in (cloudwatch, ec2, ecr, ecs, iam, lb, vpc):
            dir(module)

    threading.Thread(target=load, daemon=True).start()


class Providers:
    """The process that serves the local providers; it ends when this one does."""

    def __init__(self, *, online: bool, base_images: dict[str, str] | None = None) -> None:
        self.online = online
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {
            "LOCAL_PROGRAM_DIR": str(paths.ROOT),
            "LOCAL_BASE_IMAGES": json.dumps(base_images or {}),
            "LOCAL_IMAGE_LABELS": json.dumps({emulator.IMAGE_LABEL: paths.owner()}),
        }
        if online:
            running = emulator.needed()
            environment |= running.client_environment() | {"LOCAL_REGISTRY": running.registry}
        with (paths.LOCAL / "providers.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.providers"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=paths.ROOT,
                text=True,
                start_new_session=True,  # Ctrl-C is for the engine, which still needs its providers to stop cleanly
            )

    @functools.cached_property
    def addresses(self) -> str:
        """The value of PULUMI_DEBUG_PROVIDERS."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise UserError("local providers: did not start; see .local/providers.log")
        return ",".join(f"{name}:{port}" for name, port in json.loads(line).items())

    def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


@dataclass
class Report:
    """What one engine run did, gathered from its events."""

    title: str
    shown: Step
    seen: list[events.EngineEvent] = field(default_factory=list)
    changes: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    violations: list[tuple[str, str, str, str]] = field(default_factory=list)
    _started: dict[str, float] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def on_event(self, event: events.EngineEvent) -> None:
        self.seen.append(event)
        if event.resource_pre_event:
            metadata = event.resource_pre_event.metadata
            self._started[metadata.urn] = time.monotonic()
            if metadata.op not in _UNCHANGED:
                self.shown.note(f"{_verb(metadata.op.value)} {_name(metadata.urn)}")
        elif event.res_outputs_event:
            self._show(event.res_outputs_event.metadata)
        elif event.diagnostic_event:
            self._diagnose(event.diagnostic_event)
        elif event.policy_event:
            policy = event.policy_event
            violation = (
                policy.enforcement_level,
                policy.policy_name,
                policy.resource_urn or "",
                policy.message.strip(),
            )
            if violation not in self.violations:
                self.violations.append(violation)
        elif event.summary_event:
            self.changes = dict(event.summary_event.resource_changes.items())

    @property
    def recorded(self) -> list[dict[str, Any]]:
        """The events as the engine writes them into an event log."""
        return [_as_json(event) for event in self.seen]

    @property
    def changed(self) -> int:
        return sum(count for op, count in self.changes.items() if op not in {kind.value for kind in _UNCHANGED})

    def _show(self, metadata: events.StepEventMetadata) -> None:
        op = metadata.op.value
        internal = metadata.type.startswith("pulumi:") or op in ("create-replacement", "delete-replaced")
        if self.title == "preview" or metadata.op in _UNCHANGED or internal or (metadata.urn, op) in self._told:
            return
        self._told.add((metadata.urn, op))  # a component's outputs are an event of their own
        kind = next((kind for kind in _SIGNS if kind in op), "update")
        sign, colour = _SIGNS[kind]
        took = time.monotonic() - self._started.get(metadata.urn, time.monotonic())
        changed = f" ({', '.join(metadata.diffs)})" if metadata.diffs else ""
        seconds = f" {took:.1f} s" if took >= 1 else ""
        console.say(f"  {console.paint(sign, colour)} {_name(metadata.urn)}{changed}{seconds}")

    def _diagnose(self, diagnostic: events.DiagnosticEvent) -> None:
        text = without_colours(diagnostic.message)
        if diagnostic.ephemeral or diagnostic.severity == "info":
            self.shown.note(text.splitlines()[-1] if text else "")
        elif diagnostic.severity == "error" and not text.startswith(_ECHOES):
            where = (
                f"{_name(diagnostic.urn)}: " if diagnostic.urn and "pulumi:pulumi:Stack" not in diagnostic.urn else ""
            )
            self.errors.append(where + text)
        elif diagnostic.severity == "warning" and OUR_LAUNCHER not in text:
            self.warnings.append(text)

    def print_policies(self) -> None:
        """Prints what the rules found, how much could not be evaluated yet, and how much is acknowledged."""
        acknowledged = [each for each in self.violations if is_acknowledged(each[3])]
        told = [each for each in self.violations if each not in acknowledged]
        open_questions = sum(
            message.count(". Not evaluated: ") for _, name, _, message in told if name == NOT_EVALUATED
        )
        if open_questions:
            console.say(
                f"  {open_questions} values are unknown until the update, rules that need them were not evaluated; "
                "`make preview` lists them"
            )
        if acknowledged:
            console.say(f"  {len(acknowledged)} findings are acknowledged; `make preview` lists them")
        for level, name, urn, message in sorted(told):
            if name == NOT_EVALUATED:
                continue
            mandatory = level == "mandatory"
            sign = console.paint("✗", "31") if mandatory else console.paint("!", "33")
            where = f" {_name(urn)}" if urn else ""
            console.say(f"  {sign} [{level}] {name}{where}\n      " + message.replace("\n", "\n      "))

    def summary(self) -> str:
        counted = [
            f"{count} to {op}" if self.title == "preview" else f"{count} {op}d"
            for op, count in sorted(self.changes.items())
            if op != "same"
        ]
        return ", ".join([*counted, f"{self.changes.get('same', 0)} unchanged"])


def is_acknowledged(message: str) -> bool:
    """Whether what a policy says is of a finding that may stay."""
    return message.partition("\n")[2].startswith(ACKNOWLEDGED)


def _name(urn: str) -> str:
    parts = urn.split("::")
    return f"{parts[-2].rpartition('$')[2]} {parts[-1]}" if len(parts) >= 4 else urn


def _as_json(value: Any) -> Any:
    """What the SDK made of an event's JSON, as JSON: attributes have their names there in camel case."""
    if isinstance(value, dict):
        return {key: _as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    if isinstance(value, enum.Enum) or not hasattr(value, "__dict__"):
        return value
    return {_camel_case(name): _as_json(each) for name, each in vars(value).items() if each is not None}


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _verb(op: str) -> str:
    return {"create": "creating", "update": "updating", "delete": "deleting", "replace": "replacing"}.get(op, op)


class LocalStack:
    """One stack of a program on a state folder of its own."""

    def __init__(
        self,
        name: str,
        engine: Engine,
        providers: Providers,
        *,
        state: Path,
        program: Program = MAIN,
        policy_config: Path | None = None,
    ) -> None:
        self.name = name
        self._state = state
        self._source = program
        if policy_config is None:
            policy_config = LOCAL_POLICY_CONFIG if name == LOCAL else program.policy_config
        self._policy_configs = None if policy_config is None else [str(policy_config)]
        self._online = providers.online
        work_dir = state / "work"
        self._write_work_dir(work_dir)
        options = automation.LocalWorkspaceOptions(
            work_dir=str(work_dir),
            pulumi_home=str(paths.LOCAL / "pulumi"),
            pulumi_command=engine.command,
            env_vars=self._environment(engine, providers.addresses),
        )
        try:
            self._stack = automation.create_or_select_stack(name, program.project_name, self._program, opts=options)
        except automation.errors.CommandError as failure:
            raise _unusable(state, str(failure).strip().rpartition("error: ")[2]) from failure
        if self._stand_ins:
            values = {path: automation.ConfigValue(text, secret=True) for path, text in self._stand_ins.items()}
            self._stack.set_all_config(values, path=True)
        # After every update Automation asks the engine for these, for a second; here the state's file has them.
        self._stack.outputs = dict  # type: ignore[method-assign]
        self._stack.info = lambda *_: self  # type: ignore[assignment,method-assign]

    def _environment(self, engine: Engine, providers: str) -> dict[str, str]:
        environment = {
            # Else each file gets another one beside it: an engine killed while it writes that leaves a broken state.
            "PULUMI_BACKEND_URL": f"file://{self._state}?metadata=skip",
            # Its content: a variable that is set, even to nothing, comes before PULUMI_CONFIG_PASSPHRASE_FILE.
            "PULUMI_CONFIG_PASSPHRASE": _passphrase(),
            "PULUMI_DEBUG_PROVIDERS": providers,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        if not engine.has_python_language_host:
            environment["PATH"] = f"{_policy_launcher()}{os.pathsep}{os.environ['PATH']}"
        return environment

    def _write_work_dir(self, work_dir: Path) -> None:
        """Copies the project and stack files: the engine writes its encryption salt there, the checkout stays clean."""
        work_dir.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._source.folder / "Pulumi.yaml", work_dir / "Pulumi.yaml")
        given = self._source.stack_file(self.name)
        copied = work_dir / given.name
        salt = (yaml.safe_load(copied.read_text()) or {}).get("encryptionsalt") if copied.exists() else None
        content = yaml.safe_load(given.read_text()) or {}
        for key in ("secretsprovider", "encryptedkey", "encryptionsalt"):
            content.pop(key, None)
        self._stand_ins = _stand_ins(content.get("config") or {})
        if salt:
            content["encryptionsalt"] = salt
        copied.write_text(yaml.safe_dump(content))

    def _program(self) -> None:
        if self._online:  # the program's own calls, such as the verdict on a deployment, go to the emulator too
            emulator.needed().claim(os.environ)
        runpy.run_path(str(self._source.folder / "__main__.py"), run_name="__main__")

    def preview(self, shown: Step, *, plan: Path | None = None) -> Report:
        """What `up` would change, also saved as `plan`. The report's `errors` are empty where it may be done."""
        operation = functools.partial(self._stack.preview, plan=str(plan)) if plan else self._stack.preview
        return self._run("preview", operation, shown)

    def up(self, shown: Step, *, plan: Path | None = None) -> Report:
        """Updates, and where there is a plan does nothing else than it says."""
        operation = functools.partial(self._stack.up, plan=str(plan)) if plan else self._stack.up
        return self._run("up", operation, shown)

    def refresh(self, shown: Step) -> Report:
        return self._run("refresh", self._stack.refresh, shown, policies=False)

    def destroy(self, shown: Step) -> Report:
        return self._run("destroy", self._stack.destroy, shown, policies=False)

    def _run(self, title: str, operation: Callable[..., Any], shown: Step, *, policies: bool = True) -> Report:
        report = Report(title, shown)
        report.warnings += [
            f"{path}: its secret is encrypted for somebody else, {text or 'nothing'} stands in for it"
            for path, text in self._stand_ins.items()
        ]
        arguments: dict[str, Any] = {"on_event": report.on_event, "color": "never"}
        if policies:
            arguments |= {"policy_packs": [str(POLICY_PACK)], "policy_pack_configs": self._policy_configs}
        with _interrupt_is_for_the_engine():
            try:
                operation(**arguments)
            except automation.errors.CommandError as failure:
                if not report.errors and not any(level == "mandatory" for level, *_ in report.violations):
                    report.errors.append(_last_lines(str(failure)))
        shown.note(report.summary())
        shown.failed = bool(report.errors)
        return report


def _stand_ins(config: dict[str, Any]) -> dict[str, str]:
    """By path, what stands in for each secret, which this stack's key cannot read; in the configuration it does so now.

    A whole setting has nothing: that is what its empty value says. A part of one is some text.
    """
    found: dict[str, str] = {}
    from settings import keys

    whole = {*config, *(_indexed(key, path) for key in config for path in dict(keys()))}

    def put(path: str, value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"secure"}:
            found[path] = "" if path in whole else "something"
            return found[path]
        if isinstance(value, dict):
            return {key: put(f"{path}[{json.dumps(key)}]", each) for key, each in value.items()}
        return [put(f"{path}[{at}]", each) for at, each in enumerate(value)] if isinstance(value, list) else value

    for key, value in config.items():
        config[key] = put(key, value)
    return found


def _indexed(key: str, path: str) -> str:
    """The path of a setting as the engine writes it below a key of the stack file: `shop:alarms["email"]`."""
    first, *steps = path.split(".")
    return key + "".join(f"[{json.dumps(step)}]" for step in steps) if key.endswith(f":{first}") else key


def _last_lines(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-12:])


@contextlib.contextmanager
def _interrupt_is_for_the_engine() -> Iterator[None]:
    """The terminal sends Ctrl-C to the engine too: it finishes what it is doing, saves its state, and is waited for.
    What the program waits for runs beside it here, and has to be told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_interrupt(*_: object) -> None:
        console.say("  stopping after the current operations …")
        interrupt.tell()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _passphrase() -> str:
    """What the secrets of this checkout's states are encrypted with."""
    file = paths.LOCAL / "state-passphrase"
    if not file.exists():
        paths.write_private(file, secrets.token_urlsafe(32))
    return file.read_text()


def forget_open_states() -> bool:
    """Removes the states of an earlier version, which wrote a passphrase and let the engine take the empty one.

    True where there were some.
    """
    file = paths.LOCAL / "passphrase"
    if not file.exists():
        return False
    for folder in (paths.LOCAL / "state", paths.LOCAL / "preview"):
        shutil.rmtree(folder, ignore_errors=True)
    file.unlink()
    return True


def _policy_launcher() -> Path:
    """The folder of the program by which an engine without a Python language host starts a policy pack."""
    folder = paths.LOCAL / "bin"
    folder.mkdir(exist_ok=True)
    launcher = folder / "pulumi-analyzer-policy-python"
    python = POLICY_PACK / ".venv" / "bin" / "python"
    program = Path(__file__).with_name("policy_launcher.py")
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} -u {shlex.quote(str(program))} "$1" "$2"\n')
    launcher.chmod(0o755)
    return folder


def recorded(state: Path) -> dict[str, Any] | None:
    """The last checkpoint of a state folder, read without the engine. Raises UserError where it is broken."""
    found = _stack_file(state)
    return _latest(found[1]) if found else None


def _stack_file(state: Path) -> tuple[Path, dict[str, Any]] | None:
    for file in state.glob(".pulumi/stacks/*/*.json"):
        try:
            return file, dict(json.loads(file.read_text()))
        except ValueError as problem:
            raise _unusable(state, f"{file.name}: {problem}") from problem
    return None


def _latest(content: dict[str, Any]) -> dict[str, Any]:
    return content.get("checkpoint", {}).get("latest") or {}


def _unusable(state: Path, reason: str) -> UserError:
    return UserError(f"state: {state} cannot be read ({reason}); `make down` removes it and all that it tells of")


def recorded_resources(state: Path, kind: str) -> list[dict[str, Any]]:
    """The resources of a type; none before the first update."""
    return [found for found in (recorded(state) or {}).get("resources") or [] if found["type"] == kind]


def recorded_outputs(state: Path) -> dict[str, Any]:
    """The stack's outputs; none before the first update."""
    return next((dict(found.get("outputs") or {}) for found in recorded_resources(state, "pulumi:pulumi:Stack")), {})


def was_interrupted(state: Path) -> bool:
    """True where an engine died while creating: what it made may be in the cloud without being in the state."""
    pending = (recorded(state) or {}).get("pending_operations") or []
    return any(operation.get("type") == "creating" for operation in pending)


def unlock(state: Path) -> None:
    """Removes what an engine that died left: its lock, and the note that it was about to register a revision, of which
    one that nobody knows does no harm. The caller holds the checkout's own lock, so no engine is running."""
    shutil.rmtree(state / ".pulumi" / "locks", ignore_errors=True)
    found = _stack_file(state)
    pending = (_latest(found[1]).get("pending_operations") or []) if found else []
    kept = [each for each in pending if (each["type"], each["resource"].get("type")) != ("creating", TASK_DEFINITION)]
    if found and kept != pending:
        file, content = found
        _latest(content)["pending_operations"] = kept
        half = file.with_suffix(".half")
        half.write_text(json.dumps(content))
        half.replace(file)
