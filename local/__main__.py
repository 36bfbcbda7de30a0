"""`python -m local up|preview|down|status|logs|shell`: the program of this repository on this machine, without AWS."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local import console, emulator, lock, paths
from local.console import UserError, say, step
from risk.options import add_fail_on, add_prices
from risk.plan import make_followable

if TYPE_CHECKING:
    from local.stack import LocalStack

PYTHON_NEEDED = (3, 10)
DISK_NEEDED_GIB = 2
SERVICE_TYPE = "aws:ecs/service:Service"
STATE = paths.LOCAL / "state"
PREVIEW_STATE = paths.LOCAL / "preview"
PLAN = paths.LOCAL / "plan.json"


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = chosen.command
    if getattr(chosen, "json", False):
        console.leave_stdout_to_scripts()
    try:
        _check_machine()
        paths.LOCAL.mkdir(exist_ok=True)
        os.chdir(paths.ROOT)
        return command(chosen)
    except UserError as problem:
        print(f"{console.paint('error', '31')}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to continue", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        added.set_defaults(command=command)
        return added

    add("up", up).add_argument(
        "--refresh", action="store_true", help="first read what really runs, so that drift is repaired"
    )
    previewed = add("preview", preview)
    previewed.add_argument("--stack", help="the stack whose configuration is used (default: local, or the program's)")
    previewed.add_argument(
        "--program", type=Path, metavar="FOLDER", help="another program of this repository, such as examples/worker"
    )
    previewed.add_argument("--markdown", type=Path, metavar="FILE", help="also write the risk report as Markdown")
    previewed.add_argument(
        "--picture", type=Path, metavar="FILE", help="also draw the stack as SVG, as if nothing of it existed yet"
    )
    previewed.add_argument(
        "--record", type=Path, metavar="FOLDER", help="also keep its events and its plan, for `make risk` elsewhere"
    )
    previewed.add_argument("--all", action="store_true", help="a line for each finding, also where many are alike")
    previewed.add_argument("--json", action="store_true", help="for scripts: the report as JSON")
    add_fail_on(previewed)
    add_prices(previewed)
    add("status", status).add_argument("--json", action="store_true", help="for scripts: the same as JSON")
    add("logs", logs).add_argument("--follow", "-f", action="store_true", help="keep printing new lines until Ctrl-C")
    add("shell", shell).add_argument("words", nargs="*", metavar="COMMAND", help="what to run (default: bash)")
    add("env", env)
    add("down", down).add_argument(
        "--layers", action="store_true", help="also the layers of its image, which make the next build quick"
    )
    return parser


def _check_machine() -> None:
    if sys.version_info < PYTHON_NEEDED:
        needed = ".".join(map(str, PYTHON_NEEDED))
        raise UserError(
            f"Python: this is {sys.version.split()[0]}, {needed} or newer is needed; run `make PYTHON=python3.12 up`"
        )
    free_gib = shutil.disk_usage(paths.ROOT).free / 2**30
    if free_gib < DISK_NEEDED_GIB:
        raise UserError(f"disk: {free_gib:.1f} GiB free here, {DISK_NEEDED_GIB} GiB are needed; free some space")


@contextmanager
def _alone() -> Iterator[None]:
    def busy(pid: str) -> UserError:
        return UserError(
            f"another `make up`, `down` or `preview` works in this folder (process {pid}); wait until it is done"
        )

    with lock.exclusive(paths.LOCAL / "lock", busy=busy):
        from local import stack

        if stack.forget_open_states():
            say("  secrets of the state were encrypted with an empty passphrase: starting from nothing")
            emulator.stop()
        yield


def up(chosen: argparse.Namespace) -> int:
    """Run the program here: real engine, policy pack, containers; ends with the answer of the load balancer."""
    from local import stack

    if sys.platform != "linux":
        raise UserError(
            "emulator: tasks' addresses can be reached on Linux only; run `make up` in a Linux virtual machine"
        )

    began = time.monotonic()
    with _alone():
        with _prepared() as local:
            changed = _bring_up(local, refresh=chosen.refresh)
        if changed is None:
            return 1
        outputs = stack.recorded_outputs(STATE)
    if not changed and not _still_serves(outputs):
        return 1
    return _answer(outputs, began, changed=changed)


@contextmanager
def _prepared() -> Iterator[LocalStack]:
    """The local stack with all that it needs: engine, Docker, base image, emulator, providers."""
    from local import base_image, docker_engine, engine, stack

    preparing_engine = engine.Preparation()
    stack.check_configuration(stack.LOCAL)
    settings = stack.effective_configuration(stack.LOCAL)
    docker_engine.ensure()
    configured_base = settings["image.base"]
    base = base_image.ensure(configured_base)
    cloud_now = _ensure_cloud(settings["aws:region"])
    providers = stack.Providers(online=True, base_images={configured_base: base})
    try:
        stack.warm_up()
        local = stack.LocalStack(stack.LOCAL, preparing_engine.result(), providers, state=STATE)
        (STATE / "cloud").write_text(cloud_now.identity)
        yield local
    finally:
        providers.stop()


def _bring_up(local: LocalStack, *, refresh: bool) -> bool | None:
    """Previews and updates; whether anything changed, None where it was refused or failed."""
    if refresh:
        with step("Read what really runs") as shown:
            drift = local.refresh(shown)
        if not _accept(drift):
            return None
    with step("Preview with the policy pack") as shown:
        planned = local.preview(shown, plan=PLAN)
        if not planned.changed and not planned.errors:
            shown.note("nothing changed")
    if not _accept(planned):
        return None
    if planned.changed:
        with step("Update") as shown:
            # As on AWS by `make plan deploy`: what was shown is what is done.
            make_followable(PLAN)
            done = local.up(shown, plan=PLAN)
        if not _accept(done):
            return None
    return bool(planned.changed)


def _still_serves(outputs: dict[str, Any]) -> bool:
    """Whether the last update was not rolled back: the engine runs nothing where nothing changes."""
    from components.verdict import Outcome, decide
    from local import cloud, stack

    wanted = stack.recorded_resources(STATE, SERVICE_TYPE)[0]["outputs"]["taskDefinition"]
    running = cloud.service(outputs["clusterName"], outputs["serviceName"]).described
    verdict = decide(running, wanted)
    if verdict.outcome in (Outcome.SERVING, Outcome.WAITING):
        return True
    say(f"{console.paint('✗', '31')} {verdict.text}; repair it, or run `make refresh` to try it again")
    return False


def _answer(outputs: dict[str, Any], began: float, *, changed: bool) -> int:
    """Waits for the load balancer's answer and shows it."""
    from local import cloud

    host = cloud.load_balancer_host(outputs["albDnsName"])
    code, body = cloud.wait_for_answer(host)
    if code != 200:
        say(f"{console.paint('✗', '31')} http://{host}/ answered {code or 'nothing'}: {body.strip()[:200]}")
        _explain_tasks()
        return 1
    say()
    say(console.paint(body.strip(), "1"))
    say()
    say(f"  from     http://{host}/  ({time.monotonic() - began:.0f} s{'' if changed else ', 0 changes'})")
    say("  next     edit app_image/html/index.html and run `make up` again; `make status`, `make logs`, `make shell`")
    say("  end      `make down` removes everything")
    return 0


def _ensure_cloud(region: str) -> emulator.Emulator:
    """The emulator, with a state that belongs to it: a new cloud is empty, so what the old state tells of is gone."""
    from local import stack

    stack.unlock(STATE)
    if stack.was_interrupted(STATE):
        say("  the last update was interrupted while it created resources: starting again with an empty cloud")
        emulator.stop()
    found = emulator.ensure(region)
    marker = STATE / "cloud"
    if STATE.exists() and (not marker.exists() or marker.read_text() != found.identity):
        if stack.recorded(STATE):
            say("  the emulator was restarted and lost its state: starting from scratch")
        shutil.rmtree(STATE)
    STATE.mkdir(parents=True, exist_ok=True)
    return found


def _accept(report: Any) -> bool:
    """Prints what a run complained about; True where it may go on."""
    report.print_policies()
    _complain(report)
    refused = sum(violation[0] == "mandatory" for violation in report.violations)
    if refused:
        say(f"  refused by {refused} mandatory rule{'s' * (refused > 1)}")
    return not report.errors and not refused


def _complain(report: Any) -> None:
    for warning in report.warnings:
        say(f"  {console.paint('!', '33')} {warning}")
    for error in report.errors:
        say(f"  {console.paint('✗', '31')} {error}")


def preview(chosen: argparse.Namespace) -> int:
    """Show what an update of a stack would change and what it risks, checked by the policy pack, offline."""
    from local import engine, stack
    from picture import architecture as picture
    from picture.graph import Graph
    from risk import render as risk
    from risk.report import assess

    program = stack.program_in(chosen.program) if chosen.program else stack.MAIN
    name = chosen.stack or program.default_stack
    title = str(chosen.program) if chosen.program else name
    program.configuration(name)
    if program == stack.MAIN:
        stack.check_configuration(name)
    with _alone():
        preparing_engine = engine.Preparation()
        online = program == stack.MAIN and name == stack.LOCAL and stack.recorded(STATE) is not None
        online = online and emulator.running() is not None and not chosen.picture
        state = STATE if online else PREVIEW_STATE / program.project_name
        providers = stack.Providers(online=online)
        try:
            stack.warm_up()
            state.mkdir(parents=True, exist_ok=True)
            stack.unlock(state)
            previewed = stack.LocalStack(name, preparing_engine.result(), providers, state=state, program=program)
            with step(f"Preview of {title} with the policy pack") as shown:
                PLAN.unlink(missing_ok=True)
                planned = previewed.preview(shown, plan=PLAN if chosen.picture or chosen.record else None)
            _complain(planned)  # what policies say is in the report below
        finally:
            providers.stop()
    if chosen.picture and not planned.errors:
        chosen.picture.parent.mkdir(parents=True, exist_ok=True)
        chosen.picture.write_text(picture.draw(Graph(json.loads(PLAN.read_text()))), encoding="utf-8")
        say(f"{chosen.picture} is written")
    if chosen.record:
        chosen.record.mkdir(parents=True, exist_ok=True)
        (chosen.record / "events.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in planned.recorded))
        if PLAN.exists():
            make_followable(PLAN)
            shutil.copyfile(PLAN, chosen.record / "plan.json")
        say(f"{chosen.record} has its events and its plan")
    risks = assess(planned.seen, chosen.prices)
    if chosen.json:
        print(json.dumps(risk.as_json(risks, chosen.fail_on), indent=2))
    else:
        say(risk.text(risks, chosen.fail_on, every=chosen.all))
    if chosen.markdown:
        chosen.markdown.write_text(risk.markdown(risks, f"Deploy risk of {title}", chosen.fail_on))
    return 1 if planned.errors or risks.failing(chosen.fail_on) else 0


def status(chosen: argparse.Namespace) -> int:
    """Show the service, its tasks, the health of its targets, the image and the address."""
    from local import cloud

    outputs = _running_outputs()
    found = cloud.service(outputs["clusterName"], outputs["serviceName"])
    described = found.described
    facts = {
        "url": f"http://{cloud.load_balancer_host(outputs['albDnsName'])}/",
        "image": outputs["imageUri"],
        "revision": _last(described["taskDefinition"]),
        "service": {
            "name": described["serviceName"],
            "running": described["runningCount"],
            "pending": described["pendingCount"],
            "desired": described["desiredCount"],
        },
        "deployments": [
            {
                "status": each["status"],
                "revision": _last(each["taskDefinition"]),
                "rolloutState": each.get("rolloutState", "?"),
                "failedTasks": each.get("failedTasks", 0),
            }
            for each in described["deployments"]
        ],
        "tasks": [
            {
                "id": _last(task["taskArn"]),
                "status": task["lastStatus"],
                "revision": _last(task["taskDefinitionArn"]),
                "address": cloud.address(task),
                "target": found.targets.get(cloud.address(task), "-"),
                "reason": task.get("stoppedReason", ""),
            }
            for task in found.tasks
        ],
    }
    if chosen.json:
        print(json.dumps(facts, indent=2))
    else:
        _show_status(**facts)
    return 0


def _show_status(*, url: str, image: str, revision: str, service: Any, deployments: Any, tasks: Any) -> None:
    say(f"url       {url}")
    say(f"image     {image}")
    say(f"revision  {revision}")
    say(f"service   {service.pop('name')}: {', '.join(f'{count} {what}' for what, count in service.items())}")
    for each in deployments:
        failed = f", {each['failedTasks']} failed tasks" if each["failedTasks"] else ""
        say(f"          {each['status']} {each['revision']}: {each['rolloutState']}{failed}")
    row = "{id:<10.8}{status:<10}{revision:<28}{address:<16}{target:<10}{reason}".format
    say(row(id="task", status="status", revision="revision", address="address", target="target", reason="reason"))
    for each in tasks:
        say(row(**each))


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def logs(chosen: argparse.Namespace) -> int:
    """Print the log of the tasks."""
    from local import cloud

    outputs = _running_outputs()
    for line in cloud.log_lines(outputs["logGroupName"], follow=chosen.follow):
        say(line)
    return 0


def shell(chosen: argparse.Namespace) -> int:
    """Open a shell in a running task's container, as ECS Exec does."""
    from local import cloud

    outputs = _running_outputs()
    found = cloud.service(outputs["clusterName"], outputs["serviceName"])
    containers = filter(
        None, map(cloud.container_of, (task for task in found.tasks if task["lastStatus"] == "RUNNING"))
    )
    container = next(containers, None)
    if not container:
        raise UserError("shell: no task is running; `make status` tells why")
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    return subprocess.run(["docker", "exec", "-i", *terminal, container, *(chosen.words or ["bash"])]).returncode  # noqa: S607


def env(_: argparse.Namespace) -> int:
    """Print what makes a shell's AWS clients call the emulator: eval "$(.venv/bin/python -m local env)"."""
    say("unset AWS_PROFILE AWS_SESSION_TOKEN")
    for name, value in emulator.needed().client_environment().items():
        say(f"export {name}={shlex.quote(value)}")
    return 0


def down(chosen: argparse.Namespace) -> int:
    """Remove everything that `up` made: resources, containers, emulator, its data; stop Docker if `up` started it."""
    from local import docker_engine

    with _alone():
        try:
            _destroy()
        except UserError as problem:
            say(f"  {console.paint('!', '33')} {problem}")  # what could not be destroyed goes with the emulator
        with step("Stop the emulator, remove its containers and data"):
            emulator.stop(layers=chosen.layers)
            shutil.rmtree(STATE, ignore_errors=True)
        docker_engine.stop_if_ours()
    return 0


def _destroy() -> None:
    from local import docker_engine, engine, stack

    if not (emulator.running() and stack.recorded(STATE) and docker_engine.running()):
        return
    if found := engine.find():
        providers = stack.Providers(online=True)
        try:
            stack.unlock(STATE)
            with step("Destroy the stack") as shown:
                gone = stack.LocalStack(stack.LOCAL, found, providers, state=STATE).destroy(shown)
            _accept(gone)
        finally:
            providers.stop()


def _running_outputs() -> dict[str, Any]:
    from local import stack

    recorded = stack.recorded(STATE) if emulator.running() else None
    if not recorded:
        raise UserError("the local stack is not running; run `make up`")
    outputs = stack.recorded_outputs(STATE)
    if "albDnsName" not in outputs:
        raise UserError("the local stack is not complete; run `make up`")
    return outputs


def _explain_tasks() -> None:
    """Why tasks stopped, where ECS knows it."""
    from local import cloud, stack

    for found in stack.recorded_resources(STATE, SERVICE_TYPE):
        described = cloud.service(found["outputs"]["cluster"], found["outputs"]["name"])
        for task in described.tasks:
            if task.get("stoppedReason"):
                say(f"  task {task['taskArn'].rpartition('/')[2][:8]} stopped: {task['stoppedReason']}")
        for event in described.described.get("events", [])[:3]:
            say(f"  {event['message']}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    raise SystemExit(main())
