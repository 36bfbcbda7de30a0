"""Configuration that would do nothing is refused, with what to write instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecs_policy.acknowledgements import ConfigurationError
from ecs_policy.configuration import unused
from ecs_policy.pack import ACKNOWLEDGED, SETTINGS, options, policies
from tests.policy.engine import analyze
from tests.policy.good_stacks import MISMATCH
from tests.policy.test_pack import LT_01, configured

OPTIONS = options(policies())
REPOSITORY = Path(__file__).parents[2]
WHOLE = f"expected the whole name of a rule, {SETTINGS} or {ACKNOWLEDGED}"
SETTINGS_THERE_ARE = "expected one of profile, levels, strictUnknown, acknowledged"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            {"LB-06": {}},
            f"LB-06: got the id alone, {WHOLE}; write LB-06-https-or-redirect, or LB-06 in the levels of {SETTINGS}",
        ),
        ({"LT-01-launch-type": {}}, f"LT-01-launch-type: got no policy of this pack, {WHOLE}; write {LT_01}"),
        ({"lt_01": {}}, f"lt_01: got no policy of this pack, {WHOLE}; write {LT_01}"),
        ({"no-latest": {}}, f"no-latest: got no policy of this pack, {WHOLE}; write ER-07-no-latest"),
        ({"?": {}}, f"?: got no policy of this pack, {WHOLE}; correct it, or remove it"),
        ({"placement": {}}, f"placement: got a group, {WHOLE}; write it in the levels of {SETTINGS}"),
        ({"profile": {}}, f"profile: got a setting, {WHOLE}; write it in {SETTINGS}"),
        (
            {"NW-01-sg-open": {"allowedNetwork": []}},
            "NW-01-sg-open: got the option allowedNetwork, expected one of openPorts, allowedNetworks; "
            "write allowedNetworks",
        ),
        (
            {"ER-06-image-source": {"allowedNetworks": []}},
            "ER-06-image-source: got the option allowedNetworks, expected one of allowedRegistries; "
            "write it in NW-01-sg-open",
        ),
        (
            {LT_01: {"level": "advisory"}},
            f"{LT_01}: got the option level, expected none but enforcementLevel; write enforcementLevel",
        ),
        ({SETTINGS: {"profil": "strict"}}, f"{SETTINGS}: got the option profil, {SETTINGS_THERE_ARE}; write profile"),
        (
            {SETTINGS: {"LT-01": "advisory"}},
            f"{SETTINGS}: got the option LT-01, {SETTINGS_THERE_ARE}; write it in the levels of {SETTINGS}",
        ),
        (
            {SETTINGS: {"levels": {LT_01: "advisory"}}},
            f"{SETTINGS} levels: got {LT_01}, expected the id of a rule, such as LB-13, or a group; write LT-01",
        ),
        (
            {SETTINGS: {"levels": {"plcement": "advisory"}}},
            f"{SETTINGS} levels: got plcement, expected the id of a rule, such as LB-13, or a group; write placement",
        ),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_it_is_named_with_what_to_write_instead(given: dict[str, Any], problem: str) -> None:
    assert list(unused(given, OPTIONS)) == [problem]


def test_what_is_written_instead_is_accepted() -> None:
    given: dict[str, dict[str, Any]] = {
        "all": {},
        LT_01: {},
        ACKNOWLEDGED: {},
        "NW-01-sg-open": {"allowedNetworks": [], "openPorts": []},
        SETTINGS: {"profile": "strict", "levels": {"LT-01": "advisory", "placement": "advisory"}},
    }
    assert list(unused(given, OPTIONS)) == []


def test_the_repositorys_own_configurations_are_accepted() -> None:
    found = [REPOSITORY / "policy-config.json", *REPOSITORY.glob("examples/**/policy-config*.json")]
    assert len(found) > 1
    for each in found:
        assert list(unused(json.loads(each.read_text()), OPTIONS)) == [], each


def test_all_is_named_at_once_with_what_is_wrong_about_acknowledgements() -> None:
    with pytest.raises(ConfigurationError) as refused:
        configured({LT_01: {"level": "advisory"}, SETTINGS: {"profil": "x", "acknowledged": [{"rule": "LT-01"}]}})
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        LT_01,
        SETTINGS,
        f"{SETTINGS} acknowledged[0].resource",
        f"{SETTINGS} acknowledged[0].reason",
    ]


@pytest.mark.engine
def test_the_engine_ends_with_all_of_it_and_no_trace(tmp_path: Path) -> None:
    configuration = tmp_path / "config.json"
    configuration.write_text(
        json.dumps(
            {
                "LT-01": "advisory",
                "NoSuchRule": "disabled",
                "NW-01-sg-open": {"allowedNetwork": ["10.0.0.0/8"]},
                SETTINGS: {"levels": {"LB-133": "advisory"}},
            }
        )
    )
    result = analyze(tmp_path, MISMATCH, "--policy-pack-config", str(configuration))
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert f"write {LT_01}, or LT-01 in the levels of {SETTINGS}" in said
    assert "NoSuchRule: got no policy of this pack" in said
    assert "write allowedNetworks" in said
    assert "levels: got LB-133" in said
    assert "Traceback" not in said
