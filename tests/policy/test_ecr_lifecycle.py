"""ECR lifecycle policies: what they do, which ones ECR rejects, and which ones can take an image still needed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_policy.ecr_lifecycle import (
    Image,
    LifecyclePolicy,
    LifecyclePolicyError,
    can_expire,
    parse_policy,
    tolerated_pushes,
)
from tests.policy.ecr_expiry import evaluate

Json = dict[str, Any]


def rule(priority: int, status: str, count: int, *tags: str, days: str = "", archive: bool = False) -> Json:
    """`days`: Pushed, Pulled or Transitioned, for rules by age."""
    selection: Json = {"tagStatus": status, "countType": f"sinceImage{days}" if days else "imageCountMoreThan"}
    selection |= {"countNumber": count} | ({"tagPatternList": list(tags)} if tags else {})
    selection |= ({"countUnit": "days"} if days else {}) | (
        {"storageClass": "archive"} if days == "Transitioned" else {}
    )
    action = {"type": "transition", "targetStorageClass": "archive"} if archive else {"type": "expire"}
    return {"rulePriority": priority, "selection": selection, "action": action}


def policy(*rules: Json) -> LifecyclePolicy:
    return parse_policy(json.dumps({"rules": rules}))


def taken(rules: LifecyclePolicy, *images: Image, today: float = 0) -> dict[str, int]:
    return {name: by.priority for name, by in evaluate(rules, images, today).items()}


AWSX_DEFAULT = policy(rule(1, "untagged", 1))
"""What awsx.ecr.Repository attaches when nothing is said."""

# --- What a policy does: the examples of the user guide, https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_examples.html

A = Image(name="A", tags=("beta-1", "prod-1"), pushed_at=-10)
B = Image(name="B", tags=("beta-2", "prod-2"), pushed_at=-9)
C = Image(name="C", tags=("beta-3",), pushed_at=-8)


def test_an_image_that_a_higher_rule_has_seen_is_not_taken_by_a_lower_one() -> None:
    prod_first = policy(rule(1, "tagged", 1, "prod*"), rule(2, "tagged", 1, "beta*"))
    beta_first = policy(rule(1, "tagged", 1, "beta*"), rule(2, "tagged", 1, "prod*"))
    assert taken(prod_first, A, B, C) == {"A": 1}
    assert taken(beta_first, A, B, C) == {"A": 1, "B": 1}


def test_an_image_must_match_every_tag_of_a_rule() -> None:
    images = [
        Image(name=name, tags=tuple(tags.split()), pushed_at=-days)
        for name, tags, days in [
            ("A", "alpha-1", 12),
            ("B", "beta-1", 11),
            ("C", "alpha-2 beta-2", 10),
            ("D", "alpha-3", 4),
            ("E", "beta-3", 3),
            ("F", "alpha-4 beta-4", 2),
        ]
    ]
    assert taken(policy(rule(1, "tagged", 5, "alpha*", "beta*", days="Pushed")), *images) == {"C": 1}


def test_untagged_images_beyond_the_count_go_the_oldest_first() -> None:
    images = [Image(name=name, pushed_at=day) for day, name in enumerate("ABC")]
    assert taken(AWSX_DEFAULT, *images) == {"A": 1, "B": 1}


def test_a_rule_for_any_image_counts_what_higher_rules_take_but_leaves_it_to_them() -> None:
    images = [
        Image(name="old", tags=("v1",), pushed_at=0),
        Image(name="new", pushed_at=1),
        Image(name="newer", pushed_at=2),
    ]
    assert taken(policy(rule(1, "untagged", 1), rule(2, "any", 2)), *images) == {"new": 1, "old": 2}


@pytest.mark.parametrize(
    ("pattern", "tag", "matches"),
    [
        ("prod*", "prod", True),
        ("prod*", "production-team1", True),
        ("prod*", "a-prod", False),
        ("*prod*", "repo-production", True),
        ("prod", "prod", True),
        ("prod", "prod1", False),
        ("*a*b", "xaxaxb", True),
        ("*a*b", "xbxa", False),
        ("1.0*", "110", False),
    ],
)
def test_tag_patterns(pattern: str, tag: str, matches: bool) -> None:
    image = Image(name="A", tags=(tag,), pushed_at=0)
    assert bool(taken(policy(rule(1, "tagged", 1, pattern, days="Pushed")), image, today=2)) is matches


def test_a_prefix_list_matches_beginnings() -> None:
    entry = rule(1, "tagged", 1, "-", days="Pushed")
    del entry["selection"]["tagPatternList"]
    entry["selection"]["tagPrefixList"] = ["prod"]
    images = [Image(name=tag, tags=(tag,), pushed_at=0) for tag in ("prod-1", "my-prod")]
    assert taken(policy(entry), *images, today=2) == {"prod-1": 1}


def test_what_a_manifest_list_refers_to_stays_as_long_as_the_list() -> None:
    parts = [Image(name=name, pushed_at=0) for name in ("amd64", "arm64")]
    index = Image(name="index", tags=("v1",), pushed_at=0, refers_to=("amd64", "arm64"))
    rules = policy(rule(1, "untagged", 1, days="Pushed"))
    assert taken(rules, *parts, index, today=9) == {}
    assert taken(rules, *parts, today=9) == {"amd64": 1, "arm64": 1}


def test_age_counts_from_the_last_pull_or_the_return_from_the_archive() -> None:
    idle = policy(rule(1, "any", 30, days="Pulled", archive=True))
    never = Image(name="never", pushed_at=0)
    pulled = Image(name="pulled", pushed_at=0, last_pulled_at=20)
    restored = Image(name="restored", pushed_at=0, last_pulled_at=2, restored_at=20)
    assert taken(idle, never, pulled, restored, today=30) == {}
    assert taken(idle, never, pulled, restored, today=31) == {"never": 1}
    assert taken(idle, never, pulled, restored, today=51) == {"never": 1, "pulled": 1, "restored": 1}


def test_archived_images_are_seen_by_rules_for_the_archive_alone() -> None:
    rules = policy(rule(1, "any", 1, days="Pushed"), rule(2, "any", 90, days="Transitioned"))
    archived = Image(name="archived", pushed_at=0, archived_at=5)
    assert taken(rules, archived, today=95) == {}
    assert taken(rules, archived, today=96) == {"archived": 2}


# --- What ECR rejects

_VALID = rule(1, "tagged", 5, "v*")


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ("{", ["policy: got text that is not JSON, expected an object with `rules`"]),
        ("[]", ["rules: got [], expected a list of rules"]),
        ({"rules": []}, ['rules: got "0 rules", expected 1 to 50']),
        ({"rules": [5]}, ["rules[0]: got 5, expected an object"]),
        (
            {"rules": [{"rulePriority": 0, "selection": {}, "action": {"type": "delete"}}]},
            [
                "rules[0].rulePriority: got 0, expected a whole number from 1",
                "rules[0].selection.tagStatus: got nothing, expected one of tagged, untagged, any",
                "rules[0].selection.countType: got nothing, expected one of imageCountMoreThan, sinceImagePushed, "
                "sinceImagePulled, sinceImageTransitioned",
                "rules[0].selection.countNumber: got nothing, expected a whole number from 1",
                'rules[0].action.type: got "delete", expected one of expire, transition',
            ],
        ),
        (
            {"rules": [rule(1, "tagged", 5)]},
            [
                "rules[0].selection: got nothing, "
                "expected either tagPatternList or tagPrefixList with tagStatus tagged "
                "(ECR: Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED)"
            ],
        ),
        (
            {"rules": [rule(1, "untagged", 5, "v*")]},
            ['rules[0].selection.tagPatternList: got ["v*"], expected nothing with tagStatus untagged'],
        ),
        (
            {"rules": [rule(1, "tagged", 5, "*a*b*c*d*")]},
            ['rules[0].selection.tagPatternList[0]: got "*a*b*c*d*", expected at most 4 wildcards'],
        ),
        (
            {"rules": [rule(1, "any", 5, days="Pulled")]},
            ['rules[0].action.type: got "expire", expected "transition" with countType sinceImagePulled'],
        ),
        (
            {"rules": [rule(1, "any", 30, days="Transitioned")]},
            ["rules[0].selection.countNumber: got 30, expected at least 90 days in the archive"],
        ),
        (
            {"rules": [rule(1, "any", 5), rule(2, "untagged", 5)]},
            [
                'rules: got "tagStatus any with rulePriority 1 for standard storage", expected one such rule, with the '
                "highest rulePriority (ECR: Rule for tagStatus=ANY must have the lowest priority per storage class)"
            ],
        ),
        (
            {"rules": [rule(1, "untagged", 5), rule(2, "untagged", 5, days="Pushed")]},
            [
                'rules: got "several untagged rules for standard storage", expected one '
                "(ECR: Only one rule can select Untagged images per storage class)"
            ],
        ),
        (
            {"rules": [rule(1, "tagged", 5, "a*"), rule(1, "untagged", 5)]},
            ['rules: got "2 rules with rulePriority 1", expected a different one for each'],
        ),
        (
            {"rules": [rule(1, "tagged", 5, "a*"), rule(2, "tagged", 5, "a*", days="Pushed")]},
            ["rules: got \"2 rules for ['a*']\", expected different tags for each"],
        ),
    ],
)
def test_a_policy_that_ecr_rejects_is_refused_with_every_reason(document: object, problems: list[str]) -> None:
    with pytest.raises(LifecyclePolicyError) as caught:
        parse_policy(document if isinstance(document, str) else json.dumps(document))
    assert list(caught.value.problems) == problems


_ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 99)
    | st.floats()
    | st.sampled_from(["days", "any", "archive", "v*", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*_VALID, "tagStatus", "x"]), inner),
    max_leaves=6,
)


@given(
    st.sampled_from(["rulePriority", "description", "selection", "action"])
    | st.sampled_from(["tagStatus", "tagPatternList", "tagPrefixList", "storageClass", "countType", "countUnit"])
    | st.sampled_from(["countNumber", "type", "targetStorageClass"]),
    _ANY_JSON,
)
def test_whatever_stands_in_a_policy_it_is_a_policy_or_refused(key: str, value: object) -> None:
    entry: Json = json.loads(json.dumps(_VALID))
    home = next((part for part in (entry["selection"], entry["action"]) if key in part), entry)
    home[key] = value
    try:
        assert parse_policy({"rules": [entry]}).rules
    except LifecyclePolicyError as error:
        assert error.problems


@given(_ANY_JSON)
def test_any_json_is_a_policy_or_refused(document: object) -> None:
    with pytest.raises(LifecyclePolicyError):
        parse_policy(json.dumps(document))


# --- Whether a policy can take what is still needed


def test_the_default_of_awsx_can_expire_the_running_image() -> None:
    found = can_expire(AWSX_DEFAULT, releases_kept=0)
    assert str(found) == (
        "rule 1 (untagged: keep 1, expire the older) can expire the running image:\n"
        "  released: A (untagged)\n"
        "  then pushed, but never serving: B (untagged), C (1.0.1-1a2b3c5)\n"
        "  (every push took its tag from the image before it, which is untagged since)\n"
        "  then ECR deletes A"
    )


def test_the_default_of_awsx_cannot_keep_two_releases_to_roll_back_to_even_if_every_push_succeeds() -> None:
    assert tolerated_pushes(AWSX_DEFAULT, releases_kept=2) == -1
    assert can_expire(AWSX_DEFAULT, releases_kept=2, other_pushes=0)


def test_immutable_unique_tags_keep_releases_from_a_rule_for_untagged_images() -> None:
    assert can_expire(AWSX_DEFAULT, releases_kept=1000, tags_are_immutable=True) is None
    assert tolerated_pushes(AWSX_DEFAULT, releases_kept=1000, tags_are_immutable=True) is None


def test_a_count_must_cover_the_releases_and_the_pushes_between_them() -> None:
    keep_thirty = policy(rule(1, "untagged", 1, days="Pushed"), rule(2, "tagged", 30, "*"))
    assert tolerated_pushes(keep_thirty, releases_kept=10, tags_are_immutable=True) == 19
    assert can_expire(keep_thirty, releases_kept=10, tags_are_immutable=True, other_pushes=19) is None
    found = can_expire(keep_thirty, releases_kept=10, tags_are_immutable=True, other_pushes=20)
    assert str(found).splitlines()[0] == (
        "rule 2 (tagged *: keep 30, expire the older) can expire the image 10 releases before the running one:"
    )


def test_age_takes_the_running_image_of_a_service_that_nobody_changes() -> None:
    found = can_expire(
        policy(rule(1, "any", 365, days="Pushed")), releases_kept=0, tags_are_immutable=True, other_pushes=0
    )
    assert str(found) == (
        "rule 1 (any: expire 365 days after its push) can expire the running image:\n"
        "  released: A (1.0.1-1a2b3c5)\n"
        "  then 366 days without a push\n"
        "  then ECR deletes A"
    )


def test_archiving_a_release_is_as_bad_as_deleting_it() -> None:
    found = can_expire(
        policy(rule(1, "any", 90, days="Pulled", archive=True)), releases_kept=0, tags_are_immutable=True
    )
    assert str(found).endswith("  then 91 days without a push and without a task starting anew\n  then ECR archives A")


@pytest.mark.parametrize("pattern", ["cache", "*.sig", "*-SNAPSHOT", "sha256-*z", "latest", "*-abc"])
def test_rules_for_tags_that_no_release_has_are_harmless(pattern: str) -> None:
    assert can_expire(policy(rule(1, "tagged", 1, pattern, days="Pushed")), 10, tags_are_immutable=True) is None


def test_a_higher_rule_shields_what_it_matches() -> None:
    shield, sweep = rule(1, "tagged", 9999, "*"), rule(2, "any", 1, days="Pushed")
    assert can_expire(policy(shield, sweep), 10, tags_are_immutable=True) is None
    assert can_expire(policy(sweep), 10, tags_are_immutable=True)
    leaky = rule(1, "tagged", 9999, "1.*")
    found = can_expire(policy(leaky, sweep), 10, tags_are_immutable=True)
    assert found and not found.lost.tags[0].startswith("1.")


def test_a_tag_is_on_one_image_only_so_a_count_of_it_never_takes_any() -> None:
    assert can_expire(policy(rule(1, "tagged", 1, "1.0-abcdef0")), 10) is None
    assert can_expire(policy(rule(1, "tagged", 1, "1.0-abcdef0", days="Pushed")), 10)


@pytest.mark.parametrize("arguments", [{"releases_kept": -1}, {"releases_kept": 1, "other_pushes": -1}])
def test_negative_counts_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="got -1, expected 0 or more"):
        can_expire(AWSX_DEFAULT, **arguments)  # type: ignore[arg-type]


_TAGS = [f"{version}-{digest}" for version in ("1.0", "2.0", "prod-3") for digest in ("aaaaaaa", "abababa", "0000000")]
_PATTERNS = ["*", "1.*", "2*-a*", "prod*", "*-a*", "*b*", "1.0-aaaaaaa", "*0", "x*"]


@st.composite
def _policies(draw: st.DrawFn) -> LifecyclePolicy:
    statuses = draw(st.lists(st.sampled_from(["tagged", "tagged", "untagged"]), max_size=3))
    if statuses.count("untagged") > 1:
        statuses = [status for status in statuses if status == "tagged"]
    lists = draw(
        st.lists(
            st.lists(st.sampled_from(_PATTERNS), min_size=1, max_size=2, unique=True).map(sorted),
            min_size=len(statuses),
            max_size=len(statuses),
            unique_by=tuple,
        )
    )
    if not statuses or draw(st.booleans()):
        statuses, lists = [*statuses, "any"], [*lists, []]
    return policy(
        *(
            rule(
                priority,
                status,
                draw(st.integers(1, 4)),
                *(tags if status == "tagged" else ()),
                days=draw(st.sampled_from(["", "", "Pushed"])),
            )
            for priority, (status, tags) in enumerate(zip(statuses, lists, strict=True), 1)
        )
    )


@given(_policies(), st.integers(0, 4), st.booleans(), st.integers(0, 5))
def test_every_counterexample_is_a_history_that_really_loses_the_image(
    rules: LifecyclePolicy, releases_kept: int, immutable: bool, other_pushes: int
) -> None:
    found = can_expire(rules, releases_kept, tags_are_immutable=immutable, other_pushes=other_pushes)
    tolerated = tolerated_pushes(rules, releases_kept, tags_are_immutable=immutable)
    assert (found is None) == (tolerated is None or other_pushes <= tolerated)
    if found:
        assert evaluate(rules, found.images, found.today)[found.lost.name] == found.rule
        assert found.releases <= releases_kept
        assert len(found.images) - 1 - found.releases <= other_pushes
        tags = [tag for image in found.images for tag in image.tags]
        assert len(set(tags)) == len(tags)
        assert not immutable or all(image.tags for image in found.images)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(_policies(), st.integers(0, 3), st.booleans(), st.integers(0, 4), st.data())
def test_where_no_counterexample_is_found_no_history_loses_a_needed_image(
    rules: LifecyclePolicy, releases_kept: int, immutable: bool, other_pushes: int, data: st.DataObject
) -> None:
    if can_expire(rules, releases_kept, tags_are_immutable=immutable, other_pushes=other_pushes):
        return
    images: list[Image] = []
    needed: list[str] = []
    free: list[str] = data.draw(st.permutations(_TAGS))
    kinds = data.draw(st.permutations(["release"] * (releases_kept + 1) + ["other"] * other_pushes))
    day = 0
    for number, kind in enumerate(kinds):
        day += data.draw(st.integers(0, 5))
        held = [tag for image in images for tag in image.tags]
        if held and not immutable and data.draw(st.booleans()):
            own: tuple[str, ...] = (data.draw(st.sampled_from(held)),)
            images = [
                Image(
                    name=image.name, pushed_at=image.pushed_at, tags=tuple(tag for tag in image.tags if tag not in own)
                )
                for image in images
            ]
        elif kind == "other" and data.draw(st.booleans()):
            own = ()
        else:
            count = data.draw(st.integers(1, 2)) if len(free) > len(kinds) - number else 1
            own, free = tuple(free[:count]), free[count:]
        images.append(Image(name=f"{kind} {number}", pushed_at=day, tags=own))
        if kind == "release":
            needed = [*needed, f"{kind} {number}"][-releases_kept - 1 :]
        if data.draw(st.booleans()) or number == len(kinds) - 1:
            lost = evaluate(rules, images, day + data.draw(st.integers(0, 9)))
            assert not set(needed) & set(lost)
            images = [image for image in images if image.name not in lost]
