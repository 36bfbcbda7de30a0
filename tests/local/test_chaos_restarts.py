"""What ends in the middle and is started again: the engine, Docker, the emulated cloud, the disk for the state.

Where this user may start one, everything is on a Docker of its own: no other test loses its containers.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.chaos import Chaos, local_stack
from tests.local.own_docker import OwnDocker, missing, own_docker
from tests.local.test_chaos import REQUESTS_PER_SECOND

pytestmark = [pytest.mark.engine, pytest.mark.docker]


@pytest.fixture(scope="module")
def daemon() -> Iterator[OwnDocker | None]:
    if missing():
        yield None
        return
    with own_docker() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def chaos(daemon: OwnDocker | None) -> Iterator[Chaos]:
    with local_stack(daemon.address if daemon else "") as checkout:
        yield Chaos(checkout, REQUESTS_PER_SECOND)


@pytest.mark.parametrize("printed", ["✓ Preview", "docker:index/image:Image", "aws:ecs/taskDefinition:TaskDefinition"])
def test_an_update_that_is_killed_half_way_is_mended_by_the_next_and_costs_no_answer(
    chaos: Chaos, printed: str
) -> None:
    result = chaos.engine_killed(printed)
    assert result.was_done
    assert result.problems == []
    assert result.lost == result.emulators


def test_an_update_without_room_for_its_state_fails_and_goes_on_once_there_is_room(chaos: Chaos) -> None:
    result = chaos.full_disk()
    if not result.was_done:
        pytest.skip(result.note)
    assert result.problems == []
    assert "failed to save snapshot" in result.note


def test_the_service_comes_back_after_docker_was_restarted(chaos: Chaos, daemon: OwnDocker | None) -> None:
    if not daemon:
        pytest.skip(f"a Docker of its own needs {missing()}")
    assert chaos.docker_restarted(daemon).problems == []


def test_a_lost_cloud_is_made_again_with_everything_in_it(chaos: Chaos) -> None:
    assert chaos.emulator_killed().problems == []


def test_a_broken_state_is_named_and_can_be_taken_down(chaos: Chaos) -> None:
    (chaos.checkout.path / ".local/state/.pulumi/stacks/h4b-helloworld/local.json").write_text("{")
    refused = chaos.checkout.local("up").failed()
    assert "cannot be read (local.json: Expecting property name" in refused.output
    chaos.checkout.local("down").succeeded()
    assert chaos.cloud.containers() == []
