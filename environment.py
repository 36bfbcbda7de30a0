"""`make environment NAME=staging FROM=dev`: a stack file for a new environment, every key with what it means."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent
ITS_OWN = {"alarmEmail", "certificateArn", "domainName", "hostedZoneId", "permissionsBoundaryArn", "secrets"}
"""Settings that are one environment's alone, whatever their value. repositoryName gets one of its own."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make environment", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="the new stack: 1 to 20 lower-case letters, digits and -")
    parser.add_argument("source", metavar="FROM", help="the stack that it is like")
    chosen = parser.parse_args(arguments)
    problems = _problems(chosen.name, chosen.source, ROOT)
    if problems:
        print("\n".join(f"error: {problem}" for problem in problems), file=sys.stderr)
        return 1
    file = _stack_file(chosen.name, ROOT)
    file.write_text(stack_file(chosen.name, chosen.source, ROOT))
    print(f"{file.name} is written: read it, change what shall differ, then `make preview STACK={chosen.name}`.")
    print(f"To keep it: `make docs`, `make picture STACK={chosen.name}`, and its name in each `matrix` of")
    print(".github/workflows and, where its preview warns, in policy-config.json.")
    return 0


def _problems(name: str, source: str, root: Path) -> list[str]:
    problems = []
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", name):
        problems.append(f"NAME: got {name!r}, expected 1 to 20 lower-case letters, digits and -; choose another name")
    elif _stack_file(name, root).exists():
        problems.append(f"NAME: got {name!r}, but {_stack_file(name, root).name} exists; choose another name")
    if not _stack_file(source, root).exists():
        known = ", ".join(sorted(found.name.split(".")[1] for found in root.glob("Pulumi.*.yaml")))
        problems.append(f"FROM: got {source!r}, expected one of {known}; name one of them")
    return problems


def _stack_file(name: str, root: Path) -> Path:
    return root / f"Pulumi.{name}.yaml"


def reasons(stack: str, root: Path) -> list[tuple[str, list[str]]]:
    """Why the stack differs: each comment of its file with the keys below it; empty for keys that have none."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text())["name"]
    found: list[tuple[str, list[str]]] = [("", [])]
    in_comment = False
    lines = _stack_file(stack, root).read_text().splitlines()
    for line in lines[lines.index("config:") + 1 :]:
        text = line.strip()
        if text.startswith("#"):
            said = text.removeprefix("#").strip()
            found.append((f"{found[-1][0]} {said}" if in_comment else said, []))
        elif not text:
            found.append(("", []))
        elif key := re.match(r"  ([\w-]+:\w+):(?: |$)", line):
            found[-1][1].append(key.group(1).removeprefix(f"{project}:"))
        in_comment = text.startswith("#")
    return [each for each in found if each[1]]


def own_parts(key: str, value: Any) -> dict[str, Any]:
    """The parts of a setting that are one environment's alone, by their path in it: another one with the same name, the
    same secrets or the same certificate would answer in its place, read what it keeps, or not be made.

    Wherever it stands, an ARN names something of an account, and an encrypted value needs the key of its stack.
    """
    if key in ITS_OWN:
        return {key: value}
    if isinstance(value, dict) and not _is_encrypted(value):
        return {path: part for name, each in value.items() for path, part in own_parts(f"{key}.{name}", each).items()}
    if isinstance(value, list):
        return {
            path: part for index, each in enumerate(value) for path, part in own_parts(f"{key}[{index}]", each).items()
        }
    is_its_own = _is_encrypted(value) or (isinstance(value, str) and re.search(r"\barn:aws[\w-]*:", value))
    return {key: value} if is_its_own else {}


def without(key: str, value: Any, left_out: dict[str, Any]) -> Any:
    """The setting without those parts; None where nothing is left of it."""
    if key in left_out:
        return None
    if isinstance(value, dict) and not _is_encrypted(value):
        kept = {name: without(f"{key}.{name}", each, left_out) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each is not None} or (None if kept else {})
    if isinstance(value, list):
        items = [without(f"{key}[{index}]", each, left_out) for index, each in enumerate(value)]
        return [each for each in items if each is not None] or (None if items else [])
    return value


def stack_file(name: str, source: str, root: Path) -> str:
    """The stack file: what `source` sets, a repository of its own, and as comments what is the source's alone and
    everything left at its default."""
    declared = yaml.safe_load((root / "Pulumi.yaml").read_text())
    project, schemas = declared["name"], declared["config"]
    given = yaml.safe_load(_stack_file(source, root).read_text())["config"]
    values = {key.removeprefix(f"{project}:"): value for key, value in given.items()}
    left_out = {path: part for key, value in values.items() for path, part in own_parts(key, value).items()}
    kept = {key: without(key, value, left_out) for key, value in values.items()}
    values = {key: value for key, value in kept.items() if value is not None}
    repository = values.get("repositoryName", schemas["repositoryName"]["default"])
    values["repositoryName"] = f"{repository.removesuffix(f'-{source}')}-{name}"

    why = {key: [f"  # As {source}: {said}"] for said, keys in reasons(source, root) for key in keys if said}
    why["repositoryName"] = ["  # Two stacks of an account cannot share a repository."]
    lines = [f"# {name}: written from {source}. Say here what it is for.", "config:"]
    for key, value in values.items():
        if ":" in key:
            lines += [*why.get(key, ()), f"  {key}: {_written(value)}"]
    for key, schema in schemas.items():
        if ":" in key:
            continue
        if key in values:
            lines += ["", *_comment(schema), *why.get(key, ()), f"  {project}:{key}: {_written(values[key])}"]
    lines += ["", "  # What has its default:"]
    left = [key for key in schemas if ":" not in key and key not in values]
    lines += [f"  # {project}:{key}: {_written(schemas[key].get('default'))}" for key in left]
    if left_out:
        lines += ["", f"  # What is {source}'s alone: set what {name} has of its own."]
        lines += [f"  # {_how_to_set(name, path, part)}" for path, part in left_out.items()]
    return "\n".join(lines) + "\n"


def _how_to_set(name: str, path: str, part: Any) -> str:
    if _is_encrypted(part):
        return f"pulumi config set --secret --stack {name} --path '{path}'"
    # What is in `secrets` may be encrypted, too.
    shown = (
        {key: "…" if _is_encrypted(each) else each for key, each in part.items()} if isinstance(part, dict) else part
    )
    return f"{path}: {_written(shown)}"


def _is_encrypted(part: Any) -> bool:
    return isinstance(part, dict) and set(part) == {"secure"}


def _comment(schema: dict[str, Any]) -> list[str]:
    first, stop, _ = str(schema.get("description", "")).partition(". ")
    return [f"  # {first}{stop.strip()}"]


def _written(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).strip().removesuffix("\n...").strip()


if __name__ == "__main__":
    raise SystemExit(main())
