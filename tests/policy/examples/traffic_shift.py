import json
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, resource, service, target_group, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

SHIFTS = "service-role/AmazonECSInfrastructureRolePolicyForLoadBalancers"
BOTH = [{"type": "forward", "forward": {"targetGroups": [{"arn": "${blue.arn}"}, {"arn": "${green.arn}"}]}}]
ROLE = "arn:aws:iam::123456789012:role/shifts"
RULE_ELSEWHERE = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/a/1/2/3"
LISTENER_ELSEWHERE = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/1/2"


def ways(kind: str = "application", **listener: Any) -> Resources:
    return {
        "balancer": resource("aws:lb/loadBalancer:LoadBalancer", loadBalancerType=kind),
        "blue": target_group(targetType="ip", port=80),
        "green": target_group(targetType="ip", port=80),
        "listener": resource("aws:lb/listener:Listener", loadBalancerArn="${balancer.arn}", port=80, **listener),
    }


RULE = resource("aws:lb/listenerRule:ListenerRule", listenerArn="${listener.arn}", actions=BOTH)
OTHER_RULE = resource(
    "aws:lb/listenerRule:ListenerRule", listenerArn="${listener.arn}", actions=[{"type": "fixed-response"}]
)

TO_BLUE = resource(
    "aws:lb/listenerRule:ListenerRule",
    listenerArn="${listener.arn}",
    actions=[{"type": "forward", "targetGroupArn": "${blue.arn}"}],
)


def shifting(strategy: str = "BLUE_GREEN", **advanced: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "alternateTargetGroupArn": "${green.arn}",
        "productionListenerRule": "${rule.arn}",
        "roleArn": ROLE,
        **advanced,
    }
    link = {
        "targetGroupArn": "${blue.arn}",
        "containerName": "app",
        "containerPort": 80,
        "advancedConfiguration": {key: value for key, value in settings.items() if value is not None},
    }
    if not link["advancedConfiguration"]:
        del link["advancedConfiguration"]
    return service(deploymentConfiguration={"strategy": strategy}, loadBalancers=[link])


HERE = "web.loadBalancers[0].advancedConfiguration"


def by(role: str, *policies: dict[str, Any]) -> Resources:
    """A shift by a role that a service of AWS may take on, with these policies."""
    return {
        **ways(),
        "rule": RULE,
        "role": resource("aws:iam/role:Role", name="shifts", assumeRolePolicy=good_stacks.trust(role)),
        **{f"policy{index}": each for index, each in enumerate(policies)},
        "web": shifting(roleArn="${role.arn}"),
    }


MANAGED = resource(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    role="${role.name}",
    policyArn="arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers",
)


def allowing(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": [f"elasticloadbalancing:{each}" for each in actions], "Resource": "*"}
    return resource("aws:iam/rolePolicy:RolePolicy", role="${role.name}", policy=json.dumps({"Statement": [statement]}))


EXAMPLES = {
    "TS-01": [
        violates(
            "by CodeDeploy",
            {
                "web": service(
                    deploymentController={"type": "CODE_DEPLOY"}, deploymentConfiguration={"strategy": "BLUE_GREEN"}
                )
            },
            at={"web.deploymentController.type"},
            says=(
                'Service \'web\' deploymentController.type: got "CODE_DEPLOY", expected "ECS" with '
                "strategy BLUE_GREEN; remove deploymentController"
            ),
        ),
        violates(
            "steps of another strategy",
            {
                "web": service(
                    deploymentConfiguration={"strategy": "BLUE_GREEN", "linearConfiguration": {"stepPercent": 20}}
                )
            },
            at={"web.deploymentConfiguration.linearConfiguration"},
        ),
        violates(
            "a first share of a rolling deployment",
            {"web": service(deploymentConfiguration={"canaryConfiguration": {"canaryPercent": 5}})},
            at={"web.deploymentConfiguration.canaryConfiguration"},
        ),
        passes(
            "blue/green",
            {"web": service(deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5})},
        ),
        passes(
            "canary",
            {
                "web": service(
                    deploymentConfiguration={"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 5}}
                )
            },
        ),
        passes("CodeDeploy by itself", {"web": service(deploymentController={"type": "CODE_DEPLOY"})}),
        missing("no strategy: rolling", {"web": service()}),
        unknown(
            "an unknown strategy",
            {"web": service(deploymentConfiguration={"strategy": not_known()})},
            not_evaluated={"web.deploymentConfiguration.strategy"},
        ),
        not_applicable("no service", ways()),
    ],
    "TS-02": [
        violates(
            "the listener of an application load balancer",
            {**ways(defaultActions=BOTH), "web": shifting(productionListenerRule="${listener.arn}")},
            at={f"{HERE}.productionListenerRule"},
            says=(
                "Service 'web' loadBalancers[0].advancedConfiguration.productionListenerRule: got "
                '"arn:aws:test:ap-northeast-1:123456789012:Listener/listener", expected the ARN of a '
                "listener rule, as the load balancer is an application one; this is a listener; make a "
                "ListenerRule that forwards to both target groups, and use its arn"
            ),
        ),
        violates(
            "the same, in a first preview",
            {**ways(defaultActions=BOTH), "web": shifting(productionListenerRule="${listener.arn}")},
            at={f"{HERE}.productionListenerRule"},
            preview=True,
        ),
        violates(
            "the listener of one of another stack",
            {**ways(), "rule": RULE, "web": shifting(productionListenerRule=LISTENER_ELSEWHERE)},
            at={f"{HERE}.productionListenerRule"},
        ),
        violates(
            "no advanced configuration",
            {
                **ways(),
                "rule": RULE,
                "web": shifting("LINEAR", alternateTargetGroupArn=None, productionListenerRule=None, roleArn=None),
            },
            at={HERE},
        ),
        violates("no role", {**ways(), "rule": RULE, "web": shifting("CANARY", roleArn=None)}, at={f"{HERE}.roleArn"}),
        violates(
            "one target group twice",
            {**ways(), "rule": RULE, "web": shifting(alternateTargetGroupArn="${blue.arn}")},
            at={f"{HERE}.alternateTargetGroupArn"},
        ),
        violates(
            "one rule for production and test",
            {**ways(), "rule": RULE, "web": shifting(testListenerRule="${rule.arn}")},
            at={f"{HERE}.testListenerRule"},
        ),
        violates(
            "the rule of a network load balancer",
            {
                **ways("network"),
                "rule": RULE,
                "web": shifting(productionListenerRule=RULE_ELSEWHERE.replace("/app/", "/net/")),
            },
            at={f"{HERE}.productionListenerRule"},
        ),
        violates(
            "a rule that forwards elsewhere",
            {**ways(), "rule": OTHER_RULE, "web": shifting()},
            at={f"{HERE}.productionListenerRule"},
        ),
        violates(
            "a rule to one of the target groups, and none for tests",
            {**ways(), "rule": TO_BLUE, "web": shifting()},
            at={f"{HERE}.productionListenerRule"},
            says=(
                "Service 'web' loadBalancers[0].advancedConfiguration.productionListenerRule: got "
                '"arn:aws:test:ap-northeast-1:123456789012:ListenerRule/rule", expected a rule that forwards to '
                "TargetGroup 'green', too, without testListenerRule; let ListenerRule 'rule' forward to both target "
                "groups of the service, or set testListenerRule"
            ),
        ),
        violates(
            "a Classic Load Balancer",
            {
                "web": service(
                    deploymentConfiguration={"strategy": "BLUE_GREEN"},
                    loadBalancers=[{"elbName": "old", "containerName": "app", "containerPort": 80}],
                )
            },
            at={"web.loadBalancers[0].elbName"},
        ),
        passes("a rule of an application load balancer", {**ways(), "rule": RULE, "web": shifting()}),
        passes("the same, in a first preview", {**ways(), "rule": RULE, "web": shifting()}, preview=True),
        passes(
            "a rule to one of the target groups, and one for tests",
            {**ways(), "rule": TO_BLUE, "web": shifting(testListenerRule=RULE_ELSEWHERE)},
        ),
        passes(
            "the listener of a network load balancer",
            {**ways("network", defaultActions=BOTH), "web": shifting(productionListenerRule="${listener.arn}")},
        ),
        passes(
            "a rolling deployment",
            {
                **ways(),
                "web": shifting("ROLLING", alternateTargetGroupArn=None, productionListenerRule=None, roleArn=None),
            },
        ),
        passes(
            "Service Connect, without load balancer",
            {"web": service(deploymentConfiguration={"strategy": "BLUE_GREEN"})},
        ),
        missing("no load balancer", {"web": service(deploymentConfiguration={"strategy": "LINEAR"})}),
        missing(
            "a rule of another stack",
            {**ways(), "web": shifting(productionListenerRule=RULE_ELSEWHERE)},
            not_evaluated={"web.loadBalancers[0].advancedConfiguration.productionListenerRule"},
        ),
        unknown(
            "a rule that an invoke yields",
            {
                **ways(),
                "rule": RULE,
                "web": shifting(productionListenerRule=not_known(), alternateTargetGroupArn="arn"),
            },
            not_evaluated={"web.loadBalancers[0].advancedConfiguration.alternateTargetGroupArn"},
        ),
        not_applicable("rolling", {**ways(), "rule": RULE, "web": shifting("ROLLING")}),
    ],
    "TS-03": [
        violates(
            "a role for tasks",
            by("ecs-tasks.amazonaws.com", MANAGED),
            at={f"{HERE}.roleArn"},
            says=(
                "Service 'web' loadBalancers[0].advancedConfiguration.roleArn: got "
                '"arn:aws:test:ap-northeast-1:123456789012:Role/role", expected a role that '
                "ecs.amazonaws.com may assume, which Role 'role' does not let it; allow that service "
                "sts:AssumeRole"
            ),
        ),
        violates("a role that may nothing", by("ecs.amazonaws.com"), at={f"{HERE}.roleArn"}),
        violates(
            "a role that may look and not turn",
            by("ecs.amazonaws.com", allowing("Describe*", "RegisterTargets", "DeregisterTargets")),
            at={f"{HERE}.roleArn"},
        ),
        passes("AWS's own policy", by("ecs.amazonaws.com", MANAGED)),
        passes(
            "what an application load balancer needs",
            by("ecs.amazonaws.com", allowing("Describe*", "RegisterTargets", "DeregisterTargets", "ModifyRule")),
        ),
        passes(
            "what a network load balancer needs",
            by("ecs.amazonaws.com", allowing("Describe*", "*Targets", "ModifyListener")),
        ),
        missing("no role", {**ways(), "rule": RULE, "web": shifting(roleArn=None)}),
        unknown(
            "a role of another stack",
            {**ways(), "rule": RULE, "web": shifting(roleArn=not_known())},
            not_evaluated={f"{HERE}.roleArn"},
        ),
        not_applicable("no load balancer", {"web": service()}),
    ],
}

G = good_stacks.FARGATE
WAY: Resources = {
    "group2": {**G["group"], "properties": {**G["group"]["properties"], "name": "web2"}},
    "rule": resource(
        "aws:lb/listenerRule:ListenerRule",
        listenerArn="${listener.arn}",
        priority=1,
        conditions=[{"pathPattern": {"values": ["/*"]}}],
        actions=[{"type": "forward", "forward": {"targetGroups": [{"arn": "${group.arn}"}, {"arn": "${group2.arn}"}]}}],
    ),
    "role": resource("aws:iam/role:Role", name="shifts", assumeRolePolicy=good_stacks.trust("ecs.amazonaws.com")),
    "policy0": MANAGED,
}
LINK = {
    **G["web"]["properties"]["loadBalancers"][0],
    "advancedConfiguration": {
        "alternateTargetGroupArn": "${group2.arn}",
        "productionListenerRule": "${rule.arn}",
        "roleArn": "${role.arn}",
    },
}
BLUE_GREEN = mutant(
    "",
    {**G, **WAY},
    "web",
    deploymentConfiguration={"strategy": "BLUE_GREEN"},
    deploymentCircuitBreaker=None,
    loadBalancers=[LINK],
).resources
"""The good stack for Fargate with blue/green deployments: good, too."""

MUTANTS = {
    "TS-01": [
        mutant(
            "steps of LINEAR",
            BLUE_GREEN,
            "web",
            deploymentConfiguration={"strategy": "BLUE_GREEN", "linearConfiguration": {"stepPercent": 10}},
        )
    ],
    "TS-02": [
        mutant(
            "the listener",
            BLUE_GREEN,
            "web",
            loadBalancers=[
                {
                    **LINK,
                    "advancedConfiguration": {
                        **LINK["advancedConfiguration"],
                        "productionListenerRule": "${listener.arn}",
                    },
                }
            ],
        )
    ],
    "TS-03": [
        mutant("a role for tasks", BLUE_GREEN, "role", assumeRolePolicy=good_stacks.trust("ecs-tasks.amazonaws.com"))
    ],
}
