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

ROLE = "arn:aws:iam::123456789012:role/ecs"


TEMPLATE = {
    "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/managed",
    "networkConfiguration": {"subnets": ["subnet-1"]},
}


def managed(**properties: Any) -> dict[str, Any]:
    return resource(
        "aws:ecs/capacityProvider:CapacityProvider",
        **{
            "name": "managed",
            "cluster": "${main.name}",
            "managedInstancesProvider": {"infrastructureRoleArn": ROLE, "instanceLaunchTemplate": TEMPLATE},
            **properties,
        },
    )


HOSTS = resource(
    "aws:ecs/capacityProvider:CapacityProvider",
    name="hosts",
    autoScalingGroupProvider={"autoScalingGroupArn": "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:1:x/y"},
)
CLUSTER: Resources = {"main": cluster(), "managed": managed()}


def associated(*names: str) -> Resources:
    return {
        **CLUSTER,
        "providers": capacity_providers(clusterName="${main.name}", capacityProviders=list(names)),
    }


def task(*containers: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return task_definition(*containers, **{"requiresCompatibilities": ["MANAGED_INSTANCES"], **properties})


def running(**properties: Any) -> Resources:
    return {
        **CLUSTER,
        "web": service(
            cluster="${main.arn}", capacityProviderStrategies=[{"capacityProvider": "${managed.name}"}], **properties
        ),
    }


MAY_START = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances"


def starting(policy: str = MAY_START, role: str = "role") -> dict[str, Any]:
    return resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role=f"${{{role}.name}}", policyArn=policy)


def handing_on(named: str, /, *, passes_role: str = "", **instance: Any) -> Resources:
    """An instance role of this name, and an infrastructure role with AWS's policy."""
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": passes_role}
    own = resource("aws:iam/rolePolicy:RolePolicy", role="${role.name}", policy=json.dumps({"Statement": [statement]}))
    template = {**TEMPLATE, "ec2InstanceProfileArn": "${profile.arn}"}
    called: dict[str, Any] = {"name": named} if named else {}
    return {
        **trusting("ecs.amazonaws.com"),
        **({"own": own} if passes_role else {}),
        "instances": resource("aws:iam/role:Role", **called, **instance),
        "profile": resource("aws:iam/instanceProfile:InstanceProfile", role="${instances.name}"),
        "managed": managed(
            managedInstancesProvider={"infrastructureRoleArn": "${role.arn}", "instanceLaunchTemplate": template}
        ),
    }


def trusting(principal: str) -> Resources:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": principal}}
    return {
        "role": resource("aws:iam/role:Role", name="infra", assumeRolePolicy=json.dumps({"Statement": [statement]})),
        "policy": starting(),
        "main": cluster(),
        "managed": managed(
            managedInstancesProvider={"infrastructureRoleArn": "${role.arn}", "instanceLaunchTemplate": TEMPLATE}
        ),
    }


EXAMPLES = {
    "MI-01": [
        violates(
            "no cluster",
            {"managed": managed(cluster=None)},
            at={"managed.cluster"},
            says=(
                "CapacityProvider 'managed' cluster: got nothing, expected the name of the cluster with "
                "managedInstancesProvider; set cluster"
            ),
        ),
        violates(
            "a cluster beside an Auto Scaling group",
            {"hosts": {**HOSTS, "properties": {**HOSTS["properties"], "cluster": "main"}}},
            at={"hosts.cluster"},
        ),
        violates(
            "both kinds",
            {
                "main": cluster(),
                "managed": managed(autoScalingGroupProvider=HOSTS["properties"]["autoScalingGroupProvider"]),
            },
            at={"managed.managedInstancesProvider"},
        ),
        passes("a managed instances provider of its cluster", CLUSTER),
        passes("the same in a first preview", CLUSTER, preview=True),
        passes("one with an Auto Scaling group", {"hosts": HOSTS}),
        missing("neither kind", {"managed": managed(managedInstancesProvider=None, cluster=None)}),
        unknown("an unknown cluster is one", {"managed": managed(cluster=not_known())}, not_evaluated=()),
        not_applicable("no capacity provider", {"main": cluster()}),
    ],
    "MI-02": [
        violates(
            "a managed instances provider is added to its cluster",
            associated("${managed.name}"),
            at={"providers.capacityProviders[0]"},
            says=(
                "ClusterCapacityProviders 'providers' capacityProviders[0]: got \"managed\", expected no "
                "managed instances provider, which CapacityProvider 'managed' is; remove it here: "
                "services of its cluster may use it without"
            ),
        ),
        violates(
            "in a first preview", associated("${managed.arn}"), at={"providers.capacityProviders[0]"}, preview=True
        ),
        violates("beside Fargate", associated("FARGATE", "${managed.name}"), at={"providers.capacityProviders[1]"}),
        violates("by its literal name", associated("managed"), at={"providers.capacityProviders[0]"}),
        passes("Fargate only", associated("FARGATE", "FARGATE_SPOT")),
        passes(
            "one with an Auto Scaling group",
            {
                "hosts": HOSTS,
                "main": cluster(),
                "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["${hosts.name}"]),
            },
        ),
        passes(
            "in the default strategy alone, as the CDK does",
            {
                **CLUSTER,
                "providers": capacity_providers(
                    clusterName="${main.name}",
                    defaultCapacityProviderStrategies=[{"capacityProvider": "${managed.name}"}],
                ),
            },
        ),
        missing("no providers", associated()),
        unknown(
            "a provider of another stack",
            associated("theirs"),
            not_evaluated={"providers.capacityProviders[0]"},
        ),
        not_applicable("no association", CLUSTER),
    ],
    "MI-03": [
        violates(
            "one task on each instance",
            running(schedulingStrategy="DAEMON"),
            at={"web.schedulingStrategy"},
            says=(
                'Service \'web\' schedulingStrategy: got "DAEMON", expected "REPLICA" on managed '
                "instances; remove schedulingStrategy, or make an ECS managed daemon"
            ),
        ),
        violates("network mode bridge", {"app": task(networkMode="bridge")}, at={"app.networkMode"}),
        violates(
            "what Docker's networks have",
            {"app": task(container(links=["a"], hostname="b", extraHosts=[{"hostname": "c", "ipAddress": "d"}]))},
            at={
                "app.containerDefinitions[app].links",
                "app.containerDefinitions[app].hostname",
                "app.containerDefinitions[app].extraHosts",
            },
        ),
        violates(
            "shared memory and swap",
            {"app": task(container(linuxParameters={"sharedMemorySize": 64, "maxSwap": 5}))},
            at={
                "app.containerDefinitions[app].linuxParameters.sharedMemorySize",
                "app.containerDefinitions[app].linuxParameters.maxSwap",
            },
        ),
        violates(
            "Windows",
            {"app": task(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"})},
            at={"app.runtimePlatform.operatingSystemFamily"},
        ),
        violates("ephemeral storage", {"app": task(ephemeralStorage={"sizeInGib": 30})}, at={"app.ephemeralStorage"}),
        violates(
            "a volume of Docker",
            {"app": task(volumes=[{"name": "a", "dockerVolumeConfiguration": {"scope": "task"}}])},
            at={"app.volumes[0].dockerVolumeConfiguration"},
        ),
        passes("network mode awsvpc", {"app": task(networkMode="awsvpc")}),
        passes("network mode none", {"app": task(networkMode="none")}),
        passes(
            "a temporary file system",
            {"app": task(container(linuxParameters={"tmpfs": [{"containerPath": "/a", "size": 1}]}))},
        ),
        passes(
            "network mode host, labels and a folder of the host",
            {
                "app": task(
                    container(dockerLabels={"a": "b"}),
                    networkMode="host",
                    volumes=[{"name": "a", "hostPath": "/var/a"}],
                )
            },
        ),
        passes("also for EC2", {"app": task(requiresCompatibilities=["EC2", "MANAGED_INSTANCES"], networkMode="host")}),
        passes("replicas", running(schedulingStrategy="REPLICA")),
        passes(
            "a daemon on EC2",
            {"main": cluster(), "web": service(cluster="${main.arn}", launchType="EC2", schedulingStrategy="DAEMON")},
        ),
        missing("no network mode: awsvpc", {"app": task()}),
        unknown(
            "unknown containers",
            {"app": task(containerDefinitions=not_known(), networkMode="bridge")},
            at={"app.networkMode"},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("EC2", {"app": task_definition(container(links=["a"]), requiresCompatibilities=["EC2"])}),
    ],
    "MI-04": [
        violates(
            "a role for tasks",
            trusting("ecs-tasks.amazonaws.com"),
            at={"managed.managedInstancesProvider.infrastructureRoleArn"},
            says=(
                "CapacityProvider 'managed' managedInstancesProvider.infrastructureRoleArn: got "
                '"arn:aws:test:ap-northeast-1:123456789012:Role/role", expected a role that '
                "ecs.amazonaws.com may assume, which Role 'role' does not let it; allow that service "
                "sts:AssumeRole in the role's assumeRolePolicy"
            ),
        ),
        violates(
            "a role that may do nothing",
            {name: each for name, each in trusting("ecs.amazonaws.com").items() if name != "policy"},
            at={"managed.managedInstancesProvider.infrastructureRoleArn"},
        ),
        violates(
            "a role that may pull images",
            {
                **trusting("ecs.amazonaws.com"),
                "policy": starting("arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"),
            },
            at={"managed.managedInstancesProvider.infrastructureRoleArn"},
        ),
        passes("a role for ECS", trusting("ecs.amazonaws.com")),
        unknown(
            "a policy of AWS that the pack does not know",
            {**trusting("ecs.amazonaws.com"), "policy": starting("arn:aws:iam::aws:policy/AmazonEC2FullAccess")},
            not_evaluated={"policy.policyArn"},
        ),
        missing("no role", {"main": cluster(), "managed": managed(managedInstancesProvider={})}),
        unknown(
            "a role of another stack",
            {
                "main": cluster(),
                "managed": managed(managedInstancesProvider={"infrastructureRoleArn": not_known()}),
            },
            not_evaluated={"managed.managedInstancesProvider.infrastructureRoleArn"},
        ),
        not_applicable("an Auto Scaling group", {"hosts": HOSTS}),
    ],
    "MI-05": [
        violates(
            "a name of one's own",
            handing_on("hosts"),
            at={"managed.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn"},
            says=(
                "CapacityProvider 'managed' managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn: got "
                '"arn:aws:test:ap-northeast-1:123456789012:InstanceProfile/profile", expected the profile of a role '
                "that Role 'role' may hand on, unlike Role 'instances'; begin its name with ecsInstanceRole, or allow "
                "iam:PassRole on it"
            ),
        ),
        violates(
            "a name that Pulumi makes up",
            handing_on(""),
            at={"managed.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn"},
            preview=True,
        ),
        violates(
            "another role is handed on",
            handing_on("hosts", passes_role="arn:aws:iam::123456789012:role/theirs"),
            at={"managed.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn"},
        ),
        passes("the name that AWS's policy knows", handing_on("ecsInstanceRole-web")),
        passes("its beginning", handing_on("", namePrefix="ecsInstanceRole")),
        passes("a policy of one's own", handing_on("hosts", passes_role="arn:aws:iam::123456789012:role/hosts")),
        missing("no provider", {"main": cluster(), "managed": managed(managedInstancesProvider={})}),
        unknown(
            "a profile of another stack",
            {
                **trusting("ecs.amazonaws.com"),
                "managed": managed(
                    managedInstancesProvider={
                        "infrastructureRoleArn": "${role.arn}",
                        "instanceLaunchTemplate": {"ec2InstanceProfileArn": not_known()},
                    }
                ),
            },
            not_evaluated={"managed.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn"},
        ),
        not_applicable("an Auto Scaling group", {"hosts": HOSTS}),
    ],
}

ON_MANAGED: Resources = {
    **mutant(
        "on managed instances",
        good_stacks.FARGATE,
        "web",
        launchType=None,
        platformVersion=None,
        capacityProviderStrategies=[{"capacityProvider": "${managed.name}", "weight": 1}],
    ).resources,
    "infrastructure": resource("aws:iam/role:Role", assumeRolePolicy=good_stacks.trust("ecs.amazonaws.com")),
    "starts": starting(role="infrastructure"),
    "managed": managed(
        managedInstancesProvider={"infrastructureRoleArn": "${infrastructure.arn}", "instanceLaunchTemplate": TEMPLATE}
    ),
    "app": mutant("", good_stacks.FARGATE, "app", requiresCompatibilities=["MANAGED_INSTANCES"]).resources["app"],
}
"""The good stack for Fargate on managed instances: good, too."""

MUTANTS = {
    "MI-01": [mutant("no cluster", ON_MANAGED, "managed", cluster=None)],
    "MI-02": [mutant("associated", ON_MANAGED, "providers", capacityProviders=["${managed.name}"])],
    "MI-03": [mutant("shared memory", ON_MANAGED, "app", container={"linuxParameters": {"sharedMemorySize": 64}})],
    "MI-04": [
        mutant("a role for EC2", ON_MANAGED, "infrastructure", assumeRolePolicy=good_stacks.trust("ec2.amazonaws.com"))
    ],
}
