from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    missing,
    not_applicable,
    passes,
    service,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

EFS = {"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}


def task(**properties: Any) -> dict[str, Any]:
    return task_definition(**{"requiresCompatibilities": ["EXTERNAL"], **properties})


def running(app: dict[str, Any], **properties: Any) -> Resources:
    return {"app": app, "web": service(launchType="EXTERNAL", taskDefinition="${app.arn}", **properties)}


EXAMPLES = {
    "EA-01": [
        violates(
            "network mode awsvpc",
            {"app": task(networkMode="awsvpc")},
            at={"app.networkMode"},
            says=(
                'TaskDefinition \'app\' networkMode: got "awsvpc", expected "bridge", "host" or "none" on '
                "external instances; change networkMode"
            ),
        ),
        violates(
            "an EBS volume",
            {"app": task(volumes=[{"name": "heap", "configureAtLaunch": True}])},
            at={"app.volumes[0].configureAtLaunch"},
        ),
        passes("a folder of the host", {"app": task(volumes=[{"name": "heap", "hostPath": "/srv"}])}),
        violates(
            "beside EC2",
            {"app": task(requiresCompatibilities=["EC2", "EXTERNAL"], networkMode="awsvpc")},
            at={"app.networkMode"},
        ),
        violates("a file system", {"app": task(volumes=[EFS])}, at={"app.volumes[0].efsVolumeConfiguration"}),
        violates(
            "App Mesh",
            {"app": task(proxyConfiguration={"type": "APPMESH", "containerName": "envoy"})},
            at={"app.proxyConfiguration"},
        ),
        passes("network mode bridge", {"app": task(networkMode="bridge")}),
        passes(
            "network mode host and a folder of the host",
            {"app": task(networkMode="host", volumes=[{"name": "data", "hostPath": "/srv"}])},
        ),
        passes("awsvpc on EC2", {"app": task(requiresCompatibilities=["EC2"], networkMode="awsvpc", volumes=[EFS])}),
        missing("no network mode: bridge", {"app": task()}),
        unknown("unknown mode", {"app": task(networkMode=not_known())}, not_evaluated={"app.networkMode"}),
        not_applicable("Fargate", {"app": task(requiresCompatibilities=["FARGATE"], networkMode="awsvpc")}),
    ],
    "EA-02": [
        violates(
            "a load balancer",
            running(task(), loadBalancers=[{"targetGroupArn": "arn", "containerName": "app", "containerPort": 80}]),
            at={"web.loadBalancers"},
            says=(
                'Service \'web\' loadBalancers: got [an object with "targetGroupArn", "containerName", '
                '"containerPort"], expected nothing on external instances; remove loadBalancers'
            ),
        ),
        violates(
            "service discovery",
            running(task(), serviceRegistries={"registryArn": "arn"}),
            at={"web.serviceRegistries"},
        ),
        violates(
            "Service Connect",
            running(task(), serviceConnectConfiguration={"enabled": True}),
            at={"web.serviceConnectConfiguration"},
        ),
        violates(
            "a task definition with awsvpc that does not declare EXTERNAL",
            running(task_definition(networkMode="awsvpc")),
            at={"app.networkMode"},
        ),
        passes("a worker", running(task())),
        passes(
            "VPC Lattice, of which AWS's page says nothing",
            running(task(), vpcLatticeConfigurations=[{"roleArn": "a", "targetGroupArn": "b", "portName": "c"}]),
        ),
        passes("Service Connect that is off", running(task(), serviceConnectConfiguration={"enabled": False})),
        passes("a task definition that says nothing", running(task_definition())),
        missing("no launch type", {"app": task(), "web": service(taskDefinition="${app.arn}")}),
        unknown(
            "a task definition of another stack",
            {"web": service(launchType="EXTERNAL", taskDefinition=not_known())},
            not_evaluated={"web.taskDefinition"},
        ),
        not_applicable("Fargate", {"web": service(launchType="FARGATE", loadBalancers=[{"targetGroupArn": "arn"}])}),
    ],
}

WORKER: Resources = {
    **good_stacks.EC2,
    "app": mutant("", good_stacks.EC2, "app", requiresCompatibilities=["EXTERNAL"]).resources["app"],
    "web": {
        **mutant(
            "",
            good_stacks.EC2,
            "web",
            launchType="EXTERNAL",
            loadBalancers=None,
            healthCheckGracePeriodSeconds=None,
        ).resources["web"],
    },
}
"""The good stack for EC2 with its service on external instances: good, too."""

MUTANTS = {
    "EA-01": [
        mutant(
            "a file system",
            WORKER,
            "app",
            volumes=[{**EFS, "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}}],
        )
    ],
    "EA-02": [
        mutant("discovery", WORKER, "web", serviceConnectConfiguration={"enabled": True, "namespace": "shop"}),
    ],
}
