"""JSON texts of a component's children, said to the policies as structure too.

One value that a preview does not know, such as the digest of an image that is not built yet, makes all of a JSON text
unknown. The policy pack reads the structure instead where it finds one (policy/README.md, "Components that say more").
"""

from collections.abc import Mapping
from typing import Any

import pulumi


class Documents:
    """The documents of one component: `say` and `role_policy` take each, `outputs` holds them all."""

    def __init__(self) -> None:
        self._by_child: dict[str, dict[str, Any]] = {}

    def say(self, child: str, key: str, document: Any) -> None:
        """Of `child`, as `aws:iam/rolePolicy:RolePolicy::web`, that its property `key` is the JSON of `document`."""
        self._by_child.setdefault(child, {})[key] = document

    def role_policy(self, name: str, document: Mapping[str, Any]) -> pulumi.Output[str]:
        """The text of the policy of the `RolePolicy` called `name`."""
        self.say(f"aws:iam/rolePolicy:RolePolicy::{name}", "policy", document)
        return pulumi.Output.json_dumps(document)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What belongs among the outputs that the component registers."""
        return {"documents": self._by_child} if self._by_child else {}
