"""The report: one line for each effect of each change, gravest first, and whether it may be deployed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from risk.costs import Prices, differences
from risk.effects import CREATED, Effect, effects
from risk.policies import remarks
from risk.preview import Preview, Remark, read

if TYPE_CHECKING:
    from pulumi.automation.events import EngineEvent

_UNEVALUATED = "Not evaluated:"
"""How the policy pack marks what it could not evaluate."""

_ACKNOWLEDGED = "acknowledged: "
"""How the first line below a policy's title begins where the finding may stay."""

_FAILED = "preview failed"


@dataclass(frozen=True)
class Finding:
    effect: Effect
    resource: str
    """Type and name; empty where it is about the whole preview."""
    text: str
    summary: str = ""
    """What it and others like it have in common, so that a screen says it once; empty where it stands alone."""


@dataclass(frozen=True)
class Report:
    findings: tuple[Finding, ...]
    """Gravest first, then by resource."""
    unchanged: int

    def failing(self, fail_on: Collection[Effect] = ()) -> tuple[Finding, ...]:
        """What forbids the deployment: what is refused, and the effects that were configured."""
        return tuple(found for found in self.findings if found.effect is Effect.REFUSED or found.effect in fail_on)


def assess(
    events: Iterable[EngineEvent], prices: Prices | None = None, plan: Mapping[str, Any] | None = None
) -> Report:
    """The report over the events of one preview; with prices also what changes in monthly fixed cost.

    With the plan that the preview saved, its JSON decoded, also what the policy pack of this checkout says.
    """
    events = list(events)
    preview = read(events)
    if plan is not None:
        preview = replace(preview, remarks=tuple(dict.fromkeys([*preview.remarks, *remarks(events, plan)])))
    found = [*_refusals(preview), *_changes(preview), *_remarks(preview.remarks)]
    if prices:
        found += _costs(preview, prices)
    gravity = list(Effect)
    found.sort(key=lambda each: (gravity.index(each.effect), each.resource, each.text))
    return Report(tuple(dict.fromkeys(found)), unchanged=sum(change.action == "same" for change in preview.changes))


def _refusals(preview: Preview) -> Iterator[Finding]:
    for remark in preview.remarks:
        if remark.level == "mandatory":
            yield Finding(Effect.REFUSED, _resource(remark.urn), f"{remark.policy}: {_decision(remark.message)}")
    for error in preview.errors:
        if error == _FAILED and any(remark.level == "mandatory" for remark in preview.remarks):
            continue  # it says no more than that there is one
        yield Finding(Effect.REFUSED, "", error.splitlines()[0] if error else "the preview failed")
    if not preview.complete and not preview.errors:
        yield Finding(
            Effect.REFUSED, "", "the preview did not come to its end: there may be more than this report says"
        )


def _changes(preview: Preview) -> Iterator[Finding]:
    for change in preview.changes:
        for effect, text in effects(change, preview):
            yield Finding(effect, _resource(change.urn), text, summary=text if text == CREATED else "")


def _remarks(remarks: Iterable[Remark]) -> Iterator[Finding]:
    for remark in remarks:
        if remark.level != "mandatory":
            text = _decision(remark.message)
            if text.startswith(_ACKNOWLEDGED):
                found = "".join(remark.message.splitlines()[2:3])
                summary = f"{remark.policy}: {text.removeprefix(_ACKNOWLEDGED)}"
                yield Finding(Effect.ACKNOWLEDGED, _resource(remark.urn), f"{remark.policy}: {found} ({text})", summary)
            elif _UNEVALUATED in remark.message:
                yield Finding(Effect.NOT_EVALUATED, _resource(remark.urn), text)
            else:
                yield Finding(Effect.WARNED, _resource(remark.urn), f"{remark.policy}: {text}")


def _costs(preview: Preview, prices: Prices) -> Iterator[Finding]:
    found = list(differences(preview, prices))
    known = [cost for cost in found if not cost.unknown]
    for cost in found:
        if cost.unknown:
            yield Finding(Effect.NOT_EVALUATED, _resource(cost.urn), f"monthly fixed cost: {cost.unknown}")
        else:
            text = f"{_money(cost.difference, prices)}: {cost.formula}"
            yield Finding(_costly(cost.difference), _resource(cost.urn), text)
    if known:
        total = sum(cost.difference for cost in known)
        more = f", without {len(found) - len(known)} that could not be told" if len(found) > len(known) else ""
        yield Finding(_costly(total), "", f"monthly fixed cost in sum: {_money(total, prices)}{more}")


def _costly(difference: float) -> Effect:
    return Effect.COSTS if difference > 0 else Effect.CHANGES


def _money(amount: float, prices: Prices) -> str:
    return f"{amount:+.2f} {prices.currency} a month"


def _decision(message: str) -> str:
    """The first line of what a policy found, below its title."""
    lines = message.splitlines()
    return lines[1] if len(lines) > 1 else message


def _resource(urn: str) -> str:
    parts = urn.split("::")
    return f"{parts[-2].rpartition('$')[2].rpartition(':')[2]} {parts[-1]}" if len(parts) >= 4 else ""
