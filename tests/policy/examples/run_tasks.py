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
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

NETWORK = {"subnets": ["${subnet.id}"], "securityGroups": ["sg-1"]}
EC2 = task_definition(container(image="nginx"), requiresCompatibilities=["EC2"])
FARGATE = task_definition(container(image="nginx"), requiresCompatibilities=["FARGATE"], networkMode="awsvpc")
VPC: Resources = {
    "vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16"),
    "subnet": resource("aws:ec2/subnet:Subnet", vpcId="${vpc.id}", cidrBlock="10.0.1.0/24"),
}
GATEWAY: Resources = {
    "gateway": resource("aws:ec2/internetGateway:InternetGateway", vpcId="${vpc.id}"),
    "table": resource(
        "aws:ec2/routeTable:RouteTable",
        vpcId="${vpc.id}",
        routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": "${gateway.id}"}],
    ),
    "association": resource(
        "aws:ec2/routeTableAssociation:RouteTableAssociation", subnetId="${subnet.id}", routeTableId="${table.id}"
    ),
}


def by_event(app: dict[str, Any], **settings: Any) -> Resources:
    return {
        **VPC,
        "main": cluster(),
        "app": app,
        "nightly": resource(
            "aws:cloudwatch/eventTarget:EventTarget",
            rule="nightly",
            arn="${main.arn}",
            ecsTarget={"taskDefinitionArn": "${app.arn}", **settings},
        ),
    }


def by_schedule(app: dict[str, Any], **settings: Any) -> Resources:
    return {
        **VPC,
        "main": cluster(),
        "app": app,
        "nightly": resource(
            "aws:scheduler/schedule:Schedule",
            target={"arn": "${main.arn}", "ecsParameters": {"taskDefinitionArn": "${app.arn}", **settings}},
        ),
    }


APP_ARN = "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/app:1"


def by_state(app: dict[str, Any], **arguments: Any) -> Resources:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": {"Cluster": "main", "TaskDefinition": APP_ARN, **arguments},
    }
    inside = {"Type": "Map", "ItemProcessor": {"StartAt": "Run", "States": {"Run": state}}}
    return {
        **VPC,
        "app": app,
        "nightly": resource(
            "aws:sfn/stateMachine:StateMachine",
            definition=json.dumps({"StartAt": "Each", "States": {"Each": inside, "Wait": {"Type": "Wait"}}}),
        ),
    }


RUN = "nightly.definition.States.Each.ItemProcessor.States.Run.Parameters"
AWSVPC = {"AwsvpcConfiguration": {"Subnets": ["subnet-subnet"]}}


def allowed(principal: str, *actions: str) -> Resources:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    made = by_event(EC2)
    return {
        **made,
        "role": resource("aws:iam/role:Role", name="nightly", assumeRolePolicy=good_stacks.trust(principal)),
        "policy": resource(
            "aws:iam/rolePolicy:RolePolicy", role="${role.name}", policy=json.dumps({"Statement": [statement]})
        ),
        "app": task_definition(container(image="nginx"), taskRoleArn="arn:aws:iam::123456789012:role/app"),
        "nightly": {**made["nightly"], "properties": {**made["nightly"]["properties"], "roleArn": "${role.arn}"}},
    }


EXAMPLES = {
    "RT-01": [
        violates(
            "a task definition for Fargate on EC2",
            by_event(FARGATE, launchType="EC2", networkConfiguration=NETWORK),
            at={"nightly.ecsTarget.launchType"},
            says=(
                'EventTarget \'nightly\' ecsTarget.launchType: got "EC2", expected one of "FARGATE" as '
                "TaskDefinition 'app' has in requiresCompatibilities, not EC2; change the launch type, "
                "or requiresCompatibilities"
            ),
        ),
        violates(
            "no launch type, which means EC2",
            by_schedule(FARGATE, networkConfiguration=NETWORK),
            at={"nightly.target.ecsParameters.launchType"},
        ),
        violates(
            "no network",
            by_schedule(FARGATE, launchType="FARGATE"),
            at={"nightly.target.ecsParameters.networkConfiguration"},
            preview=True,
        ),
        violates(
            "a network for bridge",
            by_event(EC2, launchType="EC2", networkConfiguration=NETWORK),
            at={"nightly.ecsTarget.networkConfiguration"},
        ),
        violates(
            "a state inside of another",
            by_state(FARGATE, LaunchType="EC2", NetworkConfiguration=AWSVPC),
            at={f"{RUN}.LaunchType"},
        ),
        violates(
            "a state without network",
            by_state(FARGATE, LaunchType="FARGATE"),
            at={f"{RUN}.NetworkConfiguration"},
        ),
        passes("Fargate", by_event(FARGATE, launchType="FARGATE", networkConfiguration=NETWORK)),
        passes("EC2", by_schedule(EC2, launchType="EC2")),
        passes("a state", by_state(FARGATE, LaunchType="FARGATE", NetworkConfiguration=AWSVPC)),
        passes(
            "the cluster's default strategy",
            {
                **by_event(FARGATE, networkConfiguration=NETWORK),
                "providers": capacity_providers(
                    clusterName="${main.name}",
                    capacityProviders=["FARGATE"],
                    defaultCapacityProviderStrategies=[{"capacityProvider": "FARGATE"}],
                ),
            },
        ),
        passes(
            "a strategy of its own",
            by_schedule(
                FARGATE, networkConfiguration=NETWORK, capacityProviderStrategies=[{"capacityProvider": "FARGATE_SPOT"}]
            ),
        ),
        missing("a target that is no task", {"nightly": resource("aws:cloudwatch/eventTarget:EventTarget", arn="arn")}),
        unknown(
            "a task definition of another stack",
            by_event(FARGATE, taskDefinitionArn="arn:aws:ecs:eu-west-1:1:task-definition/theirs:1", launchType="EC2"),
            not_evaluated={"nightly.ecsTarget.taskDefinitionArn"},
        ),
        unknown(
            "an unknown definition",
            {"nightly": resource("aws:sfn/stateMachine:StateMachine", definition=not_known())},
            not_evaluated={"nightly.definition"},
        ),
        not_applicable("no runs", {"app": FARGATE}),
    ],
    "RT-02": [
        violates(
            "a subnet without a way",
            by_event(FARGATE, launchType="FARGATE", networkConfiguration=NETWORK),
            at={"nightly.ecsTarget.networkConfiguration.subnets"},
            says=(
                "EventTarget 'nightly' ecsTarget.networkConfiguration.subnets: got [\"subnet-subnet\"], "
                "expected subnets with a way out: Subnet 'subnet' has no route to a NAT gateway, tasks "
                'get no public address, and the VPC has no endpoints for "ecr.api", "ecr.dkr", "s3"; '
                "choose subnets behind a NAT gateway, or add the endpoints"
            ),
        ),
        violates(
            "an internet gateway, and no public address",
            {**by_schedule(FARGATE, launchType="FARGATE", networkConfiguration=NETWORK), **GATEWAY},
            at={"nightly.target.ecsParameters.networkConfiguration.subnets"},
        ),
        violates(
            "a state",
            by_state(FARGATE, LaunchType="FARGATE", NetworkConfiguration=AWSVPC),
            at={f"{RUN}.NetworkConfiguration.AwsvpcConfiguration.Subnets"},
        ),
        passes(
            "a public address",
            {
                **by_event(FARGATE, launchType="FARGATE", networkConfiguration={**NETWORK, "assignPublicIp": True}),
                **GATEWAY,
            },
        ),
        passes(
            "in the words of the API",
            {
                **by_state(
                    FARGATE,
                    LaunchType="FARGATE",
                    NetworkConfiguration={
                        "AwsvpcConfiguration": {"Subnets": ["subnet-subnet"], "AssignPublicIp": "ENABLED"}
                    },
                ),
                **GATEWAY,
            },
        ),
        passes(
            "a NAT gateway",
            {
                **by_schedule(FARGATE, launchType="FARGATE", networkConfiguration=NETWORK),
                **GATEWAY,
                "nat": resource("aws:ec2/natGateway:NatGateway", connectivityType="public"),
                "table": resource(
                    "aws:ec2/routeTable:RouteTable",
                    vpcId="${vpc.id}",
                    routes=[{"cidrBlock": "0.0.0.0/0", "natGatewayId": "${nat.id}"}],
                ),
            },
        ),
        passes("EC2", by_schedule(EC2, launchType="EC2")),
        missing("no network", by_event(FARGATE, launchType="FARGATE")),
        unknown(
            "subnets of another stack",
            by_event(FARGATE, launchType="FARGATE", networkConfiguration={"subnets": ["subnet-9"]}),
            not_evaluated={"nightly.ecsTarget.networkConfiguration.subnets[0]"},
        ),
        not_applicable("no runs", {"app": FARGATE}),
    ],
    "RT-03": [
        violates(
            "a role for another service",
            allowed("lambda.amazonaws.com", "ecs:RunTask", "iam:PassRole"),
            at={"nightly.roleArn"},
            says=(
                "EventTarget 'nightly' roleArn: got "
                '"arn:aws:test:ap-northeast-1:123456789012:Role/role", expected a role that '
                "events.amazonaws.com may assume, which Role 'role' does not let it; allow it"
            ),
        ),
        violates("may not run tasks", allowed("events.amazonaws.com", "iam:PassRole"), at={"nightly.roleArn"}),
        violates(
            "may not hand on the task's role",
            allowed("events.amazonaws.com", "ecs:RunTask"),
            at={"nightly.roleArn"},
        ),
        passes("may do both", allowed("events.amazonaws.com", "ecs:RunTask", "iam:PassRole")),
        passes("may do everything of ECS", allowed("events.amazonaws.com", "ecs:*", "iam:*")),
        missing("no role", by_event(EC2)),
        unknown(
            "a role of another stack",
            {
                **by_event(EC2),
                "nightly": resource(
                    "aws:cloudwatch/eventTarget:EventTarget",
                    roleArn=not_known(),
                    ecsTarget={"taskDefinitionArn": "${app.arn}"},
                ),
            },
            not_evaluated={"nightly.roleArn"},
        ),
        not_applicable("no runs", {"app": EC2}),
    ],
}

NIGHTLY: Resources = {
    **good_stacks.FARGATE,
    "role": resource("aws:iam/role:Role", name="nightly", assumeRolePolicy=good_stacks.trust("events.amazonaws.com")),
    "policy": resource(
        "aws:iam/rolePolicy:RolePolicy",
        role="${role.name}",
        policy=json.dumps(
            {"Statement": [{"Effect": "Allow", "Action": ["ecs:RunTask", "iam:PassRole"], "Resource": "*"}]}
        ),
    ),
    "nightly": resource(
        "aws:cloudwatch/eventTarget:EventTarget",
        rule="nightly",
        arn="${main.arn}",
        roleArn="${role.arn}",
        ecsTarget={
            "taskDefinitionArn": "${app.arn}",
            "launchType": "FARGATE",
            "networkConfiguration": {"subnets": ["${privateA.id}"], "securityGroups": ["${taskSg.id}"]},
        },
    ),
}
"""The good stack for Fargate with a task every night: good, too."""
TARGET = NIGHTLY["nightly"]["properties"]["ecsTarget"]

MUTANTS = {
    "RT-01": [mutant("no network", NIGHTLY, "nightly", ecsTarget={**TARGET, "networkConfiguration": None})],
    "RT-02": [
        mutant(
            "a public subnet without public address",
            NIGHTLY,
            "nightly",
            ecsTarget={**TARGET, "networkConfiguration": {"subnets": ["${publicA.id}"]}},
        )
    ],
    "RT-03": [mutant("another service", NIGHTLY, "role", assumeRolePolicy=good_stacks.trust("lambda.amazonaws.com"))],
}
