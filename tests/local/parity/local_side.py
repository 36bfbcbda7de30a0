"""The local AWS provider, asked as the engine asks it."""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from pulumi.runtime.proto import provider_pb2

from local.emulator import Emulator
from local.providers.aws.provider import AwsProvider
from local.providers.values import Secret, from_struct, to_struct
from tests.local.emulator import REGION
from tests.local.parity.scenarios import Scenario
from tests.local.parity.terraform import Planned, changed, resolved, valued

REPLACING = (
    provider_pb2.PropertyDiff.ADD_REPLACE,
    provider_pb2.PropertyDiff.DELETE_REPLACE,
    provider_pb2.PropertyDiff.UPDATE_REPLACE,
)


class RefusedError(Exception):
    """What the engine would show the user."""


class _Context:
    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise RefusedError(details)

    def peer(self) -> str:
        return "parity"

    def set_trailing_metadata(self, metadata: Any) -> None:
        pass


@dataclass(frozen=True)
class Made:
    inputs: dict[str, Any]
    id: str
    outputs: dict[str, Any]


class LocalSide:
    def __init__(self, emulated: Emulator, attributes: Mapping[str, Mapping[str, Any]]) -> None:
        self.attributes = attributes
        self.provider = AwsProvider(emulated.client_environment())
        self.made: dict[str, Made] = {}
        self.provider.Configure(provider_pb2.ConfigureRequest(args=to_struct({"region": REGION})), _Context())

    def _urn(self, scenario: Scenario, name: str = "base") -> str:
        return f"urn:pulumi:parity::parity::{scenario.token}::{name}"

    def _inputs(self, scenario: Scenario, change: Mapping[str, Any]) -> dict[str, Any]:
        inputs: dict[str, Any] = valued(resolved(changed(scenario.inputs, change), "local"), self.attributes)
        return inputs

    def _checked(self, scenario: Scenario, change: Mapping[str, Any], old: Mapping[str, Any]) -> Any:
        request = provider_pb2.CheckRequest(
            urn=self._urn(scenario), olds=to_struct(old), news=to_struct(self._inputs(scenario, change))
        )
        return self.provider.Check(request, _Context())

    def refusals(self, scenario: Scenario, change: Mapping[str, Any]) -> list[str]:
        return [failure.reason for failure in self._checked(scenario, change, {}).failures]

    def make(self, scenario: Scenario) -> Made:
        """The scenario's resource; made once."""
        if scenario.token not in self.made:
            checked = self._checked(scenario, {}, {})
            if checked.failures:
                raise RefusedError("\n".join(failure.reason for failure in checked.failures))
            request = provider_pb2.CreateRequest(urn=self._urn(scenario), properties=checked.inputs)
            created = self.provider.Create(request, _Context())
            self.made[scenario.token] = Made(from_struct(checked.inputs), created.id, from_struct(created.properties))
        return self.made[scenario.token]

    def read(self, scenario: Scenario) -> dict[str, Any]:
        made = self.make(scenario)
        request = provider_pb2.ReadRequest(
            urn=self._urn(scenario),
            id=made.id,
            properties=to_struct(made.outputs),
            inputs=to_struct(made.inputs),
        )
        return from_struct(self.provider.Read(request, _Context()).properties)

    def plan(self, scenario: Scenario, change: Mapping[str, Any]) -> Planned:
        made = self.make(scenario)
        checked = self._checked(scenario, change, made.inputs)
        assert not checked.failures, [failure.reason for failure in checked.failures]
        request = provider_pb2.DiffRequest(
            urn=self._urn(scenario),
            id=made.id,
            olds=to_struct(made.outputs),
            old_inputs=to_struct(made.inputs),
            news=checked.inputs,
        )
        diff = self.provider.Diff(request, _Context())
        because = {path.partition("[")[0].partition(".")[0] for path in diff.replaces}
        because |= {
            path.partition("[")[0].partition(".")[0]
            for path, detail in diff.detailedDiff.items()
            if detail.kind in REPLACING
        }
        if because:
            return Planned("replace", tuple(sorted(because)))
        return Planned("update" if diff.changes == provider_pb2.DiffResponse.DIFF_SOME else "same")


def revealed(value: Any) -> Any:
    return value.value if isinstance(value, Secret) else value
