"""`make chaos`: what the application's users and its operator see while things go wrong, on the local stack.

Constant load asks the load balancer all the while. Each fault ends when the stack is again as the program wants it, and
says: answers lost, time to recover, and what is left that should not be there.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import docker.errors

from local import docker_engine
from tests.local.checkout import Checkout, copy_checkout, free_port
from tests.local.checkout import Result as Done
from tests.local.own_docker import OwnDocker, missing, own_docker

RECOVERY_SECONDS = 90
REQUEST_SECONDS = 5.0
PAGE = "app_image/html/index.html"
START = "app_image/run_apache.sh"
LAST_LINE = "exec /usr/sbin/apache2 -D FOREGROUND"
STACK = "Pulumi.local.yaml"
MIGRATION = '  h4b-helloworld:migration: { command: [sh, -c, "echo no such table >&2; exit 4"] }'
ANSWERS_500 = (
    "exec perl -MIO::Socket::INET -e '$SIG{WINCH} = sub { exit }; "
    "$door = IO::Socket::INET->new(LocalPort => 80, Listen => 99, ReuseAddr => 1); "
    "while ($guest = $door->accept) { sysread $guest, $_, 4096; "
    'print $guest "HTTP/1.1 500 Internal Server Error\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n"; '
    "close $guest }'"
)
STATE_SPARE_BYTES = 100_000
DEAF_SECONDS = 20
CLOCKS_SECONDS = 0.25
"""How much later than it happened a container's start may be heard of."""


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent, how long it took, and its status; 0 where nothing answered in time."""

    at: float
    seconds: float
    status: int
    body: str

    @property
    def good(self) -> bool:
        # An emulator without the load balancer answers 200, too, as another of its services.
        return self.status == 200 and self.body.startswith("Hello")


class Load(threading.Thread):
    """Asks for the page at a constant rate, each request on a connection of its own, and keeps every answer."""

    def __init__(self, port: int, host: Callable[[], str], requests_per_second: int) -> None:
        super().__init__(daemon=True)
        self._port, self._host, self._pause_seconds = port, host, 1 / requests_per_second
        self._ended = threading.Event()
        self.answers: list[Answer] = []

    def run(self) -> None:
        askers: list[threading.Thread] = []
        due = time.monotonic()
        while not self._ended.is_set():
            asker = threading.Thread(target=self._ask, daemon=True)
            asker.start()
            askers = [*(each for each in askers if each.is_alive()), asker]
            due += self._pause_seconds
            self._ended.wait(max(0.0, due - time.monotonic()))
        for asker in askers:
            asker.join()

    def _ask(self) -> None:
        sent = time.monotonic()
        status, body = ask(self._port, self._host())
        self.answers.append(Answer(sent, time.monotonic() - sent, status, body))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def ask(port: int, host: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_SECONDS)
    try:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


@dataclass
class Cloud:
    """The local stack of a checkout, seen through the AWS API and Docker."""

    checkout: Checkout

    def client(self, service: str) -> Any:
        return self.checkout.client(service)

    def host(self) -> str:
        (balancer,) = self.client("elbv2").describe_load_balancers()["LoadBalancers"]
        return f"{balancer['LoadBalancerName']}.alb.localhost:{self.checkout.port}"

    def service(self) -> dict[str, Any]:
        ecs = self.client("ecs")
        (cluster,) = ecs.list_clusters()["clusterArns"]
        (name,) = ecs.list_services(cluster=cluster)["serviceArns"]
        return dict(ecs.describe_services(cluster=cluster, services=[name])["services"][0])

    def docker(self) -> docker.DockerClient:
        host = self.checkout.docker_host
        return docker.DockerClient(base_url=host) if host else docker.from_env()

    def containers(self) -> list[Any]:
        found = self.docker().containers.list(filters={"label": self.checkout.label})
        return [each for each in found if _is_task(each)]

    def revision(self) -> int:
        return int(self.service()["taskDefinition"].rpartition(":")[2])

    def inventory(self) -> dict[str, int]:
        """How many of everything there are: more than before is orphaned, less is lost."""
        ec2, elbv2, ecs = self.client("ec2"), self.client("elbv2"), self.client("ecs")
        clusters = ecs.list_clusters()["clusterArns"]
        return {
            "clusters": len(clusters),
            "services": sum(len(ecs.list_services(cluster=each)["serviceArns"]) for each in clusters),
            "load balancers": len(elbv2.describe_load_balancers()["LoadBalancers"]),
            "target groups": len(elbv2.describe_target_groups()["TargetGroups"]),
            "repositories": len(self.client("ecr").describe_repositories()["repositories"]),
            "VPCs": len(ec2.describe_vpcs()["Vpcs"]),
            "subnets": len(ec2.describe_subnets()["Subnets"]),
            "security groups": len(ec2.describe_security_groups()["SecurityGroups"]),
            "roles": len(self.client("iam").list_roles()["Roles"]),
            "log groups": len(self.client("logs").describe_log_groups()["logGroups"]),
            "containers": len(self.containers()),
        }

    def unsteady(self) -> str:
        """What keeps the service from being as wanted; empty when nothing does."""
        found = self.service()
        running, wanted = len(self.containers()), found["desiredCount"]
        if len(found["deployments"]) > 1 and any(
            each["status"] != "PRIMARY" and each["runningCount"] for each in found["deployments"]
        ):
            return "tasks of an older deployment run on"
        if (found["runningCount"], running) != (wanted, wanted):
            return f"{found['runningCount']} tasks in {running} containers run, {wanted} are wanted"
        return ""


def _is_task(container: Any) -> bool:
    return "-awslogs-" not in str(container.name)


class Deafness:
    """When containers ran and did not listen yet. A load balancer of AWS sends them nothing then, the emulator does."""

    def __init__(self, cloud: Cloud) -> None:
        self._client = cloud.docker()
        self._events = self._client.events(decode=True, filters={"label": cloud.checkout.label, "event": "start"})
        self.spans: list[tuple[float, float]] = []
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        with contextlib.suppress(OSError, docker.errors.DockerException, ValueError):
            for event in self._events:
                threading.Thread(target=self._watch, args=(event["id"], time.monotonic()), daemon=True).start()

    def _watch(self, container_id: str, began: float) -> None:
        span = len(self.spans)
        self.spans.append((began, float("inf")))
        with contextlib.suppress(OSError, docker.errors.DockerException):
            container = self._client.containers.get(container_id)
            while _is_task(container) and time.monotonic() < began + DEAF_SECONDS:
                container.reload()
                address = container.attrs["NetworkSettings"]["IPAddress"]
                if container.status != "running" or (address and _listens(address)):
                    break
        self.spans[span] = (began, time.monotonic())

    def stop(self) -> None:
        self._events.close()


def within(answer: Answer, spans: list[tuple[float, float]]) -> bool:
    """Whether the request was under way in one of the spans of time."""
    return any(
        began - CLOCKS_SECONDS <= answer.at + answer.seconds and answer.at <= ended + CLOCKS_SECONDS
        for began, ended in spans
    )


def _listens(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, 80), timeout=0.5):
        return True
    time.sleep(0.01)
    return False


@dataclass
class Result:
    """What one fault did."""

    fault: str
    answers: list[Answer]
    recovery_seconds: float
    """Until the service was as wanted and answered again, from the fault on."""
    problems: list[str] = field(default_factory=list)
    """Of the final state: empty is what must be."""
    note: str = ""
    emulators: int = 0
    """Of the lost answers those that the emulator sent to a task that did not listen yet: 502."""
    was_done: bool = True

    @property
    def lost(self) -> int:
        return sum(not each.good for each in self.answers)

    def lost_by_status(self) -> str:
        counted = Counter(each.status for each in self.answers if not each.good)
        names = {0: "no answer", 200: "another service"}
        return (
            ", ".join(f"{count} x {names.get(status, status)}" for status, count in sorted(counted.items())) or "none"
        )

    def slowest_milliseconds(self) -> float:
        return max((each.seconds for each in self.answers if each.good), default=0) * 1000


class Chaos:
    """A running local stack under load, and the faults that can be done to it. Each leaves it as it found it."""

    def __init__(self, checkout: Checkout, requests_per_second: int = 20) -> None:
        self.checkout, self.cloud = checkout, Cloud(checkout)
        self.requests_per_second = requests_per_second
        self.host = self.cloud.host()
        self.wanted = self.cloud.inventory()
        self.page = (checkout.path / PAGE).read_text().strip()
        self._pages = 0

    @contextlib.contextmanager
    def _under_load(self, fault: str) -> Iterator[Result]:
        load, deafness = Load(self.checkout.port, lambda: self.host, self.requests_per_second), Deafness(self.cloud)
        load.start()
        time.sleep(0.5)
        result = Result(fault, load.answers, 0)
        began = time.monotonic()
        try:
            yield result
            result.recovery_seconds = self._recovered(began, result)
            time.sleep(0.5)
        finally:
            load.stop()
            deafness.stop()
        result.emulators = sum(each.status == 502 and within(each, deafness.spans) for each in result.answers)
        result.problems += self._wrong()

    def _recovered(self, began: float, result: Result) -> float:
        """Seconds until the service is as wanted and has answered well ten times in a row."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while time.monotonic() < deadline:
            latest = sorted(result.answers.copy(), key=lambda each: each.at)[-10:]
            if not self._unsteady() and all(each.good for each in latest):
                return time.monotonic() - began
            time.sleep(0.2)
        result.problems.append(f"not recovered: {self._unsteady() or 'it does not answer'}")
        return time.monotonic() - began

    def _unsteady(self) -> str:
        try:
            return self.cloud.unsteady()
        except docker.errors.DockerException as failure:
            return f"Docker does not answer: {failure}"

    def _wrong(self) -> list[str]:
        """What is not as wanted in the end: another page, something left over, something missing."""
        wrong = []
        status, body = ask(self.checkout.port, self.host)
        if (status, body) != (200, self.page):
            wrong.append(f"answers {status} {body[:60]!r}, expected {self.page!r}")
        found = self.cloud.inventory()
        for kind, count in self.wanted.items():
            if found[kind] != count:
                wrong.append(f"{found[kind]} {kind}, expected {count}")
        return wrong

    def _new_page(self) -> None:
        self._pages += 1
        page = f"Hello chaos {self._pages}!"
        (self.checkout.path / PAGE).write_text(page + "\n")
        self.page = page

    @contextlib.contextmanager
    def _edited(self, file: str, old: str, new: str) -> Iterator[None]:
        before = (self.checkout.path / file).read_text()
        self.checkout.replace(file, old, new)
        try:
            yield
        finally:
            (self.checkout.path / file).write_text(before)

    def _unchanged(self, result: Result) -> None:
        """A further `up` must find nothing to do: the state tells what runs."""
        again = self.checkout.local("up")
        if again.code or "0 changes" not in again.output:
            result.problems.append(f"another up changed something: {last_line(again.output)}")

    # --- faults

    def rolling_update(self) -> Result:
        """A new page replaces the old one while both revisions serve."""
        before = self.cloud.revision()
        with self._under_load("rolling update") as result:
            self._new_page()
            self._expect(result, self.checkout.local("up").code == 0, "up failed")
        self._expect(result, self.cloud.revision() == before + 1, "the revision is not the next one")
        self._nothing_lost(result)
        return result

    def exits_at_once(self) -> Result:
        """An image whose start command fails: the deployment must fail, say why, and the old revision serve on."""
        broken = self._edited(START, LAST_LINE, "echo 'no configuration' >&2; exit 3")
        with self._under_load("image that exits at once") as result, broken:
            self._rolled_back(result, self.checkout.local("up"))
        return result

    def image_missing(self) -> Result:
        """A task definition whose image is not in the registry."""
        missing = 'image_uri=pulumi.Output.concat(image.repository_url, ":0.0.0-000000000000"),'
        broken = self._edited("__main__.py", "image_uri=image.image_uri,", missing)
        with self._under_load("image that does not exist") as result, broken:
            self._rolled_back(result, self.checkout.local("up"))
        return result

    def _rolled_back(self, result: Result, failed: Done) -> None:
        self._expect(result, failed.code != 0, "up said success")
        self._expect(result, "rolled back" in failed.output, f"no word of it: {last_line(failed.output)}")
        result.note = said(failed.output, "failed, rolled back")

    def migration_fails(self) -> Result:
        """A migration that ends with 4: no task of the new revision may serve, not for a moment."""
        before = self.cloud.service()["taskDefinition"]
        with self._under_load("migration that fails") as result:
            with self._edited(STACK, "config:", f"config:\n{MIGRATION}"), self._edited(PAGE, self.page, "Never seen!"):
                failed = self.checkout.local("up")
            self._expect(result, failed.code != 0, "up said success")
            self._expect(result, "log: no such table" in failed.output, f"no word of why: {last_line(failed.output)}")
            result.note = said(failed.output, "ended with 4")
        self._expect(result, self.cloud.service()["taskDefinition"] == before, "the service took another revision")
        self._expect(result, result.lost == 0, "answers were lost")
        return result

    def answers_500(self) -> Result:
        """An image that runs and answers 500. The emulator checks no target's health: it serves, and `up` says so."""
        with self._under_load("image that answers 500") as result:
            with self._edited(START, LAST_LINE, ANSWERS_500):
                failed = self.checkout.local("up")
            self._expect(result, failed.code != 0, "up said success")
            self._expect(result, "answered 500" in failed.output, f"no word of it: {last_line(failed.output)}")
            result.note = "the emulator checks no target's health: on AWS no such target gets a request"
            self._repair(result)
        return result

    def full_disk(self) -> Result:
        """No room for the state in the middle of an update: it must fail, and go on from there once there is room."""
        if os.geteuid() != 0:
            return Result("full disk for the state", [], 0, note="a small disk needs root", was_done=False)
        with self._under_load("full disk for the state") as result:
            self._new_page()
            with _small_disk(self.checkout.path / ".local" / "state"):
                failed = self.checkout.local("up")
            self._expect(result, failed.code != 0, "up said success")
            result.note = said(failed.output, "no space left") or last_line(failed.output)
            self._repair(result)
        self._unchanged(result)
        return result

    def docker_restarted(self, daemon: OwnDocker) -> Result:
        """The Docker daemon ends, all containers with it, and comes again."""
        with self._under_load("Docker daemon restarted") as result:
            daemon.stop()
            daemon.start()
        return result

    def _repair(self, result: Result) -> None:
        repaired = self.checkout.local("up")
        self._expect(result, repaired.code == 0, f"the repaired program failed: {last_line(repaired.output)}")

    def _nothing_lost(self, result: Result) -> None:
        ours = result.lost - result.emulators
        self._expect(result, ours == 0, f"{ours} answers lost that cannot be the emulator's")

    def one_killed(self) -> Result:
        """One container dies."""
        with self._under_load("one container killed") as result:
            self.cloud.containers()[0].kill()
        return result

    def all_killed(self) -> Result:
        """Every container dies at once."""
        with self._under_load("all containers killed") as result:
            for container in self.cloud.containers():
                with contextlib.suppress(docker.errors.APIError):
                    container.kill()
        return result

    def engine_killed(self, moment: float | str) -> Result:
        """The engine and the program are killed some seconds after the start of an update, or when it prints that; a
        plain `up` must put it right."""
        when = f"at {moment}" if isinstance(moment, str) else f"after {moment:.1f} s"
        with self._under_load(f"up killed {when}") as result:
            self._new_page()
            running = self.checkout.start("up")
            if isinstance(moment, str):
                assert running.stdout
                result.was_done = any(moment in line for line in running.stdout)
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(moment)
                result.was_done = running.poll() is None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
            mended = self.checkout.local("up")
            self._expect(result, mended.code == 0, f"the next up failed: {last_line(mended.output)}")
            self.host = self.cloud.host()
        return result

    def two_at_once(self) -> Result:
        """Two people run `up` in the same folder."""
        with self._under_load("two up at once") as result:
            self._new_page()
            both = [self.checkout.start("up") for _ in range(2)]
            codes = []
            for each in both:
                output, _ = each.communicate(timeout=600)
                codes.append(each.returncode)
                if each.returncode:
                    result.note = last_line(output)
            self._expect(result, sorted(codes) == [0, 1], f"exit codes {codes}, expected one to wait")
        self._unchanged(result)
        return result

    def slow_request(self, slow_seconds: float = 4.0) -> Result:
        """A request that is under way when its task is told to stop must still be answered."""
        with self._under_load("slow request in a rolling update") as result:
            old = self.cloud.containers()[0]
            old.reload()
            slow = threading.Thread(target=self._ask_slowly, args=(old, slow_seconds, result))
            slow.start()
            self._new_page()
            updated = self.checkout.local("up")
            self._expect(result, updated.code == 0, f"up failed: {last_line(updated.output)}")
            slow.join()
        self._nothing_lost(result)
        return result

    def _ask_slowly(self, container: Any, slow_seconds: float, result: Result) -> None:
        """Sends the request but for its end, waits until the task was told to stop, and then the rest."""
        stopped_at = _stop_signal(container)
        connection: socket.socket | None = None
        answer = b""
        try:
            while not stopped_at.is_set():  # Apache gives a request 20 s to arrive: begin anew before that
                if connection:
                    connection.close()
                address = container.attrs["NetworkSettings"]["IPAddress"]
                connection = socket.create_connection((address, 80), timeout=REQUEST_SECONDS)
                connection.sendall(b"GET / HTTP/1.1\r\nHost: slow\r\n")
                if stopped_at.wait(10):
                    break
            time.sleep(slow_seconds)
            assert connection
            connection.sendall(b"Connection: close\r\n\r\n")
            answer = connection.recv(100)
        except OSError as failure:
            answer = str(failure).encode()
        finally:
            if connection:
                connection.close()
        first = answer.split(b"\r\n")[0].decode(errors="replace")
        result.note = f"answered {slow_seconds:.0f} s after the stop signal: {first or 'cut off'}"
        self._expect(result, first.startswith("HTTP/1.1 200"), f"the slow request got {first or 'no answer'}")

    def emulator_killed(self) -> Result:
        """The emulated cloud vanishes with everything in it: nothing answers until `up` has made all of it again."""
        with self._under_load("emulator killed") as result:
            os.kill(self.checkout.emulator.pid, signal.SIGKILL)
            recovered = self.checkout.local("up", timeout_seconds=600)
            self._expect(result, recovered.code == 0, f"up failed: {last_line(recovered.output)}")
            self._expect(result, "starting from scratch" in recovered.output, "no word of the lost cloud")
            self.host = self.cloud.host()
            result.note = "a new, empty cloud: all was made again under a new address"
        return result

    @staticmethod
    def _expect(result: Result, held: bool, otherwise: str) -> None:
        if not held:
            result.problems.append(otherwise)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """The folder on a disk that is all but full; its content outlives it."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    used = sum(file.stat().st_blocks * 512 for file in aside.rglob("*"))
    folder.mkdir()
    options = f"size={used + STATE_SPARE_BYTES},mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True)
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield
        shutil.rmtree(aside)
        shutil.copytree(folder, aside)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()
        aside.rename(folder)


def _stop_signal(container: Any) -> threading.Event:
    """Set as soon as Docker sends the container a signal."""
    told = threading.Event()

    def watch() -> None:
        events = container.client.events(decode=True, filters={"container": container.id, "event": "kill"})
        next(iter(events), None)
        told.set()

    threading.Thread(target=watch, daemon=True).start()
    return told


def last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "nothing printed"


def said(output: str, words: str) -> str:
    return next((line.strip() for line in output.splitlines() if words in line), "")[:200]


def table(results: list[Result]) -> str:
    """The report."""
    rows = [("fault", "requests", "lost", "by the emulator", "slowest", "recovered", "final state")]
    rows += [
        (
            each.fault,
            str(len(each.answers)),
            each.lost_by_status(),
            str(each.emulators),
            f"{each.slowest_milliseconds():.0f} ms",
            f"{each.recovery_seconds:.1f} s",
            "; ".join(each.problems) or ("as wanted" if each.was_done else "not done"),
        )
        for each in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = []
    for row, each in zip(rows, [None, *results], strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        lines.append("  ".join(cells).rstrip())
        if each and each.note:
            lines.append(f"    {each.note}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.local.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="how often `up` is killed at a random moment (20)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (1)")
    parser.add_argument("--only", nargs="*", help="faults to do, by method name: rolling_update one_killed ...")
    chosen = parser.parse_args(arguments)
    results: list[Result] = []
    docker_engine.ensure()
    with docker_engine.kept_running():
        with local_stack() as checkout:
            results += _all(Chaos(checkout), chosen)
        if not chosen.only or "docker_restarted" in chosen.only:
            results.append(_told(_docker_restarted()))
    docker_engine.stop_if_ours()
    print(f"\n{table(results)}")
    return 1 if any(each.problems for each in results) else 0


@contextlib.contextmanager
def local_stack(docker_host: str = "") -> Iterator[Checkout]:
    """A running local stack of its own, on the Docker at `docker_host` or on the machine's."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        path = Path(folder)
        copy_checkout(path)
        checkout = Checkout(path, free_port(), docker_host)
        try:
            print("… a local stack of its own", flush=True)
            checkout.local("up", timeout_seconds=900).succeeded()
            yield checkout
        finally:
            checkout.local("down", "--layers")


def _docker_restarted() -> Result:
    if lacking := missing():
        return Result("Docker daemon restarted", [], 0, note=f"a daemon of its own needs {lacking}", was_done=False)
    with own_docker() as daemon, local_stack(daemon.address) as checkout:
        return Chaos(checkout).docker_restarted(daemon)


def _all(chaos: Chaos, chosen: argparse.Namespace) -> Iterator[Result]:
    plain: list[Callable[[], Result]] = [
        chaos.rolling_update,
        chaos.slow_request,
        chaos.one_killed,
        chaos.all_killed,
        chaos.exits_at_once,
        chaos.image_missing,
        chaos.migration_fails,
        chaos.answers_500,
        chaos.two_at_once,
        chaos.full_disk,
    ]
    for fault in plain:
        if not chosen.only or fault.__name__ in chosen.only:
            yield _told(fault())
    moments = random.Random(chosen.seed)  # the same seed makes the same moments
    if not chosen.only or "engine_killed" in chosen.only:
        began = time.monotonic()
        usual = chaos.rolling_update()
        longest = time.monotonic() - began
        yield _told(usual)
        kills = 0
        while kills < chosen.kills:
            result = chaos.engine_killed(moments.uniform(1, longest))
            kills += result.was_done
            if result.was_done or result.problems:
                yield _told(result)
            else:  # `up` was faster this time: there was nothing left to kill
                longest *= 0.8
    if not chosen.only or "emulator_killed" in chosen.only:
        yield _told(chaos.emulator_killed())


def _told(result: Result) -> Result:
    mark = "✗" if result.problems else "✓"
    lost = f"lost {result.lost_by_status()}, of them {result.emulators} by the emulator"
    print(f"{mark} {result.fault}: {len(result.answers)} requests, {lost}", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
