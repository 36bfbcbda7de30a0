"""What a reviewer reads of a change before it is deployed. The previews were made by the real engine (`record.py`)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pulumi.automation.events import EngineEvent

from components.printable import printable
from ecs_policy.sentinels import UNKNOWN
from risk import render
from risk.__main__ import main
from risk.effects import Effect, effects
from risk.preview import Action, Change, Preview
from risk.report import Finding, Report, assess
from tests.risk.changes import CHANGES
from tests.risk.record import RECORDINGS

SERVICE = "aws:ecs/service:Service"
BALANCER = "h4b-helloworld-load-balancer"


def _events(name: str) -> Iterator[EngineEvent]:
    for line in (RECORDINGS / CHANGES[name].file).read_text().splitlines():
        yield EngineEvent.from_json(json.loads(line))


def _report(name: str) -> Report:
    return assess(_events(name))


def _said(name: str, effect: Effect) -> list[str]:
    return [f"{found.resource}: {found.text}" for found in _report(name).findings if found.effect is effect]


@pytest.mark.parametrize("name", CHANGES)
def test_the_report_of_a_recorded_preview(name: str) -> None:
    expected = (RECORDINGS / CHANGES[name].file).with_suffix(".txt").read_text()
    assert render.text(_report(name), every=True) + "\n" == expected


@pytest.mark.parametrize("name", CHANGES)
def test_every_resource_that_changes_is_named(name: str) -> None:
    said = " ".join(found.resource for found in _report(name).findings)
    for event in _events(name):
        step = event.resource_pre_event and event.resource_pre_event.metadata
        state = step and (step.new or step.old)
        if step and state and step.op != "same" and state.custom and not step.type.startswith("pulumi:"):
            assert step.urn.rpartition("::")[2] in said


def test_a_first_preview_fits_on_a_screen_and_loses_nothing() -> None:
    report = _report("first deployment")
    shown = render.text(report).splitlines()
    assert len(shown) <= 24 < len(report.findings)
    assert shown[-1] == render.verdict(report)
    created = Counter(found.resource.partition(" ")[0] for found in report.findings if found.text == "created")
    counted = ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in sorted(created.items()))
    assert f"changes        {counted}: created" in shown
    for found in report.findings:
        if not found.summary:
            assert any(found.resource in line and found.text in line for line in shown), found


def test_few_resources_that_share_a_finding_are_named() -> None:
    found = [Finding(Effect.ACKNOWLEDGED, f"LogGroup {name}", f"kmsKeyId of {name}", "LG-02: why") for name in "ab"]
    alone = Finding(Effect.ACKNOWLEDGED, "Vpc a", "no endpoint", "NW-09: why")
    assert render.text(Report((*found, alone), unchanged=0)).splitlines()[:2] == [
        "acknowledged  LogGroup a, LogGroup b: LG-02: why",
        "acknowledged  Vpc a: NW-09: why",
    ]


def test_scripts_get_every_finding_and_the_verdict() -> None:
    report = _report("other health check")
    told = render.as_json(report, fail_on={Effect.INTERRUPTS})
    assert json.loads(json.dumps(told)) == told
    assert told["mayBeDeployed"] is False
    assert {"effect": "interrupts", "resource": "TargetGroup h4b-helloworld"}.items() <= told["findings"][0].items()
    assert len(told["findings"]) == len(report.findings)


def test_an_unchanged_program_changes_nothing() -> None:
    assert render.text(_report("nothing")) == "Nothing changes, 43 resources stay."


def test_a_new_page_rolls_within_a_known_time_and_interrupts_nobody() -> None:
    assert _said("new page", Effect.INTERRUPTS) == []
    assert _said("new page", Effect.ROLLS) == [
        "Service h4b-helloworld: new tasks because of taskDefinition; "
        "at most 2 min 49 s, 5 min 38 s when it fails and is rolled back"
    ]


def test_a_migration_is_named_with_its_bound_as_no_rollback_undoes_it() -> None:
    assert _said("migration", Effect.NOT_UNDONE) == [
        "Service h4b-helloworld: a task of the new revision runs `php artisan migrate --force` first, for at most 1 h"
    ]


def test_what_the_policies_could_not_evaluate_is_not_hidden() -> None:
    assert "Service h4b-helloworld: networkConfiguration.subnets is not known yet. Not evaluated: SV-02" in _said(
        "first deployment", Effect.NOT_EVALUATED
    )


def test_a_health_check_applies_at_once_and_outlives_a_rollback() -> None:
    assert _said("other health check", Effect.INTERRUPTS) == [
        "TargetGroup h4b-helloworld: health check path / → /healthy applies at once: "
        "tasks that run now are taken out if they do not pass it"
    ]
    assert len(_said("other health check", Effect.NOT_UNDONE)) == 1


@pytest.mark.parametrize(
    ("kind", "action", "differing"),
    [
        ("aws:lb/targetGroup:TargetGroup", "update", "healthCheck.path"),
        ("aws:lb/targetGroup:TargetGroup", "replace", "port"),
        ("aws:lb/listener:Listener", "update", "port"),
        ("aws:lb/listener:Listener", "delete", ""),
        ("aws:lb/listenerRule:ListenerRule", "update", "conditions"),
        ("aws:lb/listenerRule:ListenerRule", "replace", "listenerArn"),
        ("aws:ec2/securityGroup:SecurityGroup", "update", "ingress"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "create", ""),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "update", "fromPort"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "delete", ""),
        ("aws:secretsmanager/secretVersion:SecretVersion", "update", "secretString"),
        ("aws:secretsmanager/secretVersion:SecretVersion", "replace", "secretId"),
        ("aws:ssm/parameter:Parameter", "update", "value"),
    ],
)
def test_what_a_rollback_of_the_tasks_does_not_undo_is_named(kind: str, action: str, differing: str) -> None:
    before, after = ({"any": 1}, {"any": 2} if action != "delete" else None)
    said = _one(kind, action, before, after, [differing] if differing else None, service="update")
    assert Effect.NOT_UNDONE in [effect for effect, _ in said]


def test_where_the_service_goes_too_there_is_nothing_to_roll_back() -> None:
    said = _one("aws:lb/listenerRule:ListenerRule", "delete", {"any": 1}, None, service="delete")
    assert Effect.NOT_UNDONE not in [effect for effect, _ in said]


def test_a_preview_that_reads_aws_first_says_the_same() -> None:
    steps = [json.loads(line) for line in (RECORDINGS / CHANGES["other health check"].file).read_text().splitlines()]
    read = [{"resourcePreEvent": {"metadata": step["resourcePreEvent"]["metadata"] | {"op": "refresh"}}}
            for step in steps if "resourcePreEvent" in step]  # fmt: skip
    assert assess(map(EngineEvent.from_json, read + steps)) == _report("other health check")


def test_what_a_failed_update_left_over_is_no_change_of_what_stays() -> None:
    state = {"custom": True, "id": "some-id", "inputs": {"family": "web"}}
    step = {"urn": "urn:pulumi:dev::project::aws:ecs/taskDefinition:TaskDefinition::web", "old": state,
            "type": "aws:ecs/taskDefinition:TaskDefinition"}  # fmt: skip
    steps = [step | {"op": "same", "new": state}, step | {"op": "delete-replaced"}]
    events: list[dict[str, Any]] = [{"resourcePreEvent": {"metadata": each}} for each in steps]
    found = assess(map(EngineEvent.from_json, [*events, {"summaryEvent": {"resourceChanges": {}}}])).findings
    assert [each.text for each in found] == ["the old one, left by an update that failed, is deleted"]


def test_a_replaced_target_group_is_empty_when_the_listener_turns_to_it() -> None:
    assert (
        "TargetGroup h4b-helloworld: the listener rule forwards to the new, empty group: "
        "503 until the service has registered tasks in it"
    ) in _said("other container port", Effect.INTERRUPTS)


def test_another_nat_gateway_breaks_what_is_connected_through_the_old_one() -> None:
    assert _said("nat gateway", Effect.INTERRUPTS) == [
        "Route h4b-helloworld-private-2: its traffic takes the other way at once: connections through the old one break"
    ]


def test_another_listener_port_refuses_the_clients_of_the_old_one() -> None:
    assert ("Listener h4b-helloworld: port 80 → 8080: clients of the old one are refused at once") in _said(
        "other listener port", Effect.INTERRUPTS
    )


def test_a_closed_door_interrupts_those_who_used_it() -> None:
    assert _said("fewer clients", Effect.INTERRUPTS) == [
        f"SecurityGroupIngressRule {BALANCER}-80-from-127.0.0.1-32: closes tcp 80 for 127.0.0.1/32"
    ]


def test_a_replaced_repository_loses_the_images_that_a_rollback_needs() -> None:
    assert ("Repository h4b-helloworld: replaced with its images, those a rollback needs among them") in _said(
        "other repository", Effect.LOSES_DATA
    )


def test_keeping_fewer_images_or_a_shorter_log_loses_data_and_a_longer_one_does_not() -> None:
    assert len(_said("fewer images", Effect.LOSES_DATA)) == 1
    assert _said("longer log", Effect.LOSES_DATA) == []
    shorter = _one(
        "aws:cloudwatch/logGroup:LogGroup",
        "update",
        {"retentionInDays": 30},
        {"retentionInDays": 7},
        ["retentionInDays"],
    )
    assert shorter == [
        (Effect.LOSES_DATA, "events older than 7 days are deleted (before: 30)"),
        (Effect.CHANGES, "changed in place: retentionInDays"),
    ]


def test_a_mandatory_policy_refuses() -> None:
    assert any("LT-01" in said for said in _said("wrong launch type", Effect.REFUSED))
    assert _report("wrong launch type").failing()


def _policy_event(policy: str, message: str, level: str = "advisory") -> EngineEvent:
    told = {"policyName": policy, "enforcementLevel": level, "message": message, "policyPackName": "ecs"}
    more = {
        "resourceUrn": f"urn:pulumi:dev::shop::{SERVICE}::web",
        "policyPackVersion": "1",
        "policyPackVersionTag": "",
    }
    return EngineEvent.from_json({"sequence": 0, "timestamp": 0, "policyEvent": {**told, **more, "color": "never"}})


def test_what_is_acknowledged_stands_apart_with_its_reason_and_fails_nothing() -> None:
    events = [
        _policy_event(
            "SV-15-desired-count", "Title\nacknowledged: One will do.; by Ada\nService 'web' desiredCount: got 1"
        ),
        _policy_event("ecs-settings", "Title\nacknowledged: Later.\nsubnets is not known yet. Not evaluated: SV-02"),
        _policy_event("SV-14b-circuit-breaker", "Title\nService 'web' deploymentCircuitBreaker: got nothing"),
        _policy_event("SV-01-x", "Title\nacknowledged: A mandatory one cannot be.", level="mandatory"),
    ]
    report = assess(events)
    assert [(found.effect, found.text) for found in report.findings if found.resource] == [
        (Effect.REFUSED, "SV-01-x: acknowledged: A mandatory one cannot be."),
        (Effect.WARNED, "SV-14b-circuit-breaker: Service 'web' deploymentCircuitBreaker: got nothing"),
        (
            Effect.ACKNOWLEDGED,
            "SV-15-desired-count: Service 'web' desiredCount: got 1 (acknowledged: One will do.; by Ada)",
        ),
        (
            Effect.ACKNOWLEDGED,
            "ecs-settings: subnets is not known yet. Not evaluated: SV-02 (acknowledged: Later.)",
        ),
    ]
    shown = render.markdown(report, "Risk")
    assert "<summary>2 findings are acknowledged, each with its reason</summary>" in shown
    assert "One will do." not in shown.partition("<details>")[0]


def test_a_deployment_that_cannot_end_is_named_before_it_begins() -> None:
    assert len(_said("slow rollout", Effect.NEVER_ENDS)) == 1


def test_a_deployment_that_may_stop_every_task_interrupts() -> None:
    stopping = _service(deploymentMinimumHealthyPercent=0, deploymentMaximumPercent=100, desiredCount=1)
    assert (
        Effect.INTERRUPTS,
        "all old tasks may stop before a new one answers (minimum healthy percent 0)",
    ) in stopping


def test_what_starts_new_tasks_is_what_ecs_documents() -> None:
    """Every parameter of UpdateService says whether it triggers a deployment."""
    shape = botocore.session.get_session().get_service_model("ecs").operation_model("UpdateService").input_shape
    assert shape is not None
    documented = {name: "n't trigger a new" not in each.documentation for name, each in shape.members.items()}
    inputs = {
        "desiredCount": "desiredCount",
        "taskDefinition": "taskDefinition",
        "deploymentConfiguration": "deploymentConfiguration",
        "alarms": "deploymentConfiguration",
        "deploymentCircuitBreaker": "deploymentConfiguration",
        "deploymentMaximumPercent": "deploymentConfiguration",
        "availabilityZoneRebalancing": "availabilityZoneRebalancing",
        "networkConfiguration": "networkConfiguration",
        "placementConstraints": "placementConstraints",
        "orderedPlacementStrategies": "placementStrategy",
        "platformVersion": "platformVersion",
        "healthCheckGracePeriodSeconds": "healthCheckGracePeriodSeconds",
        "enableExecuteCommand": "enableExecuteCommand",
        "enableEcsManagedTags": "enableECSManagedTags",
        "loadBalancers": "loadBalancers",
        "propagateTags": "propagateTags",
        "serviceRegistries": "serviceRegistries",
        "serviceConnectConfiguration": "serviceConnectConfiguration",
        "vpcLatticeConfigurations": "vpcLatticeConfigurations",
    }
    for name, parameter in inputs.items():
        said = _one(SERVICE, "update", {}, {"desiredCount": 2}, [name])
        assert (Effect.ROLLS in dict(said)) is documented[parameter], name


@pytest.mark.parametrize(
    ("changed", "restarts"),
    [("desiredCount", True), ("alarms", True), ("waitForSteadyState", True), ("tags", False)],
)
def test_while_a_deployment_is_forced_every_change_but_that_of_tags_starts_new_tasks(
    changed: str, restarts: bool
) -> None:
    forced = {"desiredCount": 3, "forceNewDeployment": True}
    said = dict(_one(SERVICE, "update", forced, forced, [changed]))
    because = f"new tasks because of {changed} (with forceNewDeployment every change starts them); "
    assert said.get(Effect.ROLLS, "").startswith(because) is restarts


def test_a_deployment_that_is_forced_from_now_on_starts_new_tasks_and_one_no_longer_forced_does_not() -> None:
    """The provider asks UpdateService with the new value, and forgets triggers where nothing is forced."""
    plain = {"desiredCount": 3}
    forced = {**plain, "forceNewDeployment": True, "triggers": {"forceNewDeployment": "2026-11-28"}}
    both = ["forceNewDeployment", "triggers.forceNewDeployment"]
    because = "new tasks because of forceNewDeployment, triggers; "
    assert dict(_one(SERVICE, "update", plain, forced, both))[Effect.ROLLS].startswith(because)
    assert "because of triggers; " in dict(_one(SERVICE, "update", forced, forced, ["triggers"]))[Effect.ROLLS]
    said = dict(_one(SERVICE, "update", forced, plain, both))
    assert Effect.ROLLS not in said
    assert said[Effect.CHANGES] == f"changed in place: {', '.join(both)}"


def test_from_a_launch_type_to_capacity_providers_is_no_new_service() -> None:
    mixed = {
        "desiredCount": 2,
        "forceNewDeployment": True,
        "capacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    }
    said = dict(_one(SERVICE, "update", {"launchType": "FARGATE"}, mixed, ["capacityProviderStrategies"]))
    assert "new tasks because of capacityProviderStrategies" in said[Effect.ROLLS]
    assert Effect.REPLACED not in said


def test_no_wanted_task_interrupts() -> None:
    assert (Effect.INTERRUPTS, "no task remains: nobody answers") in _service(desiredCount=0)


def test_a_rotated_secret_is_named_and_outlives_a_rollback() -> None:
    def task(version: str) -> dict[str, Any]:
        labels = {"secret-version.DB_PASSWORD": version, "secret-version.API_KEY": "1", "team": version}
        return {"skipDestroy": True, "containerDefinitions": json.dumps([{"name": "web", "dockerLabels": labels}])}

    said = _one("aws:ecs/taskDefinition:TaskDefinition", "replace", task("a"), task("b"), ["containerDefinitions"])
    assert said == [
        (Effect.NOT_UNDONE, "secret DB_PASSWORD has a new version: tasks that ECS rolls back to get it, too"),
        (Effect.CHANGES, "new revision: web.dockerLabels"),
    ]


def test_containers_that_hold_a_secret_are_not_taken_for_unchanged() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
    task = {"skipDestroy": True, "containerDefinitions": secret}
    assert _one("aws:ecs/taskDefinition:TaskDefinition", "replace", task, task, ["containerDefinitions"]) == [
        (Effect.NOT_EVALUATED, "what changes in its containers cannot be shown: they hold a secret"),
        (Effect.CHANGES, "new revision: containers"),
    ]


def test_a_shift_of_traffic_takes_its_pauses_too() -> None:
    shift = {
        "strategy": "CANARY",
        "bakeTimeInMinutes": "15",
        "canaryConfiguration": {"canaryPercent": 5, "canaryBakeTimeInMinutes": "10"},
        "lifecycleHooks": [{"timeoutConfiguration": {"timeoutInMinutes": "60"}}],
    }
    said = dict(_service(desiredCount=2, deploymentConfiguration=shift))
    assert "at most 1 h 27 min 10 s" in said[Effect.ROLLS]


@pytest.mark.parametrize(("provider", "said"), [("FARGATE_SPOT", False), ("ours", True), (UNKNOWN, True)])
def test_an_instance_that_has_to_start_first_is_named_as_not_counted(provider: str, said: bool) -> None:
    found = _service(desiredCount=2, capacityProviderStrategies=[{"capacityProvider": provider, "weight": 1}])
    doubt = (Effect.NOT_EVALUATED, "an instance that has to start first is not counted in how long it takes")
    assert (doubt in found) is said


def test_a_kind_that_the_report_does_not_know_is_not_called_harmless() -> None:
    assert (
        Effect.NOT_EVALUATED,
        "deleted: this report does not know what depends on a aws:new/thing:Thing",
    ) in _one("aws:new/thing:Thing", "delete", {}, None)


def test_a_preview_that_broke_off_refuses() -> None:
    found = assess([]).findings
    assert [each.effect for each in found] == [Effect.REFUSED]


def test_configured_effects_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = str(RECORDINGS / CHANGES["other health check"].file)
    written = tmp_path / "report.md"
    assert main([recorded]) == 0
    assert main([recorded, "--fail-on", "rolls,loses-data"]) == 0
    assert main([recorded, "--fail-on", "interrupts", "--markdown", str(written), "--title", "dev"]) == 1
    assert "Do not deploy: 1 interrupts" in capsys.readouterr().out
    assert written.read_text().startswith("## dev\n\nDo not deploy: ")


def test_an_unknown_effect_and_an_unreadable_file_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["events.jsonl", "--fail-on", "everything"])
    assert "got everything, expected some of refused, loses-data" in capsys.readouterr().err
    assert main([str(tmp_path / "absent.jsonl")]) == 2
    assert "expected the event log of a preview" in capsys.readouterr().err


GITHUB = MarkdownIt("gfm-like", {"html": True})
"""Tables, addresses that become links, and HTML that stays, as in a comment."""


class _Page(HTMLParser):
    """The elements of a page, and the text of its table by cell; what is in a cell, and outside `code`, beside it."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.rows: list[list[str]] = []
        self.bare = ""
        self._open: list[str] = []
        self.feed(GITHUB.render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == []
        self.elements.add(tag)
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self._open:
            self.rows[-1][-1] += data
        if "code" not in self._open:
            self.bare += data


_TRICKS = st.sampled_from(
    [
        *(
            "[a](https://evil.example)",
            "![a](https://evil.example/t.png)",
            "<img src=x>",
            "</code>",
            "</td>",
            "</table>",
        ),
        *(
            "https://evil.example",
            "www.evil.example",
            "a@evil.example",
            "@octo-org/team",
            "#1",
            "octo-org/app#1",
            "GH-1",
        ),
        *(
            "\\|",
            "|",
            "\\\\|",
            "`",
            "``",
            "\n\n# a\n",
            "\r\n| a | b |\n",
            "<!-- ",
            "-->",
            "~~~",
            "&lt;",
            "&#64;",
            "*a*",
        ),
        *(
            "\0",
            "\x1b[31m",
            "\u202e",
            "\u2028",
            "::error::a",
            "##[error]a",
            "\n::add-mask::a",
            "<details>",
            "$a$",
            ":heart:",
        ),
    ]
)
_TEXT = st.text() | st.lists(_TRICKS | st.text(max_size=5)).map("".join)


@given(_TEXT, _TEXT, st.sampled_from(Effect))
def test_whatever_a_report_tells_is_a_text_in_its_cell_and_nothing_else(
    resource: str, text: str, effect: Effect
) -> None:
    report = Report((Finding(effect, resource, text),), unchanged=0)
    page = _Page(render.markdown(report, "Deploy risk of dev"))
    assert [row[1:] for row in page.rows] == [["", ""], [printable(resource), printable(text)]]
    assert page.elements <= {"h2", "p", "table", "tr", "th", "td", "code", "details", "summary"}
    assert re.fullmatch(r"[\w\s.,:;%-]*", page.bare.translate(dict.fromkeys(map(ord, "⛔🔴🟠⚪🟡🔵🟢"))))


@given(_TEXT, _TEXT)
def test_a_report_in_a_log_is_a_line_for_each_finding_and_no_command(resource: str, text: str) -> None:
    report = Report((Finding(Effect.WARNED, resource, text),), unchanged=0)
    first, verdict = render.text(report).split("\n")
    assert first.isprintable() and "##[" not in first and not first.startswith("::")
    assert verdict.startswith("May be deployed: ")


_inputs = st.dictionaries(
    st.sampled_from(
        [
            "containerDefinitions",
            "deploymentCircuitBreaker",
            "deploymentConfiguration",
            "deregistrationDelay",
            "desiredCount",
            "fromPort",
            "healthCheck",
            "loadBalancers",
            "policy",
            "port",
            "retentionInDays",
        ]
    ),
    st.one_of(st.none(), st.integers(), st.text(), st.just(UNKNOWN), st.lists(st.integers()), st.just([{}])),
)


@given(
    st.sampled_from(
        [
            "aws:cloudwatch/logGroup:LogGroup",
            "aws:ecr/lifecyclePolicy:LifecyclePolicy",
            "aws:ecs/service:Service",
            "aws:ecs/taskDefinition:TaskDefinition",
            "aws:lb/listener:Listener",
            "aws:lb/targetGroup:TargetGroup",
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "docker:index/image:Image",
            "some:other/kind:Kind",
        ]
    ),
    st.sampled_from(["create", "update", "replace", "delete"]),
    _inputs,
    _inputs,
)
def test_every_change_has_an_effect_whatever_its_properties(
    kind: str, action: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert _one(kind, action, before, after if action != "delete" else None, sorted({*before, *after}))


def _service(**inputs: Any) -> list[tuple[Effect, str]]:
    return _one("aws:ecs/service:Service", "update", {"desiredCount": 2}, inputs, ["taskDefinition", *inputs])


def _one(
    kind: str,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any] | None,
    differing: list[str] | None = None,
    *,
    service: str = "",
) -> list[tuple[Effect, str]]:
    """What is said of one change, in a preview that also does `service` to a service."""
    step = {
        "op": action,
        "urn": f"urn:pulumi:dev::project::{kind}::name",
        "type": kind,
        "old": {"custom": True, "id": "some-id", "inputs": before} if action != "create" else None,
        "new": {"custom": True, "inputs": after} if after is not None else None,
        "diffs": differing,
    }
    events: list[dict[str, Any]] = [
        {"resourcePreEvent": {"metadata": step}},
        {"summaryEvent": {"resourceChanges": {action: 1}}},
    ]
    if service:
        urn, state = f"urn:pulumi:dev::project::{SERVICE}::web", {"custom": True, "id": "web", "inputs": {}}
        beside = {"op": service, "urn": urn, "type": SERVICE, "old": state, "new": state, "diffs": ["taskDefinition"]}
        events.insert(0, {"resourcePreEvent": {"metadata": beside}})
    found = assess(EngineEvent.from_json(event) for event in events).findings
    return [(each.effect, each.text) for each in found if not each.resource.endswith(" web")]


GROUP, LISTENER, BALANCER_TYPE = (
    "aws:lb/targetGroup:TargetGroup",
    "aws:lb/listener:Listener",
    "aws:lb/loadBalancer:LoadBalancer",
)


def _replaced(kind: str, user: Change, *, gap: bool = True) -> list[tuple[Effect, str]]:
    """What is said of a resource with id `old` that is replaced, beside one that may use it."""
    change = Change(urn=f"urn:pulumi:dev::project::{kind}::it", type=kind, action="replace", id="old", gap=gap)
    return list(effects(change, Preview((change, user), {}, (), (), True)))


def _user(kind: str, action: Action, key: str, value: Any, *, gap: bool = False) -> Change:
    urn = f"urn:pulumi:dev::project::{kind}::user"
    return Change(urn=urn, type=kind, action=action, paths=(f"{key}[0].arn",), gap=gap, before={key: value})


@pytest.mark.parametrize(
    ("kind", "user", "error"),
    [
        (GROUP, _user(LISTENER, "update", "defaultActions", [{"targetGroupArn": "old"}]), "ResourceInUse"),
        (GROUP, _user("aws:lb/listenerRule:ListenerRule", "update", "actions", [{"forward": "old"}]), "ResourceInUse"),
        (GROUP, _user(LISTENER, "delete", "defaultActions", [{"targetGroupArn": "old"}]), "ResourceInUse"),
        (
            "aws:ec2/securityGroup:SecurityGroup",
            _user(BALANCER_TYPE, "update", "securityGroups", ["old"]),
            "DependencyViolation",
        ),
        (
            "aws:ec2/securityGroup:SecurityGroup",
            _user(SERVICE, "update", "networkConfiguration", {"securityGroups": ["old"]}),
            "DependencyViolation",
        ),
        ("aws:ec2/subnet:Subnet", _user(BALANCER_TYPE, "update", "subnets", ["old"]), "DependencyViolation"),
        (
            "aws:ecs/capacityProvider:CapacityProvider",
            _user("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", "update", "capacityProviders", ["old"]),
            "ResourceInUseException",
        ),
    ],
)
def test_what_is_in_use_cannot_go_first_and_the_update_stops_half_done(kind: str, user: Change, error: str) -> None:
    said = _replaced(kind, user)
    assert said[0][0] is Effect.INTERRUPTS
    assert f"AWS refuses to delete it while it is in use by user ({error}): the update stops half done" in said[0][1]
    assert [effect for effect, _ in said[1:]] == [Effect.REPLACED], "what follows a success that cannot be"


@pytest.mark.parametrize(
    ("user", "gap"),
    [
        (_user(LISTENER, "update", "defaultActions", [{"targetGroupArn": "old"}]), False),
        (_user(LISTENER, "update", "defaultActions", [{"targetGroupArn": "another"}]), True),
        (_user(LISTENER, "update", "sslPolicy", "old"), True),
        (_user(LISTENER, "replace", "defaultActions", [{"targetGroupArn": "old"}], gap=True), True),
    ],
    ids=["the new one comes first", "another group", "another property", "the listener goes first, too"],
)
def test_what_nobody_uses_may_go_first(user: Change, gap: bool) -> None:
    assert "AWS refuses" not in str(_replaced(GROUP, user, gap=gap))
