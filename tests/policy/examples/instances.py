from typing import Any

from tests.policy.example import missing, not_applicable, passes, resource, task_definition, unknown, violates
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known


def template(**options: Any) -> Resources:
    return {"hosts": resource("aws:ec2/launchTemplate:LaunchTemplate", metadataOptions=options)}


EXAMPLES = {
    "NW-08": [
        violates(
            "without a token",
            template(httpTokens="optional"),
            at={"hosts.metadataOptions.httpTokens"},
            says=(
                'LaunchTemplate \'hosts\' metadataOptions.httpTokens: got "optional", expected "required"; set '
                'metadataOptions.httpTokens to "required"'
            ),
        ),
        violates(
            "from afar",
            template(httpTokens="required", httpPutResponseHopLimit=3),
            at={"hosts.metadataOptions.httpPutResponseHopLimit"},
        ),
        passes("with a token", template(httpTokens="required", httpPutResponseHopLimit=2)),
        passes("no answers", template(httpEndpoint="disabled")),
        missing(
            "not said",
            {"hosts": resource("aws:ec2/launchConfiguration:LaunchConfiguration")},
            at={"hosts.metadataOptions.httpTokens"},
        ),
        unknown("unknown", template(httpTokens=not_known()), not_evaluated={"hosts.metadataOptions.httpTokens"}),
        not_applicable("no instances", {"app": task_definition()}),
    ]
}

MUTANTS: dict[str, list[Any]] = {}
