"""What a web ACL logs, asked of AWS in its own words, and remembered where the emulator does not know the operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from local.providers.aws.resource import Call
from local.providers.aws.wafv2 import NO_LOGS, WebAclLoggingConfiguration

WEB_ACL = "arn:aws:wafv2:ap-northeast-1:123456789012:regional/webacl/shop/01234567-89ab-cdef-0123-456789abcdef"
LOG = "arn:aws:logs:ap-northeast-1:123456789012:log-group:aws-waf-logs-shop"
INPUTS: dict[str, Any] = {
    "resourceArn": WEB_ACL,
    "logDestinationConfigs": [LOG],
    "loggingFilter": {
        "defaultBehavior": "DROP",
        "filters": [
            {
                "behavior": "KEEP",
                "requirement": "MEETS_ANY",
                "conditions": [{"actionCondition": {"action": "BLOCK"}}],
            }
        ],
    },
}
ASKED: dict[str, Any] = {
    "ResourceArn": WEB_ACL,
    "LogDestinationConfigs": [LOG],
    "LoggingFilter": {
        "DefaultBehavior": "DROP",
        "Filters": [
            {
                "Behavior": "KEEP",
                "Requirement": "MEETS_ANY",
                "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}],
            }
        ],
    },
}


class OneClient:
    """As much of a `Call` as this takes."""

    def __init__(self) -> None:
        self.waf = boto3.client("wafv2", "ap-northeast-1", aws_access_key_id="x", aws_secret_access_key="x")

    def client(self, _: str) -> Any:
        return self.waf


@pytest.fixture
def aws() -> Iterator[tuple[Call, Stubber]]:
    call = OneClient()
    with Stubber(call.waf) as stubber:
        yield cast(Call, call), stubber
        stubber.assert_no_pending_responses()


def test_aws_is_asked_and_answers_the_same(aws: tuple[Call, Stubber]) -> None:
    call, stubber = aws
    stubber.add_response("put_logging_configuration", {}, {"LoggingConfiguration": ASKED})
    stubber.add_response("get_logging_configuration", {"LoggingConfiguration": ASKED}, {"ResourceArn": WEB_ACL})
    resource = WebAclLoggingConfiguration()
    made = resource.create(call, INPUTS)
    assert made == WEB_ACL
    assert resource.read(call, made, {}) == INPUTS


def test_one_that_is_gone_is_gone(aws: tuple[Call, Stubber]) -> None:
    call, stubber = aws
    for operation in ("get_logging_configuration", "delete_logging_configuration"):
        stubber.add_client_error(operation, "WAFNonexistentItemException")
    assert WebAclLoggingConfiguration().read(call, WEB_ACL, INPUTS) is None
    WebAclLoggingConfiguration().delete(call, WEB_ACL, INPUTS)


def test_the_emulator_does_not_know_it_and_the_state_remembers(aws: tuple[Call, Stubber]) -> None:
    call, stubber = aws
    for operation in ("put", "get", "delete"):
        stubber.add_client_error(f"{operation}_logging_configuration", NO_LOGS)
    resource = WebAclLoggingConfiguration()
    assert resource.read(call, resource.create(call, INPUTS), INPUTS) == INPUTS
    resource.delete(call, WEB_ACL, INPUTS)
