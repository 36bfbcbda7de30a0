import json
from collections.abc import Mapping
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, resource, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

REPOSITORY = resource("aws:ecr/repository:Repository", name="shop/app", imageTagMutability="IMMUTABLE")
MUTABLE = resource("aws:ecr/repository:Repository", name="shop/app")
TASK = {"app": task_definition()}


def rule(priority: int, count_type: str, count: int, **selection: Any) -> dict[str, Any]:
    unit = {"countUnit": "days"} if count_type.startswith("since") else {}
    return {
        "rulePriority": priority,
        "selection": {**selection, "countType": count_type, "countNumber": count, **unit},
        "action": {"type": "expire"},
    }


def untagged(count_type: str, count: int) -> dict[str, Any]:
    return rule(1, count_type, count, tagStatus="untagged")


def newest(count: int) -> dict[str, Any]:
    return rule(2, "imageCountMoreThan", count, tagStatus="tagged", tagPatternList=["*"])


def keeping(*rules: Mapping[str, Any], repository: Mapping[str, Any] = REPOSITORY) -> Resources:
    return {
        "repository": repository,
        "lifecycle": resource(
            "aws:ecr/lifecyclePolicy:LifecyclePolicy",
            repository="${repository.name}",
            policy=json.dumps({"rules": rules}),
        ),
    }


AWSX = untagged("imageCountMoreThan", 1)
"""What `awsx.ecr.Repository` sets when nothing else is said."""


def excluding(mutability: str, pattern: str) -> dict[str, Any]:
    return resource(
        "aws:ecr/repository:Repository",
        name="shop/app",
        imageTagMutability=mutability,
        imageTagMutabilityExclusionFilters=[{"filter": pattern, "filterType": "WILDCARD"}],
    )


def released(tag: str, *rules: Mapping[str, Any], repository: Mapping[str, Any]) -> Resources:
    """A task that runs the image by this tag, or digest."""
    name = f"123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop/app{tag}"
    return {**keeping(*rules, repository=repository), "app": task_definition({"name": "app", "image": name})}


OURS = (untagged("sinceImagePushed", 14), newest(31))


def as_object(*rules: dict[str, Any]) -> dict[str, Any]:
    return resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository="app", policy={"rules": list(rules)})


EXAMPLES = {
    "ER-05": [
        violates(
            "images that stay for ever",
            {"repository": REPOSITORY},
            at={"repository.lifecyclePolicy"},
            says="Repository 'repository': got no lifecycle policy, expected one; add an aws.ecr.LifecyclePolicy to it",
        ),
        passes("a policy", keeping(*OURS)),
        passes("a policy, before the repository is made", keeping(*OURS), preview=True),
        missing(
            "a policy of another repository",
            {
                "repository": REPOSITORY,
                "lifecycle": resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository="other", policy="{}"),
            },
            at={"repository.lifecyclePolicy"},
        ),
        unknown(
            "a policy of a repository that is not known yet",
            {
                "repository": REPOSITORY,
                "lifecycle": resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository=not_known(), policy="{}"),
            },
            not_evaluated={"lifecycle.repository"},
        ),
        not_applicable("no repository", TASK),
    ],
    "ER-09": [
        violates(
            "a tagged rule without tags",
            keeping(rule(1, "imageCountMoreThan", 50, tagStatus="tagged")),
            at={"lifecycle.policy"},
            says="LifecyclePolicy 'lifecycle' policy: rules[0].selection: got nothing, expected either tagPatternList "
            "or tagPrefixList with tagStatus tagged (ECR: Must specify tagPrefixList or tagPatternList when "
            "tagStatus=TAGGED); correct it",
        ),
        violates("two untagged rules", keeping(AWSX, {**AWSX, "rulePriority": 2}), at={"lifecycle.policy"}),
        passes("what ECR accepts", keeping(*OURS)),
        passes(
            "the same as an object, which the provider takes, too", {**keeping(*OURS), "lifecycle": as_object(*OURS)}
        ),
        violates(
            "two untagged rules in an object",
            {"lifecycle": as_object(AWSX, {**AWSX, "rulePriority": 2})},
            at={"lifecycle.policy"},
        ),
        missing("no document", {"lifecycle": resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository="app")}),
        unknown(
            "a document that is not known yet",
            {"lifecycle": resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository="app", policy=not_known())},
            not_evaluated={"lifecycle.policy"},
        ),
        not_applicable("no lifecycle policy", TASK),
    ],
    "ER-12": [
        violates(
            "tagged images go after 90 days",
            keeping(rule(1, "sinceImagePushed", 90, tagStatus="any")),
            at={"lifecycle.policy"},
        ),
        violates(
            "the newest image stays",
            keeping(newest(1)),
            at={"lifecycle.policy"},
            says="LifecyclePolicy 'lifecycle' policy: got rule 2 (tagged *: keep 1, expire the older), expected the "
            "running image and the release before it to stay; raise countNumber to 2 or more\n"
            "rule 2 (tagged *: keep 1, expire the older) can expire the image 1 release before the running one:\n"
            "  released: A (1.0.1-1a2b3c5), B (1.0.2-345678a)\n"
            "  then ECR deletes A",
        ),
        violates(
            "releases go after a day, by their tag",
            keeping(rule(1, "sinceImagePushed", 1, tagStatus="tagged", tagPatternList=["1.*"])),
            at={"lifecycle.policy"},
        ),
        passes(
            "what lost its tag goes by its age: ER-10",
            keeping(untagged("sinceImagePushed", 14), repository=MUTABLE),
        ),
        passes("the newest two stay", keeping(newest(2))),
        passes("awsx's default, with tags that can be moved", keeping(AWSX, repository=MUTABLE)),
        passes("untagged ones go by their age, and no release is", keeping(untagged("sinceImagePushed", 1))),
        missing("no document", {"lifecycle": resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository="app")}),
        unknown(
            "a document that is not known yet",
            {"lifecycle": resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository="app", policy=not_known())},
            not_evaluated={"lifecycle.policy"},
        ),
        not_applicable("no lifecycle policy", TASK),
    ],
    "ER-10": [
        violates(
            "the newest five images stay",
            keeping(newest(5)),
            at={"lifecycle.policy"},
            says="LifecyclePolicy 'lifecycle' policy: got rule 2 (tagged *: keep 5, expire the older), expected the "
            "running image and the 10 releases before it to stay, through 20 other pushes; raise countNumber to 31 or "
            "more\n"
            "rule 2 (tagged *: keep 5, expire the older) can expire the image 5 releases before the running one:\n"
            "  released: A (1.0.1-1a2b3c5), B (1.0.2-345678a), C (1.0.3-4e81b4f), D (1.0.4-68acf14), "
            "E (1.0.5-82d82d9), F (1.0.6-9d0369e)\n"
            "  then ECR deletes A",
        ),
        violates(
            "a release whose tag is excluded from immutability",
            released(":dev-1", AWSX, repository=excluding("IMMUTABLE_WITH_EXCLUSION", "dev-*")),
            at={"lifecycle.policy"},
        ),
        passes(
            "a release whose tag is not",
            released(":v1", AWSX, repository=excluding("IMMUTABLE_WITH_EXCLUSION", "dev-*")),
        ),
        passes(
            "a release whose tag is excluded from mutability",
            released(":v1", AWSX, repository=excluding("MUTABLE_WITH_EXCLUSION", "v*")),
        ),
        unknown(
            "a release of which only the digest is known",
            released("@sha256:" + "a" * 64, AWSX, repository=excluding("IMMUTABLE_WITH_EXCLUSION", "dev-*")),
            not_evaluated={"app.containerDefinitions[app].image"},
        ),
        violates(
            "awsx's default, with tags that can be moved", keeping(AWSX, repository=MUTABLE), at={"lifecycle.policy"}
        ),
        passes("what ER-12 tells of", keeping(rule(1, "sinceImagePushed", 90, tagStatus="any"))),
        violates("one image too few", keeping(newest(30)), at={"lifecycle.policy"}),
        passes("the newest 31 images stay", keeping(*OURS)),
        passes("awsx's default, with tags that cannot", keeping(AWSX)),
        missing("no document", {"lifecycle": resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository="app")}),
        missing(
            "no repository that tells whether tags can be moved",
            {"lifecycle": resource("aws:ecr/lifecyclePolicy:LifecyclePolicy", policy=json.dumps({"rules": [AWSX]}))},
            not_evaluated={"lifecycle.repository"},
        ),
        unknown(
            "whether tags can be moved is not known yet",
            keeping(
                AWSX,
                repository=resource("aws:ecr/repository:Repository", name="app", imageTagMutability=not_known()),
            ),
            not_evaluated={"repository.imageTagMutability"},
        ),
        not_applicable("no lifecycle policy", TASK),
    ],
}

MUTANTS = {
    "ER-12": [
        mutant("the newest one", good_stacks.FARGATE, "lifecycle", policy=json.dumps({"rules": [newest(1)]})),
    ],
    "ER-09": [mutant("no JSON", good_stacks.FARGATE, "lifecycle", policy="keep everything")],
    "ER-10": [
        mutant("the newest ten", good_stacks.FARGATE, "lifecycle", policy=json.dumps({"rules": [newest(10)]})),
    ],
}
