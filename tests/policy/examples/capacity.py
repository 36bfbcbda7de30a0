import base64
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    capacity_providers,
    cluster,
    missing,
    not_applicable,
    passes,
    resource,
    service,
    unknown,
    violates,
)
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

ON_EC2 = service(cluster="${main.arn}", launchType="EC2")


def template(script: str) -> dict[str, Any]:
    return resource("aws:ec2/launchTemplate:LaunchTemplate", userData=base64.b64encode(script.encode()).decode())


JOINS_MAIN = template("#!/bin/bash\necho ECS_CLUSTER=main >> /etc/ecs/ecs.config\n")
GROUP = resource("aws:autoscaling/group:Group", launchTemplate={"id": "${template.id}"})


def spot_fleet(script: str) -> dict[str, Any]:
    return resource("aws:ec2/spotFleetRequest:SpotFleetRequest", launchSpecifications=[{"userData": script}])


GUARDED = resource("aws:autoscaling/group:Group", protectFromScaleIn=True)


def named(name: str) -> dict[str, Any]:
    return resource("aws:ecs/capacityProvider:CapacityProvider", name=name)


def provider(**settings: Any) -> dict[str, Any]:
    return resource(
        "aws:ecs/capacityProvider:CapacityProvider",
        name="hosts",
        autoScalingGroupProvider={"autoScalingGroupArn": "${hosts.arn}", **settings},
    )


def provided(launch: dict[str, Any]) -> Resources:
    return {
        "main": cluster(),
        "template": launch,
        "hosts": GROUP,
        "capacity": provider(),
        "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["${capacity.name}"]),
        "web": ON_EC2,
    }


PROTECTED: dict[str, Any] = {"managedTerminationProtection": "ENABLED", "managedScaling": {"status": "ENABLED"}}

EXAMPLES = {
    "LT-08": [
        violates(
            "an instance by a launch template that joins another cluster",
            {
                "main": cluster(),
                "template": template("ECS_CLUSTER=other"),
                "host": resource("aws:ec2/instance:Instance", launchTemplate={"id": "${template.id}"}),
                "web": ON_EC2,
            },
            at={"web.launchType"},
        ),
        passes(
            "an instance by a launch template",
            {
                "main": cluster(),
                "template": JOINS_MAIN,
                "host": resource("aws:ec2/instance:Instance", launchTemplate={"id": "${template.id}"}),
                "web": ON_EC2,
            },
        ),
        violates(
            "a cluster without instances",
            {"main": cluster(), "web": ON_EC2},
            at={"web.launchType"},
            says=(
                "Service 'web' launchType: got \"EC2\", expected Cluster 'main' to have instances: this stack gives it "
                "no capacity provider with an Auto Scaling group and no instance that joins it; add them, or run on "
                "Fargate"
            ),
        ),
        violates(
            "a cluster with Fargate only, in a first preview",
            {
                "main": cluster(),
                "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["FARGATE"]),
                "web": ON_EC2,
            },
            at={"web.launchType"},
            preview=True,
        ),
        violates(
            "the instances join another cluster",
            provided(template("[settings.ecs]\ncluster = 'other'\n")),
            at={"template.userData"},
        ),
        violates(
            "the instances join no cluster by name",
            provided(template("#!/bin/bash\nyum update\n")),
            at={"template.userData"},
        ),
        violates(
            "the only instances of the stack join another cluster",
            {
                "main": cluster(),
                "template": template("ECS_CLUSTER=other"),
                "hosts": GROUP,
                "web": ON_EC2,
            },
            at={"web.launchType"},
        ),
        violates(
            "a Spot fleet that joins another cluster",
            {"main": cluster(), "fleet": spot_fleet("ECS_CLUSTER=other"), "web": ON_EC2},
            at={"web.launchType"},
        ),
        passes("a Spot fleet", {"main": cluster(), "fleet": spot_fleet("ECS_CLUSTER=main"), "web": ON_EC2}),
        passes(
            "a fleet by a launch template",
            {
                "main": cluster(),
                "template": JOINS_MAIN,
                "fleet": resource(
                    "aws:ec2/fleet:Fleet",
                    launchTemplateConfigs=[{"launchTemplateSpecification": {"launchTemplateId": "${template.id}"}}],
                ),
                "web": ON_EC2,
            },
        ),
        passes(
            "a Spot instance",
            {
                "main": cluster(),
                "spot": resource("aws:ec2/spotInstanceRequest:SpotInstanceRequest", userData="ECS_CLUSTER=main"),
                "web": ON_EC2,
            },
        ),
        passes(
            "an external controller has its launch type in task sets",
            {"main": cluster(), "web": service(cluster="${main.arn}", deploymentController={"type": "EXTERNAL"})},
        ),
        unknown(
            "what starts instances in a way that is not read",
            {"main": cluster(), "batch": resource("aws:batch/computeEnvironment:ComputeEnvironment"), "web": ON_EC2},
            not_evaluated={"batch."},
        ),
        passes("a capacity provider", provided(JOINS_MAIN)),
        passes(
            "instances that join by themselves",
            {"main": cluster(), "template": JOINS_MAIN, "hosts": GROUP, "web": ON_EC2},
        ),
        passes(
            "an older launch configuration, for Windows",
            {
                "main": cluster(),
                "old": resource(
                    "aws:ec2/launchConfiguration:LaunchConfiguration",
                    userData='<powershell>Initialize-ECSAgent -Cluster "main" -EnableTaskIAMRole</powershell>',
                ),
                "hosts": resource("aws:autoscaling/group:Group", launchConfiguration="${old.name}"),
                "web": ON_EC2,
            },
        ),
        missing(
            "no launch type, no strategy: EC2",
            {"main": cluster(), "web": service(cluster="${main.arn}")},
            at={"web.launchType"},
        ),
        unknown(
            "a script that is not known yet",
            provided(resource("aws:ec2/launchTemplate:LaunchTemplate", userData=not_known())),
            not_evaluated={"template.userData"},
        ),
        unknown(
            "the cluster is a variable of the script",
            {"main": cluster(), "template": template("ECS_CLUSTER=${CLUSTER}"), "hosts": GROUP, "web": ON_EC2},
            not_evaluated={"template.userData"},
        ),
        unknown(
            "a cluster of another stack",
            {"web": service(cluster=not_known(), launchType="EC2")},
            not_evaluated={"web.cluster"},
        ),
        not_applicable("Fargate", {"main": cluster(), "web": service(cluster="${main.arn}", launchType="FARGATE")}),
    ],
    "LT-10": [
        violates(
            "a reserved beginning",
            {"capacity": named("ecs-hosts")},
            at={"capacity.name"},
            says=(
                "CapacityProvider 'capacity' name: got \"ecs-hosts\", expected 1 to 255 letters, digits, _ or -, not "
                "starting with aws, ecs, fargate; choose another name"
            ),
        ),
        violates("in capitals", {"capacity": named("AWS-hosts")}, at={"capacity.name"}),
        violates("a space", {"capacity": named("my hosts")}, at={"capacity.name"}),
        violates("256 letters", {"capacity": named("a" * 256)}, at={"capacity.name"}),
        passes("a name", {"capacity": named("hosts-1_a")}),
        missing("no name: Pulumi makes one", {"capacity": resource("aws:ecs/capacityProvider:CapacityProvider")}),
        unknown("unknown", {"capacity": named(not_known())}, not_evaluated={"capacity.name"}),
        not_applicable("no capacity provider", {"main": cluster()}),
    ],
    "LT-11": [
        violates(
            "without managed scaling",
            {"hosts": GUARDED, "capacity": provider(managedTerminationProtection="ENABLED")},
            at={"capacity.autoScalingGroupProvider.managedScaling.status"},
            says=(
                "CapacityProvider 'capacity' autoScalingGroupProvider.managedScaling.status: got nothing, expected "
                '"ENABLED" with managed termination protection; set managedScaling.status to "ENABLED", or '
                'managedTerminationProtection to "DISABLED"'
            ),
        ),
        violates(
            "the group does not protect its instances",
            {"hosts": resource("aws:autoscaling/group:Group"), "capacity": provider(**PROTECTED)},
            at={"hosts.protectFromScaleIn"},
            preview=True,
        ),
        passes("both", {"hosts": GUARDED, "capacity": provider(**PROTECTED)}),
        missing("protection not asked for", {"hosts": resource("aws:autoscaling/group:Group"), "capacity": provider()}),
        unknown(
            "a group of another stack",
            {
                "capacity": resource(
                    "aws:ecs/capacityProvider:CapacityProvider",
                    autoScalingGroupProvider={"autoScalingGroupArn": not_known(), **PROTECTED},
                )
            },
            not_evaluated={"capacity.autoScalingGroupProvider.autoScalingGroupArn"},
        ),
        not_applicable("no capacity provider", {"main": cluster()}),
    ],
    "LT-11b": [
        violates(
            "off",
            {"hosts": GUARDED, "capacity": provider(**{**PROTECTED, "managedTerminationProtection": "DISABLED"})},
            at={"capacity.autoScalingGroupProvider.managedTerminationProtection"},
            says=(
                "CapacityProvider 'capacity' autoScalingGroupProvider.managedTerminationProtection: got \"DISABLED\", "
                'expected "ENABLED"; set it, with managedScaling.status "ENABLED" and protectFromScaleIn of the group'
            ),
        ),
        violates(
            "off unless said",
            {"hosts": GUARDED, "capacity": provider()},
            at={"capacity.autoScalingGroupProvider.managedTerminationProtection"},
        ),
        passes("on", {"hosts": GUARDED, "capacity": provider(**PROTECTED)}),
        missing(
            "managed instances, which ECS ends itself",
            {"capacity": resource("aws:ecs/capacityProvider:CapacityProvider", managedInstancesProvider={})},
        ),
        unknown(
            "unknown",
            {"hosts": GUARDED, "capacity": provider(managedTerminationProtection=not_known())},
            not_evaluated={"capacity.autoScalingGroupProvider.managedTerminationProtection"},
        ),
        not_applicable("no capacity provider", {"main": cluster()}),
    ],
}

MUTANTS = {
    "LT-08": [
        mutant(
            "another cluster",
            good_stacks.EC2,
            "template",
            userData=template("ECS_CLUSTER=other")["properties"]["userData"],
        )
    ],
    "LT-10": [mutant("reserved", good_stacks.EC2, "capacity", name="fargate-hosts")],
    "LT-11": [mutant("no protection", good_stacks.EC2, "hosts", protectFromScaleIn=False)],
    "LT-11b": [
        mutant(
            "off",
            good_stacks.EC2,
            "capacity",
            autoScalingGroupProvider={"autoScalingGroupArn": "${hosts.arn}", "managedScaling": {"status": "ENABLED"}},
        )
    ],
}
