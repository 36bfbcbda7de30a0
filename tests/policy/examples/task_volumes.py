import json

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
from tests.policy.good_stacks import mutant
from tests.policy.stacks import UNKNOWN, Resources
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
ON_EC2 = {"requiresCompatibilities": ["EC2"]}
HERE = "app.containerDefinitions[app]"
EFS = {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}
FILES = resource("aws:efs/fileSystem:FileSystem")


def volumes(*given: object, **properties: object) -> Resources:
    return {"app": task_definition(volumes=list(given), **properties)}


def efs(**configuration: object) -> Resources:
    return volumes({"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", **configuration}}, **FARGATE)


def mounted(name: object, *given: object) -> Resources:
    return {"app": task_definition(container(mountPoints=[{"sourceVolume": name}]), volumes=list(given))}


def mounted_from(name: object) -> Resources:
    return {"app": task_definition(container(volumesFrom=[{"sourceContainer": name}]), container(name="data"))}


EXAMPLES = {
    "TD-12": [
        violates(
            "a folder of the host on Fargate",
            volumes({"name": "data", "hostPath": "/srv"}, **FARGATE),
            at={"app.volumes[0].hostPath"},
            says=(
                "TaskDefinition 'app' volumes[0].hostPath: got \"/srv\", expected nothing on Fargate; "
                "use the task's ephemeral storage, EFS or a volume at launch"
            ),
        ),
        violates(
            "every volume that Fargate lacks",
            volumes(
                {"name": "a", "dockerVolumeConfiguration": {"scope": "task"}},
                {"name": "b", "fsxWindowsFileServerVolumeConfiguration": {"fileSystemId": "fs-1"}},
                requiresCompatibilities=["FARGATE", "EC2"],
            ),
            at={
                "app.volumes[0].dockerVolumeConfiguration",
                "app.volumes[1].fsxWindowsFileServerVolumeConfiguration",
            },
        ),
        violates(
            "two sources",
            volumes({"name": "data", "hostPath": "/srv", "efsVolumeConfiguration": EFS}, **ON_EC2),
            at={"app.volumes[0]"},
            says=(
                "TaskDefinition 'app' volumes[0]: got efsVolumeConfiguration and hostPath, expected one of them; "
                "keep one, and make a volume of its own of each other"
            ),
        ),
        violates(
            "two volumes at launch",
            volumes({"name": "a", "configureAtLaunch": True}, {"name": "b", "configureAtLaunch": True}),
            at={"app.volumes[1].configureAtLaunch"},
        ),
        passes(
            "ephemeral storage, EFS and one volume at launch",
            volumes(
                {"name": "a"},
                {"name": "b", "efsVolumeConfiguration": EFS, "hostPath": "", "configureAtLaunch": False},
                {"name": "c", "configureAtLaunch": True},
                **FARGATE,
            ),
        ),
        passes("a folder of the host on EC2", volumes({"name": "data", "hostPath": "/srv"}, **ON_EC2)),
        missing("no source: the task's own storage", volumes({"name": "data"}, **FARGATE)),
        unknown("unknown volumes", {"app": task_definition(volumes=not_known())}, not_evaluated={"app.volumes"}),
        unknown(
            "one unknown volume hides no other",
            volumes(not_known(), {"name": "data", "hostPath": "/srv"}, **FARGATE),
            at={"app.volumes[1].hostPath"},
            not_evaluated={"app.volumes[0].configureAtLaunch"},
        ),
        not_applicable("no volumes", {"app": task_definition(**FARGATE)}),
    ],
    "TD-31": [
        violates(
            "a volume that is not there",
            mounted("data", {"name": "cache"}),
            at={f"{HERE}.mountPoints[0].sourceVolume"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].mountPoints[0].sourceVolume: got \"data\", expected "
                'a volume of the task, which has "cache"; change sourceVolume, or add the volume'
            ),
        ),
        violates("a container that is not there", mounted_from("db"), at={f"{HERE}.volumesFrom[0].sourceContainer"}),
        violates("the container itself", mounted_from("app"), at={f"{HERE}.volumesFrom[0].sourceContainer"}),
        passes("a volume that is there", mounted("data", {"name": "cache"}, {"name": "data"})),
        passes("a container that is there", mounted_from("data")),
        missing("no name", mounted(None, {"name": "data"}), at={f"{HERE}.mountPoints[0].sourceVolume"}),
        missing("no volumes at all", mounted("data"), at={f"{HERE}.mountPoints[0].sourceVolume"}),
        unknown(
            "unknown containers",
            {"app": task_definition(containerDefinitions=not_known())},
            not_evaluated={"app.containerDefinitions"},
        ),
        unknown(
            "a volume of unknown name may be the one; the container is missing all the same",
            {
                "app": task_definition(
                    container(mountPoints=[{"sourceVolume": "data"}], volumesFrom=[{"sourceContainer": "db"}]),
                    volumes=[{"name": not_known()}],
                )
            },
            at={f"{HERE}.volumesFrom[0].sourceContainer"},
            not_evaluated={"app.volumes[0].name"},
        ),
        unknown(
            "one unknown mount hides no other",
            {
                "app": task_definition(
                    containerDefinitions=json.dumps(
                        [container(mountPoints=[{"sourceVolume": UNKNOWN}, {"sourceVolume": "data"}])]
                    )
                )
            },
            at={f"{HERE}.mountPoints[1].sourceVolume"},
            not_evaluated={f"{HERE}.mountPoints[0].sourceVolume"},
        ),
        not_applicable("nothing is mounted", volumes({"name": "data"})),
    ],
    "TD-41": [
        violates(
            "switched off",
            efs(transitEncryption="DISABLED"),
            at={"app.volumes[0].efsVolumeConfiguration.transitEncryption"},
            says=(
                "TaskDefinition 'app' volumes[0].efsVolumeConfiguration.transitEncryption: got \"DISABLED\", "
                'expected "ENABLED"; set transitEncryption'
            ),
        ),
        passes("switched on", efs(transitEncryption="ENABLED", authorizationConfig={"iam": "ENABLED"})),
        missing("nothing is said: off", efs(), at={"app.volumes[0].efsVolumeConfiguration.transitEncryption"}),
        unknown(
            "an unknown file system hides no missing encryption",
            {
                "files": FILES,
                **volumes(
                    {"name": "data", "efsVolumeConfiguration": {"fileSystemId": "${files.id}"}},
                    {"name": "more", "efsVolumeConfiguration": {"transitEncryption": not_known()}},
                ),
            },
            at={"app.volumes[0].efsVolumeConfiguration.transitEncryption"},
            not_evaluated={"app.volumes[1].efsVolumeConfiguration.transitEncryption"},
        ),
        not_applicable("another volume", volumes({"name": "data"})),
    ],
}

MUTANTS = {
    "TD-12": [
        mutant("a folder of the host", good_stacks.FARGATE, "app", volumes=[{"name": "data", "hostPath": "/srv"}])
    ],
    "TD-31": [
        mutant(
            "a volume that is not there",
            good_stacks.FARGATE,
            "app",
            container={"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]},
        )
    ],
    "TD-41": [
        mutant(
            "plain EFS",
            good_stacks.FARGATE,
            "app",
            volumes=[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
        )
    ],
}
