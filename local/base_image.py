"""The base image of the Dockerfile on this machine: the configured one, or a stand-in that debootstrap makes.

The stand-in is this machine's own distribution and release from this machine's own apt mirror, so that it can be had
wherever apt works. It is made once for each configured image, and kept by the Docker engine like any other image.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import docker.errors
import requests

from local import docker_engine, lock, paths
from local.console import Step, UserError, step
from local.machine import CommandFailedError, Machine, apt_install, has, here, run

REPOSITORY = "h4b-base"
RECIPE_LABEL = "h4b.base-image.recipe"
"""On every stand-in; images with it can be removed, the next build makes them again."""

CONTACT_SECONDS = 8
"""After this long without an answer from the registry, the machine counts as offline."""

DISK_NEEDED_GIB = 1.5

APT_SETTINGS_TAKEN_OVER = re.compile(r"^Acquire::(https?|Check-Valid-Until|Check-Date|ForceIPv[46])\b")
"""How this machine reaches its mirror, and whether its clock and the mirror's may disagree."""

APT_STATE = (Path("/etc/apt"), Path("/var/lib/apt/lists"))

FILES_OF_THE_IMAGE = {
    # Package archives and apt's binary caches only make layers larger.
    "etc/apt/apt.conf.d/90-no-caches": (
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\n'
        'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nAcquire::Languages "none";\n'
    ),
    "etc/dpkg/dpkg.cfg.d/90-no-documentation": (
        "path-exclude /usr/share/doc/*\npath-exclude /usr/share/info/*\npath-exclude /usr/share/locale/*\n"
        "path-exclude /usr/share/man/*\npath-include /usr/share/doc/*/copyright\n"
    ),
}

LEFT_OUT = ("./dev/*", "./etc/hostname", "./etc/resolv.conf", "./proc/*", "./sys/*", "./var/cache/apt/*.bin",
            "./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*", "./var/log/*", "./usr/share/info/*",
            "./usr/share/locale/*", "./usr/share/man/*")  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One line of an apt sources list."""

    uri: str
    suite: str
    components: tuple[str, ...]

    def __str__(self) -> str:
        return f"deb {self.uri} {self.suite} {' '.join(self.components)}"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a stand-in contains."""

    distribution: str
    codename: str
    sources: tuple[Source, ...]
    """The first one is debootstrap's mirror."""
    apt_settings: str

    @property
    def digest(self) -> str:
        text = json.dumps([str(self), FILES_OF_THE_IMAGE, LEFT_OUT], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def tag_for(self, configured: str) -> str:
        return f"{self.codename}-{hashlib.sha256(f'{self.digest} {configured}'.encode()).hexdigest()[:12]}"


def ensure(configured: str) -> str:
    """The name of the image to build from: `configured`, pulled if need be, or a stand-in where it cannot be pulled."""
    with contextlib.closing(docker_engine.ensure()) as client, step("Base image") as shown:
        return _ensure(configured, client, here(), shown)


def _ensure(configured: str, client: docker.DockerClient, machine: Machine, shown: Step) -> str:
    if _present(client, configured):
        shown.note(configured)
        return configured
    recipe = _recipe(machine) if machine.is_root and machine.has_apt else None
    if recipe:
        # Not asked again whether the real one can be pulled by now: the same input must give the same image.
        stand_in = f"{REPOSITORY}:{recipe.tag_for(configured)}"
        if _present(client, stand_in):
            shown.note(f"{stand_in} stands in for {configured}; `docker rmi {stand_in}` to try to pull again")
            return stand_in
    obstacle = _pull(client, configured, shown)
    if obstacle is None:
        shown.note(configured)
        return configured
    if recipe is None:
        raise UserError(
            f"base image: {configured} is not on this machine and cannot be pulled ({obstacle}); "
            "connect to the registry, or `docker load` it, or run as root on Debian or Ubuntu to have a stand-in made"
        )
    with lock.exclusive(paths.cache() / "base-image.lock"):
        if not _present(client, stand_in):
            _provide(client, recipe, recipe.tag_for(configured), shown)
    shown.note(f"{stand_in} stands in for {configured}, which cannot be pulled ({obstacle})")
    return stand_in


def _present(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def ask_registry(client: docker.DockerClient, name: str) -> tuple[str, None] | tuple[None, str]:
    """The digest that `name` has in its registry, of all platforms together; or why the registry cannot be used.

    Raises UserError where the registry answers that it does not have the image."""
    patience = client.api.timeout
    client.api.timeout = CONTACT_SECONDS
    try:
        answer: Any = client.api.inspect_distribution(name)  # type: ignore[no-untyped-call]
    except requests.Timeout:
        return None, f"no answer within {CONTACT_SECONDS} s"
    except docker.errors.APIError as problem:
        reason = str(problem.explanation or problem)
        # Docker Hub answers "denied" for a repository that does not exist.
        if problem.status_code in (400, 401, 403, 404) or "manifest unknown" in reason:
            raise UserError(
                f"base image: got {name}, which its registry does not offer ({reason}); "
                "correct the name, or `docker login`"
            ) from problem
        return None, _short(reason)
    finally:
        client.api.timeout = patience
    return str(answer["Descriptor"]["digest"]), None


def _pull(client: docker.DockerClient, name: str, shown: Step) -> str | None:
    """Pulls `name`; where its registry cannot be used, the reason."""
    shown.note(f"asking the registry for {name}")
    _, obstacle = ask_registry(client, name)
    if obstacle is not None:
        return obstacle
    try:
        for event in client.api.pull(name, stream=True, decode=True):
            if "error" in event:
                return _short(str(event["error"]))
            shown.note(f"pulling {name}: {event.get('id', '')} {event.get('status', '')} {event.get('progress', '')}")
    except (docker.errors.APIError, requests.RequestException) as problem:
        return _short(str(problem))
    return None


def _short(reason: str) -> str:
    """The cause at the end of Docker's `while doing a: while doing b: cause`."""
    return reason.strip().rpartition(": ")[2][:120]


def _recipe(machine: Machine) -> Recipe:
    settings = subprocess.run(["apt-config", "dump"], check=False, capture_output=True, text=True).stdout  # noqa: S607
    return Recipe(
        machine.distribution,
        machine.codename,
        _sources(machine, _listed(paths.cache() / "apt-sources.json")),
        _apt_settings(settings.splitlines()),
    )


def _listed(known: Path) -> list[str]:
    """What apt fetches from. It takes half a second to tell: asked again only where its settings or lists changed."""
    files = sorted(file for root in APT_STATE for file in (root, *root.rglob("*")) if file.exists())
    state = [[str(file), file.stat().st_mtime_ns] for file in files]
    with contextlib.suppress(OSError, ValueError):
        remembered, lines = json.loads(known.read_text())
        if remembered == state:
            return list(lines)
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    lines = subprocess.run(command, check=False, capture_output=True, text=True).stdout.splitlines()
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(json.dumps([state, lines]))
    return list(lines)


def _sources(machine: Machine, listed: Iterable[str]) -> tuple[Source, ...]:
    """The machine's own sources of its release. Others' repositories have no place in a base image."""
    suites = [machine.codename, f"{machine.codename}-updates", f"{machine.codename}-security"]
    components: dict[tuple[str, str], list[str]] = {}
    for line in listed:
        uri, suite, component = line.split()
        usable = urlsplit(uri).scheme in ("http", "https") and not _has_credentials(uri)
        if usable and suite in suites and component in ("main", "universe"):
            components.setdefault((uri.rstrip("/"), suite), []).append(component)
    found = [Source(uri, suite, tuple(sorted(set(names)))) for (uri, suite), names in components.items()]
    if not any(source.suite == machine.codename for source in found):
        raise UserError(
            f"base image: apt has no source of {machine.codename} that an image may name (one without a password); "
            "add a mirror to /etc/apt/sources.list.d, or connect this machine to the registry of the configured image"
        )
    return tuple(sorted(found, key=lambda source: suites.index(source.suite)))


def _apt_settings(dumped: Iterable[str]) -> str:
    """apt.conf lines; a proxy with a password in its address stays out of the image."""
    taken = [
        line
        for line in dumped
        if APT_SETTINGS_TAKEN_OVER.match(line) and not line.endswith('"";') and not _has_credentials(line)
    ]
    return "".join(f"{line}\n" for line in taken)


def _has_credentials(text: str) -> bool:
    return re.search(r"://[^/\s]*@", text) is not None


def _provide(client: docker.DockerClient, recipe: Recipe, tag: str, shown: Step) -> None:
    made = client.images.list(filters={"label": f"{RECIPE_LABEL}={recipe.digest}"})
    if made:
        made[0].tag(REPOSITORY, tag)
    else:
        _build(client, recipe, tag, shown)


def _build(client: docker.DockerClient, recipe: Recipe, tag: str, shown: Step) -> None:
    work = paths.cache() / "base-image"
    # What a killed build left. Its mounts died with its mount namespace.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    free_gib = shutil.disk_usage(work).free / 2**30
    if free_gib < DISK_NEEDED_GIB:
        raise UserError(
            f"disk: {free_gib:.1f} GiB free in {work}, making a base image takes {DISK_NEEDED_GIB}; free some space"
        )
    try:
        if not has("debootstrap"):
            apt_install(["debootstrap"], shown)
        root = Path(tempfile.mkdtemp(dir=work))
        _debootstrap(recipe, root, shown)
        _configure(recipe, root)
        shown.note("packing")
        archive = work / "root.tar"
        leave_out = [f"--exclude={pattern}" for pattern in LEFT_OUT]
        run(["tar", "--directory", str(root), "--numeric-owner", *leave_out, "--create", "--file", str(archive), "."],
            seen=lambda _: None)  # fmt: skip
        shown.note("importing into Docker")
        _import(client, archive, recipe, tag)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _debootstrap(recipe: Recipe, root: Path, shown: Step) -> None:
    mirror = recipe.sources[0].uri
    proxies = dict(re.findall(r'^Acquire::(https?)::Proxy "([^"]+)";$', recipe.apt_settings, re.MULTILINE))
    try:
        run(
            [
                # A private mount namespace: however this ends, no mount is left behind.
                *("unshare", "--mount", "debootstrap", "--variant=minbase", "--force-check-gpg"),
                *(["--include=ca-certificates"] if any(s.uri.startswith("https:") for s in recipe.sources) else []),
                *(f"--components={','.join(recipe.sources[0].components)}", recipe.codename, str(root), mirror),
            ],
            seen=lambda line: shown.note(f"debootstrap: {line.removeprefix('I: ').rstrip('.')}"),
            environment={f"{scheme}_proxy": proxy for scheme, proxy in proxies.items() if proxy != "DIRECT"},
        )
    except CommandFailedError as failure:
        raise UserError(
            f"base image: debootstrap of {recipe.codename} from {mirror} failed ({failure.reason()}); "
            "mend that (`apt-get update` must work on this machine), then run the command again"
        ) from failure


def _configure(recipe: Recipe, root: Path) -> None:
    (root / "etc/apt/sources.list").write_text("".join(f"{source}\n" for source in recipe.sources))
    if recipe.apt_settings:
        (root / "etc/apt/apt.conf.d/90-as-on-the-host").write_text(recipe.apt_settings)
    for name, text in FILES_OF_THE_IMAGE.items():
        (root / name).write_text(text)
    # Packages that are installed in a build must not start services.
    refuse = root / "usr/sbin/policy-rc.d"
    refuse.write_text("#!/bin/sh\nexit 101\n")
    refuse.chmod(0o755)


def _import(client: docker.DockerClient, archive: Path, recipe: Recipe, tag: str) -> None:
    label = json.dumps({RECIPE_LABEL: recipe.digest})[1:-1].replace(": ", "=", 1)
    answer: Any = client.api.import_image_from_file(
        str(archive), repository=REPOSITORY, tag=tag, changes=['CMD ["bash"]', f"LABEL {label}"]
    )
    if not _present(client, f"{REPOSITORY}:{tag}"):
        raise UserError(f"base image: Docker did not take it ({str(answer)[-200:]}); see the log of its daemon")
