import base64
import json
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    capacity_providers,
    cluster,
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
from tests.policy.stacks import unknown as not_known

JOINS = base64.b64encode(b"#!/bin/sh\necho ECS_CLUSTER=main >> /etc/ecs/ecs.config\n").decode()
FOR_ECS = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"


def template(**properties: Any) -> dict[str, Any]:
    return resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        **{"userData": JOINS, "instanceType": "t3.small", "iamInstanceProfile": {"name": "hosts"}, **properties},
    )


def group(**properties: Any) -> dict[str, Any]:
    return resource(
        "aws:autoscaling/group:Group",
        **{"launchTemplate": {"id": "${template.id}"}, "minSize": 1, "maxSize": 3, **properties},
    )


PROVIDER = resource(
    "aws:ecs/capacityProvider:CapacityProvider",
    name="hosts",
    autoScalingGroupProvider={"autoScalingGroupArn": "${hosts.arn}"},
)


def hosts(launch: dict[str, Any], **of_group: Any) -> Resources:
    return {"template": launch, "hosts": group(**of_group), "capacity": PROVIDER}


def profile(*policies: dict[str, Any]) -> Resources:
    return {
        "role": resource("aws:iam/role:Role", name="hosts"),
        "profile": resource("aws:iam/instanceProfile:InstanceProfile", role="${role.name}"),
        **{f"policy{index}": each for index, each in enumerate(policies)},
        **hosts(template(iamInstanceProfile={"arn": "${profile.arn}"})),
    }


ATTACHED = resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="${role.name}", policyArn=FOR_ECS)


def policy(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return resource("aws:iam/rolePolicy:RolePolicy", role="${role.name}", policy=json.dumps({"Statement": [statement]}))


VPC: Resources = {
    "vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16"),
    "subnet": resource("aws:ec2/subnet:Subnet", vpcId="${vpc.id}", cidrBlock="10.0.1.0/24"),
    "table": resource("aws:ec2/routeTable:RouteTable", vpcId="${vpc.id}"),
    "association": resource(
        "aws:ec2/routeTableAssociation:RouteTableAssociation", subnetId="${subnet.id}", routeTableId="${table.id}"
    ),
    "gateway": resource("aws:ec2/internetGateway:InternetGateway", vpcId="${vpc.id}"),
    "taskSg": resource("aws:ec2/securityGroup:SecurityGroup", vpcId="${vpc.id}"),
}
TO_INTERNET = resource(
    "aws:ec2/route:Route", routeTableId="${table.id}", destinationCidrBlock="0.0.0.0/0", gatewayId="${gateway.id}"
)
NAT: Resources = {
    "nat": resource("aws:ec2/natGateway:NatGateway", connectivityType="public"),
    "route": resource(
        "aws:ec2/route:Route", routeTableId="${table.id}", destinationCidrBlock="0.0.0.0/0", natGatewayId="${nat.id}"
    ),
}


def endpoint(name: str) -> dict[str, Any]:
    return resource(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        vpcId="${vpc.id}",
        serviceName=f"com.amazonaws.eu-west-1.{name}",
        vpcEndpointType="Interface",
        privateDnsEnabled=True,
    )


ENDPOINTS: Resources = {name: endpoint(name) for name in ("ecs", "ecs-agent", "ecs-telemetry")}


def placed(launch: dict[str, Any] | None = None, **of_group: Any) -> Resources:
    return {**VPC, **hosts(launch or template(), **{"vpcZoneIdentifiers": ["${subnet.id}"], **of_group})}


def running(
    app: dict[str, Any], launch: dict[str, Any] | None = None, of_group: dict[str, Any] | None = None, **of_service: Any
) -> Resources:
    return {
        "main": cluster(),
        **hosts(launch or template(), **(of_group or {})),
        "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["${capacity.name}"]),
        "app": app,
        "web": service(
            cluster="${main.arn}",
            taskDefinition="${app.arn}",
            **{
                "capacityProviderStrategies": [{"capacityProvider": "${capacity.name}"}],
                "desiredCount": 1,
                **of_service,
            },
        ),
    }


def task(memory: Any = 512, **fields: Any) -> dict[str, Any]:
    properties = {key: fields.pop(key) for key in ("runtimePlatform", "placementConstraints") if key in fields}
    return task_definition(container(image="nginx", memory=memory, **fields), **properties)


def gpus(number: str) -> dict[str, Any]:
    return task(resourceRequirements=[{"type": "GPU", "value": number}])


ARM = {"cpuArchitecture": "ARM64"}
HERE = "web.taskDefinition"


def mixed(*types: str) -> dict[str, Any]:
    return {
        "launchTemplate": None,
        "mixedInstancesPolicy": {
            "launchTemplate": {
                "launchTemplateSpecification": {"launchTemplateId": "${template.id}"},
                "overrides": [{"instanceType": each} for each in types],
            }
        },
    }


def requiring(memory: int, **requirements: Any) -> Resources:
    """A task of this size on managed instances that are to meet these requirements."""
    launch = {"instanceRequirements": requirements}
    return {
        "main": cluster(),
        "app": task_definition(container(image="nginx", memory=memory), requiresCompatibilities=["MANAGED_INSTANCES"]),
        "managed": resource(
            "aws:ecs/capacityProvider:CapacityProvider",
            name="managed",
            cluster="${main.name}",
            managedInstancesProvider={"instanceLaunchTemplate": launch},
        ),
        "web": service(
            cluster="${main.arn}",
            taskDefinition="${app.arn}",
            capacityProviderStrategies=[{"capacityProvider": "${managed.name}"}],
        ),
    }


def alone(**properties: Any) -> Resources:
    """One instance by the launch template."""
    return {"host": resource("aws:ec2/instance:Instance", launchTemplate={"id": "${template.id}"}, **properties)}


def managed_profile(*policies: dict[str, Any]) -> Resources:
    launch = {"ec2InstanceProfileArn": "${profile.arn}"}
    return {
        "role": resource("aws:iam/role:Role", name="hosts"),
        "profile": resource("aws:iam/instanceProfile:InstanceProfile", role="${role.name}"),
        **{f"policy{index}": each for index, each in enumerate(policies)},
        "managed": resource(
            "aws:ecs/capacityProvider:CapacityProvider",
            name="managed",
            managedInstancesProvider={"instanceLaunchTemplate": launch},
        ),
    }


EXAMPLES = {
    "CI-01": [
        violates(
            "one instance by a launch template without profile",
            {"template": template(iamInstanceProfile=None), **alone()},
            at={"template.iamInstanceProfile"},
        ),
        passes("one by a launch template with a profile", {**profile(ATTACHED), **alone()}),
        passes(
            "one with a profile of its own",
            {
                **{name: each for name, each in profile(ATTACHED).items() if name not in ("hosts", "capacity")},
                "template": template(iamInstanceProfile=None),
                **alone(iamInstanceProfile="${profile.name}"),
            },
        ),
        violates("managed instances by a role that may do nothing", managed_profile(), at={"profile.role"}),
        passes(
            "managed instances by AWS's policy",
            managed_profile(
                {
                    **ATTACHED,
                    "properties": {
                        "role": "${role.name}",
                        "policyArn": "arn:aws:iam::aws:policy/AmazonECSInstanceRolePolicyForManagedInstances",
                    },
                }
            ),
        ),
        violates(
            "a launch template without instance profile",
            hosts(template(iamInstanceProfile=None)),
            at={"template.iamInstanceProfile"},
            says=(
                "LaunchTemplate 'template' iamInstanceProfile: got nothing, expected an instance "
                "profile, with which the agent registers; set iamInstanceProfile"
            ),
        ),
        violates(
            "instances that join by their script",
            {"host": resource("aws:ec2/instance:Instance", instanceType="t3.small", userData="ECS_CLUSTER=main")},
            at={"host.iamInstanceProfile"},
        ),
        violates(
            "an older launch configuration",
            {
                "old": resource("aws:ec2/launchConfiguration:LaunchConfiguration", userData="ECS_CLUSTER=main"),
                "hosts": group(launchTemplate=None, launchConfiguration="${old.name}"),
            },
            at={"old.iamInstanceProfile"},
        ),
        violates(
            "a Spot fleet",
            {
                "fleet": resource(
                    "aws:ec2/spotFleetRequest:SpotFleetRequest",
                    launchSpecifications=[{"instanceType": "t3.small", "userData": "ECS_CLUSTER=main"}],
                )
            },
            at={"fleet.launchSpecifications[0].iamInstanceProfileArn"},
        ),
        violates(
            "a profile without role",
            {**profile(), "profile": resource("aws:iam/instanceProfile:InstanceProfile")},
            at={"profile.role"},
        ),
        violates("a role without policies", profile(), at={"profile.role"}),
        violates("a role that may pull only", profile(policy("ecr:*")), at={"profile.role"}),
        passes("AWS's own policy", profile(ATTACHED)),
        passes("a policy of one's own", profile(policy("ecs:*"))),
        passes(
            "instances that are not for ECS",
            {"host": resource("aws:ec2/instance:Instance", instanceType="t3.small", userData="yum update")},
        ),
        passes(
            "a group that is no capacity of ECS",
            {"template": template(userData=None, iamInstanceProfile=None), "hosts": group()},
        ),
        missing(
            "no script, and no capacity provider",
            {"host": resource("aws:ec2/instance:Instance", instanceType="t3.small")},
        ),
        unknown(
            "a profile of another stack",
            hosts(template(iamInstanceProfile={"arn": not_known()})),
            not_evaluated={"template.iamInstanceProfile.arn"},
        ),
        not_applicable("no instances", {"main": cluster()}),
    ],
    "CI-02": [
        violates(
            "subnets without a way",
            placed(),
            at={"hosts.vpcZoneIdentifiers"},
            says=(
                "Group 'hosts' vpcZoneIdentifiers: got [\"subnet-subnet\"], expected subnets with a way to "
                'ECS, unlike "subnet": no NAT gateway, no public address with an internet gateway, and '
                'no endpoints for "ecs", "ecs-agent", "ecs-telemetry"; choose subnets behind a NAT '
                "gateway, or add the endpoints"
            ),
        ),
        violates("in a first preview", placed(), at={"hosts.vpcZoneIdentifiers"}, preview=True),
        violates(
            "an internet gateway, and no public address",
            {**placed(), "route": TO_INTERNET},
            at={"hosts.vpcZoneIdentifiers"},
        ),
        violates(
            "one endpoint is missing",
            {**placed(), **{name: each for name, each in ENDPOINTS.items() if name != "ecs-agent"}},
            at={"hosts.vpcZoneIdentifiers"},
        ),
        violates(
            "a group that lets nothing out",
            {**placed(template(vpcSecurityGroupIds=["${taskSg.id}"])), **NAT},
            at={"template.vpcSecurityGroupIds"},
        ),
        violates(
            "managed instances",
            {
                **VPC,
                "managed": resource(
                    "aws:ecs/capacityProvider:CapacityProvider",
                    cluster="main",
                    managedInstancesProvider={
                        "instanceLaunchTemplate": {"networkConfiguration": {"subnets": ["${subnet.id}"]}}
                    },
                ),
            },
            at={"managed.managedInstancesProvider.instanceLaunchTemplate.networkConfiguration.subnets"},
        ),
        passes("a NAT gateway", {**placed(), **NAT}),
        passes("endpoints", {**placed(), **ENDPOINTS}),
        passes(
            "a public address",
            {**placed(template(networkInterfaces=[{"associatePublicIpAddress": True}])), "route": TO_INTERNET},
        ),
        passes(
            "a subnet that gives public addresses",
            {
                **placed(),
                "route": TO_INTERNET,
                "subnet": resource(
                    "aws:ec2/subnet:Subnet", vpcId="${vpc.id}", cidrBlock="10.0.1.0/24", mapPublicIpOnLaunch=True
                ),
            },
        ),
        missing("no subnets", hosts(template())),
        unknown(
            "subnets of another stack",
            placed(vpcZoneIdentifiers=["subnet-9"]),
            not_evaluated={"hosts.vpcZoneIdentifiers[0]"},
        ),
        not_applicable(
            "a group that is no capacity of ECS",
            {**VPC, "template": template(userData=None), "hosts": group()},
        ),
    ],
    "CI-03": [
        violates("more memory than managed instances may have", requiring(9000, memoryMib={"max": 8192}), at={HERE}),
        violates(
            "types of managed instances that are all too small",
            requiring(9000, allowedInstanceTypes=["t3.small", "t3.large"]),
            at={HERE},
        ),
        passes("a managed type that holds it", requiring(9000, allowedInstanceTypes=["t3.small", "m7i.2xlarge"])),
        passes("a family of managed types", requiring(9000, allowedInstanceTypes=["t3.small", "m7i.*"])),
        passes("managed instances without requirements", requiring(30000)),
        violates(
            "more memory than there is",
            running(task(30000)),
            at={HERE},
            says=(
                "Service 'web' taskDefinition: got "
                '"arn:aws:ecs:ap-northeast-1:123456789012:task-definition/app:1", expected a task that '
                "an instance of the cluster can hold: t3.small has 2048 MiB, of which the kernel keeps a "
                "part; the task needs 30000; choose a larger type, or change TaskDefinition 'app'"
            ),
        ),
        violates("all the memory that is installed", running(task(2048)), at={HERE}),
        violates(
            "of the task as a whole",
            running(task_definition(container(image="nginx"), cpu="4096", memory="1024")),
            at={HERE},
        ),
        violates(
            "more CPU in all containers together",
            running(task_definition(container(memory=64, cpu=1500), container(name="b", memory=64, cpu=1500))),
            at={HERE},
        ),
        violates("a GPU where there is none", running(gpus("1"), template(instanceType="c6i.xlarge")), at={HERE}),
        violates("more GPUs", running(gpus("2"), template(instanceType="g4dn.xlarge")), at={HERE}),
        violates("another processor", running(task(runtimePlatform=ARM)), at={HERE}),
        violates("no type of a mixture", running(task(9000), of_group=mixed("t3.small", "t3.medium")), at={HERE}),
        violates(
            "a constraint on the type",
            running(
                task(placementConstraints=[{"type": "memberOf", "expression": "attribute:ecs.instance-type =~ g4dn.*"}])
            ),
            at={HERE},
        ),
        violates(
            "memory that the agent reserves",
            running(
                task(1500), template(userData=base64.b64encode(b"ECS_CLUSTER=main\nECS_RESERVED_MEMORY=600\n").decode())
            ),
            at={HERE},
        ),
        violates(
            "a group without instances",
            running(task(), of_group={"maxSize": 0, "minSize": 0}),
            at={"hosts.maxSize"},
        ),
        passes("a small task", running(task(512))),
        passes("a GPU", running(gpus("1"), template(instanceType="g4dn.xlarge"))),
        passes("all GPUs", running(gpus("ALL"), template(instanceType="g4dn.12xlarge"))),
        passes("one type of a mixture", running(task(9000), of_group=mixed("t3.small", "m5.xlarge"))),
        passes("ARM64 on Graviton", running(task(runtimePlatform=ARM), template(instanceType="m6g.large"))),
        passes("a soft limit that fits", running(task(30000, memoryReservation=512))),
        passes(
            "a constraint on the zone",
            running(
                task(
                    placementConstraints=[
                        {"type": "memberOf", "expression": "attribute:ecs.availability-zone == eu-west-1a"}
                    ]
                )
            ),
        ),
        passes("no task, no instance", running(task(), of_group={"maxSize": 0}, desiredCount=0)),
        missing(
            "no type of instances",
            running(task(), template(instanceType=None)),
            not_evaluated={"template.instanceType"},
        ),
        unknown(
            "a type that the table does not have",
            running(task(), template(instanceType="x99.huge")),
            not_evaluated={"template.instanceType"},
        ),
        unknown("memory that the kernel may need", running(task(2000)), not_evaluated={"template.instanceType"}),
        unknown(
            "instances that are not in this stack",
            {
                "main": cluster(),
                "app": task(),
                "web": service(cluster="${main.arn}", launchType="EC2", taskDefinition="${app.arn}"),
            },
            not_evaluated={"web.launchType"},
        ),
        unknown(
            "types that EC2 chooses",
            running(
                task(),
                of_group={
                    "launchTemplate": None,
                    "mixedInstancesPolicy": {
                        "launchTemplate": {
                            "launchTemplateSpecification": {"launchTemplateId": "${template.id}"},
                            "overrides": [{"instanceRequirements": {"memoryMib": {"min": 1024}}}],
                        }
                    },
                },
            ),
            not_evaluated={"hosts.mixedInstancesPolicy.launchTemplate.overrides[0].instanceRequirements"},
        ),
        not_applicable(
            "Fargate",
            {"main": cluster(), "app": task(30000), "web": service(launchType="FARGATE", taskDefinition="${app.arn}")},
        ),
    ],
}

MUTANTS = {
    "CI-01": [mutant("no policy", good_stacks.EC2, "instanceRolePolicy", role="another")],
    "CI-02": [
        mutant(
            "no way out",
            {**good_stacks.EC2, "isolated": good_stacks.EC2["privateTable"]},
            "privateATable",
            routeTableId="${isolated.id}",
        )
    ],
    "CI-03": [mutant("a smaller type", good_stacks.EC2, "template", instanceType="t3.nano")],
}
