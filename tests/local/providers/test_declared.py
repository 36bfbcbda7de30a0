"""The local providers declare what a program of this repository sets, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as examples

from local.providers import awsx as local_awsx
from local.providers import docker as local_docker
from local.providers import random as local_random
from local.providers.aws import provider
from local.providers.aws.functions import FUNCTIONS
from local.providers.aws.registry import resources
from local.providers.aws.schema import Property, string
from tests import mocks
from tests.bootstrap.test_bootstrap import _run as run_bootstrap
from tests.configurations import program
from tests.configurations.generator import Configuration, configurations
from tests.mocks import ROOT, Run, stack_config
from tests.test_examples import EXAMPLES, example

MOST_DRAWN = 200
EVERYWHERE = {
    "name": "the provider generates it",
    "region": "the provider fills it in",
    "tags": "the provider's default tags are under them",
    "tagsAll": "the provider fills it in",
}
KEPT = {
    ("aws:cloudwatch/eventTarget:EventTarget", "targetId"): EVERYWHERE["name"],
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "prefixListId"): "described with the egress rule",
    ("docker:index/image:Image", "build.contextDigest"): "the provider fills it in",
}
"""What no program sets, and why it is declared."""


def declared() -> dict[str, Mapping[str, Property]]:
    """Every type, provider and function with the inputs that it takes."""
    return {
        **{token: each.all_properties for token, each in resources().items()},
        **{token: arguments for token, (arguments, _) in FUNCTIONS.items()},
        "pulumi:providers:aws": provider.CONFIG,
        local_awsx.VPC_TYPE: local_awsx.ARGUMENTS,
        local_docker.IMAGE_TYPE: local_docker.IMAGE,
        local_random.PASSWORD_TYPE: {key: string() for key in local_random.INPUTS},
    }


def inputs_of(fields: Mapping[str, Property], where: str = "") -> Iterator[str]:
    for key, prop in fields.items():
        if prop.is_input:
            yield f"{where}{key}"
            nested = prop.fields or (prop.element.fields if prop.element else {})
            yield from inputs_of(nested, f"{where}{key}.")


def paths(value: Any, where: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{where}{key}"
            yield from paths(item, f"{where}{key}.")
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, where)


class Record:
    """What programs have set, by type or function."""

    def __init__(self) -> None:
        self.set: dict[str, set[str]] = defaultdict(set)

    def add(self, made: Run) -> None:
        for resource in made.resources:
            texts = resource.type == "pulumi:providers:aws"  # whose nested inputs are JSON texts
            self.set[resource.type].update(paths(provider.parsed_config(resource.inputs) if texts else resource.inputs))
        for token, arguments, _ in made.calls:
            self.set[token].update(paths(dict(arguments)))

    def missing(self) -> set[tuple[str, str]]:
        """What is declared, set by none and not kept; a type that none makes is missing as a whole."""
        unset = {
            (token, path)
            for token, fields in declared().items()
            for path in (inputs_of(fields) if token in self.set else [""])
            if path not in self.set.get(token, ()) and path not in EVERYWHERE
        }
        return unset - KEPT.keys()


def run_every_program(record: Record) -> None:
    for file in sorted(ROOT.glob("Pulumi.*.yaml")):
        stack = file.name.split(".")[1]
        record.add(mocks.run_main(stack))
        record.add(program.run(stack, stack_config(stack)))
    for file in sorted(EXAMPLES.glob("*/__main__.py")):
        record.add(example(file.parent.name))
    record.add(run_bootstrap())


@pytest.fixture(scope="module")
def record() -> Record:
    """All stacks, examples and bootstrap; then drawn configurations of the stacks, until everything is set."""
    recorded = Record()
    run_every_program(recorded)
    zones = {"aws:index/getAvailabilityZones:getAvailabilityZones"}  # asked by awsx, without arguments
    recorded.set.update({token: set() for token in zones})

    @seed(0)
    @examples(
        max_examples=MOST_DRAWN,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(configurations())
    def draw(drawn: Configuration) -> None:
        if drawn.kind != "hostile" and recorded.missing():
            made = Run()
            try:
                program.run(drawn.stack, drawn.texts, made)
            except Exception:  # what is refused sets nothing
                return
            recorded.add(made)

    draw()
    return recorded


def test_every_declared_input_is_set_by_a_program(record: Record) -> None:
    assert record.missing() == set(), "declare what a program sets; keep what a test or a rule needs, with its reason"


def test_what_is_kept_is_declared_and_set_by_none(record: Record) -> None:
    inputs = {(token, path) for token, fields in declared().items() for path in inputs_of(fields)}
    assert KEPT.keys() <= inputs
    assert [each for each in KEPT if each[1] in record.set[each[0]]] == []


def test_a_property_that_none_sets_is_found() -> None:
    recorded = Record()
    recorded.set = defaultdict(set, {token: set(inputs_of(fields)) for token, fields in declared().items()})
    assert recorded.missing() == set()
    with mock.patch.dict(local_docker.IMAGE, {"cache": string()}):
        assert recorded.missing() == {(local_docker.IMAGE_TYPE, "cache")}
    del recorded.set["aws:kms/key:Key"]
    assert ("aws:kms/key:Key", "") in recorded.missing()
