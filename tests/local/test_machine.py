"""What is missing or broken on the machine says so in one line with the remedy. No engine, no Docker."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from local import __main__ as cli
from local import console, emulator, engine, lock, paths, stack
from local.console import UserError
from local.key import Key
from local.machine import process_started

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def private_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(paths, "LOCAL", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(emulator, "_RECORD", tmp_path / "emulator.json")
    monkeypatch.setattr(cli, "STATE", tmp_path / "state")
    return tmp_path


def error_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(arguments) == 1
    return capsys.readouterr().err


def test_an_old_python_is_told_which_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(sys, "version", "3.9.1 (main)")
    assert error_of(["status"], capsys) == (
        "error: Python: this is 3.9.1, 3.10 or newer is needed; run `make PYTHON=python3.12 up`\n"
    )


def test_a_full_disk_is_told_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10 * 2**30, 9 * 2**30, 2**30))
    assert error_of(["up"], capsys) == "error: disk: 1.0 GiB free here, 2 GiB are needed; free some space\n"


@pytest.mark.parametrize("command", ["status", "logs", "shell"])
def test_what_needs_a_running_stack_says_how_to_get_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of([command], capsys) == "error: the local stack is not running; run `make up`\n"


def test_a_missing_docker_package_is_found_before_tasks_have_no_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"Python package `docker` is missing.*run `make setup`"):
        emulator.ensure("ap-northeast-1")


@pytest.mark.parametrize("given", ["x", "0", "65536", "-1", "4566 "])
def test_a_port_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("LOCAL_PORT", given)
    with pytest.raises(
        UserError, match=f"^LOCAL_PORT: got {given}, expected a port from 1 to 65535; choose a free one"
    ):
        emulator.ensure("ap-northeast-1")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for command in ("up", "preview", "status", "logs", "shell", "env", "down"):
        assert f"    {command} " in shown


# --- the engine -------------------------------------------------------------------------------------------------------


def fake_pulumi(folder: Path, version: str) -> Path:
    executable = folder / "bin" / "pulumi"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!/bin/sh\necho v{version}\n")
    executable.chmod(0o755)
    return executable


@pytest.mark.parametrize(("version", "origin"), [("3.250.0", "found on PATH"), ("3.300.1", "found on PATH")])
def test_a_new_enough_engine_on_path_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, origin: str
) -> None:
    monkeypatch.setenv("PATH", f"{fake_pulumi(tmp_path / 'on-path', version).parent}:/usr/bin:/bin")
    found = engine.find()
    assert found
    assert (found.executable, found.origin) == (tmp_path / "on-path/bin/pulumi", origin)


@pytest.mark.parametrize("version", ["3.249.9", "2.0.0", "not a version"])
def test_an_older_engine_on_path_is_passed_over_for_the_cached_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
) -> None:
    monkeypatch.setenv("PATH", f"{fake_pulumi(tmp_path / 'on-path', version).parent}:/usr/bin:/bin")
    assert engine.find() is None
    cached = paths.cache() / f"engine-{engine.VERSION}"
    fake_pulumi(cached, engine.VERSION)
    found = engine.find()
    assert found
    assert found.executable == cached / "bin/pulumi"


def test_a_build_needs_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10 * 2**30, 9 * 2**30, 2**30))
    with pytest.raises(UserError, match=r"^disk: 1\.0 GiB free in .*put an official `pulumi` on PATH$"):
        engine.ensure()


def test_a_failing_build_shows_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="building it failed: one / two; check the network"):
        engine._run(["/bin/sh", "-c", "echo one; echo two; exit 3"], "building it", lambda _: None)


# --- one at a time, and after a crash ---------------------------------------------------------------------------------


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    code = (
        f"import pathlib, time\nfrom local import lock\nwith lock.exclusive(pathlib.Path({str(tmp_path / 'l')!r})):\n"
        "  print('held', flush=True)\n  time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        again = lock.exclusive(tmp_path / "l", busy=lambda pid: UserError(f"held by {pid}"))
        with pytest.raises(UserError, match=f"held by {holder.pid}"), again:
            pass
        holder.kill()
    with lock.exclusive(tmp_path / "l", busy=UserError):
        pass


def checkpoint(state: Path, pending: list[str], type_: str = "aws:ec2/vpc:Vpc") -> None:
    file = state / ".pulumi" / "stacks" / "project" / "local.json"
    file.parent.mkdir(parents=True)
    operations = [{"type": kind, "resource": {"urn": "urn:x", "type": type_}} for kind in pending]
    file.write_text(json.dumps({"checkpoint": {"latest": {"resources": [], "pending_operations": operations}}}))


@pytest.mark.parametrize(
    ("pending", "interrupted"),
    [([], False), (["updating"], False), (["deleting"], False), (["updating", "creating"], True)],
)
def test_only_an_unfinished_creation_leaves_what_nobody_knows(
    tmp_path: Path, pending: list[str], interrupted: bool
) -> None:
    checkpoint(tmp_path / "state", pending)
    assert stack.was_interrupted(tmp_path / "state") is interrupted


def test_an_unfinished_revision_is_forgotten_as_one_that_nobody_knows_does_no_harm(tmp_path: Path) -> None:
    checkpoint(tmp_path, ["updating", "creating"], "aws:ecs/taskDefinition:TaskDefinition")
    stack.unlock(tmp_path)
    assert not stack.was_interrupted(tmp_path)
    left = stack.recorded(tmp_path)
    assert left and [each["type"] for each in left["pending_operations"]] == ["updating"]


def test_a_broken_state_is_named(tmp_path: Path) -> None:
    checkpoint(tmp_path, [])
    stack.unlock(tmp_path)
    (tmp_path / ".pulumi/stacks/project/local.json").write_text("")
    with pytest.raises(UserError, match=r"^state: .* cannot be read \(local.json: Expecting value"):
        stack.unlock(tmp_path)


def test_an_emulator_is_known_by_pid_and_start_time(tmp_path: Path) -> None:
    me = emulator.Emulator(os.getpid(), process_started(os.getpid()) or 0, "ap-northeast-1", 4570, Key.new())
    me.write(tmp_path / "emulator.json")
    assert emulator.running() == me
    dataclasses.replace(me, started_ticks=1).write(tmp_path / "emulator.json")
    assert emulator.running() is None, "another process has taken the pid"


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    record = tmp_path / "emulator.json"
    record.touch(0o644)
    me = emulator.Emulator(1, 1, "ap-northeast-1", 4570, Key.new())
    me.write(record)
    assert record.stat().st_mode & 0o777 == 0o600
    assert me.key.secret_access_key not in repr(me)


def test_a_state_that_was_encrypted_with_nothing_is_begun_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(emulator, "stop", lambda: None)
    for folder in ("state", "preview"):
        (tmp_path / folder / "project").mkdir(parents=True)
    (tmp_path / "passphrase").write_text("never used")
    with cli._alone():
        assert not {"state", "preview", "passphrase"} & {file.name for file in tmp_path.iterdir()}
    assert "encrypted with an empty passphrase: starting from nothing" in capsys.readouterr().out
    (tmp_path / "state").mkdir()
    with cli._alone():
        assert (tmp_path / "state").exists()


def test_a_checkout_may_lie_in_any_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / """$(touch pwned) "x' `touch pwned`"""
    python = folder / "policy" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(stack, "POLICY_PACK", folder / "policy")
    monkeypatch.setattr(paths, "LOCAL", folder)
    launcher = stack._policy_launcher() / "pulumi-analyzer-policy-python"
    shown = subprocess.run([launcher, "127.0.0.1:1", "a b"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-2:] == ["127.0.0.1:1", "a b"]
    assert not list(tmp_path.rglob("pwned"))


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_a_step_is_plain_text_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    with console.step("Image") as shown:
        shown.note("built")
    assert capsys.readouterr().out == "✓ Image: built\n"


def test_a_failing_step_says_so_and_lets_the_error_through(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError), console.step("Image"):
        raise UserError("no")
    assert capsys.readouterr().out == "✗ Image: failed\n"


def test_a_step_can_end_with_a_failure_that_is_told_below(capsys: pytest.CaptureFixture[str]) -> None:
    with console.step("Update") as shown:
        shown.note("2 updated")
        shown.failed = True
    assert capsys.readouterr().out == "✗ Update: 2 updated\n"


def test_a_long_step_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(console, "REFRESH_SECONDS_TTY", 0.02)
    monkeypatch.setattr(console, "REFRESH_SECONDS_PIPED", 0.1)
    with console.step("Engine") as shown:
        shown.note("compiling")
        time.sleep(0.4)
    assert "  … Engine (0 s): compiling\n" in capsys.readouterr().out


def test_a_step_after_another_shows_each_line_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "REFRESH_SECONDS_TTY", 0.02)
    monkeypatch.setattr(console, "REFRESH_SECONDS_PIPED", 0.3)
    for title in ("Preview", "Update", "Answer"):
        with console.step(title):
            time.sleep(0.5 if title == "Answer" else 0.01)
    assert capsys.readouterr().out.count("  … Answer (0 s)\n") == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert console.paint("x", "31") == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert console.paint("x", "31") == "x"


def test_what_policies_acknowledge_is_counted_apart_from_warnings_and_doubts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = stack.Report("preview", console.Step("Preview"))
    report.violations = [
        ("advisory", "LB-12-waf", "", "Title\nacknowledged: For the office.\nLoadBalancer 'web' got nothing"),
        ("advisory", "ecs-settings", "", "Title\nacknowledged: Later.\nsubnets is not known yet. Not evaluated: SV-02"),
        ("advisory", "ecs-settings", "", "Title\nsubnets is not known yet. Not evaluated: SV-04"),
        ("advisory", "LB-09-access-logs", "", "Title\nLoadBalancer 'web' got nothing"),
    ]
    report.print_policies()
    assert capsys.readouterr().out.splitlines() == [
        "  1 values are unknown until the update, rules that need them were not evaluated; `make preview` lists them",
        "  2 findings are acknowledged; `make preview` lists them",
        "  ! [advisory] LB-09-access-logs",
        "      Title",
        "      LoadBalancer 'web' got nothing",
    ]


# --- the local stack is nobody's business -----------------------------------------------------------------------------


def test_the_program_and_the_pack_know_nothing_of_the_local_stack() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [root / "__main__.py", root / "settings.py", *(root / "components").rglob("*.py")]
    files += [file for file in (root / "policy").rglob("*.py") if ".venv" not in file.parts]
    for file in files:
        text = file.read_text()
        for word in ("from local", "import local", "ministack", "MiniStack", "4566"):
            assert word not in text, f"{file.relative_to(root)} mentions {word}"
