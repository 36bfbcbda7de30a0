import json
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import container, missing, not_applicable, passes, resource, service, unknown, violates
from tests.policy.example import task_definition as any_task_definition
from tests.policy.good_stacks import mutant
from tests.policy.stacks import UNKNOWN, Resources
from tests.policy.stacks import unknown as not_known

PINNED = "httpd:2.4"
NOBODY: Resources = {"vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")}
UNKNOWN_CONTAINERS: Resources = {"app": any_task_definition(containerDefinitions=not_known())}


def task(*containers: dict[str, Any], **properties: Any) -> Resources:
    return {
        "app": any_task_definition(
            *(container(**{"image": PINNED, **each}) for each in containers or ({},)), **properties
        )
    }


def text(*containers: dict[str, Any]) -> Resources:
    """Container definitions as JSON text, with what is not known inside."""
    made = json.dumps([container(**{"image": PINNED, **each}) for each in containers])
    return {"app": any_task_definition(containerDefinitions=made)}


def rule(**properties: Any) -> Resources:
    return {"rule": resource("aws:lb/listenerRule:ListenerRule", listenerArn="arn", **properties)}


def policy(**tracking: Any) -> Resources:
    return {
        "policy": resource(
            "aws:appautoscaling/policy:Policy",
            policyType="TargetTrackingScaling",
            resourceId="service/main/web",
            scalableDimension="ecs:service:DesiredCount",
            serviceNamespace="ecs",
            targetTrackingScalingPolicyConfiguration=tracking,
        )
    }


PAGE = [{"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": "200"}}]
PATHS = [{"pathPattern": {"values": ["/"]}}]
ULIMIT = {"name": "nofile", "softLimit": 1024, "hardLimit": 2048}
LINUX = {
    "tmpfs": [{"containerPath": "/run", "size": 64, "mountOptions": ["noexec"]}],
    "devices": [{"hostPath": "/dev/fuse", "permissions": ["read", "mknod"]}],
    "swappiness": 60,
}
COMPLETE = task(
    {
        "ulimits": [ULIMIT],
        "extraHosts": [{"hostname": "db", "ipAddress": "2001:db8::1"}],
        "linuxParameters": LINUX,
        "secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:ssm:ap-northeast-1:123456789012:parameter/token"}],
        "portMappings": [
            {"containerPort": 80, "hostPort": 0, "protocol": "tcp", "name": "web_1", "appProtocol": "http2"}
        ],
        "restartPolicy": {"enabled": True, "restartAttemptPeriod": 60, "ignoredExitCodes": [0]},
        "dockerLabels": {"Any.Key": "text"},
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}},
    }
)
AT = "app.containerDefinitions[app]"

EXAMPLES = {
    "SH-01": [
        violates(
            "nothing for a task definition",
            {"web": service(taskDefinition="")},
            at={"web.taskDefinition"},
        ),
        violates(
            "a container without image",
            {"app": any_task_definition({"name": "app", "memory": 128})},
            at={f"{AT}.image"},
            says=("TaskDefinition 'app' containerDefinitions[app].image: got nothing, expected a value; set image"),
        ),
        violates("an empty image", {"app": any_task_definition({"name": "app", "image": ""})}, at={f"{AT}.image"}),
        violates(
            "a service without task definition",
            {"web": service(launchType="FARGATE", deploymentController={"type": "CODE_DEPLOY"})},
            at={"web.taskDefinition"},
        ),
        violates(
            "secrets without names, of the container and of its log",
            task(
                {
                    "secrets": [{"valueFrom": "arn"}],
                    "logConfiguration": {"logDriver": "splunk", "secretOptions": [{"valueFrom": "arn"}]},
                }
            ),
            at={f"{AT}.secrets[0].name", f"{AT}.logConfiguration.secretOptions[0].name"},
        ),
        violates(
            "half a limit, half a mount, half a host, half a device",
            task(
                {
                    "ulimits": [{"name": "nofile", "softLimit": 1024}],
                    "linuxParameters": {"tmpfs": [{"containerPath": "/run"}], "devices": [{"containerPath": "/dev/x"}]},
                    "extraHosts": [{"hostname": "db"}],
                }
            ),
            at={
                f"{AT}.ulimits[0].hardLimit",
                f"{AT}.linuxParameters.tmpfs[0].size",
                f"{AT}.linuxParameters.devices[0].hostPath",
                f"{AT}.extraHosts[0].ipAddress",
            },
        ),
        violates(
            "a port mapping that maps no port",
            task({"portMappings": [{"hostPort": 8080}]}),
            at={f"{AT}.portMappings[0].containerPort"},
        ),
        violates("a rule without conditions", rule(actions=PAGE), at={"rule.conditions"}),
        violates(
            "a policy without target", policy(), at={"policy.targetTrackingScalingPolicyConfiguration.targetValue"}
        ),
        passes("all that there is", COMPLETE),
        passes(
            "names that Pulumi gives",
            {"main": resource("aws:ecs/cluster:Cluster"), **rule(actions=PAGE, conditions=PATHS)},
        ),
        passes("keys as Go reads them", {"app": any_task_definition({"Name": "app", "IMAGE": PINNED})}),
        passes("a range of ports", task({"portMappings": [{"containerPortRange": "8000-8010"}]})),
        missing(
            "no task definition, of which the task sets have their own",
            {"web": service(deploymentController={"type": "EXTERNAL"})},
        ),
        unknown("an unknown image is there", text({"image": UNKNOWN}), not_evaluated=set()),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "what is known beside what is not",
            {
                "app": any_task_definition(
                    containerDefinitions=json.dumps(
                        [{"name": "app"}, {"name": "b", "image": PINNED, "ulimits": UNKNOWN}]
                    )
                )
            },
            at={f"{AT}.image"},
            not_evaluated={"app.containerDefinitions[b].ulimits"},
        ),
        not_applicable("no resource of these APIs", NOBODY),
    ],
    "SH-02": [
        passes(
            "empty texts, which the provider takes for none",
            {"group": resource("aws:lb/targetGroup:TargetGroup", healthCheck={"path": "", "matcher": ""})},
        ),
        violates(
            "times of health checks",
            {
                **task({"healthCheck": {"command": ["CMD", "x"], "interval": 4, "timeout": 61, "retries": 11}}),
                "group": resource(
                    "aws:lb/targetGroup:TargetGroup",
                    healthCheck={"interval": 301, "healthyThreshold": 1, "unhealthyThreshold": 11},
                ),
            },
            at={
                f"{AT}.healthCheck.interval",
                f"{AT}.healthCheck.timeout",
                f"{AT}.healthCheck.retries",
                "group.healthCheck.interval",
                "group.healthCheck.healthyThreshold",
                "group.healthCheck.unhealthyThreshold",
            },
        ),
        violates(
            "a port that is none",
            task({"portMappings": [{"containerPort": 70000}]}),
            at={f"{AT}.portMappings[0].containerPort"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].portMappings[0].containerPort: got 70000, expected "
                "1 to 65535; change containerPort"
            ),
        ),
        violates(
            "ports below and above",
            task({"portMappings": [{"containerPort": 0}, {"containerPort": 80, "hostPort": -1}]}),
            at={f"{AT}.portMappings[0].containerPort", f"{AT}.portMappings[1].hostPort"},
        ),
        violates(
            "eleven containers",
            task(*({"name": f"c{index}"} for index in range(11))),
            at={"app.containerDefinitions"},
        ),
        violates(
            "more than 64 KiB",
            task({"environment": [{"name": f"V{index}", "value": "x" * 1600} for index in range(45)]}),
            at={"app.containerDefinitions"},
        ),
        violates(
            "restarts too quick, swap too eager",
            task(
                {"restartPolicy": {"enabled": True, "restartAttemptPeriod": 30}, "linuxParameters": {"swappiness": 101}}
            ),
            at={f"{AT}.restartPolicy.restartAttemptPeriod", f"{AT}.linuxParameters.swappiness"},
        ),
        violates(
            "51 tags",
            {"main": resource("aws:ecs/cluster:Cluster", tags={f"t{i}": "" for i in range(51)})},
            at={"main.tags"},
        ),
        violates("a priority of nobody", rule(actions=PAGE, conditions=PATHS, priority=50001), at={"rule.priority"}),
        violates(
            "a load balancer that waits too long",
            {"alb": resource("aws:lb/loadBalancer:LoadBalancer", idleTimeout=4001)},
            at={"alb.idleTimeout"},
        ),
        violates(
            "a service with less than nothing, and for ever",
            {"web": service(taskDefinition="app:1", desiredCount=-1, healthCheckGracePeriodSeconds=2147483648)},
            at={"web.desiredCount", "web.healthCheckGracePeriodSeconds"},
        ),
        passes("all that there is", COMPLETE),
        passes("ten containers", task(*({"name": f"c{index}"} for index in range(10)))),
        missing("no ports", task({"portMappings": []})),
        unknown(
            "what is known beside what is not",
            text({"portMappings": [{"containerPort": UNKNOWN}, {"containerPort": 70000}]}),
            at={f"{AT}.portMappings[1].containerPort"},
            not_evaluated={f"{AT}.portMappings[0].containerPort"},
        ),
        not_applicable("no resource of these APIs", NOBODY),
    ],
    "SH-03": [
        violates(
            "a family with a dot",
            task(family="orchid.api"),
            at={"app.family"},
            says=(
                "TaskDefinition 'app' family: got \"orchid.api\", expected 1 to 255 letters, digits, _ or -; "
                "change family"
            ),
        ),
        violates(
            "a service with a space", {"web": service(taskDefinition="app:1", name="orchid api")}, at={"web.name"}
        ),
        violates("a cluster with a dot", {"main": resource("aws:ecs/cluster:Cluster", name="a.b")}, at={"main.name"}),
        violates("text where a number must be", text({"cpu": "256"}), at={f"{AT}.cpu"}),
        violates(
            "a number where text must be",
            text({"environment": [{"name": "A", "value": 1}]}),
            at={f"{AT}.environment[0].value"},
        ),
        violates(
            "an object where a list must be", text({"portMappings": {"containerPort": 80}}), at={f"{AT}.portMappings"}
        ),
        violates(
            "no JSON",
            {"app": any_task_definition(containerDefinitions="[{")},
            at={"app.containerDefinitions"},
        ),
        violates("half a CPU unit", text({"cpu": 0.5}), at={f"{AT}.cpu"}),
        violates(
            "a host that has no address",
            task({"extraHosts": [{"hostname": "a", "ipAddress": "db.local"}]}),
            at={f"{AT}.extraHosts[0].ipAddress"},
        ),
        violates(
            "a tag of tabs and stars", {"main": resource("aws:ecs/cluster:Cluster", tags={"a*": ""})}, at={"main.tags"}
        ),
        violates(
            "no status",
            rule(conditions=PATHS, actions=[{"type": "fixed-response", "fixedResponse": {"statusCode": "999"}}]),
            at={"rule.actions[0].fixedResponse.statusCode"},
        ),
        passes("all that there is", COMPLETE),
        passes("a number as Pulumi takes it", {"web": service(taskDefinition="app:1", desiredCount="2")}),
        missing("no names", {"main": resource("aws:ecs/cluster:Cluster")}),
        unknown(
            "an unknown family",
            task(family=not_known(), containerDefinitions='[{"cpu": "1"}]'),
            at={"app.containerDefinitions[0].cpu"},
            not_evaluated={"app.family"},
        ),
        not_applicable("no resource of these APIs", NOBODY),
    ],
    "SH-04": [
        violates(
            "a protocol that no task has",
            task({"portMappings": [{"containerPort": 80, "protocol": "sctp"}]}),
            at={f"{AT}.portMappings[0].protocol"},
        ),
        violates(
            "a type of placement that there is not",
            {"web": service(taskDefinition="app:1", orderedPlacementStrategies=[{"type": "stack"}])},
            at={"web.orderedPlacementStrategies[0].type"},
        ),
        violates(
            "a protocol in capital letters",
            task({"portMappings": [{"containerPort": 80, "protocol": "TCP"}]}),
            at={f"{AT}.portMappings[0].protocol"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].portMappings[0].protocol: got \"TCP\", expected one of "
                '"tcp", "udp"; correct it'
            ),
        ),
        violates("a limit misspelt", task({"ulimits": [{**ULIMIT, "name": "nofiles"}]}), at={f"{AT}.ulimits[0].name"}),
        violates(
            "a strategy misspelt",
            {"web": service(taskDefinition="app:1", schedulingStrategy="Replica")},
            at={"web.schedulingStrategy"},
        ),
        violates(
            "a metric misspelt",
            policy(
                targetValue=50,
                predefinedMetricSpecification={"predefinedMetricType": "ECSServiceAverageCpuUtilization"},
            ),
            at={"policy.targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification.predefinedMetricType"},
        ),
        passes("all that there is", COMPLETE),
        passes(
            "a word that the provider takes in any case",
            {
                "listener": resource(
                    "aws:lb/listener:Listener", loadBalancerArn="arn", protocol="https", defaultActions=PAGE
                )
            },
        ),
        missing("no protocol", task()),
        unknown(
            "an unknown protocol",
            text({"portMappings": [{"containerPort": 80, "protocol": UNKNOWN}]}),
            not_evaluated={f"{AT}.portMappings[0].protocol"},
        ),
        not_applicable(
            "a word of no near kin: SH-05", task({"resourceRequirements": [{"type": "FPGA", "value": "1"}]})
        ),
    ],
    "SH-05": [
        violates(
            "a kind of resource that may be new",
            task({"resourceRequirements": [{"type": "FPGA", "value": "1"}]}),
            at={f"{AT}.resourceRequirements[0].type"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].resourceRequirements[0].type: got \"FPGA\", expected "
                'one of "GPU", "InferenceAccelerator", "NeuronDevice" (all that botocore 1.43.106 knows); correct it, '
                "if AWS has not added it since"
            ),
        ),
        passes("all that there is", COMPLETE),
        missing("no protocol", task()),
        unknown(
            "an unknown kind",
            text({"resourceRequirements": [{"type": UNKNOWN, "value": "1"}]}),
            not_evaluated={f"{AT}.resourceRequirements[0].type"},
        ),
        not_applicable("a word misspelt: SH-04", task({"portMappings": [{"containerPort": 80, "protocol": "TCP"}]})),
    ],
    "SH-06": [
        violates(
            "a setting misspelt",
            task({"memoryReservaton": 128}),
            at={f"{AT}.memoryReservaton"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].memoryReservaton: got a key that botocore 1.43.106 "
                "does not know, expected one of its reference; correct or remove it"
            ),
        ),
        violates(
            "deep inside",
            text({"healthCheck": {"command": ["CMD", "true"], "start_period": 1}}),
            at={f"{AT}.healthCheck.start_period"},
        ),
        passes("all that there is", COMPLETE),
        passes("keys as Go reads them", {"app": any_task_definition({"Name": "app", "IMAGE": PINNED})}),
        missing("no containers", task(containerDefinitions="[]")),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        not_applicable("no task definition", NOBODY),
    ],
}

MUTANTS = {
    "SH-01": [
        mutant("no image", good_stacks.FARGATE, "app", container={"image": None}),
        mutant("half a limit", good_stacks.FARGATE, "app", container={"ulimits": [{"name": "nofile", "softLimit": 9}]}),
        mutant("no task definition", good_stacks.FARGATE, "web", taskDefinition=None),
    ],
    "SH-02": [
        mutant("a wait for ever", good_stacks.FARGATE, "web", healthCheckGracePeriodSeconds=10**10),
        mutant(
            "a restart too early",
            good_stacks.EC2,
            "app",
            container={"restartPolicy": {"enabled": True, "restartAttemptPeriod": 1}},
        ),
    ],
    "SH-03": [
        mutant("a family with a dot", good_stacks.FARGATE, "app", family="the.app"),
        mutant("a service with a space", good_stacks.EC2, "web", name="the web"),
    ],
    "SH-04": [mutant("a strategy in lower case", good_stacks.FARGATE, "web", schedulingStrategy="replica")],
}
