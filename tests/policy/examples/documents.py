"""Components that say the JSON texts of their children as structure."""

from collections.abc import Mapping
from typing import Any

from tests.policy.example import missing, not_applicable, passes, resource, task_definition, unknown, violates
from tests.policy.stacks import UNKNOWN, Resources

WEB = {"name": "web", "image": "nginx:1.29", "environment": [{"name": "A", "value": "b"}]}


def stack(said: Any, *containers: Mapping[str, Any], **more: Any) -> Resources:
    """A component of anybody's, and a task definition in it."""
    documents = {"aws:ecs/taskDefinition:TaskDefinition::app": {"containerDefinitions": said}}
    return {
        "shop": {"type": "acme:web:Shop", "outputs": {"documents": documents}},
        "app": task_definition(*containers, **more) | {"options": {"parent": "${shop}"}},
    }


EXAMPLES = {
    "CM-01": [
        violates(
            "the component says another image than the text has",
            stack([{**WEB, "image": "nginx:1.28"}], WEB),
            at={"app.containerDefinitions[0].image"},
            says="TaskDefinition 'app' containerDefinitions[0].image: got something else than in the output "
            '"documents" of its component, expected the same; make both of one structure',
        ),
        violates("it leaves a container out", stack([], WEB), at={"app.containerDefinitions"}),
        violates("it leaves a field out", stack([{"name": "web"}], WEB), at={"app.containerDefinitions[0]"}),
        violates("it says a text", stack("web", WEB), at={"app.containerDefinitions"}),
        passes("both are one structure", stack([WEB], WEB)),
        passes(
            "a value that it did not know may be anything",
            stack([{**WEB, "image": UNKNOWN, "environment": UNKNOWN}], WEB),
        ),
        passes("the text is not known yet", stack([{"name": "x"}], containerDefinitions=UNKNOWN)),
        missing("the component says nothing of it", stack(None, WEB)),
        unknown(
            "the component knows nothing yet",
            {**stack([], WEB), "shop": {"type": "acme:web:Shop", "outputs": {"documents": UNKNOWN}}},
            not_evaluated=(),
        ),
        not_applicable("in no component", {"app": task_definition(WEB), "role": resource("aws:iam/role:Role")}),
    ]
}
MUTANTS: dict[str, list[Any]] = {}
