from typing import Any

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
from tests.policy.stacks import Resources

GROUP = resource("aws:ec2/securityGroup:SecurityGroup", vpcId="${vpc.id}")


def subnet(zone: str, vpc: str = "vpc", cidr: str = "10.0.1.0/24") -> dict[str, Any]:
    return resource("aws:ec2/subnet:Subnet", vpcId=f"${{{vpc}.id}}", cidrBlock=cidr, availabilityZone=zone)


def nfs(kind: str, group: str, **peer: Any) -> dict[str, Any]:
    return resource(
        f"aws:vpc/securityGroup{kind}Rule:SecurityGroup{kind}Rule",
        **{"securityGroupId": f"${{{group}.id}}", "ipProtocol": "tcp", "fromPort": 2049, "toPort": 2049, **peer},
    )


def mount(of: str = "a", **properties: Any) -> dict[str, Any]:
    return resource(
        "aws:efs/mountTarget:MountTarget",
        **{
            "fileSystemId": "${files.id}",
            "subnetId": f"${{{of}.id}}",
            "securityGroups": ["${shareSg.id}"],
            **properties,
        },
    )


def mounting(system: Any = "${files.id}", **properties: Any) -> dict[str, Any]:
    return task_definition(
        container(image="nginx"),
        **{
            "volumes": [{"name": "files", "efsVolumeConfiguration": {"fileSystemId": system}}],
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            **properties,
        },
    )


VPC = resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16", enableDnsHostnames=True)
CLOSED: Resources = {
    "vpc": VPC,
    "a": subnet("eu-west-1a"),
    "taskSg": GROUP,
    "shareSg": GROUP,
    "files": resource("aws:efs/fileSystem:FileSystem", encrypted=True),
    "mountA": mount(),
    "app": mounting(),
    "web": service(
        taskDefinition="${app.arn}",
        launchType="FARGATE",
        networkConfiguration={"subnets": ["${a.id}"], "securityGroups": ["${taskSg.id}"]},
    ),
}
OUT = nfs("Egress", "taskSg", referencedSecurityGroupId="${shareSg.id}")
IN = nfs("Ingress", "shareSg", referencedSecurityGroupId="${taskSg.id}")
OPEN: Resources = {**CLOSED, "out": OUT, "in": IN}
TWO_ZONES: Resources = {
    **OPEN,
    "b": subnet("eu-west-1b", cidr="10.0.2.0/24"),
    "web": service(
        taskDefinition="${app.arn}",
        launchType="FARGATE",
        networkConfiguration={"subnets": ["${a.id}", "${b.id}"], "securityGroups": ["${taskSg.id}"]},
    ),
}
POINT = resource("aws:efs/accessPoint:AccessPoint", fileSystemId="${files.id}")


def through(access_point: str, **others: dict[str, Any]) -> Resources:
    """The tasks mount `files` through an access point."""
    efs = {"fileSystemId": "${files.id}", "authorizationConfig": {"accessPointId": access_point}}
    return {**OPEN, **others, "app": mounting(volumes=[{"name": "files", "efsVolumeConfiguration": efs}])}


FILE_SYSTEM = "app.volumes[0].efsVolumeConfiguration.fileSystemId"

EXAMPLES = {
    "FS-01": [
        violates(
            "an access point of another file system",
            through(
                "${point.id}",
                point=resource("aws:efs/accessPoint:AccessPoint", fileSystemId="${other.id}"),
                other=resource("aws:efs/fileSystem:FileSystem", encrypted=True),
            ),
            at={"app.volumes[0].efsVolumeConfiguration.authorizationConfig.accessPointId"},
        ),
        passes("an access point of its own", through("${point.id}", point=POINT)),
        passes("an access point of another stack", through("fsap-0123456789abcdef0")),
        violates(
            "the share lets nobody in",
            {**CLOSED, "out": OUT},
            at={"mountA.securityGroups"},
            says=(
                "MountTarget 'mountA' securityGroups: got [\"securitygroup-shareSg\"], expected a group "
                "that lets TCP in on port 2049 from the tasks of Service 'web' (SecurityGroup 'taskSg'), "
                "which SecurityGroup 'shareSg' does not; add an ingress rule for that port and group"
            ),
        ),
        violates("in a first preview", {**CLOSED, "out": OUT}, at={"mountA.securityGroups"}, preview=True),
        violates("the tasks let nothing out", {**CLOSED, "in": IN}, at={"web.networkConfiguration.securityGroups"}),
        violates(
            "another port",
            {
                **OPEN,
                "in": nfs("Ingress", "shareSg", referencedSecurityGroupId="${taskSg.id}", fromPort=111, toPort=111),
            },
            at={"mountA.securityGroups"},
        ),
        violates(
            "no mount target",
            {name: each for name, each in OPEN.items() if name != "mountA"},
            at={FILE_SYSTEM},
        ),
        violates("no mount target in one of the zones", TWO_ZONES, at={FILE_SYSTEM}),
        violates(
            "the only mount target is in another VPC",
            {**OPEN, "other": VPC, "theirs": subnet("eu-west-1a", "other"), "mountA": mount("theirs")},
            at={FILE_SYSTEM},
        ),
        violates(
            "a VPC without DNS host names",
            {**OPEN, "vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")},
            at={"vpc.enableDnsHostnames"},
        ),
        passes("both let NFS through", OPEN),
        passes("the same in a first preview", OPEN, preview=True),
        passes("a mount target in each zone", {**TWO_ZONES, "mountB": mount("b")}),
        passes(
            "by networks",
            {
                **CLOSED,
                "out": nfs("Egress", "taskSg", cidrIpv4="10.0.0.0/16"),
                "in": nfs("Ingress", "shareSg", cidrIpv4="10.0.1.0/24"),
            },
        ),
        passes(
            "rules in the groups",
            {
                **CLOSED,
                "taskSg": resource(
                    "aws:ec2/securityGroup:SecurityGroup",
                    vpcId="${vpc.id}",
                    egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}],
                ),
                "shareSg": resource(
                    "aws:ec2/securityGroup:SecurityGroup",
                    vpcId="${vpc.id}",
                    ingress=[{"protocol": "tcp", "fromPort": 2049, "toPort": 2049, "securityGroups": ["${taskSg.id}"]}],
                ),
            },
        ),
        missing("no file system", {**CLOSED, "app": task_definition(networkMode="awsvpc")}),
        unknown(
            "a file system of another stack",
            {**OPEN, "app": mounting("fs-9")},
            not_evaluated={FILE_SYSTEM},
        ),
        unknown(
            "a mount target with the default group",
            {**OPEN, "mountA": mount(securityGroups=None)},
            not_evaluated={"mountA.securityGroups"},
        ),
        unknown(
            "subnets of another stack",
            {
                **OPEN,
                "web": service(
                    taskDefinition="${app.arn}",
                    launchType="FARGATE",
                    networkConfiguration={"subnets": ["subnet-9"], "securityGroups": ["${taskSg.id}"]},
                ),
            },
            not_evaluated={"web.networkConfiguration.subnets[0]"},
        ),
        not_applicable("no service", {"app": mounting("fs-1")}),
    ],
}

G = good_stacks.FARGATE
SHARED: Resources = {
    **G,
    "files": resource("aws:efs/fileSystem:FileSystem", encrypted=True),
    "shareSg": resource("aws:ec2/securityGroup:SecurityGroup", vpcId="${vpc.id}", description="the share"),
    "mountA": mount("privateA"),
    "mountC": mount("privateC"),
    "out": nfs("Egress", "taskSg", referencedSecurityGroupId="${shareSg.id}", description="files"),
    "in": nfs("Ingress", "shareSg", referencedSecurityGroupId="${taskSg.id}", description="files"),
    **{
        name: each
        for name, each in good_stacks.waiting(
            mutant(
                "",
                G,
                "app",
                volumes=[
                    {
                        "name": "files",
                        "efsVolumeConfiguration": {"fileSystemId": "${files.id}", "transitEncryption": "ENABLED"},
                    }
                ],
            ).resources,
            "web",
            "mountA",
            "mountC",
        ).items()
        if name in ("app", "web")
    },
}
"""The good stack for Fargate with a file system: good, too."""

MUTANTS = {"FS-01": [mutant("another port", SHARED, "in", fromPort=22, toPort=22)]}
