"""The pack over a recorded preview sees what the engine shows it, and nothing else."""

from __future__ import annotations

from typing import Any

from pulumi.automation.events import EngineEvent

from risk.policies import remarks

URN = "urn:pulumi:dev::shop::aws:iam/role:Role::task"


def _event(operation: str) -> EngineEvent:
    state: dict[str, Any] = {"type": "aws:iam/role:Role", "urn": URN, "custom": True, "parent": "", "provider": "::1"}
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    new = {**state, "id": "", "inputs": {"inlinePolicies": [{"policy": document}]}, "outputs": {}}
    metadata = {"op": operation, "urn": URN, "type": state["type"], "old": None, "new": new, "keys": [], "provider": ""}
    return EngineEvent.from_json({"sequence": 0, "timestamp": 0, "resourcePreEvent": {"metadata": metadata}})


def test_what_a_stack_only_reads_is_not_judged_as_its_own() -> None:
    assert [each.urn for each in remarks([_event("create")], {})] == [URN]
    assert list(remarks([_event("read")], {})) == []
