"""What ECR does with given images: the oracle of the search for histories in which one is lost."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_policy.ecr_lifecycle import Image, LifecyclePolicy, Rule


def evaluate(policy: LifecyclePolicy, images: Sequence[Image], today: float) -> dict[str, Rule]:
    """What ECR does with the images on day `today`: the name of each one it takes, with the rule that takes it.

    Every rule counts all images that meet its tagging requirements, also those another rule takes. An image is taken
    by the first rule whose tagging requirements it meets or by none. An image that a manifest list of the same storage
    class refers to stays. Of two images pushed at the same time the later one in `images` counts as younger.
    """
    taken: dict[str, Rule] = {}
    for storage_class in ("standard", "archive"):
        stored = [image for image in images if (image.archived_at is not None) == (storage_class == "archive")]
        referred_to = {name for image in stored for name in image.refers_to}
        decided: set[str] = set()
        for rule in policy.rules:
            if rule.storage_class != storage_class:
                continue
            matching = [image for image in stored if rule.matches(image.tags)]
            for image in _selected(rule, matching, today):
                if image.name not in decided and image.name not in referred_to:
                    taken[image.name] = rule
            decided.update(image.name for image in matching)
    return taken


def _selected(rule: Rule, matching: Sequence[Image], today: float) -> Sequence[Image]:
    if rule.count_type == "imageCountMoreThan":
        youngest_first = sorted(matching, key=_age_starts)[::-1]
        return youngest_first[rule.count_number :]
    starts = {"sinceImagePushed": _age_starts, "sinceImagePulled": _idle_since, "sinceImageTransitioned": _archived}
    return [image for image in matching if today - starts[rule.count_type](image) > rule.count_number]


def _age_starts(image: Image) -> float:
    return image.pushed_at if image.restored_at is None else image.restored_at


def _idle_since(image: Image) -> float:
    if image.last_pulled_at is None or image.last_pulled_at < _age_starts(image):
        return _age_starts(image)
    return image.last_pulled_at


def _archived(image: Image) -> float:
    return image.archived_at or 0.0
