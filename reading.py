"""Reads settings in groups from a stack's configuration: each value, and everything that is wrong, by its path.

A group is a dataclass with checks (`Arguments`), a field of it a setting: `scaling.max_count` is `scaling.maxCount`.
"""

import ast
import difflib
import inspect
import itertools
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import pulumi
import yaml
from pulumi.runtime.config import CONFIG, get_config_env, get_config_secret_keys_env, is_config_secret

import flat_form
from components import checks
from components.checks import (
    Arguments,
    Check,
    Contradiction,
    check_of,
    is_optional,
    kind,
    listed,
    required,
    shown,
    takes_outputs,
)
from ecs_policy.values import Hidden, plain

_LONGEST_KEY = 100
_SWITCH = Check(
    "true or false", "choose one of the two", lambda value: isinstance(value, bool), schema={"type": "boolean"}
)


@dataclass(frozen=True)
class Key:
    """One setting."""

    path: str
    """Where it stands in a stack file, without the project: `scaling.maxCount`."""

    annotation: object
    owner: type
    """The class that has it as a field, with default and description."""

    field_name: str

    @property
    def default(self) -> Any:
        """As a stack file would say it; `MISSING` where every stack decides."""
        (own,) = (each for each in fields(self.owner) if each.name == self.field_name)
        value = own.default if own.default_factory is MISSING else own.default_factory()
        if value is None:
            return self.empty
        return list(value) if isinstance(value, tuple) else value

    @property
    def is_optional(self) -> bool:
        """Whether the empty value says: none."""
        return is_optional(self.annotation)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return get_origin(_base(self.annotation)) is Sequence

    @property
    def empty(self) -> Any:
        """The empty value of its type."""
        return _empty_value(self.annotation)

    @property
    def description(self) -> str:
        """The text below the field, without its links."""
        (text,) = [
            below[self.field_name] for below in map(_descriptions, self.owner.__mro__) if self.field_name in below
        ][:1] or [""]
        return text

    @property
    def check(self) -> Check:
        """What it may hold."""
        found = check_of(self.annotation)
        if found is None and self.annotation is bool:
            return _SWITCH
        assert found is not None, f"{self.path} has no check"
        return found

    @property
    def may_be_secret(self) -> bool:
        """Whether a resource's property can keep a secret of it."""
        return takes_outputs(self.annotation)


@cache
def _descriptions(owner: type) -> Mapping[str, str]:
    if not is_dataclass(owner):
        return {}
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(made, ast.ClassDef)
    found = {}
    for each, below in itertools.pairwise(made.body):
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and isinstance(below, ast.Expr):
            text = ast.literal_eval(below.value)
            found[each.target.id] = re.sub(r"\s+", " ", re.sub(r"\s+https://\S+", "", text))
    return found


def _empty_value(annotation: object) -> Any:
    base = _base(annotation)
    if base is int:
        return 0
    return [] if get_origin(base) is Sequence else ""


def key_of(path: str) -> str:
    """Where a field stands in a stack file: `scaling.maxCount` for `scaling.max_count`."""
    return "aws:region" if path == "region" else checks.key_of(path)


def group_of(annotation: object) -> type[Any] | None:
    """The class of a group of settings; None for a single one."""
    found = required(annotation)
    return found if isinstance(found, type) and issubclass(found, Arguments) else None


def keys_in(owner: type, prefix: str = "") -> Iterator[Key]:
    """Every setting of a class and its groups, in order."""
    for each in fields(owner):
        path = prefix + key_of(each.name)
        group = group_of(each.type)
        if group is None:
            yield Key(path, each.type, owner, each.name)
        else:
            yield from keys_in(group, f"{path}.")


def text_of(value: object) -> str:
    """As the engine gives a value to a program."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=str)


def configuration_of_the_stack() -> tuple[dict[str, str], set[str]]:
    """All configuration of the stack, and which keys hold a secret; the project's keys without their prefix."""
    prefix = f"{pulumi.get_project()}:"
    everything = {**get_config_env(), **CONFIG.get()}
    secret = {name for name in everything if is_config_secret(name)} | set(get_config_secret_keys_env())
    return (
        {name.removeprefix(prefix): value for name, value in everything.items()},
        {name.removeprefix(prefix) for name in secret},
    )


def encrypted_paths(stack: str) -> set[str]:
    """Which values the stack file encrypts: of an object, Pulumi tells a program only that a secret is in it."""
    file = Path(f"Pulumi.{stack}.yaml")
    content = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    prefix = f"{pulumi.get_project()}:"
    return {path.removeprefix(prefix) for path in secure_paths((content or {}).get("config") or {})}


def secure_paths(value: object, path: str = "") -> Iterator[str]:
    if _is_ciphertext(value):
        yield path
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from secure_paths(each, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from secure_paths(each, f"{path}[{index}]")


def _is_ciphertext(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"secure"}


class Reading:
    """One reading of a configuration: its values, and what is wrong with them."""

    def __init__(
        self,
        kind_of: type[Any],
        project: str,
        configuration: Mapping[str, str],
        secret: set[str],
        encrypted: set[str],
        *,
        has_ciphertexts: bool = False,
    ) -> None:
        self._kind, self._project, self._configuration = kind_of, project, configuration
        self._secret, self._encrypted = secret, encrypted
        self._has_ciphertexts = has_ciphertexts
        self._problems: dict[str, str | None] = {}
        self._values: dict[str, Any] = {}

    def found(self, between: Callable[[Any], Iterable[Contradiction]]) -> dict[str, str | None]:
        """Every problem by the path that it is about; `between` tells what may be wrong between groups."""
        flat = flat_form.problem(self._project, self._plain_values())
        if flat:
            return {"flat": flat}
        for each in fields(self._kind):
            key = key_of(each.name)
            group = group_of(each.type)
            given = self._configuration.get(key)
            if group is None:
                value = None if given is None else _parsed(_base(each.type), given)
                self._values[each.name] = self._setting(Key(key, each.type, self._kind, each.name), value, key)
            else:
                self._values[each.name] = self._group(group, key, key, None if given is None else _decoded(given))
        self._unknown_keys()
        settings = self.settings()
        crossing = [*_own_contradictions(settings, ""), *between(settings)]
        for number, contradiction in enumerate(crossing):
            if not any(map(self._is_wrong, map(key_of, contradiction.between))):
                self._problems[f"#{number}"] = contradiction.problem()
        return self._problems

    def settings(self, *, with_outputs: bool = False) -> Any:
        """The settings, as wrong as they are."""
        values = {name: _as_output(value) for name, value in self._values.items()} if with_outputs else self._values
        return _made(self._kind, values)

    def _is_wrong(self, path: str) -> bool:
        return any(
            problem and (at == path or at.startswith(f"{path}.") or path.startswith(f"{at}."))
            for at, problem in self._problems.items()
        )

    def _plain_values(self) -> dict[str, Any]:
        """The configuration of the program as YAML would hold it; None for what is secret."""
        return {
            key: _decoded(text) if self._has_ciphertexts or key not in self._secret else None
            for key, text in self._configuration.items()
            if ":" not in key
        }

    def _group(self, group: type[Any], path: str, key: str, given: object) -> Any:
        own = {key_of(each.name): each for each in fields(group)}
        if given is not None and (not isinstance(given, Mapping) or (_is_ciphertext(given) and self._has_ciphertexts)):
            got = "a secret" if key in self._secret else shown(given) if isinstance(given, list) else kind(given)
            self._problems[path] = (
                f"{path}: got {got}, expected an object with {', '.join(own)}; write its settings below it"
            )
            given = None
        values: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        if path in self._secret and values and not self._knows_secret(group, values, path):
            self._problems[path] = _seen(path)
        for name in sorted(map(str, set(values) - own.keys())):
            self._problems[f"{path}.{name}"] = self._unknown(path, name, list(own))
        read: dict[str, Any] = {}
        for name, each in own.items():
            inner = group_of(each.type)
            if inner is None:
                read[each.name] = self._setting(
                    Key(f"{path}.{name}", each.type, group, each.name), _listless(values.get(name)), key
                )
            elif is_optional(each.type) and values.get(name) is None:
                read[each.name] = None
            else:
                read[each.name] = self._group(inner, f"{path}.{name}", key, values.get(name))
        return _made(group, read, path)

    def _knows_secret(self, group: type[Any], values: Mapping[str, Any], path: str) -> bool:
        """Whether a setting that may be secret is there, or the stack file says which are."""
        may = any(takes_outputs(each.type) and key_of(each.name) in values for each in fields(group))
        return may or any(each == path or each.startswith(f"{path}.") for each in self._encrypted)

    def _setting(self, key: Key, value: Any, top: str) -> Any:
        """The value of a setting; what is wrong with it becomes a problem."""
        path, check = key.path, key.check
        is_secret = (
            value is not None and top in self._secret and (key.may_be_secret or path == top or self._is_encrypted(path))
        )
        if is_secret and not key.may_be_secret:
            self._problems[path] = _seen(path)
            return None
        if value is None:
            value = None if key.default is MISSING else _listless(key.default)
        if is_secret and self._has_ciphertexts:
            value = _stood_in(value, key.annotation)
        if isinstance(value, Hidden):
            return value
        if is_optional(key.annotation) and (value == () or value == (0 if _base(key.annotation) is int else "")):
            return None
        if not check.accepts(value):
            got = "a secret that is something else" if is_secret else _shown(check, value)
            if top in self._secret and not is_secret:
                got = kind(value)
            fix = f"{check.fix}; put it in quotes" if _needs_quotes(key, value) else check.fix
            self._problems[path] = f"{path}: got {got}, expected {check.expected}; {fix}"
        return _hidden(value) if is_secret else value

    def _is_encrypted(self, path: str) -> bool:
        return any(
            each == path or each.startswith((f"{path}.", f"{path}[")) or path.startswith(f"{each}.")
            for each in self._encrypted
        )

    def _unknown_keys(self) -> None:
        known = [key_of(each.name) for each in fields(self._kind)]
        for key in sorted(set(self._configuration) - set(known)):
            if key.startswith("aws:"):
                self._problems[key] = (
                    f"{key}: got a setting of Pulumi's default provider, expected aws:region alone: the program makes "
                    "its own; remove it, credentials come from the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID)"
                )
            elif ":" not in key:  # else it is configuration of other providers or of Pulumi itself
                self._problems[key] = self._unknown("", key, known)

    def _unknown(self, group: str, name: str, own: Sequence[str]) -> str:
        """What to write instead of a key that there is not. Its value is not shown: it may be a secret."""
        every = [key.path for key in keys_in(self._kind)]
        meant = {each: f"{group}.{each}" if group else each for each in own}
        if not group:
            meant = {path.rpartition(".")[2]: path for path in every} | dict(flat_form.MOVED) | meant
        else:
            meant |= {path.rpartition(".")[2]: path for path in every if path.rpartition(".")[2] not in meant}
        alike = difflib.get_close_matches(name, meant, n=1) if len(name) <= _LONGEST_KEY else []
        fix = f"did you mean {meant[alike[0]]}?" if alike else "remove it"
        path = f"{group}.{listed([name])}" if group else listed([name])
        allowed = f"one of {', '.join(own)}" if group else "one of those in docs/configuration.md"
        return f"{path}: got an unknown key, expected {allowed}; {fix}"


def _seen(path: str) -> str:
    return (
        f"{path}: got a secret, expected a value that may be seen, as names, plans and logs show it; "
        "set it again with --plaintext"
    )


def _own_contradictions(owner: Any, prefix: str) -> Iterator[Contradiction]:
    """Those of the groups, by the path of what they are between."""
    for each in fields(owner):
        group = getattr(owner, each.name)
        if not isinstance(group, Arguments):
            continue
        path = f"{prefix}{each.name}."
        for own in group.contradictions():
            yield Contradiction(tuple(f"{path}{name}" for name in own.between), own.problem)
        yield from _own_contradictions(group, path)


def _made(kind_of: Any, values: Mapping[str, Any], path: str | None = None) -> Any:
    """An instance of a dataclass without its checks."""
    made = object.__new__(kind_of)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    if path is not None:
        object.__setattr__(made, "stands_at", path)
    return made


def _base(annotation: object) -> object:
    base = getattr(required(annotation), "__origin__", annotation) if check_of(annotation) else annotation
    if takes_outputs(base) and get_origin(base) is not Mapping:
        return get_args(base)[0]  # of `pulumi.Input[T]` the T
    return base


def _parsed(base: object, given: str) -> object:
    """The value of a key of its own, of which the engine gives a text."""
    if base is bool:
        return {"true": True, "false": False}.get(given, given)
    return _listless(_decoded(given)) if get_origin(base) in (Mapping, Sequence) else given


def _decoded(given: str) -> object:
    """What an object is in its text; what is none stays a text."""
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return given


def _listless(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _shown(check: Check, value: Any) -> str:
    """The value for a message; of an object where none belongs, which `config set --path` makes, only the names."""
    decoded = _decoded(value) if isinstance(value, str) else value
    has_values = check.schema.get("type") != "object" and isinstance(decoded, (dict, list))
    return shown(decoded) if has_values else check.shown(value)


def _needs_quotes(key: Key, value: object) -> bool:
    return _base(key.annotation) is str and isinstance(value, (int, float)) and key.check.accepts(str(value))


def _stood_in(value: Any, annotation: object) -> Any:
    """Something in place of what is encrypted."""
    if _is_ciphertext(value):
        whole: Mapping[object, Any] = {Sequence: (Hidden("…"),), Mapping: {}}
        return whole.get(get_origin(_base(annotation)), Hidden("…"))
    if isinstance(value, Mapping):
        return {name: "…" if _is_ciphertext(each) else each for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple("…" if _is_ciphertext(each) else each for each in value)
    return value


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return Hidden(value)
    if isinstance(value, Mapping):
        return {name: _hidden(each) for name, each in value.items()}
    return tuple(map(_hidden, value)) if isinstance(value, tuple) else value


def _as_output(value: Any) -> Any:
    """The value for a resource: what is hidden stays secret there."""
    if isinstance(value, Arguments):
        own: Any = value
        values = {each.name: _as_output(getattr(value, each.name)) for each in fields(own)}
        return _made(type(value), values, value.stands_at)
    if isinstance(value, Hidden):
        return pulumi.Output.secret(plain(value))
    if isinstance(value, Mapping):
        return {name: _as_output(each) for name, each in value.items()}
    if isinstance(value, tuple) and any(isinstance(each, Hidden) for each in value):
        return pulumi.Output.secret([plain(each) for each in value])
    return value
