"""`make environment NAME=staging FROM=dev`: a stack file for a new environment, every key with what it means."""

import argparse
import itertools
import re
import sys
from dataclasses import MISSING
from pathlib import Path
from typing import Any

import yaml

from settings import keys

ROOT = Path(__file__).resolve().parent
ITS_OWN = {
    *("domain.name", "domain.hostedZoneId", "domain.certificateArn"),
    *("alarms.email", "permissionsBoundaryArn", "secrets"),
}
"""Settings that are one environment's alone, whatever their value. image.repositoryName gets one of its own."""
EDITORS = "# yaml-language-server: $schema=docs/stack-file.schema.json"


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
    """Why the stack differs: each comment of its file with the settings below it, or in the group below it; empty for
    settings that have none."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text())["name"]
    found: list[tuple[str, list[str]]] = [("", [])]
    groups: list[tuple[int, str]] = []
    depth, in_comment = 0, False
    lines = _stack_file(stack, root).read_text().splitlines()
    for line in lines[lines.index("config:") + 1 :]:
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if text.startswith("#"):
            said = text.removeprefix("#").strip()
            found.append((f"{found[-1][0]} {said}" if in_comment else said, []))
            depth = indent
        elif not text or indent < depth:
            found.append(("", []))
            depth = 0
        in_comment = text.startswith("#")
        if key := re.match(r"([\w-]+(:\w+)?):(?: |$)", text):
            groups = [(above, name) for above, name in groups if above < indent]
            groups.append((indent, key.group(1).removeprefix(f"{project}:")))
            path = ".".join(name for _, name in groups)
            if path in keys():
                found[-1][1].append(path)
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
    project = yaml.safe_load((root / "Pulumi.yaml").read_text())["name"]
    given = yaml.safe_load(_stack_file(source, root).read_text())["config"]
    values = {key.removeprefix(f"{project}:"): value for key, value in given.items()}
    left_out = {path: part for key, value in values.items() for path, part in own_parts(key, value).items()}
    rest = {key: without(key, value, left_out) for key, value in values.items()}
    values = {key: value for key, value in rest.items() if value is not None}
    image = values.setdefault("image", {})
    repository = image.get("repositoryName", keys()["image.repositoryName"].default)
    image["repositoryName"] = f"{repository.removesuffix(f'-{source}')}-{name}"

    # A reason stands once, above the first setting that it is for.
    why: dict[str, str] = {}
    for said, paths in reasons(source, root):
        kept = [path for path in paths if ":" in path or _has(values, path)]
        why |= {kept[0]: f"As {source}: {said}"} if said and kept else {}
    why["image.repositoryName"] = "Two stacks of an account cannot share a repository."
    lines = [EDITORS, f"# {name}: written from {source}. Say here what it is for.", "config:"]
    for key in sorted(values, key=_order):
        full = key if ":" in key else f"{project}:{key}"
        lines += ([] if ":" in key else [""]) + _block(full, key, values[key], why, "  ")
    left = [path for path in keys() if ":" not in path and not _has(values, path)]
    lines += ["", "  # What has its default:"]
    lines += [f"  # {path}: {_written(keys()[path].default)}" for path in left if keys()[path].default is not MISSING]
    if left_out:
        lines += ["", f"  # What is {source}'s alone: set what {name} has of its own."]
        lines += [f"  # {_how_to_set(name, f'{project}:{path}', part)}" for path, part in left_out.items()]
    return "\n".join(lines) + "\n"


def _order(key: str) -> int:
    tops = list(dict.fromkeys(path.partition(".")[0] for path in keys()))
    return tops.index(key) if key in tops else -1


def _has(values: dict[str, Any], path: str) -> bool:
    value: Any = values
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


def _block(shown: str, path: str, value: Any, why: dict[str, str], indent: str) -> list[str]:
    """A setting with what it means and why it is so, or a group of them."""
    if path not in keys() and isinstance(value, dict):
        inner = [_block(name, f"{path}.{name}", each, why, f"{indent}  ") for name, each in value.items()]
        return [f"{indent}{shown}:", *itertools.chain.from_iterable(inner)]
    comments = [_first_sentence(keys()[path].description)] if path in keys() and ":" not in path else []
    comments += [why[path]] if path in why else []
    return [*(f"{indent}# {each}" for each in comments), f"{indent}{shown}: {_written(value)}"]


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


def _first_sentence(text: str) -> str:
    first, stop, _ = text.partition(". ")
    return f"{first}{stop.strip()}"


def _written(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).strip().removesuffix("\n...").strip()


if __name__ == "__main__":
    raise SystemExit(main())
