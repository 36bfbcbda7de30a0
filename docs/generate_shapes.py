"""Writes `policy/ecs_policy/shapes.json` from the botocore of the lock, and docs/policy-coverage.md about it."""

import json
from pathlib import Path

from shapes.build import table

TABLE = Path(__file__).parent.parent / "policy" / "ecs_policy" / "shapes.json"


def render_table() -> str:
    """The table, a resource type a line."""
    made = table()
    types = made.pop("types")
    lines = [f"{json.dumps(token)}:{json.dumps(node, separators=(',', ':'))}" for token, node in types.items()]
    head = json.dumps(made, separators=(",", ":"))
    return f'{head[:-1]},"types":{{\n' + ",\n".join(lines) + "\n}}\n"


if __name__ == "__main__":
    TABLE.write_text(render_table(), encoding="utf-8")
