from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
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

VPC: Resources = {
    "vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16"),
    "subnet": resource("aws:ec2/subnet:Subnet", vpcId="${vpc.id}", cidrBlock="10.0.0.0/24"),
    "group": resource("aws:ec2/securityGroup:SecurityGroup", vpcId="${vpc.id}"),
}


def ingress(port: int, **peer: Any) -> dict[str, Any]:
    peer = peer or {"cidrIpv4": "0.0.0.0/0"}
    return resource(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        **{"securityGroupId": "${group.id}", "ipProtocol": "tcp", "fromPort": port, "toPort": port, **peer},
    )


def front(listener: dict[str, Any], **balancer: Any) -> Resources:
    return {
        **VPC,
        "alb": resource(
            "aws:lb/loadBalancer:LoadBalancer",
            **{"subnets": ["${subnet.id}"], "securityGroups": ["${group.id}"], **balancer},
        ),
        "listener": resource("aws:lb/listener:Listener", loadBalancerArn="${alb.arn}", **listener),
    }


HTTPS = {"port": 443, "protocol": "HTTPS"}
DNS = {"port": 53, "protocol": "UDP"}


def routed(**target: Any) -> Resources:
    return {
        "table": resource("aws:ec2/routeTable:RouteTable", vpcId="${vpc.id}"),
        "association": resource(
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            subnetId="${subnet.id}",
            routeTableId="${table.id}",
        ),
        **(
            {
                "route": resource(
                    "aws:ec2/route:Route",
                    routeTableId="${table.id}",
                    destinationCidrBlock="0.0.0.0/0",
                    **target,
                )
            }
            if target
            else {}
        ),
    }


GATEWAY = resource("aws:ec2/internetGateway:InternetGateway", vpcId="${vpc.id}")
NAT = resource("aws:ec2/natGateway:NatGateway", connectivityType="public")


def acl(*, ingress: list[dict[str, Any]], egress: list[dict[str, Any]], **properties: Any) -> dict[str, Any]:
    properties = properties or {"subnetIds": ["${subnet.id}"]}
    return resource("aws:ec2/networkAcl:NetworkAcl", vpcId="${vpc.id}", ingress=ingress, egress=egress, **properties)


def entry(number: int, first: Any, last: int, action: str = "allow", **more: Any) -> dict[str, Any]:
    return {
        "ruleNo": number,
        "protocol": "tcp",
        "fromPort": first,
        "toPort": last,
        "action": action,
        "cidrBlock": "0.0.0.0/0",
        **more,
    }


ALL = {"ruleNo": 100, "protocol": "-1", "fromPort": 0, "toPort": 0, "action": "allow", "cidrBlock": "0.0.0.0/0"}
ANSWERS = entry(100, 1024, 65535)


def tasks(of_subnet: dict[str, Any] | None = None, **of_task: Any) -> Resources:
    """Tasks on Fargate behind a load balancer, in a subnet with this network ACL."""
    return {
        **VPC,
        **({"acl": of_subnet} if of_subnet else {}),
        "app": task_definition(requiresCompatibilities=["FARGATE"], networkMode="awsvpc", **of_task),
        "web": service(
            launchType="FARGATE",
            taskDefinition="${app.arn}",
            networkConfiguration={"subnets": ["${subnet.id}"], "securityGroups": ["${group.id}"]},
            loadBalancers=[{"containerName": "app", "containerPort": 8080}],
        ),
    }


EXAMPLES = {
    "CP-01": [
        violates(
            "the group opens another port",
            {**front(HTTPS), "in": ingress(80)},
            at={"listener.port"},
            says=(
                "Listener 'listener' port: got 443, expected a port on which a security group of "
                "LoadBalancer 'alb' lets clients in, which SecurityGroup 'group' does not; add an "
                "ingress rule for this port and the networks of the clients"
            ),
        ),
        violates("in a first preview", {**front(HTTPS), "in": ingress(80)}, at={"listener.port"}, preview=True),
        violates("the group opens nothing", front(HTTPS), at={"listener.port"}),
        violates(
            "UDP by a group that opens TCP",
            {**front(DNS, loadBalancerType="network"), "in": ingress(53)},
            at={"listener.port"},
        ),
        violates(
            "an internal load balancer",
            {**front(HTTPS, internal=True), "in": ingress(80, cidrIpv4="10.0.0.0/8")},
            at={"listener.port"},
        ),
        passes("its own port", {**front(HTTPS), "in": ingress(443)}),
        passes(
            "a range of ports for one network",
            {**front(HTTPS), "in": ingress(400, toPort=500, cidrIpv4="192.0.2.0/24")},
        ),
        passes("another group", {**front(HTTPS), "in": ingress(443, referencedSecurityGroupId="sg-9")}),
        passes("a prefix list", {**front(HTTPS), "in": ingress(443, prefixListId="pl-9")}),
        passes(
            "UDP",
            {**front(DNS, loadBalancerType="network"), "in": ingress(53, ipProtocol="udp", cidrIpv4="0.0.0.0/0")},
        ),
        passes("a network load balancer without groups", front(DNS, loadBalancerType="network", securityGroups=None)),
        missing(
            "an application load balancer without groups",
            front(HTTPS, securityGroups=None),
            not_evaluated={"alb.securityGroups"},
        ),
        unknown(
            "a group of another stack",
            front(HTTPS, securityGroups=[not_known()]),
            not_evaluated={"alb.securityGroups[0]"},
        ),
        not_applicable("a Gateway Load Balancer", front({}, loadBalancerType="gateway")),
    ],
    "CP-02": [
        violates(
            "subnets behind a NAT gateway",
            {**front(HTTPS), **routed(natGatewayId="${nat.id}"), "nat": NAT},
            at={"alb.subnets"},
            says=(
                "LoadBalancer 'alb' subnets: got [\"subnet-subnet\"], expected subnets with a route to an "
                'internet gateway, unlike "subnet"; choose public subnets, or set internal to true'
            ),
        ),
        violates("subnets without any route", {**front(HTTPS), **routed()}, at={"alb.subnets"}, preview=True),
        violates(
            "a network load balancer",
            {
                **front(DNS, loadBalancerType="network", subnets=None, subnetMappings=[{"subnetId": "${subnet.id}"}]),
                **routed(),
            },
            at={"alb.subnetMappings"},
        ),
        passes(
            "subnets with a route to an internet gateway",
            {**front(HTTPS), **routed(gatewayId="${gateway.id}"), "gateway": GATEWAY},
        ),
        passes("an internal load balancer", {**front(HTTPS, internal=True), **routed()}),
        passes(
            "a VPC whose own table has the route",
            {
                **front(HTTPS),
                "gateway": GATEWAY,
                "main": resource(
                    "aws:ec2/defaultRouteTable:DefaultRouteTable",
                    defaultRouteTableId="${vpc.defaultRouteTableId}",
                    routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": "${gateway.id}"}],
                ),
                "vpc": {**VPC["vpc"], "outputs": {"defaultRouteTableId": "rtb-main"}},
            },
        ),
        missing("no subnets", front(HTTPS, subnets=None)),
        unknown("subnets of another stack", front(HTTPS, subnets=["subnet-9"]), not_evaluated={"alb.subnets[0]"}),
        not_applicable("no load balancer", VPC),
    ],
    "CP-04": [
        violates(
            "no way out",
            tasks(acl(ingress=[ALL], egress=[entry(1, 49152, 65535)])),
            at={"web.networkConfiguration.subnets"},
            says=(
                "Service 'web' networkConfiguration.subnets: got [\"subnet-subnet\"], expected a network ACL of Subnet "
                "'subnet' that lets requests out on port 443, which NetworkAcl 'acl' does not; add an egress rule for "
                "that port"
            ),
        ),
        violates(
            "answers do not get in, nor does the load balancer",
            tasks(acl(ingress=[entry(1, 443, 443)], egress=[ALL])),
            at={"web.networkConfiguration.subnets"},
        ),
        violates(
            "the load balancer's port is denied first",
            tasks(acl(ingress=[entry(1, 8080, 8080, "deny"), ALL], egress=[ALL])),
            at={"web.networkConfiguration.subnets"},
            preview=True,
        ),
        violates(
            "no files",
            tasks(
                acl(ingress=[ALL], egress=[entry(1, 443, 443), entry(2, 49152, 65535)]),
                volumes=[{"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
            ),
            at={"web.networkConfiguration.subnets"},
        ),
        passes("everything", tasks(acl(ingress=[ALL], egress=[ALL]))),
        passes(
            "just what it takes",
            tasks(
                acl(
                    ingress=[entry(1, 8080, 8080), entry(2, 1024, 65535)],
                    egress=[entry(1, 443, 443), entry(2, 1024, 65535)],
                )
            ),
        ),
        passes("an ACL of other subnets", tasks(acl(ingress=[], egress=[], subnetIds=["subnet-9"]))),
        missing("no ACL: AWS's own lets everything through", tasks()),
        unknown(
            "an entry that is not known yet",
            tasks(acl(ingress=[entry(1, not_known(), 65535)], egress=[ALL])),
            not_evaluated={"acl.ingress[0].fromPort"},
        ),
        not_applicable("no service", {**VPC, "acl": acl(ingress=[], egress=[])}),
    ],
    "CP-03": [
        violates(
            "requests do not get in",
            {**front(HTTPS), "acl": acl(ingress=[entry(100, 80, 80)], egress=[ALL])},
            at={"listener.port"},
            says=(
                "Listener 'listener' port: got 443, expected a network ACL of Subnet 'subnet' that lets "
                "requests in on port 443, which NetworkAcl 'acl' does not; add an ingress rule for that "
                "port"
            ),
        ),
        violates(
            "answers do not get out",
            {**front(HTTPS), "acl": acl(ingress=[ALL], egress=[entry(100, 443, 443)])},
            at={"listener.port"},
        ),
        violates(
            "denied before it is allowed",
            {**front(HTTPS), "acl": acl(ingress=[entry(50, 0, 1000, "deny"), ALL], egress=[ALL])},
            at={"listener.port"},
        ),
        violates(
            "rules and association as resources of their own",
            {
                **front(HTTPS),
                "acl": resource("aws:ec2/networkAcl:NetworkAcl", vpcId="${vpc.id}"),
                "out": resource(
                    "aws:ec2/networkAclRule:NetworkAclRule",
                    networkAclId="${acl.id}",
                    egress=True,
                    ruleNumber=1,
                    ruleAction="allow",
                    protocol="-1",
                    cidrBlock="0.0.0.0/0",
                ),
                "association": resource(
                    "aws:ec2/networkAclAssociation:NetworkAclAssociation",
                    networkAclId="${acl.id}",
                    subnetId="${subnet.id}",
                ),
            },
            at={"listener.port"},
        ),
        violates(
            "the default ACL, adopted without rules",
            {
                **front(HTTPS),
                "vpc": {**VPC["vpc"], "outputs": {"defaultNetworkAclId": "acl-1"}},
                "acl": resource(
                    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl", defaultNetworkAclId="${vpc.defaultNetworkAclId}"
                ),
            },
            at={"listener.port"},
        ),
        passes("everything", {**front(HTTPS), "acl": acl(ingress=[ALL], egress=[ALL])}),
        passes("just what it takes", {**front(HTTPS), "acl": acl(ingress=[entry(1, 443, 443)], egress=[ANSWERS])}),
        passes(
            "one network is denied",
            {
                **front(HTTPS),
                "acl": acl(
                    ingress=[entry(1, 443, 443, "deny", cidrBlock="198.51.100.0/24"), entry(2, 443, 443)],
                    egress=[ANSWERS],
                ),
            },
        ),
        passes("an ACL of other subnets", {**front(HTTPS), "acl": acl(ingress=[], egress=[], subnetIds=["subnet-9"])}),
        missing("no ACL: AWS's own lets everything through", front(HTTPS)),
        unknown(
            "an unknown port",
            {**front(HTTPS), "acl": acl(ingress=[entry(1, not_known(), 443)], egress=[ANSWERS])},
            not_evaluated={"acl.ingress[0].fromPort"},
        ),
        not_applicable("no listener", {**VPC, "acl": acl(ingress=[], egress=[])}),
    ],
}

MUTANTS = {
    "CP-04": [
        mutant(
            "no answers",
            {
                **good_stacks.FARGATE,
                "acl": acl(ingress=[ALL], egress=[ALL], subnetIds=["${privateA.id}", "${privateC.id}"]),
            },
            "acl",
            ingress=[entry(1, 8080, 8080)],
        )
    ],
    "CP-01": [
        mutant(
            "another port",
            good_stacks.FARGATE,
            "internetToAlb",
            fromPort=444,
            toPort=444,
            cidrIpv4="192.0.2.0/24",
        )
    ],
    "CP-02": [mutant("private subnets", good_stacks.FARGATE, "alb", subnets=["${privateA.id}", "${privateC.id}"])],
    "CP-03": [
        mutant(
            "no answers",
            {
                **good_stacks.FARGATE,
                "acl": acl(ingress=[ALL], egress=[ALL], subnetIds=["${publicA.id}", "${publicC.id}"]),
            },
            "acl",
            egress=[entry(1, 443, 443)],
        )
    ],
}
