import copy
from collections.abc import Mapping
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    container,
    missing,
    not_applicable,
    passes,
    resource,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import Mutant, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
ON_EC2 = {"requiresCompatibilities": ["EC2"]}
HERE = "app.containerDefinitions[app]"
ARCHITECTURE = "app.runtimePlatform.cpuArchitecture"
FAMILY = "app.runtimePlatform.operatingSystemFamily"
WINDOWS_2022 = {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}
ECR = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop/app"
DIGEST = "sha256:" + "a" * 64


def platform(architecture: object = None, family: object = None, **properties: object) -> Resources:
    given = {"cpuArchitecture": architecture, "operatingSystemFamily": family}
    return {"app": task_definition(runtimePlatform={key: each for key, each in given.items() if each}, **properties)}


def image(built_for: object) -> Mapping[str, Any]:
    """An image of pulumi-docker; None leaves out the platform."""
    build = {"context": "."} if built_for is None else {"context": ".", "platform": built_for}
    return resource("docker:index/image:Image", imageName=f"{ECR}:1", build=build)


def buildx(*platforms: object) -> Mapping[str, Any]:
    """An image of pulumi-docker-build."""
    built = resource("docker-build:index:Image", tags=[f"{ECR}:1"], platforms=list(platforms))
    return {**built, "outputs": {"digest": DIGEST, "ref": f"{ECR}:1@{DIGEST}"}}


def running(
    built: Mapping[str, Any], reference: object, runtime: Mapping[str, object] | None, **properties: object
) -> Resources:
    """A task that runs a built image."""
    if runtime is not None:
        properties["runtimePlatform"] = runtime
    return {"image": built, "app": task_definition(container(image=reference), **properties)}


ARM = {"cpuArchitecture": "ARM64"}
INTEL = {"cpuArchitecture": "X86_64"}

EXAMPLES = {
    "TD-15": [
        violates(
            "Docker's name of a processor",
            platform("amd64"),
            at={ARCHITECTURE},
            says=(
                'TaskDefinition \'app\' runtimePlatform.cpuArchitecture: got "amd64", expected one of "X86_64", '
                '"ARM64"; change cpuArchitecture'
            ),
        ),
        violates("an operating system that does not exist", platform(family="WINDOWS"), at={FAMILY}),
        violates("a Windows that Fargate lacks", platform(family="WINDOWS_SERVER_2016_FULL", **FARGATE), at={FAMILY}),
        violates("Windows on ARM", platform("ARM64", "WINDOWS_SERVER_2022_CORE"), at={ARCHITECTURE}),
        passes("Linux on ARM", platform("ARM64", "LINUX", **FARGATE)),
        passes("Windows", platform("X86_64", "WINDOWS_SERVER_2025_FULL", **FARGATE)),
        passes("an old Windows on EC2", platform(family="WINDOWS_SERVER_2016_FULL", **ON_EC2)),
        missing("no platform: Linux", {"app": task_definition(**FARGATE)}),
        unknown(
            "an unknown processor hides no wrong system",
            platform(not_known(), "WINDOWS"),
            at={FAMILY},
            not_evaluated={ARCHITECTURE},
        ),
        not_applicable("no task definition", {}),
    ],
    "TD-16": [
        violates(
            "an Intel image on ARM",
            running(image("linux/amd64"), "${image.repoDigest}", ARM, **FARGATE),
            at={ARCHITECTURE},
            says=(
                "TaskDefinition 'app' runtimePlatform.cpuArchitecture: got \"ARM64\", expected the platform that Image "
                "'image' is built for, \"linux/amd64\"; build the image for linux/arm64, or change runtimePlatform"
            ),
        ),
        violates(
            "also in a first preview, when the digest is unknown",
            running(image("linux/amd64"), "${image.repoDigest}", ARM, **FARGATE),
            at={ARCHITECTURE},
            preview=True,
        ),
        violates(
            "an ARM image where nothing is said",
            running(image("linux/arm64"), "${image.repoDigest}", None, **FARGATE),
            at={ARCHITECTURE},
            says=(
                "TaskDefinition 'app' runtimePlatform.cpuArchitecture: got nothing, expected the platform that Image "
                "'image' is built for, \"linux/arm64\" (nothing means X86_64); build the image for linux/amd64, or "
                "change runtimePlatform"
            ),
        ),
        violates("by tag", running(image("linux/arm64"), f"{ECR}:1", INTEL), at={ARCHITECTURE}),
        violates(
            "built by buildx, by repository and digest",
            running(buildx("linux/arm64", "linux/arm/v7"), f"{ECR}@{DIGEST}", INTEL),
            at={ARCHITECTURE},
        ),
        violates(
            "a Linux image on Windows",
            running(
                image("linux/amd64"),
                "${image.repoDigest}",
                {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
                **FARGATE,
            ),
            at={ARCHITECTURE},
        ),
        passes("an ARM image on ARM", running(image("linux/arm64/v8"), "${image.repoDigest}", ARM)),
        passes("an image for both", running(buildx("linux/amd64", "linux/arm64"), "${image.ref}", ARM)),
        passes("another image", running(image("linux/amd64"), "public.ecr.aws/nginx/nginx:1.27", ARM)),
        missing(
            "nobody says what the image is built for",
            running(image(None), "${image.repoDigest}", ARM),
            not_evaluated={"image.build.platform"},
        ),
        missing(
            "nobody says what the instances are",
            running(image("linux/amd64"), "${image.repoDigest}", None, **ON_EC2),
            not_evaluated={ARCHITECTURE},
        ),
        unknown(
            "two images may be meant",
            {
                "image": image("linux/amd64"),
                "sidecar": image("linux/arm64"),
                "app": task_definition(
                    container(image="${image.repoDigest}"),
                    container(image="${sidecar.repoDigest}"),
                    runtimePlatform=ARM,
                ),
            },
            not_evaluated={"app.containerDefinitions"},
        ),
        unknown(
            "an unknown processor",
            running(image("linux/amd64"), "${image.repoDigest}", {"cpuArchitecture": not_known()}),
            not_evaluated={ARCHITECTURE},
        ),
        not_applicable(
            "no image is built here", {"app": task_definition(container(image="httpd"), runtimePlatform=ARM)}
        ),
    ],
    "TD-17": [
        violates(
            "a read-only root file system",
            {"app": task_definition(container(readonlyRootFilesystem=True), **WINDOWS_2022)},
            at={f"{HERE}.readonlyRootFilesystem"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].readonlyRootFilesystem: got true, expected nothing "
                "with Windows containers; remove readonlyRootFilesystem"
            ),
        ),
        violates(
            "namespaces and limits",
            {
                "app": task_definition(
                    container(ulimits=[{"name": "nofile"}], linuxParameters={"initProcessEnabled": True}),
                    pidMode="task",
                    ipcMode="task",
                    **WINDOWS_2022,
                )
            },
            at={"app.pidMode", "app.ipcMode", f"{HERE}.ulimits", f"{HERE}.linuxParameters"},
        ),
        passes(
            "what Windows has",
            {
                "app": task_definition(
                    container(user="ContainerUser", privileged=False, readonlyRootFilesystem=False), **WINDOWS_2022
                )
            },
        ),
        missing("none of them", {"app": task_definition(**WINDOWS_2022)}),
        unknown(
            "unknown containers hide no pidMode",
            {"app": task_definition(containerDefinitions=not_known(), pidMode="task", **WINDOWS_2022)},
            at={"app.pidMode"},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("Linux", {"app": task_definition(container(readonlyRootFilesystem=True), pidMode="task")}),
    ],
}


def _windows() -> Resources:
    """The good Fargate stack with Windows, and with a Windows image."""
    changed = copy.deepcopy(dict(good_stacks.FARGATE))
    changed["image"]["properties"]["build"]["platform"] = "windows/amd64"
    app = changed["app"]["properties"]
    app["runtimePlatform"]["operatingSystemFamily"] = "WINDOWS_SERVER_2022_CORE"
    app |= {"cpu": "1024", "memory": "2048"}
    return changed


MUTANTS = {
    "TD-15": [mutant("Docker's name", good_stacks.FARGATE, "app", runtimePlatform={"cpuArchitecture": "amd64"})],
    "TD-16": [
        mutant("ARM", good_stacks.FARGATE, "app", runtimePlatform={"cpuArchitecture": "ARM64"}),
        mutant("an ARM image", good_stacks.EC2, "image", build={"context": "app_image", "platform": "linux/arm64"}),
    ],
    "TD-17": [Mutant("a read-only root file system on Windows", _windows())],
}
