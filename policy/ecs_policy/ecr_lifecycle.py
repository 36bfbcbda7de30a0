"""ECR lifecycle policies: what they mean, and whether they can ever take an image that is still needed.

`parse_policy` reads and checks a policy, `can_expire` looks over all histories of pushes for one in which the running
image, or one to roll back to, is expired or archived (an archived image cannot be pulled).

Sources:
https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html
"""

from __future__ import annotations

import itertools
import json
import string
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

MAX_RULES = 50
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html"""

MAX_TEXT_LENGTH = 30_720
"""https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutLifecyclePolicy.html"""

MAX_WILDCARDS = 4
"""Most `*` in one entry of `tagPatternList`."""

MIN_ARCHIVED_DAYS = 90
"""Days an archived image must stay before a lifecycle rule may delete it."""

MAX_TAG_LENGTH = 128

OTHER_PUSHES = 20
"""How many images that nobody will roll back to `can_expire` reckons with, unless told otherwise."""

TagStatus: TypeAlias = Literal["tagged", "untagged", "any"]
CountType: TypeAlias = Literal["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"]
StorageClass: TypeAlias = Literal["standard", "archive"]
ActionType: TypeAlias = Literal["expire", "transition"]

_TAG_STATUSES = ("tagged", "untagged", "any")
_COUNT_TYPES = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
_RULE_KEYS = ("rulePriority", "description", "selection", "action")
_SELECTION_KEYS = (
    "tagStatus",
    "tagPatternList",
    "tagPrefixList",
    "storageClass",
    "countType",
    "countUnit",
    "countNumber",
)
_ACTION_KEYS = ("type", "targetStorageClass")


class LifecyclePolicyError(ValueError):
    """ECR would reject the policy. `problems` holds every reason: place, what was found, what is expected."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class UndecidedError(Exception):
    """The policy's tag patterns are too entangled for `can_expire` to decide in reasonable time."""


@dataclass(frozen=True)
class Rule:
    priority: int
    """The lowest number is applied first."""
    tag_status: TagStatus
    patterns: tuple[str, ...]
    """Tag patterns; a prefix is its pattern with `*` behind it. An image matches with tags for all of them."""
    count_type: CountType
    count_number: int
    """Images to keep, or days."""
    action: ActionType
    storage_class: StorageClass = "standard"

    def matches(self, tags: Sequence[str]) -> bool:
        """Whether an image with these tags meets the rule's tagging requirements."""
        if self.tag_status == "any":
            return True
        if self.tag_status == "untagged":
            return not tags
        return bool(tags) and all(any(_glob_matches(pattern, tag) for tag in tags) for pattern in self.patterns)

    def __str__(self) -> str:
        what = f"tagged {' and '.join(self.patterns)}" if self.tag_status == "tagged" else self.tag_status
        verb = "expire" if self.action == "expire" else "archive"
        if self.count_type == "imageCountMoreThan":
            return f"rule {self.priority} ({what}: keep {self.count_number}, {verb} the older)"
        since = {
            "sinceImagePushed": "its push",
            "sinceImagePulled": "its last pull",
            "sinceImageTransitioned": "archiving",
        }
        days = f"{self.count_number} day{'s' if self.count_number > 1 else ''}"
        return f"rule {self.priority} ({what}: {verb} {days} after {since[self.count_type]})"


@dataclass(frozen=True)
class LifecyclePolicy:
    rules: tuple[Rule, ...]
    """In order of priority."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image, manifest list or other artifact in a repository. Times are days on any one clock."""

    name: str
    pushed_at: float
    tags: tuple[str, ...] = ()
    last_pulled_at: float | None = None
    """None: never pulled."""
    archived_at: float | None = None
    """None: in standard storage."""
    restored_at: float | None = None
    """When it last came back from the archive; None: it never did."""
    refers_to: tuple[str, ...] = ()
    """Names of the images in this manifest list."""


def parse_policy(document: str | Mapping[str, object]) -> LifecyclePolicy:
    """The policy in a `lifecyclePolicyText` or its parsed JSON. Raises LifecyclePolicyError with all problems."""
    if isinstance(document, str):
        if len(document) > MAX_TEXT_LENGTH:
            raise LifecyclePolicyError([f"policy: got {len(document)} characters, expected at most {MAX_TEXT_LENGTH}"])
        try:
            parsed: object = json.loads(document)
        except (ValueError, RecursionError):
            raise LifecyclePolicyError(["policy: got text that is not JSON, expected an object with `rules`"]) from None
    else:
        parsed = document
    return _Reader().policy(parsed)


class _Reader:
    def __init__(self) -> None:
        self.problems: list[str] = []

    def problem(self, place: str, got: object, expected: str) -> None:
        try:
            text = "nothing" if got is _ABSENT else json.dumps(got)
        except (TypeError, ValueError, RecursionError):
            text = type(got).__name__
        self.problems.append(f"{place}: got {text if len(text) <= 80 else text[:77] + '...'}, expected {expected}")

    def policy(self, document: object) -> LifecyclePolicy:
        entries = document.get("rules", _ABSENT) if isinstance(document, Mapping) else document
        if not isinstance(document, Mapping) or not isinstance(entries, Sequence) or isinstance(entries, str):
            self.problem("rules", entries, "a list of rules")
            raise LifecyclePolicyError(self.problems)
        self.unknown_keys("policy", document, ("rules",))
        if not 1 <= len(entries) <= MAX_RULES:
            self.problem("rules", f"{len(entries)} rules", f"1 to {MAX_RULES}")
        rules = [self.rule(f"rules[{index}]", entry) for index, entry in enumerate(entries)]
        if not self.problems:
            self.together([rule for rule in rules if rule])
        if self.problems:
            raise LifecyclePolicyError(self.problems)
        return LifecyclePolicy(tuple(sorted((rule for rule in rules if rule), key=lambda rule: rule.priority)))

    def rule(self, place: str, entry: object) -> Rule | None:
        before = len(self.problems)
        rule = self.mapping(place, entry, _RULE_KEYS)
        if len(self.problems) > before and not rule:
            return None
        selection = self.mapping(f"{place}.selection", rule.get("selection", _ABSENT), _SELECTION_KEYS)
        action = self.mapping(f"{place}.action", rule.get("action", _ABSENT), _ACTION_KEYS)
        if len(self.problems) > before:
            return None
        priority = self.number(f"{place}.rulePriority", rule.get("rulePriority", _ABSENT))
        if "description" in rule and not isinstance(rule["description"], str):
            self.problem(f"{place}.description", rule["description"], "a string")
        status = self.one_of(f"{place}.selection.tagStatus", selection.get("tagStatus", _ABSENT), _TAG_STATUSES)
        patterns = self.patterns(f"{place}.selection", selection, status)
        count_type = self.one_of(f"{place}.selection.countType", selection.get("countType", _ABSENT), _COUNT_TYPES)
        number = self.number(f"{place}.selection.countNumber", selection.get("countNumber", _ABSENT))
        storage = selection.get("storageClass", "standard")
        kind = self.one_of(f"{place}.action.type", action.get("type", _ABSENT), ("expire", "transition"))
        self.count(f"{place}.selection", selection, count_type, storage, number)
        self.action(f"{place}.action", action, kind, count_type)
        if len(self.problems) > before:
            return None
        return Rule(priority, status, patterns, count_type, number, kind, storage)  # type: ignore[arg-type]

    def mapping(self, place: str, value: object, keys: Sequence[str]) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            self.problem(place, value, "an object")
            return {}
        self.unknown_keys(place, value, keys)
        return value

    def unknown_keys(self, place: str, value: Mapping[str, object], keys: Sequence[str]) -> None:
        for key in value:
            if key not in keys:
                self.problem(f"{place}.{str(key)[:60]}", value[key], f"only {', '.join(keys)}")

    def one_of(self, place: str, value: object, allowed: Sequence[str]) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        self.problem(place, value, f"one of {', '.join(allowed)}")
        return ""

    def number(self, place: str, value: object) -> int:
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 1 and value % 1 == 0:
            return int(value)
        self.problem(place, value, "a whole number from 1")
        return 0

    def patterns(self, place: str, selection: Mapping[str, object], status: str) -> tuple[str, ...]:
        given = [key for key in ("tagPatternList", "tagPrefixList") if key in selection]
        if status in ("untagged", "any"):
            for key in given:
                self.problem(f"{place}.{key}", selection[key], f"nothing with tagStatus {status}")
            return ()
        if status != "tagged":
            return ()
        if len(given) != 1:
            self.problem(
                place,
                " and ".join(given) or _ABSENT,
                "either tagPatternList or tagPrefixList with tagStatus tagged "
                "(ECR: Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED)",
            )
            return ()
        entries = selection[given[0]]
        if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
            self.problem(f"{place}.{given[0]}", entries, "a list of one or more strings")
            return ()
        texts: list[str] = []
        for index, entry in enumerate(entries):
            wildcards = entry.count("*") if isinstance(entry, str) else 0
            if not isinstance(entry, str) or not entry:
                self.problem(f"{place}.{given[0]}[{index}]", entry, "a string that is not empty")
            elif given[0] == "tagPatternList" and wildcards > MAX_WILDCARDS:
                self.problem(f"{place}.{given[0]}[{index}]", entry, f"at most {MAX_WILDCARDS} wildcards")
            elif given[0] == "tagPrefixList" and wildcards:
                self.problem(f"{place}.{given[0]}[{index}]", entry, "no wildcard; write it as tagPatternList")
            else:
                texts.append(entry if given[0] == "tagPatternList" else f"{entry}*")
        return tuple(dict.fromkeys(texts))

    def count(self, place: str, selection: Mapping[str, object], count_type: str, storage: object, number: int) -> None:
        unit = selection.get("countUnit", _ABSENT)
        if count_type == "imageCountMoreThan" and unit is not _ABSENT:
            self.problem(f"{place}.countUnit", unit, "nothing with countType imageCountMoreThan")
        if count_type.startswith("since") and unit != "days":
            self.problem(f"{place}.countUnit", unit, f'"days" with countType {count_type}')
        if count_type == "sinceImageTransitioned":
            if storage != "archive":
                got = selection.get("storageClass", _ABSENT)
                self.problem(f"{place}.storageClass", got, '"archive" with countType sinceImageTransitioned')
            if 0 < number < MIN_ARCHIVED_DAYS:
                self.problem(f"{place}.countNumber", number, f"at least {MIN_ARCHIVED_DAYS} days in the archive")
        elif count_type and storage != "standard":
            self.problem(f"{place}.storageClass", storage, f'"standard" with countType {count_type}')

    def action(self, place: str, action: Mapping[str, object], kind: str, count_type: str) -> None:
        target = action.get("targetStorageClass", _ABSENT)
        if kind == "transition" and target != "archive":
            self.problem(f"{place}.targetStorageClass", target, '"archive" with type transition')
        if kind == "expire" and target is not _ABSENT:
            self.problem(f"{place}.targetStorageClass", target, "nothing with type expire")
        needed = {"sinceImagePulled": "transition", "sinceImageTransitioned": "expire"}.get(count_type, kind)
        if kind and kind != needed:
            self.problem(f"{place}.type", kind, f'"{needed}" with countType {count_type}')

    def together(self, rules: Sequence[Rule]) -> None:
        for priority, group in _grouped((rule.priority, rule) for rule in rules):
            if len(group) > 1:
                self.problem("rules", f"{len(group)} rules with rulePriority {priority}", "a different one for each")
        for storage, group in _grouped((rule.storage_class, rule) for rule in rules):
            if sum(rule.tag_status == "untagged" for rule in group) > 1:
                self.problem(
                    "rules",
                    f"several untagged rules for {storage} storage",
                    "one (ECR: Only one rule can select Untagged images per storage class)",
                )
            anys = [rule.priority for rule in group if rule.tag_status == "any"]
            if anys and (len(anys) > 1 or anys[0] < max(rule.priority for rule in group)):
                self.problem(
                    "rules",
                    f"tagStatus any with rulePriority {anys[0]} for {storage} storage",
                    "one such rule, with the highest rulePriority "
                    "(ECR: Rule for tagStatus=ANY must have the lowest priority per storage class)",
                )
            tagged = [(frozenset(rule.patterns), rule) for rule in group if rule.tag_status == "tagged"]
            for patterns, same in _grouped(tagged):
                if len(same) > 1:
                    self.problem("rules", f"{len(same)} rules for {sorted(patterns)}", "different tags for each")


_ABSENT = object()


_Key = TypeVar("_Key")


def _grouped(pairs: Iterable[tuple[_Key, Rule]]) -> list[tuple[_Key, list[Rule]]]:
    groups: dict[_Key, list[Rule]] = {}
    for key, rule in pairs:
        groups.setdefault(key, []).append(rule)
    return list(groups.items())


@dataclass(frozen=True)
class Counterexample:
    """A history of pushes after which the policy takes an image that is still needed."""

    rule: Rule
    images: tuple[Image, ...]
    """All images, the lost one first, in the order of their pushes."""
    releases: int
    """So many of the images after the lost one are releases, the last of them running; the rest never came to serve."""
    today: float
    """The day of the evaluation; the pushes are on day 0."""

    @property
    def lost(self) -> Image:
        return self.images[0]

    def __str__(self) -> str:
        whose = "the running image"
        if self.releases:
            whose = f"the image {self.releases} release{'s' if self.releases > 1 else ''} before the running one"
        lines = [f"{self.rule} can {'expire' if self.rule.action == 'expire' else 'archive'} {whose}:"]
        names = [f"{image.name} {_tags_text(image)}" for image in self.images]
        lines.append(f"  released: {_listed(names[: self.releases + 1])}")
        if len(names) > self.releases + 1:
            lines.append(f"  then pushed, but never serving: {_listed(names[self.releases + 1 :])}")
        if self.today:
            lines.append(f"  then {self.today:g} days without a push" + _without_pull(self.rule))
        if not self.lost.tags:
            lines.append("  (every push took its tag from the image before it, which is untagged since)")
        lines.append(f"  then ECR {'deletes' if self.rule.action == 'expire' else 'archives'} {self.lost.name}")
        return "\n".join(lines)


def _without_pull(rule: Rule) -> str:
    return " and without a task starting anew" if rule.count_type == "sinceImagePulled" else ""


def _tags_text(image: Image) -> str:
    return f"({', '.join(image.tags)})" if image.tags else "(untagged)"


def _listed(names: Sequence[str]) -> str:
    return (
        ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:3])}, ... {len(names) - 4} more ..., {names[-1]}"
    )


def can_expire(
    policy: LifecyclePolicy,
    releases_kept: int,
    *,
    tags_are_immutable: bool = False,
    other_pushes: int = OTHER_PUSHES,
) -> Counterexample | None:
    """A history in which the running image or one of the `releases_kept` releases before it is lost, if there is any.

    The histories: every release is pushed with one or more tags `<version>-<hash>` that no other image has, at least
    seven hexadecimal digits being the hash. After the oldest image still needed come the younger ones and at most
    `other_pushes` images that are not needed: failed or abandoned releases, releases passed over by going back to an
    older image, untagged leftovers, and the parts of manifest lists. Any time may pass between two pushes. With
    `tags_are_immutable` false (ECR's default, `imageTagMutability: MUTABLE`) a push may also take the tag of an earlier
    image and leave that untagged.

    None means that no such history exists. Raises UndecidedError where that takes too long to find out.
    """
    _check_counts(releases_kept=releases_kept, other_pushes=other_pushes)
    return next(_counterexamples(policy, releases_kept, tags_are_immutable, other_pushes), None)


def tolerated_pushes(policy: LifecyclePolicy, releases_kept: int, *, tags_are_immutable: bool = False) -> int | None:
    """The greatest `other_pushes` for which `can_expire` finds nothing: -1 if it finds something even for 0, None if it
    never does."""
    _check_counts(releases_kept=releases_kept)
    needs = [max(0, younger - releases_kept) - 1 for _, _, younger in _threats(policy, tags_are_immutable)]
    return min(needs, default=None)


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 0:
            raise ValueError(f"{name}: got {value}, expected 0 or more")


def _threats(policy: LifecyclePolicy, tags_are_immutable: bool) -> Iterator[tuple[Rule, tuple[str, ...], int]]:
    """Each rule that can take a release, the tags such a release has, and how many younger images it takes for that."""
    for rule in policy.rules:
        if rule.storage_class == "archive":
            continue  # takes only what is archived already, which nothing but another rule does to a release
        higher = [
            other for other in policy.rules if other.priority < rule.priority and other.storage_class == "standard"
        ]
        counted = rule.count_type == "imageCountMoreThan"
        if rule.tag_status != "untagged":
            tags = _release_tags(rule, higher)
            if tags and not (counted and any("*" not in pattern for pattern in rule.patterns)):
                # (A pattern without wildcard is one tag, and one image at a time has a tag.)
                yield rule, tags, rule.count_number if counted else 0
        untagged_go_elsewhere = any(other.tag_status == "untagged" for other in higher)
        if rule.tag_status != "tagged" and not tags_are_immutable and not untagged_go_elsewhere:
            # A tag that moves is at last on a younger image, which an untagged rule does not count.
            needed = rule.count_number + (rule.tag_status == "untagged") if counted else 1
            yield rule, (), needed


def _counterexamples(
    policy: LifecyclePolicy, releases_kept: int, tags_are_immutable: bool, other_pushes: int
) -> Iterator[Counterexample]:
    for rule, tags, younger in _threats(policy, tags_are_immutable):
        if younger > releases_kept + other_pushes:
            continue
        names = [_letters(index) for index in range(younger + 1)]
        if tags:
            all_tags = [tags, *itertools.islice(_other_tags(rule, tags), younger)]
            if len(all_tags) <= younger:
                continue  # there are not so many tags within ECR's length limit
        else:
            all_tags = [()] * younger + [_release_tags(_EVERYTHING, ()) or ()]
        images = [Image(name=name, pushed_at=0, tags=own) for name, own in zip(names, all_tags, strict=True)]
        today = 0 if rule.count_type == "imageCountMoreThan" else rule.count_number + 1
        yield Counterexample(rule, tuple(images), min(younger, releases_kept), today)


_EVERYTHING = Rule(1, "any", (), "imageCountMoreThan", 1, "expire")


def _letters(index: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    prefix = _letters(index // 26 - 1) if index >= 26 else ""
    return prefix + string.ascii_uppercase[index % 26]


# Tags are decided with automata: a tag pattern and the shape of a release tag are both regular languages, so "a release
# tag that meets this rule and no higher one" is a product of small automata, and its shortest word is the example.


def _glob_matches(pattern: str, tag: str) -> bool:
    state = _glob_start(pattern)
    for character in tag:
        state = _glob_step(pattern, state, character)
    return len(pattern) in state


_State: TypeAlias = frozenset[int]


def _glob_closure(pattern: str, positions: set[int]) -> _State:
    reached = set(positions)
    for position in positions:
        while position < len(pattern) and pattern[position] == "*":
            position += 1
            reached.add(position)
    return frozenset(reached)


def _glob_start(pattern: str) -> _State:
    return _glob_closure(pattern, {0})


def _glob_step(pattern: str, state: _State, character: str) -> _State:
    reached = set()
    for position in state:
        if position < len(pattern):
            if pattern[position] == "*":
                reached.add(position)
            elif pattern[position] == character:
                reached.add(position + 1)
    return _glob_closure(pattern, reached)


_TAG_CHARACTERS = string.ascii_letters + string.digits + "._-"
_HASH_LENGTH = 7

# States of `<version>-<hash>`: 0 nothing yet, 1 in the version, 2 + n after the dash and n digits of the hash.


def _release_step(state: _State, character: str) -> _State:
    reached = set()
    for position in state:
        if position == 0 and character not in ".-":
            reached.add(1)
        if position == 1:
            reached.add(1)
            if character == "-":
                reached.add(2)
        if position >= 2 and character in "0123456789abcdef":
            reached.add(min(position + 1, 2 + _HASH_LENGTH))
    return frozenset(reached)


_MAX_STATES = 20_000
_MAX_CHOICES = 256


class _ReleaseTags:
    """The release tags that meet one pattern and none of the `avoided` ones."""

    def __init__(self, pattern: str, avoided: Sequence[str]) -> None:
        self.pattern = pattern
        self.avoided = avoided
        own = set("".join((pattern, *avoided))) & set(_TAG_CHARACTERS)
        # All other characters are alike to every pattern, so one letter stands for them.
        spare = next((letter for letter in "xyzuvwXYZ" if letter not in own), "")
        self.alphabet = sorted(own | set("0123456789abcdef.-_" + spare))
        self.start = (frozenset({0}), _glob_start(pattern), tuple(_glob_start(other) for other in avoided))
        self.distance = self._distances()

    def _step(self, state: _Product, character: str) -> _Product | None:
        release = _release_step(state[0], character)
        matched = _glob_step(self.pattern, state[1], character)
        if not release or not matched:
            return None
        avoided = tuple(
            _glob_step(pattern, one, character) for pattern, one in zip(self.avoided, state[2], strict=True)
        )
        return release, matched, avoided

    def _accepts(self, state: _Product) -> bool:
        return (
            2 + _HASH_LENGTH in state[0]
            and len(self.pattern) in state[1]
            and not any(len(pattern) in one for pattern, one in zip(self.avoided, state[2], strict=True))
        )

    def _distances(self) -> dict[_Product, int]:
        """Characters still needed from each state that leads to a tag at all."""
        before: dict[_Product, set[_Product]] = {self.start: set()}
        queue = deque([self.start])
        while queue:
            state = queue.popleft()
            for character in self.alphabet:
                after = self._step(state, character)
                if after is None:
                    continue
                if after not in before:
                    if len(before) >= _MAX_STATES:
                        raise UndecidedError(f"tag pattern {self.pattern} against {len(self.avoided)} higher rules")
                    before[after] = set()
                    queue.append(after)
                before[after].add(state)
        distance = {state: 0 for state in before if self._accepts(state)}
        queue = deque(distance)
        while queue:
            state = queue.popleft()
            for previous in before[state]:
                if previous not in distance:
                    distance[previous] = distance[state] + 1
                    queue.append(previous)
        return distance

    def __iter__(self) -> Iterator[str]:
        """Every such tag made of the alphabet, the shortest first."""
        for length in range(self.distance.get(self.start, MAX_TAG_LENGTH + 1), MAX_TAG_LENGTH + 1):
            yield from self._of_length(self.start, length, "")

    def _of_length(self, state: _Product, length: int, tag: str) -> Iterator[str]:
        if length == 0:
            if self._accepts(state):
                yield tag
            return
        for character in self.alphabet:
            after = self._step(state, character)
            if after is not None and self.distance.get(after, MAX_TAG_LENGTH + 1) < length:
                yield from self._of_length(after, length - 1, tag + character)


_Product: TypeAlias = tuple[_State, _State, tuple[_State, ...]]


def _examples(pattern: str, avoided: Sequence[str]) -> Iterator[str]:
    """Release tags that meet the pattern and none of the avoided ones; where possible such as a person would write."""
    for number in range(1, 100):
        tag = f"1.0.{number}-{number * 0x1A2B3C5 % 16**_HASH_LENGTH:0{_HASH_LENGTH}x}"
        if _glob_matches(pattern, tag) and not any(_glob_matches(other, tag) for other in avoided):
            yield tag
    yield from _ReleaseTags(pattern, avoided)


def _release_tags(rule: Rule, higher: Sequence[Rule]) -> tuple[str, ...] | None:
    """Release tags of an image that meets this rule and none of the higher ones."""
    lists = [other.patterns for other in higher if other.tag_status == "tagged"]
    for number, choice in enumerate(itertools.product(*lists)):
        if number >= _MAX_CHOICES:
            raise UndecidedError(f"rule {rule.priority} against {len(lists)} higher rules with several tags each")
        avoided = tuple(dict.fromkeys(choice))
        tags = [next(_examples(pattern, avoided), None) for pattern in rule.patterns or ("*",)]
        if None not in tags:
            return tuple(dict.fromkeys(tag for tag in tags if tag))
    return None


def _other_tags(rule: Rule, taken: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Tags of further releases that meet the rule, each different from all before."""
    used = set(taken)
    sources = [_examples(pattern, ()) for pattern in rule.patterns or ("*",)]
    while True:
        tags: list[str] = []
        for source in sources:
            tag = next((tag for tag in source if tag not in used), None)
            if tag is None:
                return
            used.add(tag)
            tags.append(tag)
        yield tuple(tags)
