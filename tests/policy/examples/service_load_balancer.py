from collections.abc import Mapping
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    container,
    missing,
    not_applicable,
    passes,
    resource,
    service,
    target_group,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import Mutant, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

APP = task_definition(networkMode="awsvpc")
BRIDGE = task_definition(networkMode="bridge")
RANGE = task_definition(container(portMappings=[{"containerPortRange": "8000-8010"}]))

GRPC = task_definition(container(portMappings=[{"containerPort": 80, "appProtocol": "grpc"}]), networkMode="awsvpc")
LISTENER = resource("aws:lb/listener:Listener", defaultActions=[{"type": "forward", "targetGroupArn": "${group.arn}"}])
REDIRECT = resource("aws:lb/listener:Listener", defaultActions=[{"type": "redirect"}])
FORWARDING_RULE = resource(
    "aws:lb/listenerRule:ListenerRule",
    listenerArn="${listener.arn}",
    actions=[{"type": "forward", "targetGroupArn": "${group.arn}"}],
)
IN_FRONT = {"options": {"parent": "${front}"}}


def waiting(resources: Resources, name: str) -> Resources:
    return {**resources, "web": {**resources["web"], "options": {"dependsOn": [f"${{{name}}}"]}}}


def linked(app: Mapping[str, Any], group: Mapping[str, Any] | None = None, **link: object) -> Resources:
    link = {"containerName": "app", "containerPort": 80, "targetGroupArn": "${group.arn}", **link}
    return {
        "app": app,
        "group": group or target_group(targetType="ip"),
        "web": service(taskDefinition="${app.arn}", loadBalancers=[link]),
    }


def blue_green(arn: str = "${green.arn}", **green: Any) -> Resources:
    """A service of which ECS registers the next revision in another target group."""
    return {
        **linked(APP, advancedConfiguration={"alternateTargetGroupArn": arn, "productionListenerRule": "${rule.arn}"}),
        "green": target_group(**{"targetType": "ip", **green}),
        "listener": REDIRECT,
        "rule": FORWARDING_RULE,
    }


BOTH = {
    "rule": resource(
        "aws:lb/listenerRule:ListenerRule",
        listenerArn="${listener.arn}",
        actions=[{"type": "forward", "forward": {"targetGroups": [{"arn": "${group.arn}"}, {"arn": "${green.arn}"}]}}],
    )
}


EXAMPLES = {
    "SV-05": [
        violates(
            "a container that does not exist",
            linked(APP, containerName="web"),
            at={"web.loadBalancers[0].containerName"},
            says=(
                "Service 'web' loadBalancers[0].containerName: got \"web\", expected a container of "
                "TaskDefinition 'app', "
                'which has "app"; change containerName, or name the container so'
            ),
        ),
        violates(
            "a port that the container does not publish",
            linked(APP, containerPort=8080),
            at={"web.loadBalancers[0].containerPort"},
            says=(
                "Service 'web' loadBalancers[0].containerPort: got 8080, expected a port of container 'app' in "
                "TaskDefinition 'app', which publishes 80; change containerPort, or add the port to the container's "
                "portMappings"
            ),
        ),
        violates("outside the range", linked(RANGE, containerPort=80), at={"web.loadBalancers[0].containerPort"}),
        passes("both exist", linked(APP, containerPort=80.0)),
        passes("within the range", linked(RANGE, containerPort=8005)),
        missing(
            "no port mappings",
            linked(task_definition({"name": "app"})),
            at={"web.loadBalancers[0].containerPort"},
        ),
        unknown(
            "unknown containers",
            linked(task_definition(containerDefinitions=not_known())),
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("no load balancer", {"app": APP, "web": service(taskDefinition="${app.arn}")}),
    ],
    "SV-06": [
        violates(
            "instance under awsvpc",
            linked(APP, target_group(targetType="instance")),
            at={"group.targetType"},
            says=(
                "TargetGroup 'group' targetType: got \"instance\", expected \"ip\", since Service 'web' "
                "registers tasks of "
                "TaskDefinition 'app', whose network mode is awsvpc; set targetType to \"ip\", or change networkMode"
            ),
        ),
        violates("ip under bridge", linked(BRIDGE), at={"group.targetType"}),
        violates(
            "by an old name of the type, in a first preview",
            linked(APP, {**target_group(targetType="instance"), "type": "aws:alb/targetGroup:TargetGroup"}),
            at={"group.targetType"},
            preview=True,
        ),
        violates(
            "the other target group of a blue/green deployment",
            blue_green(targetType="instance"),
            at={"green.targetType"},
        ),
        violates(
            "the same in a first preview", blue_green(targetType="instance"), at={"green.targetType"}, preview=True
        ),
        passes("ip under awsvpc", linked(APP)),
        passes("both of a blue/green deployment, in a first preview", blue_green(), preview=True),
        passes("instance under bridge", linked(BRIDGE, target_group(targetType="instance"))),
        missing("no target type: instance", linked(APP, target_group()), at={"group.targetType"}),
        unknown(
            "a target group of another stack",
            linked(APP, targetGroupArn=not_known()),
            not_evaluated={"web.loadBalancers[0].targetGroupArn"},
        ),
        unknown(
            "the other target group is of another stack",
            blue_green(arn=not_known()),
            not_evaluated={"web.loadBalancers[0].targetGroupArn"},
        ),
        unknown(
            "two target groups whose ARNs are unknown",
            {
                **linked(APP),
                "second": target_group(targetType="instance"),
                "web": service(
                    taskDefinition="${app.arn}",
                    loadBalancers=[{"targetGroupArn": "${group.arn}"}, {"targetGroupArn": "${second.arn}"}],
                ),
            },
            not_evaluated={"web.loadBalancers[0].targetGroupArn", "web.loadBalancers[1].targetGroupArn"},
        ),
        not_applicable("a Classic Load Balancer", linked(BRIDGE, targetGroupArn=None, elbName="classic")),
    ],
    "SV-07": [
        violates(
            "nothing waits for the listener",
            {**linked(APP), "listener": LISTENER},
            at={"web.loadBalancers"},
            says=(
                'Service \'web\' loadBalancers: got [an object with "containerName", "containerPort", '
                "\"targetGroupArn\"], expected a service that waits for what attaches TargetGroup 'group' to a load "
                "balancer; add Listener 'listener' to the service's dependsOn"
            ),
        ),
        violates("no listener forwards to the target group", linked(APP), at={"web.loadBalancers"}),
        violates(
            "also in a first preview", {**linked(APP), "listener": LISTENER}, at={"web.loadBalancers"}, preview=True
        ),
        violates(
            "it waits for another listener",
            waiting({**linked(APP), "listener": LISTENER, "other": REDIRECT}, "other"),
            at={"web.loadBalancers"},
        ),
        passes("it waits for the listener", waiting({**linked(APP), "listener": LISTENER}, "listener")),
        passes(
            "it waits for a rule that forwards, in a first preview",
            waiting({**linked(APP), "listener": REDIRECT, "rule": FORWARDING_RULE}, "rule"),
            preview=True,
        ),
        passes(
            "by weights, through a resource between",
            waiting(
                {
                    **linked(APP),
                    "listener": resource(
                        "aws:alb/listener:Listener",
                        defaultActions=[
                            {"type": "forward", "forward": {"targetGroups": [{"arn": "${group.arn}", "weight": 1}]}}
                        ],
                    ),
                    "between": resource("aws:lb/listenerRule:ListenerRule", listenerArn="${listener.arn}"),
                },
                "between",
            ),
        ),
        passes(
            "it waits for the component that the listener is in",
            waiting({**linked(APP), "front": {"type": "awsx:lb:Front"}, "listener": {**LISTENER, **IN_FRONT}}, "front"),
        ),
        passes(
            "two target groups, in a first preview",
            waiting(
                {
                    **linked(APP),
                    "second": target_group(),
                    "listener": LISTENER,
                    "rule": resource(
                        "aws:lb/listenerRule:ListenerRule",
                        listenerArn="${listener.arn}",
                        actions=[{"type": "forward", "targetGroupArn": "${second.arn}"}],
                    ),
                    "web": service(
                        loadBalancers=[{"targetGroupArn": "${group.arn}"}, {"targetGroupArn": "${second.arn}"}]
                    ),
                },
                "rule",
            ),
            preview=True,
        ),
        passes("the production rule of a blue/green deployment", blue_green()),
        passes("which forwards to both, in a first preview", {**blue_green(), **BOTH}, preview=True),
        missing("no target group", {"web": service(loadBalancers=[{"containerName": "app"}])}),
        unknown(
            "which of two the production rule forwards to",
            blue_green(),
            not_evaluated={"web.loadBalancers[0].advancedConfiguration.alternateTargetGroupArn"},
        ),
        unknown(
            "a target group of another stack",
            linked(APP, targetGroupArn=not_known()),
            not_evaluated={"web.loadBalancers[0].targetGroupArn"},
        ),
        unknown(
            "a listener that may forward to one of two",
            {
                **linked(APP),
                "second": target_group(),
                "listener": resource(
                    "aws:lb/listener:Listener",
                    defaultActions=[{"type": "forward", "targetGroupArn": "${group.arn}${second.arn}"}],
                ),
            },
            not_evaluated={"listener.defaultActions[0].targetGroupArn"},
        ),
        not_applicable("no load balancer", {"app": APP, "web": service(taskDefinition="${app.arn}")}),
    ],
    "SV-08": [
        violates(
            "both",
            linked(BRIDGE, elbName="classic"),
            at={"web.loadBalancers[0].elbName"},
            says=(
                "Service 'web' loadBalancers[0].elbName: got \"classic\", expected nothing beside targetGroupArn; "
                "remove elbName or targetGroupArn"
            ),
        ),
        violates(
            "a Classic Load Balancer with awsvpc",
            linked(APP, targetGroupArn=None, elbName="classic"),
            at={"web.loadBalancers[0].elbName"},
        ),
        passes("a target group", linked(APP)),
        passes("a Classic Load Balancer with bridge", linked(BRIDGE, targetGroupArn=None, elbName="classic")),
        missing("neither", linked(APP, targetGroupArn=None), at={"web.loadBalancers[0].targetGroupArn"}),
        unknown(
            "a Classic Load Balancer, and a network mode that is not known",
            linked(task_definition(networkMode=not_known()), targetGroupArn=None, elbName="classic"),
            not_evaluated={"app.networkMode"},
        ),
        not_applicable("no load balancer", {"app": APP, "web": service(taskDefinition="${app.arn}")}),
    ],
    "SV-09": [
        violates(
            "a fixed health check port",
            linked(BRIDGE, target_group(healthCheck={"port": "80"})),
            at={"group.healthCheck.port"},
            says=(
                "TargetGroup 'group' healthCheck.port: got \"80\", expected \"traffic-port\", since container 'app' of "
                "TaskDefinition 'app' has a dynamic host port; remove the port, or set hostPort in the container's "
                "port mapping"
            ),
        ),
        violates(
            "host port 0",
            linked(
                task_definition(container(portMappings=[{"containerPort": 80, "hostPort": 0}])),
                target_group(healthCheck={"port": 8080}),
            ),
            at={"group.healthCheck.port"},
        ),
        violates(
            "a fixed one in the other target group of a blue/green deployment",
            {**blue_green(healthCheck={"port": "80"}), "app": BRIDGE},
            at={"green.healthCheck.port"},
        ),
        passes("traffic-port", linked(BRIDGE, target_group(healthCheck={"port": "traffic-port"}))),
        passes(
            "a fixed host port",
            linked(
                task_definition(container(portMappings=[{"containerPort": 80, "hostPort": 80}])),
                target_group(healthCheck={"port": "80"}),
            ),
        ),
        missing("no port: traffic-port", linked(BRIDGE, target_group(healthCheck={"path": "/"}))),
        unknown(
            "unknown containers",
            linked(task_definition(containerDefinitions=not_known()), target_group(healthCheck={"port": "80"})),
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("awsvpc", linked(APP, target_group(targetType="ip", healthCheck={"port": "9000"}))),
    ],
    "SV-10": [
        violates(
            "another port",
            linked(APP, target_group(targetType="ip", port=8080)),
            at={"group.port"},
            says=(
                "TargetGroup 'group' port: got 8080, expected 80, the container's port in Service 'web'; set port to 80"
            ),
        ),
        violates(
            "gRPC by HTTP/1.1",
            linked(GRPC, target_group(targetType="ip", port=80, protocol="HTTP")),
            at={"group.protocolVersion"},
        ),
        violates(
            "another port of the other target group of a blue/green deployment",
            blue_green(port=8080),
            at={"green.port"},
        ),
        passes("the same port", linked(APP, target_group(targetType="ip", port=80, protocol="HTTP"))),
        passes("gRPC", linked(GRPC, target_group(targetType="ip", port=80, protocol="HTTP", protocolVersion="GRPC"))),
        missing("no port", linked(APP, target_group(targetType="ip"))),
        unknown(
            "an unknown port",
            linked(APP, target_group(targetType="ip", port=not_known())),
            not_evaluated={"group.port"},
        ),
        not_applicable("targets are instances", linked(BRIDGE, target_group(targetType="instance", port=8080))),
    ],
    "SV-11": [
        violates(
            "no health check at all",
            {"app": APP, "web": service(taskDefinition="${app.arn}", healthCheckGracePeriodSeconds=30)},
            at={"web.healthCheckGracePeriodSeconds"},
            says=(
                "Service 'web' healthCheckGracePeriodSeconds: got 30, expected nothing without a load balancer, VPC "
                "Lattice or a container health check; remove healthCheckGracePeriodSeconds, or add a health check"
            ),
        ),
        passes(
            "a load balancer", {"web": service(healthCheckGracePeriodSeconds=30, loadBalancers=[{"elbName": "web"}])}
        ),
        passes(
            "a container health check",
            {
                "app": task_definition(container(healthCheck={"command": ["CMD", "true"]})),
                "web": service(taskDefinition="${app.arn}", healthCheckGracePeriodSeconds=30),
            },
        ),
        missing("no period", {"app": APP, "web": service(taskDefinition="${app.arn}")}),
        unknown(
            "unknown containers",
            {
                "app": task_definition(containerDefinitions=not_known()),
                "web": service(taskDefinition="${app.arn}", healthCheckGracePeriodSeconds=30),
            },
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("a period of 0", {"web": service(healthCheckGracePeriodSeconds=0)}),
    ],
    "SV-12": [
        violates(
            "with awsvpc",
            {
                **linked(APP),
                "web": service(taskDefinition="${app.arn}", iamRole="ecs", loadBalancers=[{"elbName": "w"}]),
            },
            at={"web.iamRole"},
            says=(
                "Service 'web' iamRole: got \"ecs\", expected nothing, since TaskDefinition 'app' uses awsvpc; remove "
                "iamRole: ECS uses its service-linked role"
            ),
        ),
        violates(
            "without a load balancer",
            {"app": BRIDGE, "web": service(taskDefinition="${app.arn}", iamRole="ecs")},
            at={"web.iamRole"},
        ),
        passes(
            "with bridge and a load balancer",
            {
                "app": BRIDGE,
                "web": service(taskDefinition="${app.arn}", iamRole="ecs", loadBalancers=[{"elbName": "w"}]),
            },
        ),
        missing("no role", linked(APP)),
        unknown(
            "an unknown network mode",
            {
                "app": task_definition(networkMode=not_known()),
                "web": service(taskDefinition="${app.arn}", iamRole="ecs", loadBalancers=[{"elbName": "w"}]),
            },
            not_evaluated={"app.networkMode"},
        ),
        not_applicable("no service", {"app": APP}),
    ],
}

LINK = {"targetGroupArn": "${group.arn}", "containerName": "app", "containerPort": 8080}
CHANGES: dict[str, dict[str, Any]] = {
    "app": {"container": {"portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}]}},
    "taskFromAlb": {"toPort": 65535},
    "albToTask": {"toPort": 65535},
}
DYNAMIC_PORTS: Resources = {
    **good_stacks.EC2,
    **{name: mutant("", good_stacks.EC2, name, **changes).resources[name] for name, changes in CHANGES.items()},
}

MUTANTS = {
    "SV-05": [
        mutant("container", good_stacks.FARGATE, "web", loadBalancers=[{**LINK, "containerName": "web"}]),
        mutant("port", good_stacks.EC2, "web", loadBalancers=[{**LINK, "containerPort": 80}]),
    ],
    "SV-06": [
        mutant("instance", good_stacks.FARGATE, "group", targetType="instance"),
        mutant("ip", good_stacks.EC2, "group", targetType="ip"),
    ],
    "SV-07": [
        Mutant(
            "no dependsOn",
            {**good_stacks.FARGATE, "web": {**good_stacks.FARGATE["web"], "options": {}}},
        ),
        mutant(
            "another target group",
            good_stacks.EC2,
            "listener",
            defaultActions=[{"type": "fixed-response", "fixedResponse": {"contentType": "text/plain"}}],
        ),
    ],
    "SV-08": [
        mutant("both", good_stacks.EC2, "web", loadBalancers=[{**LINK, "elbName": "classic"}]),
    ],
    "SV-09": [
        mutant(
            "a fixed port",
            DYNAMIC_PORTS,
            "group",
            healthCheck={**good_stacks.EC2["group"]["properties"]["healthCheck"], "port": "8080"},
        )
    ],
    "SV-10": [mutant("another port", good_stacks.FARGATE, "group", port=80)],
    "SV-12": [mutant("a role", good_stacks.FARGATE, "web", iamRole="ecsServiceRole")],
}
