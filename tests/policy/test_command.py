"""`ecs-policy`, as a user runs it: the rules explained, a file checked, in every format."""

from __future__ import annotations

import copy
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml
from pydantic import ValidationError
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from ecs_policy.catalogue import LEVELS, explained
from ecs_policy.command import main
from ecs_policy.configuration import SETTINGS
from ecs_policy.report import FORMATS
from ecs_policy.rule import all_rules, rule_named
from tests.policy.example import cluster, service, task_definition
from tests.policy.good_stacks import EC2, FARGATE, MISMATCH
from tests.policy.stacks import UNKNOWN, Resources, parts, state
from tests.policy.test_mutants import MUTANTS
from tests.policy.test_pack import LT_01, configured, run

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
TEMPLATES = {"all of it": FARGATE, "on instances": EC2}


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes content to a file, as JSON where it is no text, and names the file."""

    def write(content: Any, name: str = "state.json") -> str:
        file = tmp_path / name
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=4))
        return str(file)

    return write


class Command:
    """Runs `ecs-policy` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        ended = main(arguments)
        captured = self._capsys.readouterr()
        assert ended == code, captured.out + captured.err
        assert "Traceback" not in captured.err
        assert (captured.err == "") is (code != 2)
        return captured.err if code == 2 else captured.out


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def ids(listed: str) -> list[str]:
    return [line.split()[0] for line in listed.splitlines()]


def test_every_rule_is_listed(command: Command) -> None:
    assert ids(command("list")) == [rule.id for rule in all_rules()]
    assert [each["id"] for each in json.loads(command("list", "--format", "json"))] == ids(command("list"))


def test_rules_are_listed_by_family_group_and_level(command: Command) -> None:
    assert {each.partition("-")[0] for each in ids(command("list", "--family", "LB"))} == {"LB"}
    assert ids(command("list", "--family", "images")) == [rule.id for rule in all_rules() if rule.group == "images"]
    by_level = [ids(command("list", "--level", level)) for level in LEVELS]
    assert sorted(each for found in by_level for each in found) == [rule.id for rule in all_rules()]
    both = ids(command("list", "--family", "LB", "--level", "practice"))
    assert both
    assert {rule_named(each).level for each in both} == {LEVELS["practice"]}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_a_rule_is_explained_with_a_stack_that_fails_and_one_that_passes(rule: Any) -> None:
    told = explained(rule)
    assert told.startswith(f"{rule.policy_name}\n\n{rule.title}. {rule.why}\n")
    assert rule.source in told
    assert re.search(r"\nFails: .+\n\n    \w[^\0]+: got [^\0]+, expected [^\0]+\nPasses: .+\n\n    \w", told)


def test_a_rule_is_named_by_its_id_or_name_in_any_case(command: Command) -> None:
    assert command("explain", "lt-01") == command("explain", LT_01) == f"{explained(rule_named('LT-01'))}\n"


def test_a_stack_with_a_fault_fails_with_the_packs_words(command: Command, written: Any) -> None:
    told = command("check", written(state(MISMATCH)), code=1)
    assert f"[mandatory] {LT_01}  severity critical: A service runs on a launch type" in told
    assert 'Service \'web\' launchType: got "FARGATE", expected one of "EC2"' in told
    assert "1 mandatory and" in told.splitlines()[-1]
    assert "\x1b" not in told, "no colour in a pipe"


def test_a_terminal_gets_colour_unless_no_color_is_set(
    command: Command, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(state(MISMATCH))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    coloured = command("check", file, code=1)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = command("check", file, code=1)
    assert "\x1b[31m" in coloured
    assert re.sub("\x1b\\[\\d+m", "", coloured) == plain


@pytest.mark.parametrize("resources", TEMPLATES.values(), ids=TEMPLATES)
def test_a_good_stack_is_clean_under_the_strict_profile(command: Command, written: Any, resources: Resources) -> None:
    strict = written({SETTINGS: {"profile": "strict", "strictUnknown": True}}, "config.json")
    told = command("check", written(state(resources)), "--config", strict)
    assert re.fullmatch(
        r".*: \d+ resources; 0 mandatory and 0 advisory violations; 0 not evaluated; \d+ rules passed\n", told
    )


@pytest.mark.parametrize("number", MUTANTS)
def test_it_says_what_the_pack_says_to_the_engine(command: Command, written: Any, number: str) -> None:
    resources = MUTANTS[number][0].resources
    by_pack = {each for each in run(configured({}), resources) if each[0] != SETTINGS}
    mandatory = any(level == "mandatory" for _, level, _ in by_pack)
    found = json.loads(command("check", written(state(resources)), "--format", "json", code=int(mandatory)))
    assert {(each["name"], each["level"], each["urn"].rpartition("::")[2]) for each in found["violations"]} == by_pack
    assert number in [each["rule"] for each in found["violations"]]
    assert number not in found["passed"]


def preview_json(resources: Resources, op: str, *, shown: bool = True) -> dict[str, Any]:
    """What `pulumi preview --json` writes: outputs only of what was there before."""
    steps = []
    for part in parts(resources, preview=op == "create"):
        new: dict[str, Any] = {
            "urn": part.urn,
            "custom": not part.component,
            "type": part.type,
            "inputs": part.inputs,
            "parent": part.parent,
            "dependencies": part.dependencies,
            "propertyDependencies": part.property_dependencies,
        }
        old = {**new, "outputs": part.outputs}
        steps.append({"op": op, "urn": part.urn, "newState": new, **({"oldState": old} if op != "create" else {})})
    return {"steps": steps if shown else steps[:1], "changeSummary": {op: len(steps)}}


def plan(resources: Resources) -> dict[str, Any]:
    """What `pulumi preview --save-plan` writes of a first preview."""
    return {
        "resourcePlans": {
            part.urn: {
                "goal": {
                    "type": part.type,
                    "name": part.name,
                    "custom": not part.component,
                    "inputDiff": {"adds": part.inputs},
                    "outputDiff": {},
                    "parent": part.parent,
                    "dependencies": part.dependencies,
                    "propertyDependencies": {key: urns or None for key, urns in part.property_dependencies.items()},
                    "customTimeouts": {},
                },
                "steps": ["create"],
                "state": part.outputs,
            }
            for part in parts(resources, preview=True)
        }
    }


def violated(told: str) -> set[str]:
    return {each["rule"] for each in json.loads(told)["violations"]}


@pytest.mark.parametrize(
    "content",
    [
        preview_json(MISMATCH, "create"),
        preview_json(MISMATCH, "same"),
        preview_json(MISMATCH, "update"),
        plan(MISMATCH),
    ],
    ids=["first preview", "nothing changes", "all changes", "plan"],
)
def test_a_preview_is_checked_before_anything_exists(command: Command, written: Any, content: Any) -> None:
    assert "LT-01" in violated(command("check", written(content), "--format", "json", code=1))


@pytest.mark.parametrize("resources", TEMPLATES.values(), ids=TEMPLATES)
def test_nothing_is_made_up_about_a_good_stack_that_does_not_exist_yet(
    command: Command, written: Any, resources: Resources
) -> None:
    for content in (preview_json(resources, "create"), plan(resources)):
        found = json.loads(command("check", written(content), "--format", "json"))
        assert found["violations"] == []
        assert found["notEvaluated"] != []


def test_what_a_file_leaves_out_is_told(command: Command, written: Any) -> None:
    told = command("check", written(preview_json(FARGATE, "same", shown=False)))
    assert "unchanged resources are not in the file; write it with --show-sames" in told
    planned = plan(FARGATE)
    for each in planned["resourcePlans"].values():
        each["steps"] = ["same"]
        each["goal"]["inputDiff"] = {}
    assert "existing resources the plan holds what changes only" in command("check", written(planned))


def test_what_is_to_be_deleted_is_not_checked(command: Command, written: Any) -> None:
    gone = state(MISMATCH)
    for each in gone["deployment"]["resources"]:
        each["delete"] = True
    assert ": 0 resources;" in command("check", written(gone))
    preview = preview_json(MISMATCH, "delete")
    for step in preview["steps"]:
        del step["newState"]
    assert ": 0 resources;" in command("check", written(preview))


def test_what_cannot_be_known_is_told_and_never_a_pass(command: Command, written: Any) -> None:
    unknown = {
        "main": cluster(),
        "app": task_definition(containerDefinitions=UNKNOWN),
        "web": service(taskDefinition="${app.arn}"),
    }
    told = command("check", written(state(unknown)))
    (line,) = [line for line in told.splitlines() if "containerDefinitions is not known yet" in line]
    assert "TaskDefinition 'app' containerDefinitions is not known yet: " in line
    waiting = set(line.rpartition(": ")[2].split(", "))
    found = json.loads(command("check", written(state(unknown)), "--format", "json"))
    assert {"TD-06", "TD-19"} <= waiting
    assert not waiting & set(found["passed"])
    strict = written({SETTINGS: {"strictUnknown": True}}, "config.json")
    assert "[mandatory] TaskDefinition 'app' containerDefinitions" in command(
        "check", written(state(unknown)), "--config", strict, code=1
    )


@pytest.mark.parametrize("form", ["text", *FORMATS])
def test_no_secret_is_shown(command: Command, written: Any, form: str) -> None:
    containers = [{"name": "app", "environment": [{"name": "PASSWORD", "value": "hunter2"}], "essential": "hunter2"}]
    exported = state({"app": task_definition(), "web": service(taskDefinition="app:1")})
    for each in exported["deployment"]["resources"]:
        if each["urn"].endswith("::app"):
            text = json.dumps(json.dumps(containers))
            each["inputs"]["containerDefinitions"] = {SIGNATURE: SECRET, "plaintext": text}
        if each["urn"].endswith("::web"):
            each["inputs"]["launchType"] = {SIGNATURE: SECRET, "plaintext": '"hunter2"'}
    told = command("check", written(exported), "--format", form, code=1)
    assert "LT-02" in told, "it was read"
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "hidden", ["[secret]", {SIGNATURE: SECRET, "ciphertext": "v1:x"}], ids=["redacted", "encrypted"]
)
def test_a_secret_that_cannot_be_read_is_not_evaluated(command: Command, written: Any, hidden: Any) -> None:
    exported = state({"web": service(launchType="FARGATE", taskDefinition="app:1")})
    for properties in ("inputs", "outputs"):
        exported["deployment"]["resources"][-1][properties]["launchType"] = hidden
    found = json.loads(command("check", written(exported), "--format", "json"))
    assert "LT-02" not in violated(json.dumps(found))
    assert any("LT-02" in each["rules"] and each["property"] == "launchType" for each in found["notEvaluated"])


def test_options_levels_and_acknowledgements_are_those_of_the_engine(command: Command, written: Any) -> None:
    file = written(state(MISMATCH))

    def with_(configuration: Mapping[str, Any], code: int = 0) -> str:
        return command("check", file, "--config", written(configuration, "config.json"), code=code)

    assert f"[advisory] {LT_01}" in with_({LT_01: "advisory"})
    assert f"[advisory] {LT_01}" in with_({"all": "advisory"})
    assert LT_01 not in with_({LT_01: {"enforcementLevel": "disabled"}})
    assert "ER-06" not in with_({"ER-06-image-source": {"allowedRegistries": ["nginx"]}}, code=1)
    entry = {"rule": "LT-01", "resource": "Service web", "reason": "A demonstration."}
    assert "  acknowledged: A demonstration.\n" in with_({SETTINGS: {"acknowledged": [entry]}})
    of_nothing = {SETTINGS: {"levels": {"LT-01": "advisory"}, "acknowledged": [{**entry, "rule": "LT-02"}]}}
    assert "LT-02 on Service web is of no finding of this stack" in with_(of_nothing)
    assert "is of no finding" in with_({**of_nothing, "ecs-acknowledged": "mandatory"}, code=1)


def test_sarif_is_what_its_schema_says(command: Command, written: Any) -> None:
    entry = {"rule": "ER-06", "resource": "TaskDefinition app", "reason": "A demonstration."}
    configuration = written({SETTINGS: {"acknowledged": [entry]}}, "config.json")
    file = written(state(MISMATCH))
    told = json.loads(command("check", file, "--config", configuration, "--format", "sarif", code=1))
    Sarif.model_validate(told)
    (ran,) = told["runs"]
    results = {each["ruleId"]: each for each in ran["results"]}
    for each in ran["results"]:
        assert ran["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"]
    mismatch = results[LT_01]
    assert mismatch["level"] == "error"
    place = mismatch["locations"][0]["physicalLocation"]
    line = Path(file).read_text().splitlines()[place["region"]["startLine"] - 1]
    assert '"urn": "urn:pulumi:test::ecs::aws:ecs/service:Service::web"' in line
    assert results["ER-06-image-source"]["suppressions"][0]["justification"] == "acknowledged: A demonstration."
    assert len({each["partialFingerprints"]["finding/v1"] for each in ran["results"]}) == len(ran["results"])


def test_the_judge_of_sarif_refuses_what_is_none() -> None:
    with pytest.raises(ValidationError):
        Sarif.model_validate({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x", "ruels": []}}}]})


def test_junit_has_a_case_for_each_rule(command: Command, written: Any) -> None:
    unknown = {**MISMATCH, "other": task_definition(containerDefinitions=UNKNOWN)}
    suites = JUnitXml.fromstring(command("check", written(state(unknown)), "--format", "junit", code=1).encode())
    (suite,) = suites
    cases = {case.name: case for case in suite}
    assert [type(each).__name__ for each in cases[LT_01].result] == ["Failure"]
    assert "Service 'web' launchType: got" in cases[LT_01].result[0].text
    assert cases["LT-02-launch-type-enum"].is_passed
    assert [type(each).__name__ for each in cases["TD-19-unique-names"].result] == ["Skipped"]
    assert "ER-07-no-latest" in cases
    assert "expected a digest" in cases["ER-07-no-latest"].system_out
    said = (suite.tests, suite.failures, suite.skipped)
    suite.update_statistics()  # type: ignore[no-untyped-call]
    assert said == (suite.tests, suite.failures, suite.skipped)


def test_annotations_are_commands_that_no_name_breaks_out_of(command: Command, written: Any) -> None:
    named = {"a\n::error::x,file=y": service(launchType="X\n::stop-commands::y", taskDefinition="app:1")}
    told = command("check", written(state(named)), "--format", "github", code=1)
    *annotations, summary = told.splitlines()
    assert [
        line
        for line in annotations
        if not re.match(r"::(error|warning|notice) file=[^,:]+,line=\d+,title=[^,:]+::", line)
    ] == []
    assert any("title=LT-02-launch-type-enum::" in line for line in annotations)
    assert "resources; " in summary


def test_the_configuration_alone_is_checked(command: Command, written: Any) -> None:
    good = written({SETTINGS: {"profile": "strict"}, "environments": ["x"]}, "config.json")
    assert command("check", "--config", good) == f"{good}: every word of it is read\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "got no JSON ("),
        ("[]", "got [], expected an object; write levels and options by policy"),
        ({"LT-01": "advisory"}, f"LT-01: got the id alone, expected the whole name of a rule, {SETTINGS} or"),
        (
            {LT_01: "warn"},
            f'{LT_01}: got "warn", expected one of remediate, mandatory, advisory, disabled, or an object',
        ),
        ({LT_01: 1}, f"{LT_01}: got 1, expected one of remediate"),
        ({SETTINGS: {"profile": "stric"}}, f'{SETTINGS} profile: got "stric", expected one of default, strict, dev'),
        ({SETTINGS: {"strictUnknown": 1}}, f"{SETTINGS} strictUnknown: got 1, expected true or false; correct it"),
        ({SETTINGS: {"levels": {"LT-01": "warn"}}}, f'{SETTINGS} levels LT-01: got "warn", expected one of remediate'),
        ({SETTINGS: {"acknowledged": [{"rule": "LT-1"}]}}, f'{SETTINGS} acknowledged[0].rule: got "LT-1", expected'),
        (
            {"SV-15-desired-count": {"leastTasks": 0}},
            "SV-15-desired-count leastTasks: got 0, expected 1 or more; correct it",
        ),
        ({"NW-01-sg-open": {"openPorts": ["x"]}}, 'NW-01-sg-open openPorts[0]: got "x", expected a whole number'),
    ],
)
def test_wrong_configuration_is_named(command: Command, written: Any, content: Any, problem: str) -> None:
    file = written(content, "config.json")
    assert command("check", "--config", file, code=2).startswith(f"error: {file}: {problem}")
    assert command("check", written(state(MISMATCH)), "--config", file, code=2).startswith(f"error: {file}: ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "got no JSON ("),
        ("resources: []", "got no JSON ("),
        ('{"sequence": 1}\n{"sequence": 2}\n', "got an event log, which does not say what depends on what, expected"),
        ("[]", "got JSON without deployment, steps, resourcePlans, expected a state of `pulumi stack export`,"),
        ({"deployment": {"resources": [{"type": "x"}]}}, "got deployment of another shape (KeyError: 'urn'), expected"),
        ({"deployment": {"resources": [{"urn": "x", "type": "x"}]}}, "got deployment of another shape (IndexError"),
        ({"deployment": {"resources": [3]}}, "got deployment of another shape ("),
        ({"steps": [None]}, "got steps of another shape ("),
        ({"resourcePlans": {"x": []}}, "got resourcePlans of another shape ("),
        ("[" * 100_000, "got JSON that is nested too deep, expected"),
        (
            {"deployment": {"resources": [{"urn": "urn:pulumi:s::p::t::n", "type": "t", "inputs": "x"}]}},
            "got deployment of another shape (TypeError: properties of urn:pulumi:s::p::t::n are no object), expected",
        ),
    ],
)
def test_a_file_that_holds_no_stack_is_named(command: Command, written: Any, content: Any, problem: str) -> None:
    file = written(content)
    assert command("check", file, code=2).startswith(f"error: {file}: {problem}")


STRANGE: tuple[Any, ...] = (None, 1, 1.5, "x", True, [], [1], {}, {"a": 1}, "[secret]", {SIGNATURE: SECRET}, UNKNOWN)


def places(value: Any, *at: Any) -> Iterator[tuple[Any, ...]]:
    yield at
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], *at, key)


@pytest.mark.parametrize("seed", range(8))
def test_no_file_ends_in_a_trace(written: Any, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    chance = random.Random(seed)
    for content in (state(FARGATE), plan(FARGATE), preview_json(MISMATCH, "update")):
        known = [at for at in places(content) if at]
        for form in FORMATS:
            broken = copy.deepcopy(content)
            *way, last = chance.choice(known)
            held: Any = broken
            for step in way:
                held = held[step]
            held[last] = chance.choice(STRANGE)
            assert main(["check", written(broken), "--format", form]) in (0, 1, 2)
            assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["check"], "FILE: got nothing, expected a file that holds a stack; name one, or --config alone"),
        (["check", "nowhere.json"], "FILE: got nowhere.json, expected a file to read; No such file or directory"),
        (["check", "."], "FILE: got ., expected a file to read; Is a directory"),
        (["check", "x", "--config", "nowhere"], "--config: got nowhere, expected a file to read; No such file"),
        (["explain", "LT-1", "?"], "RULE: got LT-1, expected the id or the name of a rule; write LT-1"),
        (["list", "--family", "LBB"], "--family: got LBB, expected one of AS, CI, CL"),
    ],
)
def test_wrong_usage_is_named(command: Command, arguments: list[str], problem: str) -> None:
    assert command(*arguments, code=2).startswith(f"error: {problem}")


def test_all_wrong_rules_are_named_at_once(command: Command) -> None:
    assert command("explain", "LT-1", "LT-01", "?", code=2).count("error: RULE: got ") == 2


def test_a_starter_configuration_changes_nothing_and_overwrites_nothing(
    command: Command, tmp_path: Path, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command("init")
    starter = Path("policy-config.json").read_text()
    file = written(state(MISMATCH))
    with_it = command("check", file, "--config", "policy-config.json", code=1)
    assert with_it == command("check", file, code=1)
    assert command("init", code=2).startswith(
        "error: FILE: got policy-config.json, expected one that can be made; File"
    )
    assert Path("policy-config.json").read_text() == starter
    assert command("init", "nowhere/x.json", code=2).startswith("error: FILE: got nowhere/x.json, expected one that")


@pytest.mark.parametrize("arguments", [[], ["list"], ["explain"], ["check"], ["init"]], ids=" ".join)
def test_each_command_has_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(" ".join(["usage: ecs-policy", *arguments]))


def test_it_runs_as_a_module_and_reads_a_pipe() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ecs_policy", "check", "-"],
        input=json.dumps(state(MISMATCH)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout.splitlines()[-1].startswith("stdin: 3 resources; 1 mandatory and ")
