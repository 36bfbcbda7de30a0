"""What the type checkers see: AWS arguments against the real SDKs, facts of a rule against `Rule`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.__main__ import STATIC_CHECKS
from tests.mocks import ROOT

FAULTS = """\
import pulumi_aws as aws
from ecs_policy.model import Service
from ecs_policy.rule import Level, resource_rule

aws.acm.Certificate("misspelt", domain_name="example.com", validation_methud="DNS")
aws.ecs.Service("string", deployment_maximum_percent="two hundred")
aws.lb.TargetGroup("nested", health_check=aws.lb.TargetGroupHealthCheckArgs(path="/", intervall=5))
resource_rule("LT-99 fact", on=Service, titel="", title="", why="", level=Level.FAILS, source="")
resource_rule("LT-99 level", on=Service, title="", why="", level="fails", source="")
resource_rule("LT-99 lacks", on=Service, title="", why="", level=Level.FAILS)
aws.ecs.Service("good", deployment_maximum_percent=200)
resource_rule("LT-99 good", on=Service, title="", why="", level=Level.FAILS, source="")
"""


def test_a_misspelt_argument_a_wrong_type_and_a_misspelt_fact_are_refused(tmp_path: Path) -> None:
    (tmp_path / "faults.py").write_text(FAULTS)
    settings = {"extraPaths": [str(ROOT / "policy")], "typeCheckingMode": "standard"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [f"{Path(sys.executable).parent}/pyright", "--pythonpath", sys.executable, "--outputjson"]
    found = subprocess.run([*command, "--project", str(tmp_path)], capture_output=True, text=True)
    told = {each["range"]["start"]["line"]: each["message"] for each in json.loads(found.stdout)["generalDiagnostics"]}
    assert {line: FAULTS.splitlines()[line].split('"')[1] for line in told} == {
        4: "misspelt",
        5: "string",
        6: "nested",
        7: "LT-99 fact",
        8: "LT-99 level",
        9: "LT-99 lacks",
    }


def test_make_test_asks_both() -> None:
    assert {tool for tool, *_ in STATIC_CHECKS.values()} >= {"mypy", "pyright"}
