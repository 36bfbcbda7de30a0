"""Which image the Dockerfile is built from, on machines of every kind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, cast

import docker
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from local import base_image, machine
from local.base_image import Recipe, Source
from local.console import Step, UserError
from local.machine import CommandFailedError, Machine
from tests.image.machines import DEBIAN_ROOT, DEBIAN_USER, FEDORA_ROOT, MAC, FakeDocker, api_error

UBUNTU = "ubuntu:24.04"
OFFLINE = api_error(500, 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host')
RECIPE = Recipe("debian", "bookworm", (Source("http://mirror/debian", "bookworm", ("main",)),), "")
STAND_IN = f"h4b-base:{RECIPE.tag_for(UBUNTU)}"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """What was run on a machine where every command succeeds and debootstrap makes an empty system."""
    done: list[list[str]] = []

    def run(command: list[str], **_: Any) -> None:
        done.append(command)
        if "debootstrap" in command:
            root = Path(command[-2])
            for folder in ("etc/apt/apt.conf.d", "etc/dpkg/dpkg.cfg.d", "usr/sbin"):
                (root / folder).mkdir(parents=True)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(base_image, "run", run)
    monkeypatch.setattr(base_image, "has", lambda _: True)
    monkeypatch.setattr(machine, "has", lambda _: True)
    monkeypatch.setattr(base_image, "_recipe", lambda _: RECIPE)
    return done


def ensure(fake: FakeDocker, on: Machine, configured: str = UBUNTU) -> tuple[str, str]:
    shown = Step("Base image")
    return base_image._ensure(configured, cast(docker.DockerClient, fake), on, shown), shown.detail


@pytest.mark.parametrize("on", [DEBIAN_ROOT, DEBIAN_USER, FEDORA_ROOT, MAC])
def test_an_image_that_is_there_is_used_without_asking_anybody(on: Machine, commands: list[list[str]]) -> None:
    fake = FakeDocker(UBUNTU)
    assert ensure(fake, on) == (UBUNTU, UBUNTU)
    assert (fake.asked, commands) == ([], [])


@pytest.mark.parametrize("on", [DEBIAN_ROOT, DEBIAN_USER, MAC])
def test_an_image_that_can_be_pulled_is_pulled(on: Machine, commands: list[list[str]]) -> None:
    fake = FakeDocker(events=[{"id": "layer", "status": "Downloading", "progress": "1/2"}])
    assert ensure(fake, on) == (UBUNTU, UBUNTU)
    assert UBUNTU in fake.names
    assert commands == []


@pytest.mark.parametrize(
    ("registry", "reason"),
    [
        (OFFLINE, "no such host"),
        (requests.Timeout(), "no answer within 8 s"),
        (
            api_error(429, "toomanyrequests: You have reached your pull rate limit"),
            "You have reached your pull rate limit",
        ),
    ],
)
def test_offline_a_stand_in_is_made_and_named(
    registry: BaseException, reason: str, commands: list[list[str]], tmp_path: Path
) -> None:
    fake = FakeDocker(registry=registry)
    assert ensure(fake, DEBIAN_ROOT) == (
        STAND_IN,
        f"{STAND_IN} stands in for {UBUNTU}, which cannot be pulled ({reason})",
    )
    assert fake.imported == [STAND_IN]
    assert not (tmp_path / "h4b-ecs/base-image").exists(), "the build left its files behind"


def test_a_pull_that_breaks_off_leads_to_the_stand_in(commands: list[list[str]]) -> None:
    fake = FakeDocker(events=[{"error": "unexpected EOF"}])
    name, said = ensure(fake, DEBIAN_ROOT)
    assert name == STAND_IN
    assert "unexpected EOF" in said


def test_the_stand_in_stays_the_base_even_when_the_registry_is_back(commands: list[list[str]]) -> None:
    fake = FakeDocker(STAND_IN)
    name, said = ensure(fake, DEBIAN_ROOT)
    assert name == STAND_IN
    assert said == f"{STAND_IN} stands in for {UBUNTU}; `docker rmi {STAND_IN}` to try to pull again"
    assert (fake.asked, commands) == ([], [])


def test_another_configured_image_is_tried_first_and_then_reuses_what_was_made(commands: list[list[str]]) -> None:
    fake = FakeDocker(registry=OFFLINE)
    ensure(fake, DEBIAN_ROOT)
    made = len(commands)
    name, _ = ensure(fake, DEBIAN_ROOT, "ubuntu:18.04")
    assert name != STAND_IN
    assert name in fake.names
    assert fake.asked == [UBUNTU, "ubuntu:18.04"]
    assert len(commands) == made, "the same content was built twice"


def test_an_image_by_digest_is_pulled_by_digest(commands: list[list[str]]) -> None:
    pinned = f"{UBUNTU}@sha256:{'a' * 64}"
    fake = FakeDocker(UBUNTU)
    assert ensure(fake, DEBIAN_ROOT, pinned) == (pinned, pinned)
    assert fake.asked == [pinned], "what the tag is on this machine says nothing about the digest"


def test_each_digest_has_a_stand_in_of_its_own_and_the_content_is_made_once(commands: list[list[str]]) -> None:
    fake = FakeDocker(registry=OFFLINE)
    first, second = (ensure(fake, DEBIAN_ROOT, f"{UBUNTU}@sha256:{digit * 64}")[0] for digit in "ab")
    assert first != second
    assert {first, second} <= fake.names
    assert len([command for command in commands if "debootstrap" in command]) == 1


@pytest.mark.parametrize("on", [DEBIAN_USER, FEDORA_ROOT, MAC])
def test_where_no_stand_in_can_be_made_the_remedies_are_told(on: Machine, commands: list[list[str]]) -> None:
    with pytest.raises(UserError) as told:
        ensure(FakeDocker(registry=OFFLINE), on)
    assert str(told.value) == (
        "base image: ubuntu:24.04 is not on this machine and cannot be pulled (no such host); "
        "connect to the registry, or `docker load` it, or run as root on Debian or Ubuntu to have a stand-in made"
    )


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_name_that_the_registry_does_not_know_is_an_error_not_a_stand_in(
    status: int, commands: list[list[str]]
) -> None:
    with pytest.raises(UserError, match=r"got ubuntu:24\.40, which its registry does not offer .* correct the name"):
        ensure(FakeDocker(registry=api_error(status, "manifest unknown")), DEBIAN_ROOT, "ubuntu:24.40")
    assert commands == []


def test_a_failed_debootstrap_names_the_cause_and_leaves_nothing(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(command: list[str], **_: Any) -> None:
        raise CommandFailedError(command, ["I: Retrieving InRelease", "E: Failed getting release file"])

    monkeypatch.setattr(base_image, "run", fail)
    fake = FakeDocker(registry=OFFLINE)
    with pytest.raises(UserError) as told:
        ensure(fake, DEBIAN_ROOT)
    assert str(told.value) == (
        "base image: debootstrap of bookworm from http://mirror/debian failed (E: Failed getting release file); "
        "mend that (`apt-get update` must work on this machine), then run the command again"
    )
    assert fake.imported == []
    assert not (tmp_path / "h4b-ecs/base-image").exists()


def test_what_a_killed_build_left_does_not_hinder_the_next(commands: list[list[str]], tmp_path: Path) -> None:
    left = tmp_path / "h4b-ecs/base-image/half"
    left.mkdir(parents=True)
    (left / "file").touch()
    assert ensure(FakeDocker(registry=OFFLINE), DEBIAN_ROOT)[0] == STAND_IN
    assert not left.exists()


def test_too_little_disk_is_told_before_anything_is_fetched(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_image, "DISK_NEEDED_GIB", 1e9)
    with pytest.raises(UserError, match=r"^disk: .* GiB free in .*, making a base image takes .*; free some space$"):
        ensure(FakeDocker(registry=OFFLINE), DEBIAN_ROOT)
    assert commands == []


def test_apt_is_asked_again_only_where_its_settings_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def apt(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command[0])
        return subprocess.CompletedProcess(command, 0, "http://mirror/debian bookworm main\n")

    monkeypatch.setattr(subprocess, "run", apt)
    settings, known = tmp_path / "sources.list", tmp_path / "cache" / "apt-sources.json"
    monkeypatch.setattr(base_image, "APT_STATE", (settings, tmp_path / "no-such-file"))
    settings.write_text("deb http://mirror/debian bookworm main\n")
    for _ in range(2):
        assert base_image._listed(known) == ["http://mirror/debian bookworm main"]
    assert asked == ["apt-get"]
    os.utime(settings, (1, 1))
    base_image._listed(known)
    known.write_text("half a fi")
    base_image._listed(known)
    assert asked == ["apt-get"] * 3


def test_sources_are_the_machines_own_of_its_release() -> None:
    found = base_image._sources(
        DEBIAN_ROOT,
        [
            "http://mirror.example/debian-security/ bookworm-security main",
            "http://mirror.example/debian/ bookworm main",
            "http://mirror.example/debian/ bookworm-updates main",
            "http://mirror.example/debian/ bookworm non-free-firmware",
            "http://mirror.example/debian/ trixie main",
            "https://other.example/node_20.x/ nodistro main",
            "https://docker.example/linux/debian/ bookworm stable",
            "cdrom://disc/ bookworm main",
        ],
    )
    assert [str(source) for source in found] == [
        "deb http://mirror.example/debian bookworm main",
        "deb http://mirror.example/debian bookworm-updates main",
        "deb http://mirror.example/debian-security bookworm-security main",
    ]


def test_without_a_usable_source_the_remedy_is_named() -> None:
    ubuntu = Machine("Linux", is_root=True, distribution="ubuntu", codename="noble")
    with pytest.raises(UserError, match=r"^base image: apt has no source of noble .*; add a mirror to "):
        base_image._sources(ubuntu, ["http://user:secret@mirror.example/ubuntu noble main"])


def test_apt_settings_that_reach_the_mirror_are_taken_over_and_no_others() -> None:
    taken = base_image._apt_settings(
        [
            'APT::Architecture "amd64";',
            'Acquire::http "";',
            'Acquire::http::Proxy "http://proxy.example:3128";',
            'Acquire::https::Proxy "http://user:secret@proxy.example:3128";',
            'Acquire::Check-Date "false";',
            'Acquire::Languages "none";',
        ]
    )
    assert taken == 'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::Check-Date "false";\n'


words = st.text(st.characters(categories=["L", "N"], max_codepoint=0x7F), min_size=1, max_size=8)


@given(user=words, password=words, host=words)
def test_no_password_reaches_the_image(user: str, password: str, host: str) -> None:
    address = f"http://{user}:{password}@{host}/debian"
    clean = "http://mirror.example/debian bookworm main"
    sources = base_image._sources(DEBIAN_ROOT, [f"{address} bookworm main", clean])
    settings = base_image._apt_settings([f'Acquire::http::Proxy "{address}";'])
    assert "@" not in f"{sources}{settings}"


@given(first=words, second=words)
def test_the_tag_tells_configured_images_apart(first: str, second: str) -> None:
    assert (RECIPE.tag_for(first) == RECIPE.tag_for(second)) == (first == second)
