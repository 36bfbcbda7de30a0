"""Terraform with its AWS provider, where a machine has both: the code pulumi-aws bridges, run against the emulator."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from local import paths
from local.emulator import Emulator
from tests.local.emulator import REGION
from tests.local.parity.scenarios import (
    PREREQUISITES,
    SCENARIOS,
    Ref,
    Scenario,
    Sided,
)
from tests.local.parity.world import World

PROVIDER = "registry.terraform.io/hashicorp/aws"
PROVIDER_VERSION = "5.100.0"
MIRROR_VARIABLE = "TF_PLUGIN_MIRROR"
"""Names the folder that holds `registry.terraform.io/hashicorp/aws/…`, if it is in no usual place."""

SERVICES = ("ec2", "ecr", "ecs", "elbv2", "iam", "logs", "sts")
TIMEOUT_SECONDS = 300

Schema = Mapping[str, Any]


class NotFoundError(Exception):
    """Terraform or its provider is not on this machine; the text says which."""


def _mirrors() -> Iterator[Path]:
    if MIRROR_VARIABLE in os.environ:
        yield Path(os.environ[MIRROR_VARIABLE])
    # https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
    home = Path.home()
    yield from (home / ".terraform.d/plugins", home / ".local/share/terraform/plugins")
    yield from (Path("/usr/local/share/terraform/plugins"), Path("/usr/share/terraform/plugins"))
    yield from sorted(Path("/opt").glob("*"))


def find() -> tuple[str, Path]:
    """The program and the folder its providers lie in."""
    program = shutil.which("terraform")
    if program is None:
        raise NotFoundError("terraform is not on PATH")
    for mirror in _mirrors():
        if (mirror / PROVIDER / PROVIDER_VERSION).is_dir():
            return program, mirror
    raise NotFoundError(
        f"{PROVIDER} {PROVIDER_VERSION} is in no local mirror; {MIRROR_VARIABLE} may name the folder it lies in"
    )


# --- names ------------------------------------------------------------------------------------------------------------


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def plural(name: str) -> str:
    if name.endswith("s"):
        return name
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def _is_many(attribute_type: Any) -> bool:
    return isinstance(attribute_type, list) and attribute_type[0] in ("list", "set")


def pulumi_names(block: Schema) -> dict[str, str]:
    """Pulumi's name -> Terraform's, for the fields of a block: lists get plural names unless they hold one item."""
    names = {}
    for name, attribute in block.get("attributes", {}).items():
        names[camel(plural(name)) if _is_many(attribute["type"]) else camel(name)] = name
    for name, nested in block.get("block_types", {}).items():
        single = nested["nesting_mode"] == "single" or nested.get("max_items") == 1
        names[camel(name) if single else camel(plural(name))] = name
    return names


def to_terraform(inputs: Mapping[str, Any], block: Schema) -> dict[str, Any]:
    names = pulumi_names(block)
    result: dict[str, Any] = {}
    for key, value in inputs.items():
        name = names.get(key, snake(key))
        nested = block.get("block_types", {}).get(name)
        if nested is not None:
            items = value if isinstance(value, list) else [value]
            result[name] = [to_terraform(item, nested["block"]) for item in items]
        elif name in block["attributes"]:
            result[name] = _attribute(value, block["attributes"][name]["type"])
        else:
            raise KeyError(f"{key}: Terraform has no {name}")
    return result


def _attribute(value: Any, attribute_type: Any) -> Any:
    if _is_many(attribute_type) and isinstance(attribute_type[1], list) and attribute_type[1][0] == "object":
        fields = attribute_type[1][1]
        # Blocks in the disguise of an attribute want every field.
        return [dict.fromkeys(fields) | {snake(k): v for k, v in item.items()} for item in value]
    return value


def to_pulumi(attributes: Mapping[str, Any], block: Schema) -> dict[str, Any]:
    """Attributes of a state in Pulumi's names; JSON texts become values, what is empty is left out."""
    result = {}
    for key, name in pulumi_names(block).items():
        value = attributes.get(name)
        nested = block.get("block_types", {}).get(name)
        if nested is not None:
            items = [to_pulumi(item, nested["block"]) for item in value or []]
            value = (items[0] if items else None) if key == camel(name) and len(items) < 2 else items
        if value not in (None, "", [], {}):
            result[key] = value
    return result


def resolved(value: Any, side: str) -> Any:
    """`value` with this side's texts and choices; references stay."""
    if isinstance(value, Sided):
        return resolved(getattr(value, side), side)
    if isinstance(value, str):
        return value.replace("{side}", side)
    if isinstance(value, Mapping):
        return {key: resolved(inner, side) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolved(item, side) for item in value]
    return value


def changed(inputs: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**inputs, **change}.items() if value is not None}


# --- running it -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planned:
    """`same`, `update` or `replace`, and the properties that make it a replacement."""

    kind: str
    because: tuple[str, ...] = ()


class Workspace:
    def __init__(self, path: Path, emulated: Emulator, world: World) -> None:
        self.path = path
        self.world = world
        self.program, mirror = find()
        configuration = path / "cli.tfrc"
        configuration.write_text(
            f'disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n'
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        self.environment = kept | {"TF_CLI_CONFIG_FILE": str(configuration), "TF_IN_AUTOMATION": "1"}
        self._write("provider", _provider(emulated))
        self.run("init", "-input=false")
        self.schemas: Schema = _kept("schemas", self._schemas)

    def _schemas(self) -> Schema:
        schemas = json.loads(self.run("providers", "schema", "-json").stdout)["provider_schemas"][PROVIDER]
        return {scenario.terraform: schemas["resource_schemas"][scenario.terraform] for scenario in SCENARIOS}

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        (self.path / f"{name}.tf.json").write_text(json.dumps(content))

    def run(self, *words: str, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.program, *words],
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
        if done.returncode and not may_fail:
            raise AssertionError(f"terraform {' '.join(words)}:\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}")
        return done

    def _configuration(self, scenario: Scenario, inputs: Mapping[str, Any]) -> dict[str, Any]:
        block = self.schemas[scenario.terraform]["block"]
        configuration: dict[str, Any] = self._referring(to_terraform(resolved(inputs, "tf"), block))
        return configuration

    def _referring(self, value: Any) -> Any:
        """`value` with references as Terraform writes them, or what they refer to where it did not make that."""
        if isinstance(value, Ref):
            address, _, name = value.address.rpartition(".")
            return self.world[address][name] if address in self.world else f"${{{value.address}}}"
        if isinstance(value, Mapping):
            return {key: self._referring(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._referring(item) for item in value]
        return value

    def apply_all(self) -> dict[str, dict[str, Any]]:
        """Makes the prerequisites and every scenario's resource; the attributes, by address."""
        resources: dict[str, dict[str, Any]] = {
            kind: {name: self._referring(inputs) for name, inputs in named.items()}
            for kind, named in PREREQUISITES.items()
        }
        for scenario in SCENARIOS:
            resources.setdefault(scenario.terraform, {})["base"] = self._configuration(scenario, scenario.inputs)
        adopted = {"aws_lb": resources.pop("aws_lb")}
        self._write("main", {"resource": resources})
        self.run("apply", "-auto-approve", "-input=false", "-parallelism=20")
        self._write("adopted", {"resource": adopted})
        self.run("import", "-input=false", "aws_lb.base", self.world["aws_lb.base"]["arn"])
        return self.world | {
            f"{resource['type']}.{resource['name']}": resource["instances"][0]["attributes"]
            for resource in self._state()["resources"]
        }

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.path / "terraform.tfstate").read_text())
        return state

    def plan_changes(self) -> dict[tuple[str, str], Planned]:
        """What each change would do, by type and name of the change."""
        planned = _kept("planned", lambda: [[*key, *astuple(each)] for key, each in self._plan_changes().items()])
        return {(token, name): Planned(kind, tuple(because)) for token, name, kind, because in planned}

    def _plan_changes(self) -> dict[tuple[str, str], Planned]:
        """One plan over copies of the resources' states."""
        state = self._state()
        copies, keys = [], {}
        configuration: dict[str, dict[str, Any]] = {}
        bases = {entry["type"]: entry for entry in state["resources"] if entry["name"] == "base"}
        for scenario in SCENARIOS:
            for number, (name, change) in enumerate(scenario.changes.items()):
                copies.append({**bases[scenario.terraform], "name": f"change{number}"})
                inputs = changed(scenario.inputs, change)
                configuration.setdefault(scenario.terraform, {})[f"change{number}"] = self._configuration(
                    scenario, inputs
                )
                keys[f"{scenario.terraform}.change{number}"] = (scenario.token, name)
        state["resources"] += copies
        state["serial"] += 1
        (self.path / "terraform.tfstate").write_text(json.dumps(state))
        self._write("changes", {"resource": configuration})
        self.run("plan", "-refresh=false", "-input=false", "-out=changes.plan", "-parallelism=20")
        plan = json.loads(self.run("show", "-json", "changes.plan").stdout)
        result = {}
        for entry in plan["resource_changes"]:
            if entry["address"] in keys:
                actions = entry["change"]["actions"]
                kind = {"no-op": "same", "update": "update"}.get(actions[0], "replace")
                because = {camel(str(path[0])) for path in entry["change"].get("replace_paths", [])}
                result[keys[entry["address"]]] = Planned(kind, tuple(sorted(because)))
        return result

    def refused(self, attributes: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], str]:
        """The refusals Terraform agrees with, and its words."""
        refused = _kept("refused", lambda: [[*key, words] for key, words in self._refused(attributes).items()])
        return {(token, name): words for token, name, words in refused}

    def _refused(self, attributes: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], str]:
        """Asked without a state, with the references' values."""
        pending = {}
        for scenario in SCENARIOS:
            for number, (name, change) in enumerate(scenario.refused.items()):
                block = self.schemas[scenario.terraform]["block"]
                inputs = resolved(changed(scenario.inputs, change), "tf")
                address = f"{scenario.terraform}.refused{number}"
                pending[address] = ((scenario.token, name), to_terraform(valued(inputs, attributes), block))
        said: dict[tuple[str, str], str] = {}
        for name in ("main", "adopted", "changes"):
            (self.path / f"{name}.tf.json").unlink(missing_ok=True)
        # Errors of the schema hide those found while planning, so once more with the rest.
        while pending:
            resources: dict[str, dict[str, Any]] = {}
            for address, (_, configuration) in pending.items():
                kind, _, label = address.partition(".")
                resources.setdefault(kind, {})[label] = configuration
            self._write("refused", {"resource": resources})
            output = self.run("plan", "-json", "-refresh=false", "-input=false", "-state=none", may_fail=True).stdout
            found = {}
            for line in output.splitlines():
                message = json.loads(line)
                diagnostic = message.get("diagnostic", {})
                address = diagnostic.get("address", "")
                if diagnostic.get("severity") == "error" and address in pending:
                    found[address] = f"{diagnostic['summary']} {diagnostic.get('detail', '')}".strip()
            if not found:
                break
            for address, words in found.items():
                said[pending.pop(address)[0]] = words
        return said


def _kept(name: str, ask: Callable[[], Any]) -> Any:
    """What Terraform answered when this machine last asked it the same; the files here say all that is asked."""
    asked = hashlib.sha256(f"{PROVIDER_VERSION} {version('ministack')}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        asked.update(source.read_bytes())
    folder = paths.cache() / "parity"
    file = folder / f"{name}-{asked.hexdigest()[:16]}.json"
    if not file.exists():
        answer = json.dumps(ask())
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}-*.json"):
            old.unlink()
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_text(answer)
        unfinished.rename(file)
    return json.loads(file.read_text())


def _provider(emulated: Emulator) -> dict[str, Any]:
    return {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": PROVIDER_VERSION}}},
        "provider": {
            "aws": {
                "region": REGION,
                "access_key": emulated.key.access_key_id,
                "secret_key": emulated.key.secret_access_key,
                "skip_credentials_validation": True,
                "skip_metadata_api_check": "true",
                "endpoints": dict.fromkeys(SERVICES, emulated.endpoint),
            }
        },
    }


def valued(value: Any, attributes: Mapping[str, Mapping[str, Any]]) -> Any:
    """`value` with references replaced by what they refer to."""
    if isinstance(value, Ref):
        address, _, name = value.address.rpartition(".")
        return attributes[address][name]
    if isinstance(value, Mapping):
        return {key: valued(inner, attributes) for key, inner in value.items()}
    if isinstance(value, list):
        return [valued(item, attributes) for item in value]
    return value
