# ruff: noqa: ARG002 - the arguments are the protocol's
"""The provider protocol for AWS: what the engine asks, answered from the descriptions of the types."""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from local.providers.aws import functions, schema
from local.providers.aws.clients import Clients
from local.providers.aws.registry import resources
from local.providers.aws.resource import Call, Resource, Values, error_code
from local.providers.aws.schema import DEFAULTS_KEY, Change, Property, block, boolean, mapping, string
from local.providers.server import InitFailedError, Provider, ProviderError, answers_errors, internal_error
from local.providers.values import UNKNOWN, Secret, from_struct, has_secret, reveal, to_struct

DEFAULT_REGION = "us-east-1"

CONFIG: Mapping[str, Property] = {
    "region": string(),
    "defaultTags": block({"tags": mapping()}),
    # Accepted and without effect: the emulator takes any credentials and any region.
    "skipCredentialsValidation": boolean(),
    "skipRegionValidation": boolean(),
}
ENGINE_KEYS = {"version", "pluginDownloadURL", "__internal"}
KINDS = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
}


@dataclass(frozen=True)
class Config:
    """The configuration of one provider resource."""

    region: str = DEFAULT_REGION
    region_given: bool = False
    default_tags: Any = field(default_factory=dict)

    def all_tags(self, tags: Any) -> Any:
        """A resource's own tags over the default ones; unknown if any of them is, secret if any is."""
        if tags is UNKNOWN or self.default_tags is UNKNOWN:
            return UNKNOWN
        merged = {**reveal(self.default_tags or {}), **reveal(tags or {})}
        if any(value is UNKNOWN for value in merged.values()):
            return UNKNOWN
        return Secret(merged) if has_secret(tags) or has_secret(self.default_tags) else merged


def parsed_config(given: Mapping[str, Any]) -> Values:
    """Provider configuration as values: nested ones arrive as JSON text."""
    config = {key: value for key, value in given.items() if key not in ENGINE_KEYS and value is not None}
    for key, value in config.items():
        prop = CONFIG.get(key)
        text = reveal(value)
        if prop is not None and prop.kind in ("object", "set", "list") and isinstance(text, str):
            try:
                config[key] = json.loads(text)
            except ValueError:
                continue  # the check names it
    return config


def explained(error: Exception, what: str) -> ProviderError:
    """An error as the user should read it: an AWS refusal, a parameter botocore refuses, or a fault in here."""
    if isinstance(error, ProviderError):
        return error
    if code := error_code(error):
        message = error.response["Error"].get("Message", "")  # type: ignore[attr-defined]
        return ProviderError(f"{what}: {code}: {message}")
    if type(error).__module__.startswith("botocore"):
        return ProviderError(f"{what}: {str(error).strip()}")
    return internal_error(error)


class AwsProvider(Provider):
    version = "7.51.1"

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__()
        self.clients = Clients(environment)
        # The default provider and explicit ones share this server; the connection tells them apart.
        self._configs: dict[str, Config] = {}
        self._configs_lock = threading.Lock()

    # --- the provider resource ----------------------------------------------------------------------------------------

    @answers_errors
    def CheckConfig(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        given = from_struct(request.news)
        problems: list[str] = []
        checked = schema.check_fields(CONFIG, parsed_config(given), "", problems)
        region = checked.get("region")
        if isinstance(region, str) and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
            problems.append(f"region: got {schema.shown(region)}, expected a region such as ap-northeast-1; change it")
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(_as_config(problems)))

    @answers_errors
    def DiffConfig(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        olds, news = (parsed_config(from_struct(part)) for part in (request.olds, request.news))
        changed = sorted(key for key in {*olds, *news} if reveal(olds.get(key)) != reveal(news.get(key)))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=[key for key in changed if key == "region"],
        )

    @answers_errors
    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        given = parsed_config(from_struct(request.args))
        if not given:
            given = parsed_config({key.split(":")[-1]: value for key, value in request.variables.items()})
        problems: list[str] = []
        values = schema.check_fields(CONFIG, given, "", problems)
        if problems:
            raise ProviderError("\n".join(_as_config(problems)))
        region = reveal(values.get("region"))
        known_region = region if isinstance(region, str) and region else None
        default_tags = values.get("defaultTags", {})
        if isinstance(default_tags, Secret):
            default_tags = Secret(default_tags.value.get("tags", {}))
        elif isinstance(default_tags, dict):
            default_tags = default_tags.get("tags", {})
        config = Config(
            region=known_region or os.environ.get("AWS_REGION") or DEFAULT_REGION,
            region_given=known_region is not None,
            default_tags=default_tags,
        )
        with self._configs_lock:
            self._configs[context.peer()] = config
        if self.clients.online:
            self.clients.prepare(config.region)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def _config(self, context: grpc.ServicerContext) -> Config:
        with self._configs_lock:
            configs = self._configs
            if (peer := context.peer()) in configs:
                return configs[peer]
            distinct = list({id(config): config for config in configs.values()}.values())
        if not distinct:
            return Config()
        if any(config != distinct[0] for config in distinct):
            raise ProviderError("the connection to the local AWS provider was lost; run the command again")
        return distinct[0]

    # --- resources ----------------------------------------------------------------------------------------------------

    def _resource(self, urn: str) -> tuple[str, str, Resource]:
        """Type token, logical name and description of a resource."""
        _, _, qualified, name = urn.split("::", 3)
        token = qualified.rsplit("$", 1)[-1]
        found = resources().get(token)
        if found is None:
            raise ProviderError(
                f"{token}: got a type the local AWS provider does not know; "
                "teach it (local/providers/aws), or run this stack with the official plugins"
            )
        return token, name, found

    def _call(
        self, context: grpc.ServicerContext, urn: str, values: Mapping[str, Any], timeout_seconds: float = 0
    ) -> Call:
        region = reveal(values.get("region")) or self._config(context).region
        return Call(
            urn=urn,
            clients=self.clients,
            region=region,
            timeout_seconds=timeout_seconds,
            cancelled=self.cancelled,
            log=lambda message: self.log(urn, message, passing=True),
        )

    @answers_errors
    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        _, name, resource = self._resource(request.urn)
        config = self._config(context)
        news, olds = from_struct(request.news), from_struct(request.olds)
        news.pop("tagsAll", None)
        problems: list[str] = []
        inputs = schema.check_fields(resource.all_properties, news, "", problems)
        if resource.autonamed:
            _name(resource, name, inputs, olds, request, problems)
        if resource.regional and "region" not in inputs and config.region_given:
            inputs["region"] = config.region
        if resource.tagged:
            inputs["tagsAll"] = config.all_tags(inputs.get("tags"))
        for group in resource.exclusive:
            given = [key for key in group if key in inputs]
            if len(given) > 1:
                problems.append(
                    f"{', '.join(given)}: got {len(given)} of them, expected one at most; remove all but one"
                )
        for group in resource.one_of:
            given = [key for key in group if key in inputs]
            if len(given) != 1:
                problems.append(f"{', '.join(group)}: got {len(given)} of them, expected exactly one; give one")
        if not problems:
            problems += resource.check(_plain(inputs))
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=_failures(problems))

    @answers_errors
    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        _, _, resource = self._resource(request.urn)
        state, news = from_struct(request.olds), from_struct(request.news)
        changes = _changes(resource, state, news, list(request.ignoreChanges))
        replaces = sorted(path for path, change in changes.items() if change.replaces)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted(schema.top_level(changes)),
            replaces=sorted(schema.top_level(replaces)),
            detailedDiff={
                path: provider_pb2.PropertyDiff(kind=KINDS[change.action, change.replaces])
                for path, change in changes.items()
            },
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replaces)
            and (resource.deletes_before_replacing or _keeps_physical_name(resource, state, news)),
        )

    @answers_errors
    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        token, name, resource = self._resource(request.urn)
        inputs = from_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_struct(_previewed_creation(resource, inputs)))
        call = self._call(context, request.urn, inputs, request.timeout)
        new = _plain(inputs)
        resource_id = ""
        try:
            resource_id = resource.create(call, new)
            resource.settle(call, resource_id, new)
            state = self._read_back(resource, call, resource_id, new, inputs, self._config(context))
        except Exception as error:
            reason = explained(error, f"creating {token} {name}")
            if resource_id:
                now = self._read_quietly(resource, call, resource_id, new, inputs, self._config(context))
                raise InitFailedError(str(reason), resource_id, now or _kept_state(resource, inputs), inputs) from error
            raise reason from error
        return provider_pb2.CreateResponse(id=resource_id, properties=to_struct(state))

    @answers_errors
    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        token, name, resource = self._resource(request.urn)
        state, inputs = from_struct(request.olds), from_struct(request.news)
        changes = _changes(resource, state, inputs, list(request.ignoreChanges))
        for key in schema.top_level(request.ignoreChanges):
            if key in state and key in inputs:
                inputs[key] = state[key]
        changed = schema.top_level(changes)
        old, new = _plain(state), _plain(inputs)
        if request.preview:
            return provider_pb2.UpdateResponse(
                properties=to_struct(_previewed_update(resource, state, inputs, old, new, changed))
            )
        call = self._call(context, request.urn, state, request.timeout)
        try:
            resource.update(call, request.id, old, new, changed)
            known = {**_not_removed(resource, old, new), **new}
            updated = self._read_back(resource, call, request.id, known, inputs, self._config(context))
        except Exception as error:
            reason = explained(error, f"updating {token} {name}")
            # Part of the change may have been made: what AWS has now is the state to go on from.
            now = self._read_quietly(resource, call, request.id, old, inputs, self._config(context)) or state
            raise InitFailedError(str(reason), request.id, now, inputs) from error
        return provider_pb2.UpdateResponse(properties=to_struct(updated))

    @answers_errors
    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        token, name, resource = self._resource(request.urn)
        state, inputs = from_struct(request.properties), from_struct(request.inputs)
        call = self._call(context, request.urn, state, request.timeout)
        config = self._config(context)
        try:
            if self.clients.online:
                found = resource.read(call, request.id, _plain(state))
            else:
                found = resource.presumed(call, request.id)
        except Exception as error:
            raise explained(error, f"reading {token} {name}") from error
        if found is None:
            return provider_pb2.ReadResponse()
        resource_id = str(found.pop("id", request.id))
        now = _state(resource, found, _plain(state), state, config, call) | {"id": resource_id}
        read_inputs = _refreshed_inputs(resource, inputs, now) if inputs else _imported_inputs(resource, now)
        return provider_pb2.ReadResponse(id=resource_id, properties=to_struct(now), inputs=to_struct(read_inputs))

    @answers_errors
    def Delete(  # noqa: N802
        self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        token, name, resource = self._resource(request.urn)
        state = from_struct(request.properties)
        call = self._call(context, request.urn, state, request.timeout)
        try:
            resource.delete(call, request.id, _plain(state))
        except Exception as error:
            raise explained(error, f"deleting {token} {name}") from error
        return empty_pb2.Empty()

    @answers_errors
    def Invoke(  # noqa: N802
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        answer: dict[str, Any] = {}
        try:
            result, problems = functions.invoke(
                request.tok, from_struct(request.args), self.clients, self._config(context).region
            )
        except Exception as error:
            raise explained(error, f"calling {request.tok}") from error
        if problems:
            answer["failures"] = _failures(problems)
        else:
            answer["return"] = to_struct(result)
        return provider_pb2.InvokeResponse(**answer)

    def _read_back(
        self, resource: Resource, call: Call, resource_id: str, known: Values, inputs: Values, config: Config
    ) -> Values:
        found = resource.read(call, resource_id, known)
        if found is None:
            raise ProviderError(
                f"{resource.type_name} {resource_id}: AWS does not know it any more; run the command again"
            )
        found.pop("id", None)
        # As in the official provider's outputs: policies join resources by it.
        return _state(resource, found, known, inputs, config, call) | {"id": resource_id}

    def _read_quietly(
        self, resource: Resource, call: Call, resource_id: str, known: Values, inputs: Values, config: Config
    ) -> Values | None:
        try:
            return self._read_back(resource, call, resource_id, known, inputs, config)
        except Exception:  # noqa: BLE001 - what is half made may not be readable
            return None


def _failures(problems: list[str]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(reason=problem) for problem in problems]


def _as_config(problems: list[str]) -> list[str]:
    return [f"aws:{problem}" for problem in problems]


def _plain(values: Mapping[str, Any]) -> Values:
    """Values as the AWS calls use them: without secret wrappers and default lists."""
    plain: Values = schema.without_defaults(reveal(dict(values)))
    return plain


def _not_removed(resource: Resource, old: Values, new: Values) -> Values:
    """The old state without what the program no longer sets."""
    properties = resource.all_properties
    return {
        key: value
        for key, value in old.items()
        if key in new or (key in properties and (properties[key].output or properties[key].computed))
    }


def _name(
    resource: Resource,
    logical_name: str,
    inputs: Values,
    olds: Values,
    request: provider_pb2.CheckRequest,
    problems: list[str],
) -> None:
    """Fills in the generated name; the one that was generated before is kept."""
    key = resource.name_property or ""
    if key in inputs:
        return
    if key in olds and key in (olds.get(DEFAULTS_KEY) or ()):
        name = olds[key]
    elif (
        request.HasField("autonaming")
        and request.autonaming.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE
    ):
        problems.append(f"{key}: got nothing, expected a name, as automatic naming is off; add it")
        return
    elif request.HasField("autonaming") and request.autonaming.proposed_name:
        name = request.autonaming.proposed_name
    else:
        name = schema.generated_name(logical_name, resource.name_limit, request.randomSeed)
        if name is None:
            longest = resource.name_limit - schema.NAME_SUFFIX_LENGTH - 1
            problems.append(
                f"{key}: got {schema.shown(logical_name)} ({len(logical_name)} characters) to generate it from, "
                f"expected at most {longest}; shorten the resource's name, or set {key}"
            )
            return
    inputs[key] = name
    inputs[DEFAULTS_KEY] = sorted([*inputs[DEFAULTS_KEY], key])


def _changes(resource: Resource, state: Values, news: Values, ignored: list[str]) -> dict[str, Change]:
    changes = schema.differences(resource.all_properties, state, news)
    changes = resource.adjust_differences(_plain(state), _plain(news), changes)
    return schema.without_ignored(changes, ignored)


def _keeps_physical_name(resource: Resource, state: Values, news: Values) -> bool:
    """Whether old and new would have the same name at the same time, because the program chose it."""
    key = resource.name_property or ""
    if not resource.autonamed or key in (news.get(DEFAULTS_KEY) or ()):
        return False
    name = reveal(news.get(key))
    return name is not UNKNOWN and name is not None and name == reveal(state.get(key))


def _previewed_creation(resource: Resource, inputs: Values) -> Values:
    previewed = {key: value for key, value in inputs.items() if key != DEFAULTS_KEY}
    for key, prop in resource.all_properties.items():
        if key not in previewed and (prop.output or prop.computed):
            previewed[key] = UNKNOWN
    previewed["id"] = UNKNOWN
    return _with_secrets(resource, schema.without_defaults(previewed), inputs)


def _previewed_update(
    resource: Resource, state: Values, inputs: Values, old: Values, new: Values, changed: set[str]
) -> Values:
    previewed = dict(state)
    for key in changed:
        if key in inputs:
            previewed[key] = inputs[key]
        else:
            previewed.pop(key, None)
    for key in resource.recomputed(old, new, changed):
        previewed[key] = UNKNOWN
    return _with_secrets(resource, schema.without_defaults(previewed), inputs)


def _kept_state(resource: Resource, inputs: Values) -> Values:
    return _with_secrets(resource, schema.without_defaults(inputs), inputs)


def _state(resource: Resource, found: Values, known: Values, marked: Values, config: Config, call: Call) -> Values:
    """What AWS returned as the resource's state: with what AWS does not tell, the tags split, and secrets marked."""
    state = {
        key: value
        for key, value in schema.without_empty(found).items()
        if key in resource.all_properties and not _left_out(resource.all_properties[key], value, key in known)
    }
    for key, prop in resource.all_properties.items():
        forgotten = prop.forgotten and schema.is_empty(state.get(key))
        if (prop.kept and key not in state) or forgotten:
            value = known.get(key, prop.default)
            if value is not None:
                state[key] = value
    if resource.tagged:
        everything = dict(found.get("tags") or {})
        state["tagsAll"] = everything
        own = _own_tags(everything, known.get("tags") or {}, reveal(config.default_tags))
        state.pop("tags", None)
        if own or "tags" in known:
            state["tags"] = own
    if resource.regional:
        state["region"] = call.region
    return _with_secrets(resource, state, marked)


def _left_out(prop: Property, value: Any, given: bool) -> bool:
    """Whether AWS returned its zero for something that was not given."""
    return prop.is_input and not prop.computed and prop.default is None and not given and schema.says_nothing(value)


def _own_tags(everything: Values, known: Values, defaults: Any) -> Values:
    """The tags without those that only the provider's default tags set."""
    if not isinstance(defaults, dict):
        return everything
    return {key: value for key, value in everything.items() if key in known or defaults.get(key) != value}


def _with_secrets(resource: Resource, state: Values, marked: Values) -> Values:
    """The state with every property secret that is sensitive, was secret, or is built from a secret."""
    secret = {key for key, value in marked.items() if has_secret(value)}
    if "tags" in secret:
        secret.add("tagsAll")
    secret |= {key for key, prop in resource.all_properties.items() if prop.sensitive}
    return {
        key: Secret(reveal(value)) if key in secret and not isinstance(value, Secret) else value
        for key, value in state.items()
    }


def _refreshed_inputs(resource: Resource, inputs: Values, state: Values) -> Values:
    """The old inputs with what AWS has now."""
    refreshed = dict(inputs)
    for key in inputs:
        prop = resource.all_properties.get(key)
        if prop is None or prop.kept or key == DEFAULTS_KEY:
            continue
        if schema.differences({key: prop}, state, inputs):
            if key in state:
                refreshed[key] = state[key]
            else:
                refreshed.pop(key)
    return refreshed


def _imported_inputs(resource: Resource, state: Values) -> Values:
    inputs = {
        key: state[key]
        for key, prop in resource.all_properties.items()
        if prop.is_input and key in state and not schema.is_empty(reveal(state[key])) and state[key] != prop.default
    }
    return {**inputs, DEFAULTS_KEY: []}
