import json

from tests.policy import good_stacks
from tests.policy.example import (
    container,
    missing,
    not_applicable,
    passes,
    resource,
    service,
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


POINT = {"accessPointId": "fsap-1"}


def at_launch(*given: object, name: str = "") -> Resources:
    """A service that configures the volume of this name."""
    configured = {"volumeConfiguration": {"name": name, "managedEbsVolume": {"sizeInGb": 20}}} if name else {}
    return {**volumes(*given), "web": service(taskDefinition="${app.arn}", **configured)}


def disk(principal: str, **settings: object) -> Resources:
    return {
        "role": resource("aws:iam/role:Role", assumeRolePolicy=good_stacks.trust(principal)),
        "web": service(
            volumeConfiguration={"name": "heap", "managedEbsVolume": {"roleArn": "${role.arn}", **settings}}
        ),
    }


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
        passes("what VO-01 tells of", efs(transitEncryption="DISABLED", authorizationConfig={"iam": "ENABLED"})),
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
    "VO-01": [
        violates(
            "a root directory beside an access point",
            efs(transitEncryption="ENABLED", rootDirectory="/uploads", authorizationConfig=POINT),
            at={"app.volumes[0].efsVolumeConfiguration.rootDirectory"},
            says=(
                "TaskDefinition 'app' volumes[0].efsVolumeConfiguration.rootDirectory: got \"/uploads\", "
                'expected nothing, or "/", with an access point; remove it, or set it on the access point'
            ),
        ),
        violates(
            "an access point without encryption in transit",
            efs(authorizationConfig=POINT),
            at={"app.volumes[0].efsVolumeConfiguration.transitEncryption"},
        ),
        violates(
            "IAM without encryption in transit",
            efs(transitEncryption="DISABLED", authorizationConfig={"iam": "ENABLED"}),
            at={"app.volumes[0].efsVolumeConfiguration.transitEncryption"},
        ),
        violates(
            "the second volume",
            volumes(
                {"name": "a"},
                {"name": "b", "efsVolumeConfiguration": {**EFS, "rootDirectory": "a", "authorizationConfig": POINT}},
            ),
            at={"app.volumes[1].efsVolumeConfiguration.rootDirectory"},
        ),
        passes("an access point alone", efs(transitEncryption="ENABLED", authorizationConfig=POINT)),
        passes(
            "the root of the access point",
            efs(transitEncryption="ENABLED", rootDirectory="/", authorizationConfig=POINT),
        ),
        passes("a root directory without access point", efs(transitEncryption="ENABLED", rootDirectory="/uploads")),
        passes("neither access point nor IAM", efs()),
        missing("no EFS volume", volumes({"name": "data"})),
        unknown(
            "an access point of the stack and an unknown directory",
            {
                "point": resource("aws:efs/accessPoint:AccessPoint", fileSystemId="fs-1"),
                **efs(
                    transitEncryption="ENABLED",
                    rootDirectory=not_known(),
                    authorizationConfig={"accessPointId": "${point.id}"},
                ),
            },
            not_evaluated={"app.volumes[0].efsVolumeConfiguration.rootDirectory"},
        ),
        not_applicable("no volumes", {"app": task_definition()}),
    ],
    "VO-02": [
        violates(
            "nobody configures it",
            at_launch({"name": "heap", "configureAtLaunch": True}),
            at={"web.volumeConfiguration"},
            says=(
                "Service 'web' volumeConfiguration: got nothing, expected one for volume \"heap\", which "
                "TaskDefinition 'app' leaves to the launch; set volumeConfiguration with this name"
            ),
        ),
        violates(
            "a volume that the task definition configures",
            at_launch({"name": "heap"}, name="heap"),
            at={"web.volumeConfiguration.name"},
        ),
        violates(
            "another name",
            at_launch({"name": "heap", "configureAtLaunch": True}, name="disk"),
            at={"web.volumeConfiguration.name"},
        ),
        violates("no volume at all", at_launch(name="heap"), at={"web.volumeConfiguration.name"}, preview=True),
        passes("the same volume", at_launch({"name": "heap", "configureAtLaunch": True}, name="heap")),
        passes(
            "the same volume, in a first preview",
            at_launch({"name": "heap", "configureAtLaunch": True}, name="heap"),
            preview=True,
        ),
        passes("beside others", at_launch({"name": "tmp"}, {"name": "heap", "configureAtLaunch": True}, name="heap")),
        passes("volumes that are configured", at_launch({"name": "data", "efsVolumeConfiguration": EFS})),
        missing("no volumes", at_launch()),
        unknown(
            "a task definition of another stack",
            {"web": service(taskDefinition=not_known(), volumeConfiguration={"name": "heap"})},
            not_evaluated={"web.taskDefinition"},
        ),
        not_applicable("no service", volumes({"name": "heap", "configureAtLaunch": True})),
    ],
    "VO-03": [
        violates(
            "a role for tasks",
            disk("ecs-tasks.amazonaws.com", sizeInGb=20),
            at={"web.volumeConfiguration.managedEbsVolume.roleArn"},
            says=(
                "Service 'web' volumeConfiguration.managedEbsVolume.roleArn: got "
                '"arn:aws:test:ap-northeast-1:123456789012:Role/role", expected a role that '
                "ecs.amazonaws.com may assume, which Role 'role' does not let it; allow that service "
                "sts:AssumeRole"
            ),
        ),
        violates(
            "io2 without a number of operations",
            disk("ecs.amazonaws.com", sizeInGb=20, volumeType="io2"),
            at={"web.volumeConfiguration.managedEbsVolume.iops"},
        ),
        violates(
            "a disk with the settings of others",
            disk("ecs.amazonaws.com", sizeInGb=100, volumeType="st1", iops=3000, throughput=200),
            at={
                "web.volumeConfiguration.managedEbsVolume.iops",
                "web.volumeConfiguration.managedEbsVolume.sizeInGb",
                "web.volumeConfiguration.managedEbsVolume.throughput",
            },
        ),
        passes("gp3 with both", disk("ecs.amazonaws.com", sizeInGb=1, volumeType="gp3", iops=3000, throughput=200)),
        passes("io1 with its number", disk("ecs.amazonaws.com", sizeInGb=4, volumeType="io1", iops=100)),
        violates("no size", disk("ecs.amazonaws.com"), at={"web.volumeConfiguration.managedEbsVolume.sizeInGb"}),
        passes("a role for ECS, and a size", disk("ecs.amazonaws.com", sizeInGb=20)),
        passes("the size of a snapshot", disk("ecs.amazonaws.com", snapshotId="snap-1")),
        missing("no volume", {"web": service()}),
        unknown(
            "a role of another stack",
            {
                "web": service(
                    volumeConfiguration={"name": "heap", "managedEbsVolume": {"roleArn": not_known(), "sizeInGb": 9}}
                )
            },
            not_evaluated={"web.volumeConfiguration.managedEbsVolume.roleArn"},
        ),
        not_applicable("no service", volumes({"name": "heap"})),
    ],
}

ON_DISK = {
    **good_stacks.FARGATE,
    "disks": resource("aws:iam/role:Role", assumeRolePolicy=good_stacks.trust("ecs.amazonaws.com")),
    "app": mutant("", good_stacks.FARGATE, "app", volumes=[{"name": "heap", "configureAtLaunch": True}]).resources[
        "app"
    ],
    "web": mutant(
        "",
        good_stacks.FARGATE,
        "web",
        volumeConfiguration={"name": "heap", "managedEbsVolume": {"roleArn": "${disks.arn}", "sizeInGb": 20}},
    ).resources["web"],
}
"""The good stack for Fargate with a disk for each task: good, too."""

MUTANTS = {
    "VO-01": [
        mutant(
            "a root directory",
            good_stacks.FARGATE,
            "app",
            volumes=[
                {
                    "name": "data",
                    "efsVolumeConfiguration": {**EFS, "rootDirectory": "/a", "authorizationConfig": POINT},
                }
            ],
        )
    ],
    "VO-02": [mutant("another name", ON_DISK, "web", volumeConfiguration={"name": "disk"})],
    "VO-03": [
        mutant("a role for tasks", ON_DISK, "disks", assumeRolePolicy=good_stacks.trust("ecs-tasks.amazonaws.com"))
    ],
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
