"""The image as `docker run` shows it."""

from __future__ import annotations

import http.client
import io
import socket
import tarfile
import threading
import time
from collections.abc import Callable

import docker
import pytest
from docker.models.containers import Container

from tests.image.conftest import get, port_of, run_in

pytestmark = pytest.mark.docker

Start = Callable[..., Container]

AS_HARD_AS_THE_TASK_DEFINITION = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "user": "33:33",
    "sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"},
}


def test_answers_hello_world(start: Start) -> None:
    status, _, body = get(start())
    assert (status, body) == (200, "Hello World!\n")


def test_says_utf8_and_no_more_about_itself_than_apache(start: Start) -> None:
    container = start()
    _, headers, _ = get(container)
    assert headers["Content-Type"] == "text/html; charset=UTF-8"
    assert headers["Server"] == "Apache"
    status, _, body = get(container, "/absent")
    assert status == 404
    assert "Apache/" not in body


@pytest.mark.parametrize("path", ["/", "/absent"])
def test_browsers_guess_no_type_and_show_no_page_inside_anothers(start: Start, path: str) -> None:
    _, headers, _ = get(start(), path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"


@pytest.mark.parametrize("path", ["/icons/", "/server-status", "/cgi-bin/", "/.htaccess"])
def test_serves_nothing_but_the_pages(start: Start, path: str) -> None:
    assert get(start(), path)[0] in (403, 404)


def test_apache_is_process_1_and_nothing_runs_as_root(start: Start) -> None:
    container = start()
    assert run_in(container, "cat", "/proc/1/comm").strip() == "apache2"
    assert run_in(container, "cat", "/proc/1/cmdline").split("\0")[:3] == ["/usr/sbin/apache2", "-D", "FOREGROUND"]
    users = {line.split()[1] for line in run_in(container, "sh", "-c", "grep -h ^Uid /proc/[0-9]*/status").splitlines()}
    assert users == {"33"}


def test_starts_from_the_script_of_the_seed(client: docker.DockerClient, image: str) -> None:
    described = client.images.get(image).attrs["Config"]
    assert described["Cmd"] == ["/root/run_apache.sh"]
    assert list(described["ExposedPorts"]) == ["80/tcp"]
    assert described["StopSignal"] == "SIGWINCH"
    assert described["User"] == "33:33"


def test_bears_the_hardening_of_the_task_definition(start: Start) -> None:
    container = start(**AS_HARD_AS_THE_TASK_DEFINITION)
    assert get(container)[2] == "Hello World!\n"
    status = run_in(container, "cat", "/proc/1/status")
    held = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith("Cap")}
    assert set(held.values()) == {"0000000000000000"}, held
    refusal = container.exec_run(["touch", "/var/www/html/x"], user="0").output
    assert isinstance(refusal, bytes)
    assert "read-only file system" in refusal.decode().lower()


def test_also_runs_as_root_with_the_capabilities_that_takes(start: Start) -> None:
    kept = ["KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"]
    container = start(user="0", read_only=True, cap_drop=["ALL"], cap_add=kept)
    assert get(container)[2] == "Hello World!\n"
    workers = run_in(container, "sh", "-c", "grep -h ^Uid /proc/[0-9]*/status")
    assert "33" in {line.split()[1] for line in workers.splitlines()}


def test_starts_again_after_it_was_killed(start: Start) -> None:
    container = start(read_only=True)
    container.kill()
    container.wait()
    container.start()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert get(container)[0] == 200
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(container.logs().decode())


def test_logs_requests_to_stdout_and_errors_to_stderr(start: Start) -> None:
    container = start(read_only=True)
    connection = http.client.HTTPConnection("127.0.0.1", port_of(container), timeout=5)
    connection.request("GET", "/?asked", headers={"X-Forwarded-For": "203.0.113.7", "User-Agent": "a test"})
    connection.getresponse().read()
    connection.close()
    logged = _wait_for_line(container, "/?asked")
    _wait_for_line(container, "resuming normal operations", of="stderr")
    errors = container.logs(stdout=False, stderr=True).decode()
    assert " 203.0.113.7 " in logged
    assert '"GET /?asked HTTP/1.1" 200' in logged
    assert '"a test"' in logged
    assert "ServerName" not in errors
    assert "warn" not in errors


def test_a_slow_download_ends_whole_while_the_container_stops(start: Start) -> None:
    size = 48 * 1024 * 1024
    container = start()
    _put(container, "/var/www/html", "slow.bin", size)
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        reader.settimeout(20)
        reader.connect(("127.0.0.1", port_of(container)))
        reader.sendall(b"GET /slow.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = len(reader.recv(1024))

        stopping = threading.Thread(target=lambda: container.stop(timeout=30))
        stopping.start()
        time.sleep(2)
        assert stopping.is_alive(), "the container stopped under a running request"
        while chunk := reader.recv(1024 * 1024):
            received += len(chunk)
    stopping.join(20)
    assert not stopping.is_alive()
    assert received > size
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 0
    assert "shutting down gracefully" in container.logs().decode()


def test_an_idle_connection_does_not_hold_up_the_stop(start: Start) -> None:
    container = start()
    connection = http.client.HTTPConnection("127.0.0.1", port_of(container), timeout=5)
    connection.request("GET", "/")
    connection.getresponse().read()
    began = time.monotonic()
    container.stop(timeout=30)
    connection.close()
    assert time.monotonic() - began < 10
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 0


def test_holds_no_package_lists_and_no_setuid_programs(start: Start) -> None:
    container = start()
    assert run_in(container, "find", "/var/lib/apt/lists", "-type", "f", user="0") == ""
    assert run_in(container, "find", "/", "-xdev", "-type", "f", "-perm", "/6000", user="0") == ""


def test_its_files_are_not_writable_by_the_server(start: Start) -> None:
    container = start()
    for writable in ("-user 33", "-type f -perm /002"):
        found = run_in(container, "find", "/", "-xdev", *writable.split(), user="0").split()
        assert not [name for name in found if name.startswith(("/var/www", "/etc", "/root", "/usr"))]


def _wait_for_line(container: Container, part: str, *, of: str = "stdout") -> str:
    """The line with `part`: Apache logs a request after it has answered."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for line in container.logs(stdout=of == "stdout", stderr=of == "stderr").decode().splitlines():
            if part in line:
                return line
        time.sleep(0.05)
    raise AssertionError(f"no line with {part} on {of}")


def _put(container: Container, folder: str, name: str, size: int) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o644
        tar.addfile(entry, io.BytesIO(bytes(size)))
    assert container.put_archive(folder, archive.getvalue())
