import json

from tests.policy.example import cluster, missing, not_applicable, passes, resource, service, unknown, violates
from tests.policy.good_stacks import Mutant
from tests.policy.stacks import unknown as not_known

ASKED = {"keys": ["owner", "cost-centre"]}

EXAMPLES = {
    "TG-01": [
        violates(
            "one key is missing",
            {"main": cluster(tags={"owner": "shop"})},
            at={"main.tags"},
            says=(
                'Cluster \'main\' tags: got an object with "owner", expected tags "owner", "cost-centre"; '
                '"cost-centre" are missing; add them'
            ),
            options=ASKED,
        ),
        violates(
            "an empty value",
            {"web": service(tags={"owner": "shop", "cost-centre": ""})},
            at={"web.tags"},
            options=ASKED,
        ),
        passes("all keys", {"web": service(tags={"owner": "shop", "cost-centre": "42"})}, options=ASKED),
        passes(
            "by default tags of the provider",
            {
                "web": {
                    **service(tags={"owner": "shop"}),
                    "provider": {"defaultTags": json.dumps({"tags": {"cost-centre": "42"}})},
                }
            },
            options=ASKED,
        ),
        passes("nothing is asked for", {"web": service()}),
        missing("no tags", {"web": service()}, at={"web.tags"}, options=ASKED),
        unknown("unknown tags", {"web": service(tags=not_known())}, not_evaluated={"web.tags.owner"}, options=ASKED),
        not_applicable("a resource of another kind", {"zone": resource("aws:route53/zone:Zone")}),
    ],
}

MUTANTS: dict[str, list[Mutant]] = {}
