from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    cluster,
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

ECR = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop/app:1"
LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/app"}}
APP = task_definition(container(image=ECR), networkMode="awsvpc", requiresCompatibilities=["FARGATE"])
VPC = resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
SUBNET = resource("aws:ec2/subnet:Subnet", vpcId="${vpc.id}", cidrBlock="10.0.1.0/24")
TABLE = resource("aws:ec2/routeTable:RouteTable", vpcId="${vpc.id}")
ASSOCIATION = resource(
    "aws:ec2/routeTableAssociation:RouteTableAssociation", subnetId="${subnet.id}", routeTableId="${table.id}"
)
ISOLATED: Resources = {"vpc": VPC, "subnet": SUBNET, "table": TABLE, "association": ASSOCIATION}


def default_route(table: str = "table", **target: Any) -> dict[str, Any]:
    return resource("aws:ec2/route:Route", routeTableId=f"${{{table}.id}}", destinationCidrBlock="0.0.0.0/0", **target)


GATEWAY = resource("aws:ec2/internetGateway:InternetGateway", vpcId="${vpc.id}")
TO_INTERNET: Resources = {
    **ISOLATED,
    "gateway": GATEWAY,
    "route": default_route(gatewayId="${gateway.id}"),
}
BEHIND_NAT: Resources = {
    **ISOLATED,
    "gateway": GATEWAY,
    "outer": resource("aws:ec2/subnet:Subnet", vpcId="${vpc.id}", cidrBlock="10.0.2.0/24"),
    "outerTable": TABLE,
    "outerAssociation": resource(
        "aws:ec2/routeTableAssociation:RouteTableAssociation", subnetId="${outer.id}", routeTableId="${outerTable.id}"
    ),
    "outerRoute": default_route("outerTable", gatewayId="${gateway.id}"),
    "nat": resource("aws:ec2/natGateway:NatGateway", subnetId="${outer.id}"),
    "route": default_route(natGatewayId="${nat.id}"),
}


def endpoint(name: str, **properties: Any) -> dict[str, Any]:
    return resource(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        **{
            "vpcId": "${vpc.id}",
            "serviceName": f"com.amazonaws.ap-northeast-1.{name}",
            "vpcEndpointType": "Interface",
            "privateDnsEnabled": True,
            **properties,
        },
    )


S3 = endpoint("s3", vpcEndpointType="Gateway", privateDnsEnabled=None, routeTableIds=["${table.id}"])
ENDPOINTS: Resources = {**ISOLATED, "api": endpoint("ecr.api"), "dkr": endpoint("ecr.dkr"), "s3": S3}


def running(network: Resources, app: dict[str, Any] = APP, launch_type: str = "FARGATE", **where: Any) -> Resources:
    where = {"subnets": ["${subnet.id}"], **where}
    return {
        **network,
        "app": app,
        "web": service(launchType=launch_type, taskDefinition="${app.arn}", networkConfiguration=where),
    }


GROUP = resource("aws:ec2/securityGroup:SecurityGroup", vpcId="${vpc.id}")
COMPONENT = {"type": "awsx:ec2:Vpc"}


def rule(kind: str, group: str, port: int = 80, **peer: Any) -> dict[str, Any]:
    return resource(
        f"aws:vpc/securityGroup{kind}Rule:SecurityGroup{kind}Rule",
        **{
            "securityGroupId": f"${{{group}.id}}",
            "ipProtocol": "tcp",
            "fromPort": port,
            "toPort": port,
            **peer,
        },
    )


OUT = rule("Egress", "albSg", referencedSecurityGroupId="${taskSg.id}")
IN = rule("Ingress", "taskSg", referencedSecurityGroupId="${albSg.id}")
BALANCED: Resources = {
    "vpc": VPC,
    "subnet": SUBNET,
    "albSg": GROUP,
    "taskSg": GROUP,
    "alb": resource("aws:lb/loadBalancer:LoadBalancer", securityGroups=["${albSg.id}"], subnets=["${subnet.id}"]),
    "group": target_group(targetType="ip", port=80),
    "listener": resource(
        "aws:lb/listener:Listener",
        loadBalancerArn="${alb.arn}",
        defaultActions=[{"type": "forward", "targetGroupArn": "${group.arn}"}],
    ),
    "app": APP,
    "web": service(
        taskDefinition="${app.arn}",
        networkConfiguration={"subnets": ["${subnet.id}"], "securityGroups": ["${taskSg.id}"]},
        loadBalancers=[{"targetGroupArn": "${group.arn}", "containerName": "app", "containerPort": 80}],
    ),
}


def on_instances(mode: str, *, provider: str = "${capacity.name}", **mapping: int) -> Resources:
    """Tasks in the network of instances that have the security group `taskSg`."""
    return {
        **BALANCED,
        "group": target_group(targetType="instance", port=80),
        "app": task_definition(container(portMappings=[{"containerPort": 80, **mapping}]), networkMode=mode),
        "main": cluster(),
        "template": resource("aws:ec2/launchTemplate:LaunchTemplate", vpcSecurityGroupIds=["${taskSg.id}"]),
        "hosts": resource(
            "aws:autoscaling/group:Group",
            launchTemplate={"id": "${template.id}"},
            vpcZoneIdentifiers=["${subnet.id}"],
        ),
        "capacity": resource(
            "aws:ecs/capacityProvider:CapacityProvider",
            name="hosts",
            autoScalingGroupProvider={"autoScalingGroupArn": "${hosts.arn}"},
        ),
        "web": service(
            cluster="${main.arn}",
            capacityProviderStrategies=[{"capacityProvider": provider}],
            taskDefinition="${app.arn}",
            loadBalancers=[{"targetGroupArn": "${group.arn}", "containerName": "app", "containerPort": 80}],
        ),
    }


BETWEEN: Resources = {
    "out": rule("Egress", "albSg", fromPort=32768, toPort=65535, referencedSecurityGroupId="${taskSg.id}"),
    "in": rule("Ingress", "taskSg", fromPort=32768, toPort=65535, referencedSecurityGroupId="${albSg.id}"),
}
"""All dynamic host ports are open."""


def with_alternate(**alternate: Any) -> Resources:
    link = {
        "targetGroupArn": "${group.arn}",
        "containerName": "app",
        "containerPort": 80,
        "advancedConfiguration": {"alternateTargetGroupArn": "${green.arn}", "productionListenerRule": "${rule.arn}"},
    }
    return {
        **BALANCED,
        "out": OUT,
        "in": IN,
        "green": target_group(targetType="ip", port=80, **alternate),
        "rule": resource(
            "aws:lb/listenerRule:ListenerRule",
            listenerArn="${listener.arn}",
            actions=[
                {"type": "forward", "forward": {"targetGroups": [{"arn": "${group.arn}"}, {"arn": "${green.arn}"}]}}
            ],
        ),
        "web": {**BALANCED["web"], "properties": {**BALANCED["web"]["properties"], "loadBalancers": [link]}},
    }


def network_balanced(of_balancer: dict[str, Any] | None = None, **group: Any) -> Resources:
    """Behind a network load balancer, which has no security groups if nothing else is said."""
    return {
        **BALANCED,
        "alb": resource(
            "aws:lb/loadBalancer:LoadBalancer",
            **{"loadBalancerType": "network", "subnets": ["${subnet.id}"], **(of_balancer or {})},
        ),
        "group": target_group(**{"targetType": "ip", "port": 80, "protocol": "TCP", **group}),
    }


EXAMPLES = {
    "SV-04": [
        violates(
            "a private subnet without NAT gateway or endpoints",
            running(ISOLATED),
            at={"web.networkConfiguration.subnets"},
            says=(
                "Service 'web' networkConfiguration.subnets: got [\"subnet-subnet\"], expected subnets with a way out: "
                "Subnet 'subnet' has no route to a NAT gateway, tasks get no public address, and the VPC has no "
                'endpoints for "ecr.api", "ecr.dkr", "s3"; choose subnets behind a NAT gateway, or add the endpoints'
            ),
        ),
        violates(
            "a subnet with an internet gateway, but no public address",
            running(TO_INTERNET),
            at={"web.networkConfiguration.subnets"},
        ),
        violates(
            "a public address, but no internet gateway",
            running(ISOLATED, assignPublicIp=True),
            at={"web.networkConfiguration.subnets"},
        ),
        violates(
            "also in a first preview",
            running(ISOLATED),
            at={"web.networkConfiguration.subnets"},
            preview=True,
        ),
        violates(
            "the subnets of a component, all without a way out, in a first preview",
            {
                "net": COMPONENT,
                **{name: {**ISOLATED[name], "options": {"parent": "${net}"}} for name in ISOLATED},
                "other": {**SUBNET, "options": {"parent": "${net}"}},
                "app": APP,
                "web": service(
                    launchType="FARGATE",
                    taskDefinition="${app.arn}",
                    networkConfiguration={"subnets": "${net.privateSubnetIds}"},
                ),
            },
            at={"web.networkConfiguration.subnets"},
            preview=True,
        ),
        violates(
            "an image that this stack builds, in a first preview",
            {
                **running(
                    ISOLATED,
                    task_definition(container(image="${image.repoDigest}"), requiresCompatibilities=["FARGATE"]),
                ),
                "repository": resource("aws:ecr/repository:Repository", name="app"),
                "image": resource("docker:index/image:Image", imageName="${repository.repositoryUrl}:1"),
            },
            at={"web.networkConfiguration.subnets"},
            preview=True,
        ),
        violates(
            "a NAT gateway that is itself in a private subnet",
            running({**BEHIND_NAT, "nat": resource("aws:ec2/natGateway:NatGateway", subnetId="${subnet.id}")}),
            at={"web.networkConfiguration.subnets"},
        ),
        violates(
            "endpoints for ECR, none for S3, in which ECR keeps the layers",
            running({name: each for name, each in ENDPOINTS.items() if name != "s3"}),
            at={"web.networkConfiguration.subnets"},
        ),
        violates(
            "an S3 endpoint that another route table uses",
            running({**ENDPOINTS, "s3": {**S3, "properties": {**S3["properties"], "routeTableIds": ["rtb-1"]}}}),
            at={"web.networkConfiguration.subnets"},
        ),
        violates(
            "endpoints for the image, none for the log",
            running(
                ENDPOINTS,
                task_definition(container(image=ECR, logConfiguration=LOGS), requiresCompatibilities=["FARGATE"]),
            ),
            at={"web.networkConfiguration.subnets"},
        ),
        violates(
            "endpoints for ECR, an image of Docker Hub",
            running(
                {name: each for name, each in ENDPOINTS.items() if name != "s3"},
                task_definition(container(image="httpd:2.4"), requiresCompatibilities=["FARGATE"]),
            ),
            at={"web.networkConfiguration.subnets"},
        ),
        violates(
            "a security group without egress",
            running({**BEHIND_NAT, "taskSg": GROUP}, securityGroups=["${taskSg.id}"]),
            at={"web.networkConfiguration.securityGroups"},
        ),
        passes("behind a NAT gateway", running(BEHIND_NAT, assignPublicIp=False)),
        passes("an internet gateway and a public address", running(TO_INTERNET, assignPublicIp=True)),
        passes("endpoints for all it needs", running(ENDPOINTS)),
        passes(
            "a route in the table itself, egress in the group itself",
            running(
                {
                    **{name: each for name, each in TO_INTERNET.items() if name != "route"},
                    "table": resource(
                        "aws:ec2/routeTable:RouteTable",
                        vpcId="${vpc.id}",
                        routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": "${gateway.id}"}],
                    ),
                    "taskSg": resource(
                        "aws:ec2/securityGroup:SecurityGroup",
                        egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}],
                    ),
                },
                assignPublicIp=True,
                securityGroups=["${taskSg.id}"],
            ),
        ),
        passes(
            "the VPC's main route table, adopted",
            running(
                {
                    "vpc": VPC,
                    "subnet": SUBNET,
                    "gateway": GATEWAY,
                    "table": resource(
                        "aws:ec2/defaultRouteTable:DefaultRouteTable",
                        defaultRouteTableId="${vpc.defaultRouteTableId}",
                        routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": "${gateway.id}"}],
                    ),
                },
                assignPublicIp=True,
            ),
        ),
        passes(
            "a component's output that names its subnets, in a first preview",
            {
                "net": COMPONENT,
                **{name: {**BEHIND_NAT[name], "options": {"parent": "${net}"}} for name in BEHIND_NAT},
                "app": APP,
                "web": service(
                    launchType="FARGATE",
                    taskDefinition="${app.arn}",
                    networkConfiguration={"subnets": "${net.privateSubnetIds}${subnet.id}"},
                ),
            },
            preview=True,
        ),
        missing(
            "no route table: the VPC's main one, which leads nowhere",
            running({"vpc": VPC, "subnet": SUBNET}),
            at={"web.networkConfiguration.subnets"},
        ),
        unknown(
            "a subnet of another stack",
            running({}, subnets=[not_known()]),
            not_evaluated={"web.networkConfiguration.subnets[0]"},
        ),
        unknown(
            "a transit gateway",
            running({**ISOLATED, "route": default_route(transitGatewayId="tgw-1")}),
            not_evaluated={"route.transitGatewayId"},
        ),
        unknown(
            "a registry that may be inside the VPC",
            running(
                ISOLATED, task_definition(container(image="images.corp:5000/app"), requiresCompatibilities=["FARGATE"])
            ),
            not_evaluated={"app.containerDefinitions[app].image"},
        ),
        unknown(
            "the subnets of a component, some without a way out",
            {
                "net": COMPONENT,
                **{name: {**BEHIND_NAT[name], "options": {"parent": "${net}"}} for name in BEHIND_NAT},
                "app": APP,
                "web": service(
                    launchType="FARGATE",
                    taskDefinition="${app.arn}",
                    networkConfiguration={"subnets": "${net.privateSubnetIds}"},
                ),
            },
            not_evaluated={"web.networkConfiguration.subnets"},
        ),
        unknown(
            "an image that comes from nowhere in this stack",
            running(ISOLATED, task_definition(containerDefinitions=not_known(), requiresCompatibilities=["FARGATE"])),
            not_evaluated={"app.containerDefinitions"},
        ),
        unknown(
            "an S3 endpoint whose route tables are not known",
            running(
                {
                    **ENDPOINTS,
                    "other": TABLE,
                    "s3": {**S3, "properties": {**S3["properties"], "routeTableIds": ["${table.id}${other.id}"]}},
                }
            ),
            not_evaluated={"subnet.vpcId"},
        ),
        not_applicable(
            "EC2: the instance pulls", running(ISOLATED, task_definition(networkMode="awsvpc"), launch_type="EC2")
        ),
    ],
    "LB-13": [
        violates(
            "the tasks' group lets nobody in",
            {**BALANCED, "out": OUT},
            at={"web.networkConfiguration.securityGroups"},
            says=(
                "Service 'web' networkConfiguration.securityGroups: got [\"securitygroup-taskSg\"], expected a group "
                "that lets TCP in on port 80 from LoadBalancer 'alb' (SecurityGroup 'albSg'), which SecurityGroup "
                "'taskSg' does not; add an ingress rule for that port and group"
            ),
        ),
        violates("the load balancer's group lets nothing out", {**BALANCED, "in": IN}, at={"alb.securityGroups"}),
        violates(
            "another port",
            {**BALANCED, "out": OUT, "in": rule("Ingress", "taskSg", 8080, referencedSecurityGroupId="${albSg.id}")},
            at={"web.networkConfiguration.securityGroups"},
        ),
        violates(
            "another group, in a first preview",
            {
                **BALANCED,
                "out": OUT,
                "otherSg": GROUP,
                "in": rule("Ingress", "taskSg", referencedSecurityGroupId="${otherSg.id}"),
            },
            at={"web.networkConfiguration.securityGroups"},
            preview=True,
        ),
        violates(
            "an address range in which the load balancer is not",
            {**BALANCED, "out": OUT, "in": rule("Ingress", "taskSg", cidrIpv4="10.0.9.0/24")},
            at={"web.networkConfiguration.securityGroups"},
        ),
        violates(
            "the health check goes to another port",
            {
                **BALANCED,
                "out": OUT,
                "in": IN,
                "group": target_group(targetType="ip", port=80, healthCheck={"port": "9000"}),
            },
            at={"web.networkConfiguration.securityGroups", "alb.securityGroups"},
        ),
        violates(
            "the health check of the other target group of a blue/green deployment goes to another port",
            with_alternate(healthCheck={"port": "9000"}),
            at={"web.networkConfiguration.securityGroups", "alb.securityGroups"},
        ),
        violates(
            "one port of instances that publish dynamic ones",
            {**on_instances("bridge"), "out": BETWEEN["out"], "in": IN},
            at={"template.vpcSecurityGroupIds"},
            says=(
                "LaunchTemplate 'template' vpcSecurityGroupIds: got [\"securitygroup-taskSg\"], expected a group that "
                "lets TCP in on every dynamic host port (49153 to 60999 at least) from LoadBalancer 'alb' "
                "(SecurityGroup 'albSg'), which SecurityGroup 'taskSg' does not; add an ingress rule for those ports "
                "and group"
            ),
        ),
        violates(
            "the container's port of instances that publish another",
            {**on_instances("bridge", hostPort=8080), "out": OUT, "in": IN},
            at={"template.vpcSecurityGroupIds", "alb.securityGroups"},
        ),
        violates(
            "a network load balancer without groups, and tasks that let nobody in",
            network_balanced(),
            at={"web.networkConfiguration.securityGroups"},
        ),
        violates(
            "and tasks that let in another network",
            {**network_balanced(), "in": rule("Ingress", "taskSg", cidrIpv4="192.0.2.0/24")},
            at={"web.networkConfiguration.securityGroups"},
        ),
        violates(
            "a network load balancer that keeps the addresses of clients, whom nobody lets in",
            {**network_balanced(preserveClientIp=True), "in": rule("Ingress", "taskSg", cidrIpv4="10.0.1.0/24")},
            at={"web.networkConfiguration.securityGroups"},
        ),
        violates(
            "UDP of clients",
            {
                **network_balanced(protocol="UDP", healthCheck={"protocol": "TCP"}),
                "in": rule("Ingress", "taskSg", cidrIpv4="0.0.0.0/0"),
            },
            at={"web.networkConfiguration.securityGroups"},
        ),
        violates(
            "a network load balancer with groups that do not meet those of the tasks",
            {**network_balanced(of_balancer={"securityGroups": ["${albSg.id}"]}), "out": OUT},
            at={"web.networkConfiguration.securityGroups"},
        ),
        passes(
            "a network load balancer whose subnets tasks let in",
            {**network_balanced(), "in": rule("Ingress", "taskSg", cidrIpv4="10.0.1.0/24")},
        ),
        passes(
            "a rule for each half of its subnet",
            {
                **network_balanced(),
                "in": rule("Ingress", "taskSg", cidrIpv4="10.0.1.0/25"),
                "in2": rule("Ingress", "taskSg", cidrIpv4="10.0.1.128/25"),
            },
        ),
        violates(
            "a rule for one half of it",
            {**network_balanced(), "in": rule("Ingress", "taskSg", cidrIpv4="10.0.1.0/25")},
            at={"web.networkConfiguration.securityGroups"},
        ),
        passes(
            "everybody, who keeps their address",
            {**network_balanced(preserveClientIp=True), "in": rule("Ingress", "taskSg", cidrIpv4="0.0.0.0/0")},
        ),
        passes(
            "UDP, and checks by TCP",
            {
                **network_balanced(protocol="UDP", healthCheck={"protocol": "TCP"}),
                "in": rule("Ingress", "taskSg", cidrIpv4="0.0.0.0/0", ipProtocol="-1"),
            },
        ),
        passes(
            "a network load balancer with groups that meet those of the tasks",
            {**network_balanced(of_balancer={"securityGroups": ["${albSg.id}"]}), "out": OUT, "in": IN},
        ),
        unknown(
            "a network load balancer in subnets of another stack",
            {
                **network_balanced(of_balancer={"subnets": ["subnet-9"]}),
                "in": rule("Ingress", "taskSg", cidrIpv4="10.0.1.0/24"),
            },
            not_evaluated={"in.ipProtocol"},
        ),
        passes("from group to group", {**BALANCED, "out": OUT, "in": IN}),
        passes("blue/green", with_alternate()),
        passes("blue/green, in a first preview", with_alternate(), preview=True),
        passes("dynamic ports of instances", {**on_instances("bridge"), **BETWEEN}),
        passes("dynamic ports of instances, in a first preview", {**on_instances("bridge"), **BETWEEN}, preview=True),
        passes("in network mode host", {**on_instances("host"), "out": OUT, "in": IN}),
        passes(
            "a template with a network interface",
            {
                **on_instances("host"),
                "template": resource(
                    "aws:ec2/launchTemplate:LaunchTemplate", networkInterfaces=[{"securityGroups": ["${taskSg.id}"]}]
                ),
                "out": OUT,
                "in": IN,
            },
        ),
        passes("from group to group, in a first preview", {**BALANCED, "out": OUT, "in": IN}, preview=True),
        passes(
            "by address range",
            {
                **BALANCED,
                "out": rule("Egress", "albSg", cidrIpv4="10.0.0.0/16"),
                "in": rule("Ingress", "taskSg", cidrIpv4="10.0.1.0/24"),
            },
        ),
        passes(
            "written in the groups, and by the older kind of rule",
            {
                **BALANCED,
                "albSg": resource(
                    "aws:ec2/securityGroup:SecurityGroup",
                    egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}],
                ),
                "in": resource(
                    "aws:ec2/securityGroupRule:SecurityGroupRule",
                    type="ingress",
                    securityGroupId="${taskSg.id}",
                    sourceSecurityGroupId="${albSg.id}",
                    protocol="tcp",
                    fromPort=1,
                    toPort=1024,
                ),
            },
        ),
        missing(
            "no security group: the VPC's default one",
            {
                **BALANCED,
                "web": service(
                    taskDefinition="${app.arn}",
                    networkConfiguration={"subnets": ["${subnet.id}"]},
                    loadBalancers=[{"targetGroupArn": "${group.arn}", "containerName": "app", "containerPort": 80}],
                ),
            },
            not_evaluated={"web.networkConfiguration.securityGroups"},
        ),
        unknown(
            "a rule for a group that only AWS knows",
            {
                **BALANCED,
                "out": OUT,
                "otherSg": GROUP,
                "in": rule("Ingress", "taskSg", prefixListId="pl-1"),
            },
            not_evaluated={"in.prefixListId"},
        ),
        unknown(
            "a security group of another stack",
            {
                **BALANCED,
                "out": OUT,
                "alb": resource("aws:lb/loadBalancer:LoadBalancer", securityGroups=[not_known()]),
            },
            not_evaluated={"alb.securityGroups[0]"},
        ),
        unknown(
            "instances of another stack",
            on_instances("bridge", provider=not_known()),
            not_evaluated={"web.capacityProviderStrategies[0].capacityProvider"},
        ),
        not_applicable("no load balancer", running(ISOLATED)),
    ],
}

MUTANTS = {
    "SV-04": [
        mutant("no default route", good_stacks.FARGATE, "privateRoute", destinationCidrBlock="10.9.0.0/16"),
        mutant("no HTTPS out", good_stacks.FARGATE, "taskToAws", fromPort=80, toPort=80),
        Mutant(
            "no NAT gateway",
            {
                **good_stacks.FARGATE,
                "privateRoute": default_route("privateTable", gatewayId="${gateway.id}"),
            },
        ),
    ],
    "LB-13": [
        mutant("wrong port in", good_stacks.FARGATE, "taskFromAlb", fromPort=80, toPort=80),
        mutant("wrong port out", good_stacks.FARGATE, "albToTask", fromPort=80, toPort=80),
        mutant("wrong group in", good_stacks.FARGATE, "taskFromAlb", referencedSecurityGroupId="${taskSg.id}"),
        mutant("wrong port of the instances", good_stacks.EC2, "taskFromAlb", fromPort=80, toPort=80),
    ],
}
