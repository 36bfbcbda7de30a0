"""The evaluator of the tests decides as another implementation does."""

from __future__ import annotations

import json

import pytest

from tests.bootstrap.evaluator import Request, allows, known_keys, resource_types, type_of
from tests.bootstrap.second_opinion import ANSWERS, JUDGE, VPC, sample


def test_it_decides_as_the_second_opinion_was() -> None:
    recorded = json.loads(ANSWERS.read_text())
    ours = {case.name: case.ours for case in sample()}
    assert recorded["judge"] == JUDGE
    assert len(ours) > 300 and set(recorded["answers"]) == set(ours), "run python -m tests.bootstrap.second_opinion"
    assert {name: said for name, said in recorded["answers"].items() if said != ours[name]} == {}


def test_the_sample_has_enough_of_both_answers() -> None:
    answers = list(json.loads(ANSWERS.read_text())["answers"].values())
    assert None not in answers
    assert min(answers.count(True), answers.count(False)) > 100


def test_what_an_action_knows_comes_from_awss_reference() -> None:
    assert resource_types("ec2:CreateSubnet") == {"subnet": True, "vpc": True, "ipam-pool": False}
    assert type_of("ec2:CreateSubnet", VPC) == "vpc"
    assert "aws:requesttag/" in known_keys("ec2:CreateSubnet", "subnet")
    assert "aws:requesttag/" not in known_keys("ec2:CreateSubnet", "vpc")
    assert known_keys("logs:PutResourcePolicy", "") == ()


def test_a_statement_that_asks_for_a_key_which_the_action_does_not_know_grants_nothing() -> None:
    own = {"StringEquals": {"aws:ResourceTag/stack": "dev"}}
    tags = {"aws:ResourceTag/stack": "dev"}
    policy = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": own}]}
    assert allows(Request("ec2:DeleteVpc", VPC, tags), [policy])
    assert not allows(Request("ec2:DescribeVpcs", "*", tags), [policy])


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (Request("ec2:DeleteEverything", VPC), "AWS knows no such action"),
        (Request("ec2:DeleteSubnet", VPC), "knows no resource"),
    ],
)
def test_a_misspelt_request_is_no_answer(request_: Request, complaint: str) -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {}}]}
    with pytest.raises(KeyError, match=complaint):
        allows(request_, [everything])


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Action": "*", "NotResource": "*"},
        {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}"},
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:SecureTransport": "x"}}},
    ],
)
def test_what_it_does_not_understand_is_no_answer(statement: dict[str, object]) -> None:
    with pytest.raises((NotImplementedError, KeyError)):
        allows(Request("ec2:DeleteVpc", VPC, {"aws:SecureTransport": "true"}), [{"Statement": [statement]}])
