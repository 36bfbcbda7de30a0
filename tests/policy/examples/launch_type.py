from tests.policy import good_stacks
from tests.policy.example import (
    capacity_providers,
    cluster,
    missing,
    not_applicable,
    passes,
    resource,
    service,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import Mutant, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

FARGATE = task_definition(requiresCompatibilities=["FARGATE"])
ON_EC2 = task_definition(requiresCompatibilities=["EC2"])
ON_FARGATE = {"app": FARGATE, "web": service(launchType="FARGATE", taskDefinition="${app.arn}")}
SPOT = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
MANAGED_PROVIDER = resource(
    "aws:ecs/capacityProvider:CapacityProvider",
    name="managed",
    cluster="${main.name}",
    managedInstancesProvider={"infrastructureRoleArn": "arn:aws:iam::123456789012:role/ecs"},
)
ASG_PROVIDER = resource("aws:ecs/capacityProvider:CapacityProvider", name="hosts", autoScalingGroupProvider={})


def on_spot(platform_version: object = None, **platform: object) -> Resources:
    return {
        "app": task_definition(runtimePlatform=platform),
        "web": service(capacityProviderStrategies=SPOT, taskDefinition="${app.arn}", platformVersion=platform_version),
    }


WINDOWS_ON_SPOT = {
    **mutant(
        "",
        good_stacks.FARGATE,
        "app",
        cpu="1024",
        memory="2048",
        runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
        container={"readonlyRootFilesystem": None, "user": "ContainerUser"},
    ).resources,
    "image": mutant(
        "", good_stacks.FARGATE, "image", build={"context": "app_image", "platform": "windows/amd64"}
    ).resources["image"],
    "web": mutant("", good_stacks.FARGATE, "web", launchType=None, capacityProviderStrategies=SPOT).resources["web"],
}

EXAMPLES = {
    "LT-01": [
        violates(
            "a Fargate service on an EC2 task definition",
            {"app": ON_EC2, "web": service(launchType="FARGATE", taskDefinition="${app.arn}")},
            at={"web.launchType"},
            says=(
                "Service 'web' launchType: got \"FARGATE\", expected one of \"EC2\" as TaskDefinition 'app' has in "
                "requiresCompatibilities; change the service's launch type, "
                'or add "FARGATE" to requiresCompatibilities'
            ),
        ),
        violates(
            "an EC2 service on a Fargate task definition",
            {"app": FARGATE, "web": service(launchType="EC2", taskDefinition="${app.arn}")},
            at={"web.launchType"},
        ),
        violates(
            "also in a first preview, when the task definition's ARN is unknown",
            {"app": ON_EC2, "web": service(launchType="FARGATE", taskDefinition="${app.arn}")},
            at={"web.launchType"},
            preview=True,
        ),
        violates(
            "a Fargate capacity provider on an EC2 task definition",
            {"app": ON_EC2, "web": service(capacityProviderStrategies=SPOT, taskDefinition="${app.arn}")},
            at={"web.capacityProviderStrategies[0].capacityProvider"},
        ),
        violates(
            "the cluster's default strategy is Fargate, the task definition is for EC2",
            {
                "app": ON_EC2,
                "main": cluster(),
                "fargate": capacity_providers(
                    clusterName="${main.name}",
                    capacityProviders=["FARGATE"],
                    defaultCapacityProviderStrategies=[{"capacityProvider": "FARGATE", "weight": 1}],
                ),
                "web": service(cluster="${main.arn}", taskDefinition="${app.arn}"),
            },
            at={"web.launchType"},
        ),
        passes("a Fargate service on a Fargate task definition", ON_FARGATE),
        passes(
            "an EC2 service on a task definition for both",
            {
                "app": task_definition(requiresCompatibilities=["EC2", "FARGATE"]),
                "web": service(launchType="EC2", taskDefinition="${app.arn}"),
            },
        ),
        missing(
            "a Fargate service on a task definition that declares nothing",
            {"app": task_definition(), "web": service(launchType="FARGATE", taskDefinition="${app.arn}")},
            at={"web.launchType"},
        ),
        missing(
            "an EC2 service on a task definition that declares nothing",
            {"app": task_definition(), "web": service(launchType="EC2", taskDefinition="${app.arn}")},
        ),
        missing(
            "no launch type, in a cluster without a default strategy: EC2",
            {"app": FARGATE, "main": cluster(), "web": service(cluster="${main.arn}", taskDefinition="${app.arn}")},
            at={"web.launchType"},
        ),
        unknown(
            "the launch type comes from another stack",
            {"app": FARGATE, "web": service(launchType=not_known(), taskDefinition="${app.arn}")},
            not_evaluated={"web.launchType"},
        ),
        unknown(
            "two task definitions may be meant",
            {
                "app": FARGATE,
                "old": ON_EC2,
                "web": service(launchType="FARGATE", taskDefinition="${app.arn}${old.arn}"),
            },
            not_evaluated={"web.taskDefinition"},
        ),
        unknown(
            "one unknown task definition silences no other service",
            {
                **ON_FARGATE,
                "api": service(launchType="EC2", taskDefinition="${app.arn}"),
                "other": service(launchType="EC2", taskDefinition=not_known()),
            },
            at={"api.launchType"},
            not_evaluated={"other.taskDefinition"},
        ),
        unknown(
            "the task definition is not in this stack",
            {"web": service(launchType="FARGATE", taskDefinition="arn:aws:ecs:eu-west-1:1:task-definition/x:3")},
            not_evaluated={"web.taskDefinition"},
        ),
        not_applicable("no task definition: task sets bring their own", {"web": service(launchType="FARGATE")}),
    ],
    "LT-02": [
        violates(
            "lower case",
            {"web": service(launchType="fargate")},
            at={"web.launchType"},
            says=(
                'Service \'web\' launchType: got "fargate", expected one of "EC2", "EXTERNAL", "FARGATE"; '
                "use one of these, in capitals"
            ),
        ),
        violates(
            "Managed Instances by launch type",
            {"web": service(launchType="MANAGED_INSTANCES")},
            at={"web.launchType"},
            says=(
                'Service \'web\' launchType: got "MANAGED_INSTANCES", expected one of "EC2", "EXTERNAL", "FARGATE"; '
                "leave launchType out and name the managed instances provider in capacityProviderStrategies"
            ),
        ),
        passes("a launch type that exists", {"web": service(launchType="EXTERNAL")}),
        missing("no launch type", {"web": service()}),
        unknown("from another stack", {"web": service(launchType=not_known())}, not_evaluated={"web.launchType"}),
        not_applicable("no service", {"main": cluster()}),
    ],
    "LT-03": [
        violates(
            "both",
            {"web": service(launchType="FARGATE", capacityProviderStrategies=SPOT)},
            at={"web.launchType"},
            says=(
                "Service 'web' launchType: got \"FARGATE\", expected nothing beside capacityProviderStrategies; "
                "remove launchType or capacityProviderStrategies"
            ),
        ),
        passes("only a strategy", {"web": service(capacityProviderStrategies=SPOT)}),
        passes("an empty strategy is none", {"web": service(launchType="EC2", capacityProviderStrategies=[])}),
        missing("neither", {"web": service()}),
        unknown(
            "a malformed strategy",
            {"web": service(launchType="EC2", capacityProviderStrategies="FARGATE")},
            not_evaluated={"web.capacityProviderStrategies"},
        ),
        not_applicable("no service", {"main": cluster()}),
    ],
    "LT-04": [
        violates(
            "FARGATE_SPOT in a cluster that has FARGATE only",
            {
                "main": cluster(),
                "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["FARGATE"]),
                "web": service(cluster="${main.arn}", capacityProviderStrategies=SPOT),
            },
            at={"web.capacityProviderStrategies[0].capacityProvider"},
            says=(
                "Service 'web' capacityProviderStrategies[0].capacityProvider: got \"FARGATE_SPOT\", expected "
                "a provider of Cluster 'main', which has \"FARGATE\"; add it to capacityProviders of the cluster's "
                "ClusterCapacityProviders, or use one that is there"
            ),
        ),
        violates(
            "in a first preview too: the cluster is found by its dependency",
            {
                "main": cluster(),
                "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["FARGATE"]),
                "web": service(cluster="${main.arn}", capacityProviderStrategies=SPOT),
            },
            at={"web.capacityProviderStrategies[0].capacityProvider"},
            preview=True,
        ),
        violates(
            "a managed instances provider of another cluster",
            {
                "main": cluster(),
                "other": cluster(name="other"),
                "managed": {**MANAGED_PROVIDER, "properties": {**MANAGED_PROVIDER["properties"], "cluster": "other"}},
                "web": service(
                    cluster="${main.arn}", capacityProviderStrategies=[{"capacityProvider": "${managed.name}"}]
                ),
            },
            at={"web.capacityProviderStrategies[0].capacityProvider"},
        ),
        passes(
            "a managed instances provider is of the cluster that it names, without association",
            {
                "main": cluster(),
                "managed": MANAGED_PROVIDER,
                "web": service(
                    cluster="${main.arn}", capacityProviderStrategies=[{"capacityProvider": "${managed.name}"}]
                ),
            },
            preview=True,
        ),
        passes(
            "FARGATE_SPOT is associated",
            {
                "main": cluster(),
                "providers": capacity_providers(
                    clusterName="${main.name}", capacityProviders=["FARGATE", "FARGATE_SPOT"]
                ),
                "web": service(cluster="${main.arn}", capacityProviderStrategies=SPOT),
            },
        ),
        passes(
            "a provider of the stack, by name on one side and by literal on the other",
            {
                "hosts": ASG_PROVIDER,
                "main": cluster(),
                "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["${hosts.name}"]),
                "web": service(
                    cluster="${main.arn}", capacityProviderStrategies=[{"capacityProvider": "hosts", "weight": 1}]
                ),
            },
        ),
        missing(
            "the cluster has no providers at all",
            {"main": cluster(), "web": service(cluster="${main.arn}", capacityProviderStrategies=SPOT)},
            at={"web.capacityProviderStrategies[0].capacityProvider"},
        ),
        unknown(
            "a cluster of another stack",
            {"web": service(cluster=not_known(), capacityProviderStrategies=SPOT)},
            not_evaluated={"web.cluster"},
        ),
        unknown(
            "a provider of another stack",
            {
                "main": cluster(),
                "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["FARGATE"]),
                "web": service(
                    cluster="${main.arn}", capacityProviderStrategies=[{"capacityProvider": not_known()}, *SPOT]
                ),
            },
            at={"web.capacityProviderStrategies[1].capacityProvider"},
            not_evaluated={"web.capacityProviderStrategies[0].capacityProvider"},
        ),
        not_applicable("no strategy", ON_FARGATE),
    ],
    "LT-05": [
        violates(
            "no provider has a weight",
            {"web": service(capacityProviderStrategies=[{"capacityProvider": "FARGATE", "base": 1}])},
            at={"web.capacityProviderStrategies"},
            says=(
                'Service \'web\' capacityProviderStrategies: got [an object with "capacityProvider", "base"], expected '
                "a weight above 0 on at least one provider (0 is the default); set weight to 1 or more"
            ),
        ),
        violates(
            "out of range",
            {"web": service(capacityProviderStrategies=[{"capacityProvider": "FARGATE", "weight": 1001, "base": -1}])},
            at={"web.capacityProviderStrategies[0].weight", "web.capacityProviderStrategies[0].base"},
        ),
        violates(
            "two bases in a cluster's default strategy",
            {
                "providers": capacity_providers(
                    defaultCapacityProviderStrategies=[
                        {"capacityProvider": "FARGATE", "weight": 1, "base": 1},
                        {"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 1},
                    ]
                )
            },
            at={"providers.defaultCapacityProviderStrategies"},
        ),
        violates(
            "more than 20 providers",
            {
                "web": service(
                    capacityProviderStrategies=[{"capacityProvider": f"p{n}", "weight": 1} for n in range(21)]
                )
            },
            at={"web.capacityProviderStrategies"},
        ),
        passes(
            "one base, weights in range",
            {
                "web": service(
                    capacityProviderStrategies=[
                        {"capacityProvider": "FARGATE", "weight": 1, "base": 1},
                        {"capacityProvider": "FARGATE_SPOT", "weight": 1000.0},
                    ]
                )
            },
        ),
        missing("no strategy", {"web": service(launchType="FARGATE")}),
        unknown(
            "an unknown weight hides no other fault",
            {
                "web": service(
                    capacityProviderStrategies=[
                        {"capacityProvider": "FARGATE", "weight": not_known(), "base": 1},
                        {"capacityProvider": "FARGATE_SPOT", "weight": -1, "base": 1},
                    ]
                )
            },
            at={"web.capacityProviderStrategies", "web.capacityProviderStrategies[1].weight"},
            not_evaluated={"web.capacityProviderStrategies[0].weight"},
        ),
        not_applicable("no service", {"main": cluster()}),
    ],
    "LT-09": [
        violates(
            "neither, and no default strategy",
            {"main": cluster(), "web": service(cluster="${main.arn}")},
            at={"web.launchType"},
            says=(
                'Service \'web\' launchType: got nothing, expected one of "EC2", "EXTERNAL", "FARGATE", or '
                "capacityProviderStrategies; set one of them"
            ),
        ),
        passes("a launch type", ON_FARGATE),
        passes(
            "the cluster's default strategy",
            {
                "main": cluster(),
                "providers": capacity_providers(
                    clusterName="${main.name}",
                    capacityProviders=["FARGATE"],
                    defaultCapacityProviderStrategies=[{"capacityProvider": "FARGATE", "weight": 1}],
                ),
                "web": service(cluster="${main.arn}"),
            },
        ),
        missing("no cluster either: the account's default one", {"web": service()}, not_evaluated={"web.cluster"}),
        unknown("a cluster of another stack", {"web": service(cluster=not_known())}, not_evaluated={"web.cluster"}),
        not_applicable(
            "task sets say it", {"main": cluster(), "web": service(deploymentController={"type": "EXTERNAL"})}
        ),
    ],
    "LT-06": [
        violates(
            "Fargate and instances",
            {
                "capacity": ASG_PROVIDER,
                "web": service(
                    capacityProviderStrategies=[*SPOT, {"capacityProvider": "${capacity.name}", "weight": 1}]
                ),
            },
            at={"web.capacityProviderStrategies"},
            says=(
                'Service \'web\' capacityProviderStrategies: got [an object with "capacityProvider", "weight", an '
                'object with "capacityProvider", "weight"], expected providers of one kind, not EC2 and FARGATE '
                "together; "
                "remove the providers of one kind"
            ),
        ),
        violates(
            "as the cluster's default",
            {
                "main": cluster(),
                "capacity": ASG_PROVIDER,
                "providers": capacity_providers(
                    clusterName="${main.name}",
                    defaultCapacityProviderStrategies=[*SPOT, {"capacityProvider": "${capacity.name}", "weight": 1}],
                ),
            },
            at={"providers.defaultCapacityProviderStrategies"},
        ),
        passes(
            "both kinds of Fargate",
            {"web": service(capacityProviderStrategies=[*SPOT, {"capacityProvider": "FARGATE", "weight": 1}])},
        ),
        missing("no strategy", {"web": service()}),
        unknown(
            "a provider of another stack",
            {"web": service(capacityProviderStrategies=[*SPOT, {"capacityProvider": not_known(), "weight": 1}])},
            not_evaluated={"web.capacityProviderStrategies[1].capacityProvider"},
        ),
        not_applicable("a launch type", {"web": service(launchType="FARGATE")}),
    ],
    "LT-07": [
        violates(
            "Windows",
            on_spot(operatingSystemFamily="WINDOWS_SERVER_2022_CORE"),
            at={"web.capacityProviderStrategies[0].capacityProvider"},
            says=(
                "Service 'web' capacityProviderStrategies[0].capacityProvider: got \"FARGATE_SPOT\", expected a "
                "provider for Windows, which TaskDefinition 'app' is for; use \"FARGATE\", or a Linux image"
            ),
        ),
        violates("ARM64 on 1.3.0", on_spot("1.3.0", cpuArchitecture="ARM64"), at={"web.platformVersion"}),
        violates("X86_64 on 1.2.0", on_spot("1.2.0"), at={"web.platformVersion"}),
        violates(
            "as the cluster's default",
            {
                "app": task_definition(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}),
                "main": cluster(),
                "providers": capacity_providers(clusterName="${main.name}", defaultCapacityProviderStrategies=SPOT),
                "web": service(cluster="${main.arn}", taskDefinition="${app.arn}"),
            },
            at={"providers.defaultCapacityProviderStrategies[0].capacityProvider"},
        ),
        passes("X86_64 on 1.3.0", on_spot("1.3.0")),
        passes("ARM64 on the latest", on_spot("LATEST", cpuArchitecture="ARM64")),
        missing("no platform: Linux on X86_64", on_spot()),
        unknown("an unknown platform version", on_spot(not_known()), not_evaluated={"web.platformVersion"}),
        not_applicable("Fargate", ON_FARGATE),
    ],
}

MUTANTS = {
    "LT-01": [
        mutant("Fargate service, EC2 task definition", good_stacks.FARGATE, "app", requiresCompatibilities=["EC2"]),
    ],
    "LT-02": [mutant("lower case", good_stacks.FARGATE, "web", launchType="fargate")],
    "LT-03": [mutant("both", good_stacks.FARGATE, "web", capacityProviderStrategies=SPOT)],
    "LT-04": [
        mutant(
            "a provider that the cluster lacks",
            good_stacks.FARGATE,
            "web",
            launchType=None,
            capacityProviderStrategies=[{"capacityProvider": "hosts", "weight": 1}],
        )
    ],
    "LT-05": [
        mutant(
            "no weight",
            good_stacks.FARGATE,
            "web",
            launchType=None,
            capacityProviderStrategies=[{"capacityProvider": "FARGATE"}],
        )
    ],
    "LT-09": [mutant("neither", good_stacks.EC2, "web", launchType=None)],
    "LT-06": [
        mutant(
            "both kinds by default",
            good_stacks.EC2,
            "providers",
            capacityProviders=["FARGATE_SPOT", "${capacity.name}"],
            defaultCapacityProviderStrategies=[*SPOT, {"capacityProvider": "${capacity.name}", "weight": 1}],
        )
    ],
    "LT-07": [Mutant("Windows", WINDOWS_ON_SPOT)],
}
