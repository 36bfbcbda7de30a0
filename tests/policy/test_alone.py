"""The pack without the rest of the repository: from its own manifest and lock, on every Python it names, and built."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import ecs_policy
from docs.generate_policies import CARRIED
from tests.policy.engine import POLICY, analyze
from tests.policy.examples.launch_type import MUTANTS
from tests.policy.stacks import state

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
LEFT_OUT = shutil.ignore_patterns(".venv", "__pycache__", "*.egg-info", "build", ".*_cache")


def _uv(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # pyenv's interpreters are not on the PATH; uv looks there.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin")
    return subprocess.run(
        [Path(sys.executable).with_name("uv"), "--quiet", *arguments],
        env={**os.environ, "PATH": os.pathsep.join([os.environ["PATH"], *map(str, sorted(pyenv))])},
        capture_output=True,
        text=True,
        check=False,
    )


def _run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The folder as a platform team takes it."""
    return Path(shutil.copytree(POLICY, tmp_path / "pack", ignore=LEFT_OUT))


LOCKED = ("--require-hashes", "--only-binary", ":all:")


def _installed(pack: Path, version: str) -> Path:
    """A fresh virtual environment with the locked requirements only. Fails, never skips, on the running version."""
    environment = pack / ".venv"
    made = _uv("venv", "--no-python-downloads", "--python", version, environment)
    if made.returncode and version != f"{sys.version_info.major}.{sys.version_info.minor}":
        _could_be_installed(pack, version)
        pytest.skip(f"Python {version} is not on this machine; there is a wheel for it of every requirement")
    assert made.returncode == 0, made.stderr
    python = environment / "bin/python"
    installed = _uv("pip", "sync", *LOCKED, "--python", python, pack / "requirements.txt")
    assert installed.returncode == 0, installed.stderr
    return python


def _could_be_installed(pack: Path, version: str) -> None:
    found = _uv(
        *("pip", "install", "--dry-run", *LOCKED, "--target", pack / "target"),
        *("--python-version", version, "--python-platform", "x86_64-manylinux_2_28", "-r", pack / "requirements.txt"),
    )
    assert found.returncode == 0, found.stderr


FAULTY = MUTANTS["LT-01"][0].resources


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of the folder."""
    made = tmp_path_factory.mktemp("built")
    pack = shutil.copytree(POLICY, made / "pack", ignore=LEFT_OUT)
    ran = _uv("build", "--no-build-isolation", "--python", sys.executable, "--out-dir", made, pack)
    assert ran.returncode == 0, ran.stderr
    return made


def _one(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def _checks(environment: Path, folder: Path) -> None:
    """`ecs-policy` finds the one fault and explains its rule."""
    command = environment / "bin" / "ecs-policy"
    exported = folder / "exported.json"
    exported.write_text(json.dumps(state(FAULTY)))
    ran = subprocess.run([command, "check", exported], cwd=folder, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "[mandatory] LT-01-service-launch-type-in-td" in ran.stdout
    assert "; 1 mandatory and 0 advisory violations; 0 not evaluated; " in ran.stdout
    assert json.loads(CARRIED.read_text())["LT-01"]["fails"]["says"] in _run(command, "explain", "LT-01", cwd=folder)


@pytest.mark.engine
@pytest.mark.parametrize("version", VERSIONS)
def test_it_runs_from_its_own_requirements(copied: Path, tmp_path: Path, built: Path, version: str) -> None:
    """On a good stack with one fault: every rule runs, and says nothing else. So does the wheel."""
    python = _installed(copied, version)
    found = analyze(tmp_path, FAULTY, pack=copied, python=python)
    assert found.returncode != 0
    assert "Service 'web' launchType: got \"FARGATE\"" in found.stdout
    assert (found.stdout.count("[mandatory]"), found.stdout.count("[advisory]")) == (1, 0), found.stdout
    installed = _uv("pip", "install", "--no-deps", "--python", python, _one(built, "*.whl"))
    assert installed.returncode == 0, installed.stderr
    _checks(copied / ".venv", tmp_path)


@pytest.mark.engine
def test_a_pack_of_two_files_runs_the_installed_wheel(copied: Path, tmp_path: Path, built: Path) -> None:
    python = _installed(copied, f"{sys.version_info.major}.{sys.version_info.minor}")
    installed = _uv("pip", "install", "--no-deps", "--python", python, _one(built, "*.whl"))
    assert installed.returncode == 0, installed.stderr
    thin = tmp_path / "thin"
    thin.mkdir()
    for name in ("PulumiPolicy.yaml", "__main__.py"):
        shutil.copy(copied / name, thin / name)
    shutil.rmtree(copied / "ecs_policy")
    found = analyze(tmp_path, FAULTY, pack=thin, python=python)
    assert (found.stdout.count("[mandatory]"), found.stdout.count("[advisory]")) == (1, 0), found.stdout + found.stderr


def test_the_sdist_is_the_folder_and_installs(copied: Path, tmp_path: Path, built: Path) -> None:
    sdist = _one(built, "*.tar.gz")
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    written = {each.relative_to(copied).as_posix() for each in copied.rglob("*") if each.is_file()}
    assert written - {".gitignore", "MANIFEST.in"} <= packed
    target = tmp_path / "installed"
    installed = _uv(
        *("pip", "install", "--no-deps", "--no-build-isolation"),
        *("--python", sys.executable, "--target", target, sdist),
    )
    assert installed.returncode == 0, installed.stderr
    assert _run(sys.executable, "-m", "ecs_policy", "--version", cwd=target) == f"ecs-policy {ecs_policy.__version__}\n"


def test_a_wheel_holds_all_of_it(copied: Path, tmp_path: Path, built: Path) -> None:
    written = {each.relative_to(copied).as_posix() for each in (copied / "ecs_policy").rglob("*.*")}
    wheel = _one(built, "*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("ecs_policy/")}
    assert packed == written
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    told = _run(
        *(sys.executable, "-I", "-c"),
        f"import sys; sys.path.insert(0, {str(unpacked)!r})\n"
        "from ecs_policy import pack, rule; print(pack.__file__, len(rule.all_rules()))",
        cwd=tmp_path,
    )
    assert told.startswith(str(unpacked))


def test_everything_it_imports_is_in_its_requirements(copied: Path) -> None:
    imported = {
        name
        for each in (copied / "ecs_policy").rglob("*.py")
        for name in re.findall(r"^(?:from|import) (\w+)", each.read_text(encoding="utf-8"), re.MULTILINE)
    }
    foreign = imported - set(sys.stdlib_module_names) - {"ecs_policy", "__future__"}
    locked = re.findall(r"^([\w-]+)==", (copied / "requirements.txt").read_text(), re.MULTILINE)
    assert foreign <= {{"grpcio": "grpc"}.get(name, name.replace("-", "_")) for name in locked}


def test_what_is_published_has_one_version_and_no_virtual_environment() -> None:
    manifest = yaml.safe_load((POLICY / "PulumiPolicy.yaml").read_text())
    assert manifest["version"] == ecs_policy.__version__
    assert f"Version {ecs_policy.__version__}" in (POLICY / "CHANGELOG.md").read_text()
    assert f"{manifest['runtime']['options']['virtualenv']}/" in (POLICY / ".gitignore").read_text().splitlines()


def test_no_link_in_the_folder_leads_out_of_it() -> None:
    for page in POLICY.glob("*.md"):
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            if not link.startswith(("https://", "#")):
                target = (POLICY / link.partition("#")[0]).resolve()
                assert target.exists(), link
                assert target.is_relative_to(POLICY), link


def test_the_licence_is_the_repositorys() -> None:
    assert (POLICY / "LICENSE").read_text() == (POLICY.parent / "LICENSE").read_text()
