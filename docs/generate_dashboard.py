"""Writes docs/pictures/dashboard.svg: the dashboard of stack prod, from what the program gives to CloudWatch."""

import json
from pathlib import Path

from picture.dashboard import draw
from tests.mocks import run_main

DOCUMENT = Path(__file__).parent / "pictures" / "dashboard.svg"
GENERATED = "-1a2b3c4"
"""What the mocked engine appends to names, as the real one does: it says nothing here."""


def document() -> str:
    """The whole picture."""
    inputs = run_main("prod").get("aws:cloudwatch/dashboard:Dashboard").inputs
    body = inputs["dashboardBody"].replace(GENERATED, "")
    return draw(json.loads(body), f"Dashboard {inputs['dashboardName']}")


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
