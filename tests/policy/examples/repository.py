import json
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, resource, task_definition, unknown, violates
from tests.policy.good_stacks import Mutant, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known


def repository(**properties: Any) -> Resources:
    return {"images": resource("aws:ecr/repository:Repository", **properties)}


def policy(principal: object, **more: Any) -> Resources:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "ecr:BatchGetImage", **more}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return {
        **repository(),
        "policy": resource("aws:ecr/repositoryPolicy:RepositoryPolicy", repository="${images.name}", policy=document),
    }


SCANNING = resource(
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
    scanType="ENHANCED",
    rules=[{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "shop/*", "filterType": "WILDCARD"}]}],
)
NO_REPOSITORY = {"app": task_definition()}

EXAMPLES = {
    "ER-01": [
        violates(
            "mutable",
            repository(imageTagMutability="MUTABLE"),
            at={"images.imageTagMutability"},
            says=(
                'Repository \'images\' imageTagMutability: got "MUTABLE", expected "IMMUTABLE" or '
                '"IMMUTABLE_WITH_EXCLUSION"; set imageTagMutability to "IMMUTABLE"'
            ),
        ),
        violates(
            "an exclusion of nothing",
            repository(imageTagMutability="IMMUTABLE_WITH_EXCLUSION"),
            at={"images.imageTagMutabilityExclusionFilters"},
        ),
        passes("immutable", repository(imageTagMutability="IMMUTABLE")),
        passes(
            "with exclusions",
            repository(
                imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
                imageTagMutabilityExclusionFilters=[{"filter": "dev-*", "filterType": "WILDCARD"}],
            ),
        ),
        missing("not said: mutable", repository(), at={"images.imageTagMutability"}),
        unknown("unknown", repository(imageTagMutability=not_known()), not_evaluated={"images.imageTagMutability"}),
        not_applicable("no repository", NO_REPOSITORY),
    ],
    "ER-02": [
        violates(
            "not scanned",
            repository(imageScanningConfiguration={"scanOnPush": False}),
            at={"images.imageScanningConfiguration.scanOnPush"},
            says=(
                "Repository 'images' imageScanningConfiguration.scanOnPush: got false, expected true, or a scanning "
                "rule of the registry; set scanOnPush to true"
            ),
        ),
        violates(
            "a rule of the registry for others",
            {**repository(name="tools/app"), "scanning": SCANNING},
            at={"images.imageScanningConfiguration.scanOnPush"},
        ),
        passes("scanned", repository(imageScanningConfiguration={"scanOnPush": True})),
        passes("by a rule of the registry", {**repository(name="shop/app"), "scanning": SCANNING}),
        missing("not said", repository(), at={"images.imageScanningConfiguration.scanOnPush"}),
        unknown(
            "unknown",
            repository(imageScanningConfiguration={"scanOnPush": not_known()}),
            not_evaluated={"images.imageScanningConfiguration.scanOnPush"},
        ),
        not_applicable("no repository", NO_REPOSITORY),
    ],
    "ER-03": [
        violates(
            "by S3",
            repository(encryptionConfigurations=[{"encryptionType": "AES256"}]),
            at={"images.encryptionConfigurations[0].encryptionType"},
            says=(
                'Repository \'images\' encryptionConfigurations[0].encryptionType: got "AES256", expected "KMS" or '
                '"KMS_DSSE"; change encryptionType: the repository will be replaced'
            ),
        ),
        passes("by KMS", repository(encryptionConfigurations=[{"encryptionType": "KMS"}])),
        missing("not said: by S3", repository(), at={"images.encryptionConfigurations"}),
        unknown(
            "unknown",
            repository(encryptionConfigurations=not_known()),
            not_evaluated={"images.encryptionConfigurations"},
        ),
        not_applicable("no repository", NO_REPOSITORY),
    ],
    "ER-04": [
        violates(
            "everybody",
            policy("*"),
            at={"policy.policy"},
            says=(
                "RepositoryPolicy 'policy' policy: got the principal \"*\" without a condition, expected the accounts "
                "or roles that need it; name them"
            ),
        ),
        violates("every account", policy({"AWS": ["123456789012", "*"]}), at={"policy.policy"}),
        violates(
            "a condition that is fulfilled by nothing",
            policy("*", Condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
            at={"policy.policy"},
        ),
        violates(
            "a condition on how", policy("*", Condition={"Bool": {"aws:SecureTransport": "true"}}), at={"policy.policy"}
        ),
        violates(
            "any principal", policy("*", Condition={"StringLike": {"aws:PrincipalArn": "*"}}), at={"policy.policy"}
        ),
        violates(
            "any address", policy("*", Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), at={"policy.policy"}
        ),
        violates("everybody but one", policy(None, NotPrincipal={"AWS": "123456789012"}), at={"policy.policy"}),
        passes("an office", policy("*", Condition={"IpAddress": {"aws:SourceIp": ["198.51.100.0/24"]}})),
        passes(
            "roles of an account",
            policy("*", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}}),
        ),
        unknown(
            "a condition of another kind",
            policy("*", Condition={"StringEquals": {"aws:PrincipalTag/team": "shop"}}),
            not_evaluated={"policy.policy.Statement[0].Condition.StringEquals.aws:PrincipalTag/team"},
        ),
        passes("one account", policy({"AWS": "123456789012"})),
        passes(
            "everybody of the organisation",
            policy("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        ),
        missing("no document", {"policy": resource("aws:ecr/repositoryPolicy:RepositoryPolicy", repository="a")}),
        unknown(
            "unknown",
            {"policy": resource("aws:ecr/repositoryPolicy:RepositoryPolicy", repository="a", policy=not_known())},
            not_evaluated={"policy.policy"},
        ),
        not_applicable("no policy", repository()),
    ],
    "ER-08": [
        violates(
            "capitals",
            repository(name="Shop/app"),
            at={"images.name"},
            says=(
                "Repository 'images' name: got \"Shop/app\", expected 2 to 256 lower-case letters and digits, "
                "separated by single . _ - or /; choose another name"
            ),
        ),
        violates("one letter", repository(name="a"), at={"images.name"}),
        violates("257 letters", repository(name="a" * 257), at={"images.name"}),
        violates("a slash at the end", repository(name="shop/"), at={"images.name"}),
        passes("a name", repository(name="shop/app_1.web--x")),
        missing("no name: Pulumi makes one", repository()),
        unknown("unknown", repository(name=not_known()), not_evaluated={"images.name"}),
        not_applicable("no repository", NO_REPOSITORY),
    ],
}

MUTANTS = {
    "ER-08": [
        Mutant(
            "a dot at the end",
            {
                **mutant("", good_stacks.EC2, "repository", name="shop/app.").resources,
                "image": {
                    **good_stacks.EC2["image"],
                    "outputs": {
                        "repoDigest": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop/app.@sha256:" + "a" * 64
                    },
                },
            },
        )
    ],
}
