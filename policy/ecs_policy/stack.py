"""The resources of a run and the references between them, followed here once for all rules.

A reference is followed by the engine's property dependencies first and by known ids second. Several candidates,
an invoke, a stack reference or a literal id of something outside the stack raise `NotEvaluated`: never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

from ecs_policy.values import ABSENT, UNKNOWN, NotEvaluated, Value

R = TypeVar("R", bound="Resource")
A = TypeVar("A")

DOCUMENTS = "documents"
"""The output, or input, in which a component says the properties of its children that are JSON texts, as structure.

One unknown value makes all of a JSON text unknown. A component that registers the structure beside it lets the rules
read all the rest: `{"<type>::<name>": {"<property>": <the document, unknown only where a value is>}}`.
"""

_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):")

KINDS: dict[str, type[Resource]] = {}
"""The view of each type token; filled by the views of `model`."""


class Resource:
    """One resource: its inputs as the program gave them, its outputs as the provider computed them."""

    TYPES: ClassVar[tuple[str, ...]] = ()
    """Type tokens, with `aws:lb/` for all names that the load balancer module has had."""
    IDS: ClassVar[tuple[str, ...]] = ("arn", "id")
    """Properties by whose value other resources refer to this one."""

    __slots__ = (
        "_memo",
        "_misshapen",
        "dependencies",
        "ignore_changes",
        "inputs",
        "name",
        "outputs",
        "parent",
        "property_dependencies",
        "provider",
        "stack",
        "timeouts",
        "type",
        "urn",
    )

    def __init_subclass__(cls) -> None:
        for token in cls.TYPES:
            KINDS[token] = cls

    def __init__(
        self,
        *,
        urn: str,
        type: str,  # noqa: A002 the engine's word
        name: str,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        parent: str = "",
        dependencies: Sequence[str] = (),
        property_dependencies: Mapping[str, Sequence[str]] | None = None,
        ignore_changes: Sequence[str] = (),
        timeouts: Mapping[str, float] | None = None,
        provider: Mapping[str, Any] | None = None,
    ) -> None:
        self.urn = urn
        self.type = type
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.parent = parent
        self.dependencies = dependencies
        self.property_dependencies = property_dependencies or {}
        self.ignore_changes = ignore_changes
        self.timeouts = timeouts or {}
        self.provider = provider
        self.stack = _NO_STACK
        self._memo: dict[str, Value] = {}
        self._misshapen: Any = None

    @property
    def label(self) -> str:
        """How messages call it: `Service 'web'`."""
        return f"{self.type.rpartition(':')[2]} '{self.name}'"

    def __getitem__(self, key: str) -> Value:
        """A property as the program set it, or, without recorded inputs (`--target`), as the provider reports it."""
        value = self._memo.get(key)
        if value is None:
            value = self.own(key)
            if value.raw is UNKNOWN:
                value = self.stated(key) or value
            self._memo[key] = value
        return value

    def own(self, key: str) -> Value:
        """The same, whatever a component around the resource says of it."""
        inputs = self.inputs
        if inputs is None:
            return self.computed(key)
        value = Value(self, (key,), inputs.get(key))
        if value.raw is UNKNOWN and self.outputs is not None and key in self.outputs:
            return self.computed(key)
        return value

    def names(self) -> Iterable[str]:
        """The properties that the program set, or, without recorded inputs, that the provider reports."""
        return self.inputs if self.inputs is not None else self.outputs or ()

    def stated(self, key: str) -> Value | None:
        """A property as a component that the resource is in says it, with unknown parts; None where none does.

        See `DOCUMENTS`.
        """
        document = self.stack.documents_for(self)
        if document is None or not document[key].given:
            return None
        return Value(self, (key,), document[key].raw, document[key].secret)

    def forget(self) -> None:
        """Drops what has been read so far: it is cheaper to read it again than to keep it for 35,000 resources."""
        self._memo.clear()
        self._misshapen = None

    def computed(self, key: str) -> Value:
        """A property as the provider reports it; unknown until there is a report."""
        return Value(self, (key,), (self.outputs if self.outputs is not None else self.inputs or {}).get(key))

    def ids(self) -> set[str]:
        """The known texts that refer to this resource."""
        found = set()
        for key in self.IDS:
            for properties in (self.outputs, self.inputs):
                if properties is not None:
                    raw = Value(self, (key,), properties.get(key)).raw
                    if isinstance(raw, str):
                        found.add(raw)
        return found

    def unnamed(self) -> Value | None:
        """What the program names it by and nobody knows yet, so that a known text may refer to it."""
        return next((each for key in self.IDS if key in (self.inputs or {}) and (each := self.own(key)).unknown), None)

    def region(self) -> Value:
        """The AWS region the resource is in: its own `region`, else its provider's; absent when neither says."""
        own = self["region"]
        return own if own.given else self.of_provider("region")

    def of_provider(self, key: str) -> Value:
        """A setting of the resource's provider; those that are no text are JSON."""
        return Value(self, ("provider", key), (self.provider or {}).get(key))


class Stack:
    """All resources of one run, and the joins between them, each made once and on demand."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = {each.urn: each for each in resources}
        self._by_kind: dict[type[Resource], list[Resource]] = {}
        for each in self.resources.values():
            each.stack = self
            self._by_kind.setdefault(type(each), []).append(each)
        self._says = any(
            DOCUMENTS in (properties or ())
            for each in self._by_kind.get(Resource, ())
            for properties in (each.outputs, each.inputs)
        )
        self._children: dict[str, list[Resource]] | None = None
        self._by_id: dict[type[Resource], dict[str, list[Resource]]] = {}
        self._unnamed: dict[type[Resource], list[Value]] = {}
        self._relations: dict[tuple[type[Resource], type[Resource], object], Relation[Any]] = {}
        self._derived: dict[tuple[Callable[..., Any], str], Any] = {}

    def documents_for(self, resource: Resource) -> Value | None:
        """What the nearest component around a resource says of it (`DOCUMENTS`); None where none says anything."""
        if not self._says:
            return None
        name = "::".join(resource.urn.split("::", 3)[2:]).rpartition("$")[2]
        parent, seen = self.resources.get(resource.parent), {resource.urn}
        while parent is not None and parent.urn not in seen:
            for properties in (parent.outputs, parent.inputs) if _is_component(parent) else ():
                documents = Value(parent, (DOCUMENTS,), (properties or {}).get(DOCUMENTS))
                if isinstance(documents.raw, dict) and isinstance(documents[name].raw, dict):
                    return documents[name]
            seen.add(parent.urn)
            parent = self.resources.get(parent.parent)
        return None

    @cached_property
    def accounts(self) -> frozenset[str]:
        """The AWS accounts that its resources are in, as far as their ARNs are known."""
        arns = (Value(each, ("arn",), (each.outputs or {}).get("arn")).raw for each in self.resources.values())
        found = (_ACCOUNT.match(arn) for arn in arns if isinstance(arn, str))
        return frozenset(each[1] for each in found if each)

    def all(self, kind: type[R]) -> list[R]:
        """Every resource of one kind."""
        return self._by_kind.get(kind, [])  # type: ignore[return-value]

    def referred(self, value: Value, kind: type[R]) -> R | None:
        """See `Value.one`."""
        if value.raw is ABSENT:
            return None
        known = _known_text(value)
        if known is not None:
            named = self.known_as(known, kind)
            if len(named) > 1:
                candidates = self.candidates(value, kind)
                named = [each for each in named if each in candidates] or named
            if len(named) == 1:
                return named[0]
            if named:
                raise value.not_evaluated(f"fits several resources: {names_of(named)}")
            raise value.not_evaluated("refers to something that is not a resource of this stack")
        candidates = self.candidates(value, kind)
        if len(candidates) > 1:
            raise value.not_evaluated(f"is not known yet and may be any of {names_of(candidates)}")
        if not candidates:
            raise value.not_evaluated("is not known yet and comes from no resource of this stack")
        if any(isinstance(step, int) for step in value.path) and len(value.resource[str(value.path[0])].items()) > 1:
            raise value.not_evaluated(
                f"is not known yet, and which of the entries is {names_of(candidates)} cannot be told"
            )
        return candidates[0]

    def all_referred(self, value: Value, kind: type[R]) -> list[R]:
        """See `Value.many`."""
        found: dict[str, R] = {}
        unknown = []
        for item in value.items():
            known = _known_text(item)
            if known is None:
                unknown.append(item)
                continue
            target = self.referred(item, kind)
            if target is not None:
                found[target.urn] = target
        if unknown:
            left = [each for each in self.candidates(value, kind) if each.urn not in found]
            if len(left) != len(unknown):
                raise unknown[0].not_evaluated(f"is not known yet and may be any of {names_of(left)}")
            found.update((each.urn, each) for each in left)
        return list(found.values())

    def relation(self, kind: type[R], places: str | Callable[[R], list[Value]], target: type[Resource]) -> Relation[R]:
        """Which resources of one kind refer to which of another, by a property or by what a function reads of them."""
        key = (kind, target, places)
        made: Relation[R] | None = self._relations.get(key)
        if made is None:
            made = Relation()
            for each in self.all(kind):
                self._relate(made, each, [each[places]] if isinstance(places, str) else places(each), target)
            self._relations[key] = made
        return made

    def _relate(self, made: Relation[R], source: R, places: list[Value], target: type[Resource]) -> None:
        unsure: dict[str, tuple[Value, Resource]] = {}
        for place in places:
            found, doubtful = self.found_among(place, target)
            lost = self.lost(place, target)
            if lost is not None:
                made.lose(lost, told=bool(self.told(lost)))
            for one in found:
                made.add(source, one)
            for one in doubtful:
                unsure.setdefault(one.urn, (place, one))
        if unsure and len({place.path[0] for place in places}) == 1:  # as many places as candidates: all of them
            for one in self.found_among_all(places, target)[0]:
                made.add(source, one)
                unsure.pop(one.urn, None)
        for place, one in unsure.values():
            made.doubt(place, one)

    def found_among(self, place: Value, kind: type[R]) -> tuple[list[R], list[R]]:
        """The resources of the stack that a value or list refers to for sure, and those of which that cannot be told.

        What is known to be outside the stack is in neither.
        """
        return self.found_among_all([place], kind)

    def found_among_all(self, places: Sequence[Value], kind: type[R]) -> tuple[list[R], list[R]]:
        """The same of several places in one property."""
        try:
            items = [each for place in places for each in (place.items() if isinstance(place.raw, list) else [place])]
            return self._found_among(items, kind)
        except NotEvaluated:
            return [], []  # malformed: it refers to nothing

    def _found_among(self, items: Sequence[Value], kind: type[R]) -> tuple[list[R], list[R]]:
        found: dict[str, R] = {}
        doubtful: dict[str, R] = {}
        unknown = []
        for item in items:
            known = _known_text(item) if item.given else None
            if known is not None:
                candidates = self.known_as(known, kind)
                (found if len(candidates) == 1 else doubtful).update((each.urn, each) for each in candidates)
                if not candidates:
                    doubtful.update((place.resource.urn, place.resource) for place in self.unnamed(kind))  # type: ignore[misc]
            elif item.given:
                unknown.append(item)
        if unknown:
            left = {each.urn: each for each in self.candidates(unknown[0], kind) if each.urn not in found}
            (found if len(left) == len(unknown) else doubtful).update(left)
        return list(found.values()), [each for urn, each in doubtful.items() if urn not in found]

    def lost(self, place: Value, kind: type[Resource]) -> Value | None:
        """An unknown value, at a place or in a list there, that comes from no resource of a kind, as far as told."""
        items = place.items() if isinstance(place.raw, list) else [place]
        unknown = next((each for each in items if each.unknown), None)
        if unknown is None:
            return None
        named = {each.urn for item in items if not item.unknown for each in self.found_among(item, kind)[0]}
        return None if any(each.urn not in named for each in self.candidates(unknown, kind)) else unknown

    def derived(self, compute: Callable[[R], A], resource: R) -> A:
        """What `compute` makes of a resource, computed once a run."""
        key = (compute, resource.urn)
        made = self._derived.get(key, ABSENT)
        if made is ABSENT:
            try:
                made = compute(resource)
            except NotEvaluated as outcome:
                made = outcome
            self._derived[key] = made
        if isinstance(made, NotEvaluated):
            raise NotEvaluated(made.at)
        return made  # type: ignore[no-any-return]

    def waits_for(self, resource: Resource, targets: Iterable[Resource]) -> bool:
        """Whether the engine makes one of `targets` before it makes `resource`."""
        wanted = {each.urn for each in targets}
        return any(urn in wanted for urn in self._awaited(resource))

    def awaited(self, resource: Resource) -> Awaited:
        """The URNs of all that the engine makes before it makes `resource`."""
        return Awaited(self._awaited(resource))

    def _awaited(self, resource: Resource) -> Iterator[str]:
        pending, seen = list(resource.dependencies), {resource.urn}
        for urn in pending:  # grows meanwhile: the nearest come first
            dependency = self.resources.get(urn)
            if dependency is None or urn in seen:
                continue
            seen.add(urn)
            yield urn
            pending.extend(dependency.dependencies)
            if _is_component(dependency):
                pending.extend(each.urn for each in self._descendants(dependency))

    def candidates(self, value: Value, kind: type[R]) -> list[R]:
        """The resources that an unknown value may come from, by the engine's property dependencies."""
        found: dict[str, R] = {}
        inside: dict[str, R] = {}
        for urn in self.told(value):
            dependency = self.resources.get(urn)
            if isinstance(dependency, kind):
                found[urn] = dependency
            elif dependency is not None and _is_component(dependency):
                inside.update((each.urn, each) for each in self._descendants(dependency) if isinstance(each, kind))
        # An output of a component names what it comes from, and always the component itself.
        return list((found or inside).values())

    def told(self, value: Value) -> list[str]:
        """The URNs of what an unknown value may come from: what its property depends on and no known text names."""
        owner, key = value.resource, str(value.path[0])
        urns = owner.property_dependencies.get(key, ())
        if len(value.path) < 2 or not urns:
            return list(urns)
        texts = set(_texts_in(owner.own(key).raw))
        return [urn for urn in urns if (each := self.resources.get(urn)) is None or not texts & each.ids()]

    def sources(self, value: Value, *, but: tuple[type[Resource], ...]) -> list[Resource]:
        """All that an unknown value may come from, without resources of some kinds and without components."""
        found = [self.resources.get(urn) for urn in value.resource.property_dependencies.get(str(value.path[0]), ())]
        return [each for each in found if each is not None and not _is_component(each) and not isinstance(each, but)]

    def possibly(self, value: Value, kind: type[R]) -> tuple[list[R], bool]:
        """The resources that a list refers to, and True; or those it may refer to, and False.

        The latter is a list that is unknown, as a whole or in each part, as a component yields it in a first preview.
        """
        try:
            return self.all_referred(value, kind), True
        except NotEvaluated:
            open_to_all = value.unknown or all(each.unknown for each in value.items())
            candidates = self.candidates(value, kind) if open_to_all else []
            if not candidates:
                raise
            return candidates, False

    def _descendants(self, component: Resource) -> list[Resource]:
        if self._children is None:
            self._children = {}
            for each in self.resources.values():
                if each.parent:
                    self._children.setdefault(each.parent, []).append(each)
        found: list[Resource] = []
        pending, seen = [component.urn], {component.urn}
        while pending:
            for child in self._children.get(pending.pop(), ()):
                if child.urn not in seen:
                    seen.add(child.urn)
                    pending.append(child.urn)
                    found.append(child)
        return found

    def unnamed(self, kind: type[Resource]) -> list[Value]:
        """What is unknown and names resources of one kind."""
        if kind not in self._unnamed:
            self._unnamed[kind] = [place for each in self.all(kind) if (place := each.unnamed()) is not None]
        return self._unnamed[kind]

    def require_named(self, kind: type[Resource]) -> None:
        """Raises where a known text that names no resource of one kind may do so all the same."""
        for place in self.unnamed(kind):
            raise place.not_evaluated("is not known yet, and may be what another resource refers to")

    def elsewhere(self, place: Value, kind: type[Resource]) -> bool:
        """Whether it is known to be no resource of a kind in this stack. Raises where it may be one all the same."""
        if place.unknown or self.known_as(place.text() or "", kind):
            return False
        if place.given:
            self.require_named(kind)
        return True

    def known_as(self, known: str, kind: type[R]) -> list[R]:
        """The resources of one kind that a text refers to, as far as their ids are known."""
        index = self._by_id.get(kind)
        if index is None:
            index = self._by_id[kind] = {}
            for each in self.all(kind):
                for text in each.ids():
                    index.setdefault(text, []).append(each)
        return index.get(known, [])  # type: ignore[return-value]


_NO_STACK = Stack(())


class Awaited(Container[str]):
    """The URNs of what the engine makes first: found as far as somebody asks."""

    def __init__(self, urns: Iterator[str]) -> None:
        self._rest = urns
        self._seen: set[str] = set()

    def __contains__(self, urn: object) -> bool:
        if urn in self._seen:
            return True
        for each in self._rest:
            self._seen.add(each)
            if each == urn:
                return True
        return False


class Relation(Generic[R]):
    """References, backwards."""

    def __init__(self) -> None:
        self._sure: dict[str, dict[str, R]] = {}
        self._doubtful: dict[str, list[Value]] = {}
        self._lost: Value | None = None
        self._untold: list[Value] = []
        """Of those that are lost, the ones of which the engine does not tell what they come from."""

    def add(self, source: R, target: Resource) -> None:
        self._sure.setdefault(target.urn, {})[source.urn] = source

    def doubt(self, place: Value, target: Resource) -> None:
        self._doubtful.setdefault(target.urn, []).append(place)

    def lose(self, place: Value, *, told: bool) -> None:
        """A reference that comes from outside the stack, and may lead back into it."""
        self._lost = self._lost or place
        if not told:
            self._untold.append(place)

    def sure(self, target: Resource) -> list[R]:
        """Those that refer to `target` for sure."""
        found = self._sure.get(target.urn)
        return list(found.values()) if found else []

    def doubts_about(self, target: Resource) -> Iterator[NotEvaluated]:
        """Why there may be more, each at its place."""
        for place in self._doubtful.get(target.urn, ()):
            yield place.not_evaluated(f"may refer to {target.label} or not")
        for place in self._untold:
            yield place.not_evaluated(f"is not known yet, and may be {target.label} or not")

    def doubt_about(self, target: Resource) -> NotEvaluated | None:
        """Why there may be more."""
        return next(self.doubts_about(target), None)

    def of(self, target: Resource) -> list[R]:
        """Those that refer to `target`. Raises when there is no sure one, and may be another."""
        found = self.sure(target)
        doubt = self.doubt_about(target)
        if not found and doubt is not None:
            raise doubt
        if not found and self._lost is not None:
            raise self._lost.not_evaluated(f"is not known yet, and may be {target.label} or not")
        return found


def _texts_in(raw: object) -> Iterator[str]:
    if isinstance(raw, str):
        yield raw
    elif isinstance(raw, (list, dict)):
        for each in raw.values() if isinstance(raw, dict) else raw:
            yield from _texts_in(each)


def _is_component(resource: Resource) -> bool:
    return resource.provider is None and type(resource) is Resource


def _known_text(value: Value) -> str | None:
    if value.raw is UNKNOWN:
        return None
    try:
        return value.text()
    except NotEvaluated:
        if isinstance(value.raw, str):
            return None
        raise


def names_of(resources: Iterable[Resource]) -> str:
    """For a message."""
    return ", ".join(each.label for each in resources) or "no resource of this stack"
