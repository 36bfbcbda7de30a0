"""Operating system and processor of tasks."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import Container, DockerImage, TaskDefinition
from ecs_policy.rule import Level, Problem, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import independently, quoted

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_FAMILIES = (
    "LINUX",
    "WINDOWS_SERVER_2004_CORE",
    "WINDOWS_SERVER_2016_FULL",
    "WINDOWS_SERVER_2019_CORE",
    "WINDOWS_SERVER_2019_FULL",
    "WINDOWS_SERVER_2022_CORE",
    "WINDOWS_SERVER_2022_FULL",
    "WINDOWS_SERVER_2025_CORE",
    "WINDOWS_SERVER_2025_FULL",
    "WINDOWS_SERVER_20H2_CORE",
)
_FARGATE_FAMILIES = tuple(each for each in _FAMILIES if not any(old in each for old in ("2004", "2016", "20H2")))
_ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}
"""ECS's names to Docker's."""
_DOCKER_ALIASES = {"x86_64": "amd64", "aarch64": "arm64"}

# `user` is missing on purpose: the API reference calls it unsupported, Security Hub ECS.21 asks for it (see TD-37).
# So is `ephemeralStorage`: the API reference supports it, the developer guide does not.
_NOT_ON_WINDOWS = (
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "extraHosts",
    "linuxParameters",
    "links",
    "privileged",
    "readonlyRootFilesystem",
    "systemControls",
    "ulimits",
)


@resource_rule(
    "TD-15 arch-os",
    on=TaskDefinition,
    title="A task definition names a processor and an operating system that exist together",
    why="ARM64 is for Linux only, and Fargate has not every Windows.",
    level=Level.REJECTED,
    source=f"{_API}/API_RuntimePlatform.html",
)
def arch_os(task_definition: TaskDefinition) -> Iterator[Problem]:
    yield from independently([_architecture(task_definition), _family(task_definition), _pair(task_definition)])


def _architecture(task_definition: TaskDefinition) -> Iterator[Problem]:
    architecture = task_definition["runtimePlatform"]["cpuArchitecture"]
    if architecture.given and architecture.text() not in _ARCHITECTURES:
        yield architecture.problem(f"one of {quoted(_ARCHITECTURES)}", "change cpuArchitecture")


def _family(task_definition: TaskDefinition) -> Iterator[Problem]:
    family = task_definition["runtimePlatform"]["operatingSystemFamily"]
    if not family.given or family.text() == "LINUX":
        return
    if family.text() not in _FAMILIES:
        yield family.problem(f"one of {quoted(_FAMILIES)}", "change operatingSystemFamily")
    elif family.text() not in _FARGATE_FAMILIES and task_definition.for_fargate:
        yield family.problem(f"one of {quoted(_FARGATE_FAMILIES)} on Fargate", "change operatingSystemFamily")


def _pair(task_definition: TaskDefinition) -> Iterator[Problem]:
    architecture = task_definition["runtimePlatform"]["cpuArchitecture"]
    if architecture.text() == "ARM64" and task_definition.for_windows:
        yield architecture.problem('"X86_64" with Windows containers', "change cpuArchitecture")


@stack_rule(
    "TD-16 image-arch-match",
    on=TaskDefinition,
    title="An image is built for the platform that its task runs on",
    why="AWS finds out when the container starts: exec format error, again and again.",
    beyond="What an image that the stack does not build was built for.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=f"{_API}/API_RuntimePlatform.html",
)
def image_arch_match(task_definition: TaskDefinition) -> Iterator[Problem]:
    definitions = task_definition["containerDefinitions"]
    if not task_definition.stack.all(DockerImage):
        return
    if definitions.unknown:
        image = definitions.one(DockerImage)
        checks = [] if image is None else [_built_for(task_definition, image)]
    else:
        checks = [_container_image(task_definition, container) for container in task_definition.containers]
    yield from independently(checks)


def _container_image(task_definition: TaskDefinition, container: Container) -> Iterator[Problem]:
    image = container.built_image
    if image is not None:
        yield from _built_for(task_definition, image)


def _built_for(task_definition: TaskDefinition, image: DockerImage) -> Iterator[Problem]:
    platforms = image.platforms
    architecture = task_definition["runtimePlatform"]["cpuArchitecture"]
    if not architecture.given and not task_definition.for_fargate:
        raise architecture.not_evaluated("is absent: the instances decide")
    name = architecture.text() or "X86_64"
    if name not in _ARCHITECTURES:
        return  # TD-15
    wanted = ("windows" if task_definition.for_windows else "linux", _ARCHITECTURES[name])
    if wanted not in [_platform(each) for each in platforms]:
        assumed = "" if architecture.given else " (nothing means X86_64)"
        yield architecture.problem(
            f"the platform that {image.label} is built for, {quoted(platforms)}{assumed}",
            f"build the image for {'/'.join(wanted)}, or change runtimePlatform",
        )


def _platform(text: str) -> tuple[str, str]:
    """Operating system and architecture of Docker's `linux/arm64/v8`."""
    first, _, rest = text.lower().partition("/")
    system, architecture = (first, rest.partition("/")[0]) if rest else ("linux", first)
    return system, _DOCKER_ALIASES.get(architecture, architecture)


@resource_rule(
    "TD-17 windows",
    on=TaskDefinition,
    title="A task definition for Windows leaves out what only Linux has",
    why="Namespaces, capabilities and the like are parts of the Linux kernel.",
    level=Level.UNSUPPORTED,
    source=f"{_API}/API_ContainerDefinition.html",
)
def windows(task_definition: TaskDefinition) -> Iterator[Problem]:
    if task_definition.for_windows:
        modes = [_not_on_windows(task_definition[name]) for name in ("pidMode", "ipcMode")]
        yield from independently([*modes, _containers_on_windows(task_definition)])


def _containers_on_windows(task_definition: TaskDefinition) -> Iterator[Problem]:
    yield from independently(_container_on_windows(container) for container in task_definition.containers)


def _container_on_windows(container: Container) -> Iterator[Problem]:
    yield from independently(map(_not_on_windows, container.fields(_NOT_ON_WINDOWS)))


def _not_on_windows(place: Value) -> Iterator[Problem]:
    if place.filled:
        yield place.problem("nothing with Windows containers", f"remove {place.path[-1]}")
