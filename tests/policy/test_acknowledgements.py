"""One finding on one resource may stay, with its reason: it is told, and stops nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pulumi.runtime import proto

from ecs_policy.acknowledgements import ConfigurationError, read
from ecs_policy.pack import ACKNOWLEDGED, SETTINGS, today
from tests.policy.example import service, task_definition
from tests.policy.good_stacks import FARGATE, MISMATCH
from tests.policy.stacks import UNKNOWN, Resources, requests
from tests.policy.test_pack import LT_01, configured, diagnostics
from tests.policy.test_remedies import LOG_GROUP, remedied

WEB = "Service web"
URN = "urn:pulumi:dev::shop::h4b:service:EcsService$aws:ecs/service:Service::web"


def entry(rule: str = "LT-01", resource: str = WEB, reason: str = "A demonstration.", **more: Any) -> dict[str, Any]:
    return {"rule": rule, "resource": resource, "reason": reason, **more}


def found(*entries: dict[str, Any], resources: Resources = MISMATCH, **settings: Any) -> list[tuple[str, str, str]]:
    """Policy, level, and the message without its title, of what is said with these entries."""
    analyzer = configured({SETTINGS: {"acknowledged": list(entries), **settings}})
    return [
        (
            each.policyName,
            proto.EnforcementLevel.Name(each.enforcementLevel).lower(),
            each.message.partition("\n")[2],
        )
        for each in diagnostics(analyzer, resources)
    ]


def of_lt_01(*entries: dict[str, Any], **settings: Any) -> list[tuple[str, str]]:
    """Level, and the first line below the title, of what LT-01 says of the mismatch."""
    said = found(*entries, **settings)
    return [(level, message.splitlines()[0]) for policy, level, message in said if policy == LT_01]


def about_the_entries(*entries: dict[str, Any], resources: Resources = MISMATCH) -> list[tuple[str, str]]:
    return [
        (level, message) for policy, level, message in found(*entries, resources=resources) if policy == ACKNOWLEDGED
    ]


@pytest.mark.parametrize("profile", ["default", "strict", "development"])
def test_it_stays_in_the_report_with_its_reason_and_stops_nothing(profile: str) -> None:
    acknowledged = entry(by="Ada", until="2999-12-31")
    assert of_lt_01(acknowledged, profile=profile) == [
        ("advisory", "acknowledged: A demonstration.; by Ada; until 2999-12-31")
    ]
    assert about_the_entries(acknowledged) == []
    (whole,) = [message for policy, _, message in found(acknowledged) if policy == LT_01]
    assert "Service 'web' launchType: got \"FARGATE\"" in whole


def test_levels_do_not_raise_it() -> None:
    assert of_lt_01(entry(), levels={"LT-01": "mandatory"}) == [("advisory", "acknowledged: A demonstration.")]


@pytest.mark.parametrize(
    "resource",
    [
        "Service web",
        "Service 'web'",
        "Service w*",
        "Service *",
        "aws:ecs/service:Service web",
        "Service::web",
        "aws:ecs/service:Service::web",
        "ecs::aws:ecs/service:Service::*b",
        "urn:pulumi:test::ecs::aws:ecs/service:Service::web",
    ],
)
def test_a_resource_is_named_by_type_and_name_or_the_end_of_its_urn(resource: str) -> None:
    assert [level for level, _ in of_lt_01(entry(resource=resource))] == ["advisory"]


@pytest.mark.parametrize(
    "resource",
    ["Service we", "Service eb", "vice web", "Service web2", "TaskDefinition web", "service:Service::x*", "Service W*"],
)
def test_another_resource_is_not_meant(resource: str) -> None:
    assert [level for level, _ in of_lt_01(entry(resource=resource))] == ["mandatory"]


def test_another_rule_is_not_meant() -> None:
    assert [level for level, _ in of_lt_01(entry("LT-02"))] == ["mandatory"]


def test_a_rule_has_also_the_name_that_messages_show() -> None:
    assert [level for level, _ in of_lt_01(entry(LT_01))] == ["advisory"]


@pytest.mark.parametrize(
    ("stacks", "meant"),
    [(["shop/dev"], True), (["*/dev"], True), (["shop/*", "x/y"], True), (["shop/prod"], False), (["shop/de"], False)],
)
def test_it_may_be_of_some_stacks_only(stacks: list[str], meant: bool) -> None:
    (acknowledged,) = read([entry(stacks=stacks)])
    assert acknowledged.names(URN) is meant


def test_it_is_said_to_be_of_nothing_in_its_own_stacks_only() -> None:
    assert about_the_entries(entry(resource="Service other", stacks=["ecs/prod"])) == []
    assert len(about_the_entries(entry(resource="Service other", stacks=["ecs/test"]))) == 1


@pytest.mark.parametrize("rule", ["LT-01", "SV-15"], ids=["joins", "alone"])
@pytest.mark.parametrize("resource", ["Service other", "TaskDefinition app"])
def test_one_of_nothing_is_itself_found(rule: str, resource: str) -> None:
    assert about_the_entries(entry(rule, resource)) == [
        (
            "advisory",
            f"ecs-settings acknowledged[0]: {rule} on {resource} is of no finding of this stack; "
            "remove it, or correct rule, resource or stacks",
        )
    ]


def test_what_was_repaired_is_found_in_the_next_run_too() -> None:
    analyzer = configured({SETTINGS: {"acknowledged": [entry()]}})
    for resources, expected in ((MISMATCH, []), (FARGATE, [ACKNOWLEDGED]), (MISMATCH, [])):
        said = [each.policyName for each in diagnostics(analyzer, resources)]
        assert [name for name in said if name == ACKNOWLEDGED] == expected


def test_a_resource_that_the_run_leaves_out_makes_no_entry_one_of_nothing() -> None:
    analyzer = configured({SETTINGS: {"acknowledged": [entry("TD-36", "TaskDefinition app")]}})
    _, stack = requests(MISMATCH)
    assert ACKNOWLEDGED not in [each.policyName for each in analyzer.AnalyzeStack(stack, None).diagnostics]


def test_a_rule_that_is_off_makes_no_entry_one_of_nothing() -> None:
    said = found(entry("SV-15", "Service other"), profile="development")
    assert ACKNOWLEDGED not in [policy for policy, *_ in said]


def test_it_holds_on_its_last_day_and_is_found_the_day_after() -> None:
    yesterday = today() - timedelta(days=1)
    assert [level for level, _ in of_lt_01(entry(until=str(today())))] == ["advisory"]
    over = entry(until=str(yesterday))
    assert [level for level, _ in of_lt_01(over)] == ["mandatory"]
    assert about_the_entries(over) == [
        (
            "advisory",
            f"ecs-settings acknowledged[0]: LT-01 on Service web is over since {yesterday}: its finding counts again; "
            "repair it, or decide anew and set until",
        )
    ]


def test_what_is_said_of_entries_can_be_made_mandatory() -> None:
    analyzer = configured(
        {SETTINGS: {"acknowledged": [entry("SV-01")]}, ACKNOWLEDGED: {"enforcementLevel": "mandatory"}}
    )
    said = {each.policyName: each for each in diagnostics(analyzer, MISMATCH)}
    assert said[ACKNOWLEDGED].enforcementLevel == proto.MANDATORY
    assert said[ACKNOWLEDGED].urn == "urn:pulumi:test::ecs::pulumi:pulumi:Stack::ecs-test"


@pytest.mark.parametrize("strict", [False, True])
def test_what_could_not_be_evaluated_may_stay_too(strict: bool) -> None:
    resources = {
        "app": task_definition(containerDefinitions=UNKNOWN),
        "web": service(launchType=UNKNOWN, taskDefinition="app:1", cluster="main"),
    }
    said = found(entry("LT-02"), resources=resources, strictUnknown=strict)
    told = [(level, message) for _, level, message in said if message.startswith("acknowledged: ")]
    where = (
        "Not evaluated: launchType is not known yet" if strict else "launchType is not known yet. Not evaluated: LT-02"
    )
    (only,) = told
    assert (only[0], only[1].splitlines()[:2]) == ("advisory", ["acknowledged: A demonstration.", where])
    others = [message for _, _, message in said if not message.startswith("acknowledged: ")]
    assert any("launchType is not known yet" in message for message in others), "of the other rules"
    assert ACKNOWLEDGED not in [policy for policy, *_ in said]


def test_what_may_stay_is_not_repaired() -> None:
    levels = {"LG-01": "remediate"}
    assert remedied(configured({SETTINGS: {"levels": levels}}), LOG_GROUP) is not None
    acknowledged = [entry("LG-01", "LogGroup *")]
    assert remedied(configured({SETTINGS: {"levels": levels, "acknowledged": acknowledged}}), LOG_GROUP) is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("LT-01", 'got "LT-01", expected an object; write { rule, resource, reason }'),
        (entry("LT01"), '.rule: got "LT01", expected the id of a rule of this pack, such as LB-06; write LT-01'),
        (entry("LB-06-x"), '.rule: got "LB-06-x", expected the id of a rule of this pack, such as LB-06; write LB-06'),
        (entry("?"), '.rule: got "?", expected the id of a rule of this pack, such as LB-06; correct it, or remove it'),
        (entry(reason=" "), '.reason: got " ", expected in words why the finding may stay; write it'),
        (
            {"rule": "LT-01", "resource": WEB},
            ".reason: got nothing, expected in words why the finding may stay; write it",
        ),
        (
            entry(resource="web"),
            '.resource: got "web", expected a type and a name, such as "LoadBalancer web", or the end of a URN, '
            "with * in the name only; name the resource as the message of its finding does",
        ),
        (
            entry(resource="* web"),
            '.resource: got "* web", expected a type and a name, such as "LoadBalancer web", or the end of a URN, '
            "with * in the name only; write the type in full",
        ),
        (
            entry(until="2026-02-30"),
            '.until: got "2026-02-30", expected the last day on which it holds, such as 2027-03-31; '
            "write year, month and day",
        ),
        (entry(by=""), '.by: got "", expected who decided it; write it, or leave the field out'),
        (
            entry(stacks=["dev"]),
            '.stacks: got ["dev"], expected a list, not empty, of <project>/<stack>, such as "shop/dev", '
            "with * for any characters; name them, or leave the field out for every stack",
        ),
        (
            entry(reasons="x"),
            ': got the field "reasons", expected one of rule, resource, reason, stacks, by, until; write reason',
        ),
    ],
)
def test_a_wrong_entry_is_refused_with_what_to_write_instead(given: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read([entry(), given])
    assert str(refused.value) == f"ecs-settings acknowledged[1]{': ' if problem[0] == 'g' else ''}{problem}"


def test_all_wrong_entries_are_named_at_once_before_anything_is_analyzed() -> None:
    with pytest.raises(ConfigurationError) as refused:
        configured({SETTINGS: {"acknowledged": [entry("LT-99"), entry(until="soon", by="")]}})
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "ecs-settings acknowledged[0].rule",
        "ecs-settings acknowledged[1].by",
        "ecs-settings acknowledged[1].until",
    ]


def test_a_reason_is_one_line() -> None:
    (acknowledged,) = read([entry(reason=" Because\nof  this. ", until="2030-01-31")])
    assert acknowledged.told == "acknowledged: Because of this.; until 2030-01-31"
    assert acknowledged.until == date(2030, 1, 31)
