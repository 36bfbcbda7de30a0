"""What a deployment and killed containers do to the application's users. All faults, one by one: `make chaos`."""

from __future__ import annotations

import pytest

from tests.local.chaos import Answer, Chaos, Result, table, within
from tests.local.checkout import Checkout

REQUESTS_PER_SECOND = 5
"""Fewer than `make chaos` asks for: other tests need the processor, too."""


@pytest.fixture(scope="module")
def chaos(checkout: Checkout) -> Chaos:
    checkout.local("up").succeeded()
    return Chaos(checkout, REQUESTS_PER_SECOND)


@pytest.mark.engine
@pytest.mark.docker
class TestFaults:
    def test_a_killed_container_is_replaced_while_the_other_one_answers(self, chaos: Chaos) -> None:
        result = chaos.one_killed()
        assert result.problems == []
        assert result.lost < len(result.answers) / 2

    def test_the_service_comes_back_after_all_containers_were_killed(self, chaos: Chaos) -> None:
        assert chaos.all_killed().problems == []

    def test_a_rolling_update_loses_no_answer_and_a_slow_request_is_finished(self, chaos: Chaos) -> None:
        result = chaos.slow_request()
        assert result.problems == []
        assert result.note == "answered 4 s after the stop signal: HTTP/1.1 200 OK"

    def test_an_image_that_is_not_there_is_rolled_back_told_and_never_seen(self, chaos: Chaos) -> None:
        result = chaos.image_missing()
        assert result.problems == []
        assert result.lost == 0

    def test_a_failing_image_is_rolled_back_told_and_never_seen(self, chaos: Chaos) -> None:
        result = chaos.exits_at_once()
        assert result.problems == []
        assert {answer.body for answer in result.answers if answer.good} == {chaos.page}
        # The emulator sends requests to a task as soon as its container runs: what is lost so is all that is lost.
        assert result.lost == result.emulators

    def test_a_migration_that_fails_leaves_the_service_alone(self, chaos: Chaos) -> None:
        result = chaos.migration_fails()
        assert result.problems == []
        assert "ended with 4; the service was left as it is" in result.note

    def test_an_image_that_answers_500_is_told_and_can_be_repaired(self, chaos: Chaos) -> None:
        result = chaos.answers_500()
        assert result.problems == []
        assert {answer.status for answer in result.answers} >= {200, 500}


class TestShare:
    @pytest.mark.parametrize(
        ("at", "seconds", "expected"),
        [(1, 0.5, False), (1, 1.5, True), (2.5, 0.1, True), (3.1, 1, True), (4, 1, False)],
    )
    def test_the_emulators_share_is_what_it_sent_to_a_task_that_did_not_listen_yet(
        self, at: float, seconds: float, expected: bool
    ) -> None:
        assert within(Answer(at, seconds, 502, ""), [(10, 11), (2, 3)]) is expected


class TestReport:
    answers = (Answer(0, 0.1, 200, "Hello"), Answer(1, 0.2, 502, ""), Answer(2, 5, 0, ""))

    def test_it_counts_what_was_lost_and_why(self) -> None:
        shown = table([Result("one container killed", list(self.answers), 2.5)])
        assert shown.splitlines()[1].split("  ")[0] == "one container killed"
        assert "1 x no answer, 1 x 502" in shown
        assert "100 ms" in shown
        assert "2.5 s" in shown
        assert shown.endswith("as wanted")

    def test_an_answer_of_anybody_but_the_application_is_lost(self) -> None:
        assert "1 x another service" in table([Result("emulator killed", [Answer(0, 0.1, 200, "<Buckets/>")], 1)])

    def test_it_says_what_is_wrong_in_the_end(self) -> None:
        shown = table([Result("two up at once", [], 1, ["2 services, expected 1"], "note of it")])
        assert "2 services, expected 1" in shown
        assert shown.splitlines()[-1].strip() == "note of it"
