"""`docker:index/image:Image` as pulumi-docker 4.11.2 documents it, built by the Docker engine on this machine.

Deliberately different from the official provider:
- It pushes to a registry on this machine only. A real registry is the official provider's business.
- It builds with the engine's classic builder, which every Docker engine has.
- A preview needs no Docker daemon.
- `refresh` asks the registry whether the pushed image is still there; the emulator's registry forgets when it stops.
"""

# ruff: noqa: ARG002, N802 - method names and arguments are the protocol's
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import base64
import contextlib
import hashlib
import ipaddress
import json
import os
import platform as host
import re
import socket
import stat
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from local.providers.aws import schema
from local.providers.aws.schema import Property, block, boolean, mapping, string
from local.providers.server import Provider, ProviderError, answers_errors
from local.providers.values import UNKNOWN, Secret, from_struct, has_unknown, reveal, to_struct

if TYPE_CHECKING:
    import docker

IMAGE_TYPE = "docker:index/image:Image"

DEFAULT_DOCKERFILE = "Dockerfile"
BASE_IMAGE_ARG = "BASE_IMAGE"
FAILED_STEP_LINES = 20
PUSH_STATUS_SECONDS = 0.3
CONNECT_SECONDS = 5

REGISTRY = {"password": string(), "server": string(), "username": string()}
BUILD = {
    "args": mapping(),
    "context": string(),
    "contextDigest": string(),  # Check's own: present when the engine checks recorded inputs again
    "dockerfile": string(),
    "platform": string(),
}
IMAGE: Mapping[str, Property] = {
    "build": block(BUILD),
    "buildOnPreview": boolean(allowed=(False,)),
    "imageName": string(required=True),
    "registry": block(REGISTRY),
    "skipPush": boolean(allowed=(False,)),
}
_ENGINE_CONFIG = ("version", "pluginDownloadURL", "__internal")


# --- inputs -----------------------------------------------------------------------------------------------------------


def program_dir() -> Path:
    """The folder relative contexts and Dockerfiles start from: the Pulumi program's."""
    return Path(os.environ.get("LOCAL_PROGRAM_DIR") or Path.cwd())


def host_platform() -> str:
    machine = host.machine().lower()
    return "linux/" + {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def registry_of(image_name: str) -> str | None:
    """The registry's host[:port], or None when the name has none (`repository:tag`)."""
    domain, slash, _ = image_name.partition("/")
    if not slash or not ("." in domain or ":" in domain or domain == "localhost"):
        return None
    return domain


def repository_of(image_name: str) -> str:
    """`image_name` without tag and digest."""
    name = image_name.partition("@")[0]
    path, colon, tag = name.rpartition(":")
    return path if colon and "/" not in tag else name


def is_loopback(registry: str) -> bool:
    name = registry.rpartition(":")[0] if registry.rpartition(":")[2].isdigit() else registry
    name = name.strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class BuildPaths:
    """Where a build reads from. `dockerfile_name` is relative to the context, with `/`, as the state records it."""

    context: Path
    dockerfile: Path
    dockerfile_name: str

    @property
    def dockerfile_inside(self) -> bool:
        return not self.dockerfile_name.startswith("../")

    @classmethod
    def of(cls, build: Mapping[str, Any]) -> BuildPaths:
        context = build.get("context") or "."
        dockerfile = build.get("dockerfile") or str(Path(context) / DEFAULT_DOCKERFILE)
        root = program_dir()
        absolute_context = Path(os.path.normpath(root / context))
        absolute_dockerfile = Path(os.path.normpath(root / dockerfile))
        name = os.path.relpath(absolute_dockerfile, absolute_context).replace(os.sep, "/")
        return cls(absolute_context, absolute_dockerfile, name)


def _path_problems(build: Mapping[str, Any]) -> Iterator[str]:
    context, dockerfile = build.get("context"), build.get("dockerfile")
    if context is UNKNOWN or dockerfile is UNKNOWN:
        return
    paths = BuildPaths.of(build)
    if not paths.context.is_dir():
        yield f'build.context: got "{context or "."}", expected a folder under {program_dir()}; correct the path'
    elif not paths.dockerfile.is_file():
        change = f'create it, or set build.dockerfile; relative paths start at the program, "{program_dir()}"'
        if dockerfile and (paths.context / dockerfile).is_file():
            change = f'relative paths start at the program: set it to "{Path(context or ".") / dockerfile}"'
        yield (
            f'build.dockerfile: got "{dockerfile or paths.dockerfile_name}", '
            f"expected a Dockerfile that exists; {change}"
        )


def problems_of(inputs: Mapping[str, Any]) -> list[str]:
    """Everything wrong with an image's inputs; empty when they can be built (as far as they are known)."""
    found: list[str] = []
    login = inputs.get("registry")
    hidden = {key: Secret(value) for key, value in login.items()} if isinstance(login, dict) else login
    schema.check_fields(IMAGE, {**inputs, "registry": hidden}, "", found)
    if found:
        return found
    name, build = inputs["imageName"], inputs.get("build") or {}
    if isinstance(name, str) and registry_of(name) is None:
        found.append(
            f'imageName: got "{name}", expected a fully qualified name, <registry>/<repository>[:tag]; '
            "put the registry in front"
        )
    if build is not UNKNOWN:
        found.extend(_path_problems(build))
    return found


# --- the context and its digest ---------------------------------------------------------------------------------------


def ignore_patterns(paths: BuildPaths) -> list[str]:
    """The patterns of `<dockerfile>.dockerignore` beside the Dockerfile, else of the context's `.dockerignore`."""
    own = paths.dockerfile.with_name(f"{paths.dockerfile.name}.dockerignore")
    for candidate in (own, paths.context / ".dockerignore"):
        if candidate.is_file():
            lines = (line.strip() for line in candidate.read_text(encoding="utf-8").splitlines())
            return [line for line in lines if line and not line.startswith("#")]
    return []


def context_files(paths: BuildPaths) -> list[str]:
    """What the builder gets to see, relative to the context and sorted."""
    from docker.utils.build import exclude_paths

    inside = paths.dockerfile_name if paths.dockerfile_inside else ""
    return sorted(str(path) for path in exclude_paths(str(paths.context), ignore_patterns(paths), dockerfile=inside))


def context_digest(paths: BuildPaths) -> str:
    """Changes exactly when a rebuild could give another image: a file's name, mode, content or link target."""
    digest = hashlib.sha256()

    def add(name: str, mode: int, content: bytes) -> None:
        digest.update(f"{name}\0{mode:o}\0".encode())
        digest.update(hashlib.sha256(content).digest())

    add(DEFAULT_DOCKERFILE, 0, paths.dockerfile.read_bytes())
    for name in context_files(paths):
        path = paths.context / name
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            add(name.replace(os.sep, "/"), mode, str(path.readlink()).encode())
        elif stat.S_ISREG(mode):
            add(name.replace(os.sep, "/"), mode, path.read_bytes())
    return digest.hexdigest()


def _context_archive(paths: BuildPaths) -> tuple[Any, str]:
    """The context as a tar file, and the Dockerfile's name in it."""
    from docker.utils.build import tar

    if paths.dockerfile_inside:
        return tar(paths.context, ignore_patterns(paths), (paths.dockerfile_name, None)), paths.dockerfile_name
    content = paths.dockerfile.read_text(encoding="utf-8")
    name = f".dockerfile.{hashlib.sha256(content.encode()).hexdigest()[:20]}"
    return tar(paths.context, ignore_patterns(paths), (name, content)), name


# --- check and diff ---------------------------------------------------------------------------------------------------


def checked(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with the platform and the context's digest written out, as they are recorded and compared."""
    build = inputs.get("build")
    if build is UNKNOWN:
        return dict(inputs)
    build = dict(build or {})
    if build.get("platform") is None:
        build["platform"] = host_platform()
    located = build.get("context") is not UNKNOWN and build.get("dockerfile") is not UNKNOWN
    build["contextDigest"] = context_digest(BuildPaths.of(build)) if located else UNKNOWN
    return {**inputs, "build": build}


def changes(old: Mapping[str, Any], new: Mapping[str, Any], ignored: Sequence[str] = ()) -> dict[str, str]:
    """Property path -> add, update or delete. Registry credentials are short-lived and never a change."""
    found: dict[str, str] = {}

    def compare(before: Any, after: Any, where: str) -> None:
        if where in ("registry.username", "registry.password"):
            return
        if any(where == path or where.startswith((f"{path}.", f"{path}[")) for path in ignored):
            return
        if isinstance(before, dict) and isinstance(after, dict):
            for key in sorted({*before, *after}):
                compare(before.get(key), after.get(key), f"{where}.{key}" if where else key)
        elif before is None and after is not None:
            found[where] = "add"
        elif before is not None and after is None:
            found[where] = "delete"
        elif after is UNKNOWN or before != after:
            found[where] = "update"

    # A default spelled out is no change.
    defaults = {"skipPush": False, "buildOnPreview": False}
    compare({**defaults, **old}, {**defaults, **new}, "")
    return found


# --- build and push ---------------------------------------------------------------------------------------------------

Status = Callable[[str], None]


def base_image_substitutes() -> dict[str, str]:
    text = os.environ.get("LOCAL_BASE_IMAGES", "")
    if not text:
        return {}
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ProviderError(f"LOCAL_BASE_IMAGES: got {text!r}, expected a JSON map of image names; correct or unset it")
    return value


def substituted_base(args: Mapping[str, str], dockerfile: str) -> tuple[str, str] | None:
    """(configured, substitute) when this machine replaces the base image that build argument or Dockerfile name."""
    configured = args.get(BASE_IMAGE_ARG)
    if configured is None:
        default = re.search(rf"^\s*ARG\s+{BASE_IMAGE_ARG}=[\"']?([^\s\"']+)", dockerfile, re.MULTILINE | re.IGNORECASE)
        configured = default.group(1) if default else None
    substitute = base_image_substitutes().get(configured) if configured else None
    return (configured, substitute) if configured and substitute else None


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).split())


class _Transcript:
    """Follows a build's output: the step under way and its last lines, for the message when it fails."""

    def __init__(self) -> None:
        self.step = ""
        self.lines: list[str] = []

    def add(self, text: str) -> None:
        for line in filter(str.strip, text.splitlines()):
            if re.match(r"Step \d+/\d+ : ", line):
                self.step, self.lines = line.strip(), []
            else:
                self.lines = [*self.lines, line.rstrip()][-FAILED_STEP_LINES:]

    def failure(self, error: str) -> str:
        message = f"docker build failed at `{self.step}`: {_one_line(error)}" if self.step else f"docker build: {error}"
        if re.match(r"Step \d+/\d+ : FROM ", self.step):
            message += "; the base image is not on this machine and could not be pulled: check its name and the network"
        said = [line for line in self.lines if not re.match(r"\s*---> |Removing intermediate container ", line)]
        return "\n".join([message, *(f"  {line}" for line in said)])


class ImageBuilder:
    """Builds and pushes one image with a Docker engine; `status` gets one line at a time."""

    def __init__(
        self,
        client: docker.APIClient,
        status: Status,
        note: Status,
        cancelled: threading.Event,
    ) -> None:
        self.client = client
        self.status = status
        self.note = note
        self.cancelled = cancelled

    def _stream(self, messages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for message in messages:
            if self.cancelled.is_set():
                raise ProviderError("cancelled; nothing was recorded, the next update builds again")
            yield message

    def _build_args(self, build: Mapping[str, Any], paths: BuildPaths) -> dict[str, str]:
        args = dict(build.get("args") or {})
        base = substituted_base(args, paths.dockerfile.read_text(encoding="utf-8"))
        if base:
            configured, substitute = base
            self.note(f"base image: {substitute} stands in for {configured} on this machine")
            args[BASE_IMAGE_ARG] = substitute
        return args

    def build(self, name: str, build: Mapping[str, Any]) -> str:
        """Builds and tags the image; returns its id, `sha256:…`."""
        import docker.errors

        paths = BuildPaths.of(build)
        args = self._build_args(build, paths)
        archive, dockerfile_name = _context_archive(paths)
        transcript = _Transcript()
        image_id = ""
        try:
            with contextlib.closing(archive):
                output = self.client.build(
                    fileobj=archive,
                    custom_context=True,
                    dockerfile=dockerfile_name,
                    tag=name,
                    buildargs=args,
                    platform=build.get("platform"),
                    labels=json.loads(os.environ.get("LOCAL_IMAGE_LABELS", "{}")),
                    rm=True,
                    forcerm=True,
                    decode=True,
                    timeout=None,  # a step may be silent for as long as it takes
                )
                for message in self._stream(output):
                    if "error" in message:
                        raise ProviderError(transcript.failure(message["error"]))
                    image_id = (message.get("aux") or {}).get("ID", image_id)
                    text = message.get("stream") or message.get("status") or ""
                    transcript.add(text)
                    line = _one_line(text)
                    if line and not line.startswith("--->"):
                        self.status(line)
        except docker.errors.APIError as error:
            raise ProviderError(transcript.failure(str(error.explanation or error))) from None
        return image_id or str(self.client.inspect_image(name)["Id"])  # type: ignore[no-untyped-call]

    def _credentials(self, registry: Mapping[str, Any]) -> dict[str, str] | None:
        username, password = registry.get("username"), registry.get("password")
        if username and password:
            return {"username": username, "password": password}
        return None  # the client then reads ~/.docker/config.json

    def push(self, name: str, registry: Mapping[str, Any]) -> str:
        """Pushes the tagged image; returns `<repository>@sha256:…`."""
        import docker.errors

        repository = repository_of(name)
        tag = name[len(repository) + 1 :] or "latest"
        digest, shown_at = "", 0.0
        try:
            output = self.client.push(
                repository, tag, stream=True, decode=True, auth_config=self._credentials(registry)
            )
            for message in self._stream(output):
                if "error" in message:
                    raise ProviderError(f"docker push {name}: {_one_line(message['error'])}")
                digest = (message.get("aux") or {}).get("Digest", digest)
                line = _one_line(" ".join(filter(None, (message.get("status"), message.get("progress")))))
                if line and time.monotonic() - shown_at >= PUSH_STATUS_SECONDS:
                    shown_at = time.monotonic()
                    self.status(f"push {message['id']}: {line}" if message.get("id") else f"push: {line}")
        except docker.errors.APIError as error:
            raise ProviderError(f"docker push {name}: {_one_line(str(error.explanation or error))}") from None
        if not digest:
            known = self.client.inspect_image(name).get("RepoDigests") or []  # type: ignore[no-untyped-call]
            digests = [entry.partition("@")[2] for entry in known if entry.startswith(f"{repository}@")]
            if not digests:
                raise ProviderError(f"docker push {name}: the registry named no digest; push again")
            digest = digests[-1]
        self.status(f"pushed {digest}")
        return f"{repository}@{digest}"


def refuse_foreign_registry(name: str) -> None:
    registry = registry_of(name)
    if registry is None or not is_loopback(registry):
        raise ProviderError(
            f"imageName: got {name!r}, expected a registry on this machine such as localhost:4566; "
            "the local docker provider pushes nowhere else, deploy to AWS with the official plugins"
        )


def image_is_in_registry(repo_digest: str, registry: Mapping[str, Any]) -> bool:
    """False only when the registry answers that it does not have the image."""
    repository, _, digest = repo_digest.partition("@")
    address = registry_of(repository)
    if address is None or not digest or not is_loopback(address):
        return True
    path = repository[len(address) + 1 :]
    request = urllib.request.Request(
        f"http://{address}/v2/{path}/manifests/{digest}",
        method="HEAD",
        headers={
            "Accept": "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
        },
    )
    if registry.get("username") and registry.get("password"):
        token = base64.b64encode(f"{registry['username']}:{registry['password']}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.urlopen(request, timeout=CONNECT_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code != 404
    except OSError:
        return True


def _probe(address: str) -> None:
    """Raises OSError, in the system's own words, when nothing listens; the client's own message is four errors deep."""
    url = urllib.parse.urlsplit(address)
    if url.scheme in ("unix", "http+unix"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(CONNECT_SECONDS)
            probe.connect(f"{url.netloc}{url.path}")
    elif url.scheme in ("tcp", "http", "https"):
        socket.create_connection((url.hostname or "localhost", url.port or 2375), CONNECT_SECONDS).close()


def connect() -> docker.APIClient:
    """A client of the engine that DOCKER_HOST or the current docker context names."""
    import docker
    import docker.errors
    from docker.constants import DEFAULT_UNIX_SOCKET
    from docker.context import ContextAPI

    address, name = os.environ.get("DOCKER_HOST"), os.environ.get("DOCKER_CONTEXT")
    if name or not address:
        context = ContextAPI.get_context(name) if name else ContextAPI.get_current_context()
        if context is None and name:
            raise ProviderError(f"DOCKER_CONTEXT: got {name!r}, expected a context of `docker context ls`; correct it")
        address = (context.Host if context else None) or DEFAULT_UNIX_SOCKET
    try:
        _probe(address)
        client = docker.APIClient(base_url=address, version="auto", timeout=CONNECT_SECONDS)
    except (docker.errors.DockerException, OSError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or _one_line(str(error))
        raise ProviderError(f"no Docker daemon answers at {address}: {why}; start Docker and try again") from None
    client.timeout = None  # type: ignore[assignment]  # a push may be silent for as long as it takes
    return client


# --- the provider -----------------------------------------------------------------------------------------------------


def _properties(struct: Any) -> dict[str, Any]:
    """The properties in the clear and without nulls."""
    return {key: reveal(value) for key, value in from_struct(struct).items() if value is not None}


def _only_images(urn: str) -> None:
    kind = urn.split("::")[-2].rpartition("$")[2]
    if kind != IMAGE_TYPE:
        raise ProviderError(f"the local docker provider has {IMAGE_TYPE} only, not {kind}; use the official plugins")


class DockerProvider(Provider):
    version = "4.11.2"

    @answers_errors
    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        failures = [
            provider_pb2.CheckFailure(
                property=key,
                reason=f"docker:{key}: got a setting, expected none, as the local docker provider uses the engine that "
                "DOCKER_HOST or the current docker context names; remove it",
            )
            for key in sorted(set(_properties(request.news)) - set(_ENGINE_CONFIG))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @answers_errors
    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        # As the official image resource: the engine keeps secrets secret by itself.
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    @answers_errors
    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        _only_images(request.urn)
        inputs = _properties(request.news)
        problems = problems_of(inputs)
        if problems:
            return provider_pb2.CheckResponse(
                inputs=request.news,
                failures=[provider_pb2.CheckFailure(property=text.partition(":")[0], reason=text) for text in problems],
            )
        return provider_pb2.CheckResponse(inputs=to_struct(checked(inputs)))

    @answers_errors
    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        _only_images(request.urn)
        found = changes(_properties(request.old_inputs), _properties(request.news), list(request.ignoreChanges))
        kinds = {
            "add": provider_pb2.PropertyDiff.ADD,
            "update": provider_pb2.PropertyDiff.UPDATE,
            "delete": provider_pb2.PropertyDiff.DELETE,
        }
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({path.partition(".")[0] for path in found}),
            detailedDiff={
                path: provider_pb2.PropertyDiff(kind=kinds[kind], inputDiff=True) for path, kind in found.items()
            },
            hasDetailedDiff=True,
        )

    @answers_errors
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        _only_images(request.urn)
        inputs = _properties(request.properties)
        outputs = self._produce(request.urn, inputs, preview=request.preview)
        name = inputs["imageName"]
        return provider_pb2.CreateResponse(id=name if isinstance(name, str) else "", properties=to_struct(outputs))

    @answers_errors
    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        _only_images(request.urn)
        outputs = self._produce(request.urn, _properties(request.news), preview=request.preview)
        return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    @answers_errors
    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        _only_images(request.urn)
        inputs, state = _properties(request.inputs), _properties(request.properties)
        if not inputs:
            raise ProviderError(f"{request.id}: docker images cannot be imported; build them with the program")
        repo_digest = state.get("repoDigest", "")
        if not image_is_in_registry(repo_digest, inputs.get("registry") or {}):
            return provider_pb2.ReadResponse(id="")
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    @answers_errors
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Removes nothing, as the official resource: tags stay, in the registry and in the engine."""
        _only_images(request.urn)
        return empty_pb2.Empty()

    @answers_errors
    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        raise ProviderError(f"the local docker provider has no function {request.tok}; use the official plugins")

    def _produce(self, urn: str, inputs: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
        """The image's outputs; builds and pushes it unless this is a preview."""
        name = inputs["imageName"]
        build = inputs.get("build", {})
        registry = inputs.get("registry", {})
        outputs = {
            "imageName": name,
            "baseImageName": name,
            "registryServer": registry.get("server", "") if isinstance(registry, dict) else UNKNOWN,
            "repoDigest": UNKNOWN,
        }
        if isinstance(build, dict):
            located = not has_unknown([build.get("context"), build.get("dockerfile")])
            outputs["context"] = build.get("context", ".")
            outputs["dockerfile"] = BuildPaths.of(build).dockerfile_name if located else UNKNOWN
            outputs["platform"] = build.get("platform")
        if preview:
            return outputs

        refuse_foreign_registry(name)
        client = connect()
        with contextlib.closing(client):
            builder = ImageBuilder(
                client,
                status=lambda line: self.log(urn, line, passing=True),
                note=lambda line: self.log(urn, line),
                cancelled=self.cancelled,
            )
            builder.build(name, build)
            outputs["repoDigest"] = builder.push(name, registry)
        return outputs
