from typing import Any

from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, resource, service, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

WORLD = "0.0.0.0/0"


def group(kind: str = "security", **properties: Any) -> dict[str, Any]:
    token = "defaultSecurityGroup:Default" if kind == "default" else "securityGroup:"
    return resource(f"aws:ec2/{token}SecurityGroup", **properties)


def rule(direction: str, **properties: Any) -> dict[str, Any]:
    written = {"securityGroupId": "${sg.id}", "ipProtocol": "tcp", **properties}
    return resource(f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule", **written)


def port(number: object, cidr: object = WORLD, last: object = None) -> dict[str, Any]:
    return rule("Ingress", cidrIpv4=cidr, fromPort=number, toPort=number if last is None else last)


EVERYTHING = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": [WORLD]}
LISTENING: Resources = {
    "sg": group(),
    "alb": resource("aws:lb/loadBalancer:LoadBalancer", securityGroups=["${sg.id}"]),
    "listener": resource("aws:lb/listener:Listener", loadBalancerArn="${alb.arn}", port=443),
}
VPC: Resources = {"vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")}
NO_GROUP: Resources = {"app": task_definition()}

EXAMPLES = {
    "NW-01": [
        violates(
            "tasks open to the world",
            {"sg": group(), "open": port(8080)},
            at={"open.cidrIpv4"},
            says=(
                "SecurityGroupIngressRule 'open' cidrIpv4: got \"0.0.0.0/0\", expected a narrower range for this "
                "port, on which no load balancer with SecurityGroup 'sg' listens; name the networks or the security "
                "group of the clients"
            ),
        ),
        violates("half of the internet", {"sg": group(), "open": port(8080, "128.0.0.0/1")}, at={"open.cidrIpv4"}),
        violates(
            "the internet, written otherwise",
            {"sg": group(ingress=[{"protocol": "tcp", "fromPort": 22, "toPort": 22, "ipv6CidrBlocks": ["0::/0"]}])},
            at={"sg.ingress[0].ipv6CidrBlocks[0]"},
        ),
        violates("another port than the listener's", {**LISTENING, "open": port(22)}, at={"open.cidrIpv4"}),
        violates("more ports than the listener's", {**LISTENING, "open": port(443, last=9000)}, at={"open.cidrIpv4"}),
        violates(
            "everything, in the group itself, by IPv6",
            {"sg": group(ingress=[{**EVERYTHING, "cidrBlocks": [], "ipv6CidrBlocks": ["::/0"]}])},
            at={"sg.ingress[0].ipv6CidrBlocks[0]"},
        ),
        violates(
            "by the older kind of rule",
            {
                "sg": group(),
                "open": resource(
                    "aws:ec2/securityGroupRule:SecurityGroupRule",
                    type="ingress",
                    securityGroupId="${sg.id}",
                    protocol="udp",
                    fromPort=53,
                    toPort=53,
                    cidrBlocks=[WORLD],
                ),
            },
            at={"open.cidrBlocks[0]"},
        ),
        violates(
            "tasks behind the load balancer's own group",
            {**LISTENING, "open": port(443), "web": service(networkConfiguration={"securityGroups": ["${sg.id}"]})},
            at={"open.cidrIpv4"},
        ),
        violates(
            "instances behind it",
            {
                **LISTENING,
                "open": port(443),
                "template": resource("aws:ec2/launchTemplate:LaunchTemplate", vpcSecurityGroupIds=["${sg.id}"]),
            },
            at={"open.cidrIpv4"},
        ),
        passes(
            "tasks with a group of their own",
            {
                **LISTENING,
                "open": port(443),
                "own": group(),
                "web": service(networkConfiguration={"securityGroups": ["${own.id}"]}),
            },
        ),
        passes("the listener's port, in a first preview", {**LISTENING, "open": port(443)}, preview=True),
        violates(
            "a network that the organisation does not allow",
            {"sg": group(), "open": port(8080, "192.168.0.0/16")},
            at={"open.cidrIpv4"},
            options={"allowedNetworks": ["10.0.0.0/8"]},
        ),
        passes("a network", {"sg": group(), "open": port(8080, "10.0.0.0/8")}),
        passes(
            "a part of a network that the organisation allows",
            {"sg": group(), "open": port(8080, "10.1.0.0/16")},
            options={"allowedNetworks": ["10.0.0.0/8"]},
        ),
        passes("a port that the organisation opens", {"sg": group(), "open": port(25)}, options={"openPorts": [25]}),
        missing("no rules", {"sg": group()}),
        unknown("an unknown network", {"sg": group(), "open": port(80, not_known())}, not_evaluated={"open.cidrIpv4"}),
        unknown(
            "a configuration that names no network",
            {"sg": group(), "open": port(8080, "10.0.0.0/8")},
            not_evaluated={"open.ingress"},
            options={"allowedNetworks": ["the office"]},
        ),
        unknown(
            "a rule of one of two groups",
            {
                "sg": group(),
                "other": group(),
                "open": rule("Ingress", securityGroupId="${sg.id}${other.id}", cidrIpv4=WORLD, fromPort=80, toPort=80),
            },
            not_evaluated={"open.securityGroupId"},
        ),
        unknown(
            "a rule of somebody else's group",
            {
                "open": resource(
                    "aws:ec2/securityGroupRule:SecurityGroupRule",
                    type="ingress",
                    securityGroupId="sg-0123456789abcdef0",
                    protocol="tcp",
                    fromPort=22,
                    toPort=22,
                    cidrBlocks=[WORLD],
                )
            },
            not_evaluated={"open.securityGroupId"},
        ),
        not_applicable("no security group", NO_GROUP),
    ],
    "NW-10": [
        violates("a name like an id", {"sg": group(name="sg-tasks")}, at={"sg.name"}),
        passes("a name with sg in it", {"sg": group(name="tasks-sg-1")}),
        violates(
            "an apostrophe",
            {"sg": group(description="to AWS's endpoints")},
            at={"sg.description"},
            says=(
                "SecurityGroup 'sg' description: got \"to AWS's endpoints\", expected at most 255 letters of English, "
                "digits, spaces and . _ - : / ( ) # , @ [ ] + = & ; { } ! $ *; change description"
            ),
        ),
        violates(
            "an arrow", {"sg": group(), "out": rule("Egress", description="door -> room")}, at={"out.description"}
        ),
        violates("inline", {"sg": group(ingress=[{"description": "für alle"}])}, at={"sg.ingress[0].description"}),
        violates("256 letters", {"sg": group(description="a" * 256)}, at={"sg.description"}),
        passes("all that there is", {"sg": group(description="a. _-:/()#,@[]+=&;{}!$*9", name="web")}),
        missing("no description", {"sg": group()}),
        unknown("unknown", {"sg": group(description=not_known())}, not_evaluated={"sg.description"}),
        not_applicable("no security group", NO_GROUP),
    ],
    "NW-02": [
        violates(
            "nearly every port, by UDP",
            {"sg": group(), "out": rule("Egress", ipProtocol="udp", fromPort=1, toPort=65535, cidrIpv4=WORLD)},
            at={"out.cidrIpv4"},
        ),
        violates(
            "of somebody else's group",
            {"out": rule("Egress", securityGroupId="sg-0123456789abcdef0", ipProtocol="-1", cidrIpv6="::/0")},
            at={"out.cidrIpv6"},
        ),
        violates(
            "everything to everywhere",
            {"sg": group(), "out": rule("Egress", ipProtocol="-1", cidrIpv4=WORLD)},
            at={"out.cidrIpv4"},
            says=(
                "SecurityGroupEgressRule 'out' cidrIpv4: got \"0.0.0.0/0\", expected the ports that are needed (443 "
                "for ECR, S3 and CloudWatch Logs); name the ports"
            ),
        ),
        violates("in the group itself", {"sg": group(egress=[EVERYTHING])}, at={"sg.egress[0].cidrBlocks[0]"}),
        passes("one port", {"sg": group(), "out": rule("Egress", cidrIpv4=WORLD, fromPort=443, toPort=443)}),
        passes("one network", {"sg": group(), "out": rule("Egress", ipProtocol="-1", cidrIpv4="10.0.0.0/8")}),
        missing("no rules", {"sg": group()}),
        unknown(
            "an unknown protocol",
            {"sg": group(), "out": rule("Egress", ipProtocol=not_known(), cidrIpv4=WORLD)},
            not_evaluated={"out.ipProtocol"},
        ),
        not_applicable("no security group", NO_GROUP),
    ],
    "NW-03": [
        violates(
            "Pulumi's own words",
            {"sg": group(description="Managed by Pulumi")},
            at={"sg.description"},
            says=(
                "SecurityGroup 'sg' description: got \"Managed by Pulumi\", expected what it is for; write a "
                "description"
            ),
        ),
        violates(
            "rules in the group itself",
            {"sg": group(description="tasks", egress=[EVERYTHING])},
            at={"sg.egress[0].description"},
        ),
        passes("described", {"sg": group(description="tasks"), "in": rule("Ingress", description="load balancer")}),
        missing("nothing", {"sg": group(), "in": rule("Ingress")}, at={"sg.description", "in.description"}),
        unknown("unknown", {"sg": group(description=not_known())}, not_evaluated={"sg.description"}),
        not_applicable("the default group, which AWS describes", {"sg": group("default")}),
    ],
    "NW-04": [
        violates(
            "as AWS made it",
            VPC,
            at={"vpc."},
            says=(
                "Vpc 'vpc': got AWS's default security group, expected it emptied; add a DefaultSecurityGroup with the "
                "VPC's id and without rules"
            ),
        ),
        violates(
            "with a rule in it",
            {**VPC, "sg": group("default", vpcId="${vpc.id}", egress=[EVERYTHING])},
            at={"sg.egress[0]"},
        ),
        violates(
            "with a rule beside it, in a first preview",
            {**VPC, "sg": group("default", vpcId="${vpc.id}"), "in": port(80, "10.0.0.0/8")},
            at={"in.ipProtocol"},
            preview=True,
        ),
        passes("emptied", {**VPC, "sg": group("default", vpcId="${vpc.id}")}),
        missing("the default group of another VPC", {**VPC, "sg": group("default")}, at={"vpc."}),
        unknown(
            "the default group of one of two VPCs",
            {**VPC, "second": VPC["vpc"], "sg": group("default", vpcId="${vpc.id}${second.id}")},
            not_evaluated={"sg.vpcId"},
        ),
        not_applicable("no VPC", NO_GROUP),
    ],
}

MUTANTS = {
    "NW-10": [mutant("an apostrophe", good_stacks.FARGATE, "taskToAws", description="to AWS's endpoints")],
}
