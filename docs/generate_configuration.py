"""Writes docs/configuration.md from Pulumi.yaml and the settings' checks."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from components.checks import check_of, is_optional
from settings import Settings, key_of

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "configuration.md"

_EMPTY: dict[str, object] = {"array": [], "string": ""}

_INTRODUCTION = """\
# Configuration

Generated from `Pulumi.yaml` by `python -m docs.generate_configuration`; change the descriptions there.

A stack's own values stand in `Pulumi.<stack>.yaml` as `h4b-helloworld:<key>`; `pulumi config set <key> <value>` writes
them there. Every stack also sets `aws:region`. All values are checked before anything is created, one message lists
every problem, and a misspelt key is refused.
"""


def table() -> str:
    """The keys of the program as a Markdown table."""
    schemas: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    rows = ["| Key | Default | Allowed | Meaning |", "|---|---|---|---|"]
    for field in fields(Settings):
        key = key_of(field.name)
        if key not in schemas:
            continue
        schema = schemas[key]
        check = check_of(field.type)
        allowed = check.expected if check else "true or false"
        if is_optional(field.type):
            allowed = f"{_quoted(_EMPTY.get(schema['type'], 0))}, or {allowed}"
        default = _quoted(schema["default"]) if "default" in schema else "none: every stack decides"
        rows.append(f"| `{key}` | {default} | {_cell(allowed)} | {_cell(schema['description'])} |")
    return "\n".join(rows) + "\n"


def document() -> str:
    """The whole page."""
    return f"{_INTRODUCTION}\n{table()}"


def _quoted(value: object) -> str:
    return f"`{value or json.dumps(value)}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;").replace("_", "\\_")


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
