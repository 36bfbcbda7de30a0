from typing import Any

from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, resource, service, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

VPC: Resources = {"vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")}
TWO: Resources = {**VPC, "second": VPC["vpc"]}
NO_VPC: Resources = {"app": task_definition()}


def subnet(cidr: object, **properties: Any) -> dict[str, Any]:
    return resource("aws:ec2/subnet:Subnet", vpcId="${vpc.id}", cidrBlock=cidr, **properties)


def flow(vpc: object) -> dict[str, Any]:
    return resource("aws:ec2/flowLog:FlowLog", vpcId=vpc, trafficType="ALL")


def endpoint(name: object, vpc: object = "${vpc.id}") -> dict[str, Any]:
    return resource("aws:ec2/vpcEndpoint:VpcEndpoint", vpcId=vpc, serviceName=name)


WEB = {"web": service()}
API, DKR = (endpoint(f"com.amazonaws.eu-west-1.ecr.{name}") for name in ("api", "dkr"))

EXAMPLES = {
    "NW-05": [
        violates(
            "none",
            VPC,
            at={"vpc."},
            says="Vpc 'vpc': got no FlowLog, expected one; add a FlowLog with the VPC's id",
        ),
        violates("of another VPC", {**TWO, "flow": flow("${second.id}")}, at={"vpc."}),
        passes("one, in a first preview", {**VPC, "flow": flow("${vpc.id}")}, preview=True),
        missing("of a subnet", {**VPC, "flow": flow(None)}, at={"vpc."}),
        unknown("of one of two", {**TWO, "flow": flow("${vpc.id}${second.id}")}, not_evaluated={"flow.vpcId"}),
        not_applicable("no VPC", NO_VPC),
    ],
    "NW-06": [
        violates(
            "public addresses for all",
            {**VPC, "public": subnet("10.0.0.0/24", mapPublicIpOnLaunch=True)},
            at={"public.mapPublicIpOnLaunch"},
            says=("Subnet 'public' mapPublicIpOnLaunch: got true, expected false; set mapPublicIpOnLaunch to false"),
        ),
        passes("none", {**VPC, "public": subnet("10.0.0.0/24", mapPublicIpOnLaunch=False)}),
        missing("not said: none", {**VPC, "public": subnet("10.0.0.0/24")}),
        unknown(
            "unknown",
            {**VPC, "public": subnet("10.0.0.0/24", mapPublicIpOnLaunch=not_known())},
            not_evaluated={"public.mapPublicIpOnLaunch"},
        ),
        not_applicable("no subnet", VPC),
    ],
    "NW-07": [
        violates(
            "outside",
            {**VPC, "a": subnet("10.1.0.0/24")},
            at={"a.cidrBlock"},
            says=(
                "Subnet 'a' cidrBlock: got \"10.1.0.0/24\", expected a range within Vpc 'vpc', which has "
                '"10.0.0.0/16"; choose a range of the VPC'
            ),
        ),
        violates(
            "twice",
            {**VPC, "a": subnet("10.0.0.0/24"), "b": subnet("10.0.0.128/25")},
            at={"b.cidrBlock"},
            preview=True,
        ),
        violates(
            "a small one between two of a large one",
            {**VPC, "a": subnet("10.0.0.0/20"), "b": subnet("10.0.1.0/24"), "c": subnet("10.0.8.0/24")},
            at={"b.cidrBlock", "c.cidrBlock"},
        ),
        passes("side by side", {**VPC, "a": subnet("10.0.0.0/24"), "b": subnet("10.0.1.0/24")}),
        passes(
            "in a second range of the VPC",
            {
                **VPC,
                "more": resource(
                    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation",
                    vpcId="${vpc.id}",
                    cidrBlock="100.64.0.0/16",
                ),
                "a": subnet("100.64.0.0/24"),
            },
        ),
        missing(
            "a VPC whose range AWS chooses",
            {"vpc": resource("aws:ec2/vpc:Vpc", ipv4IpamPoolId="pool"), "a": subnet("10.0.0.0/24")},
            not_evaluated={"vpc.cidrBlock"},
        ),
        unknown(
            "an unknown range silences no other",
            {**VPC, "a": subnet(not_known()), "b": subnet("10.1.0.0/24")},
            at={"b.cidrBlock"},
            not_evaluated={"a.cidrBlock"},
        ),
        unknown("what is no range", {**VPC, "a": subnet("ten")}, not_evaluated={"a.cidrBlock"}),
        not_applicable("no VPC", NO_VPC),
    ],
    "NW-09": [
        violates(
            "none",
            {**VPC, **WEB},
            at={"vpc."},
            says=('Vpc \'vpc\': got no VpcEndpoint for "ecr.api", "ecr.dkr", expected both; add interface endpoints'),
        ),
        violates("one of two", {**VPC, **WEB, "api": API}, at={"vpc."}),
        passes("both, in a first preview", {**VPC, **WEB, "api": API, "dkr": DKR}, preview=True),
        missing("an endpoint without a name", {**VPC, **WEB, "api": API, "dkr": endpoint(None)}, at={"vpc."}),
        unknown(
            "an unknown service",
            {**VPC, **WEB, "api": API, "dkr": endpoint(not_known())},
            not_evaluated={"dkr.serviceName"},
        ),
        not_applicable("no service", VPC),
    ],
}

MUTANTS = {
    "NW-07": [
        mutant("twice", good_stacks.FARGATE, "publicC", cidrBlock="10.0.0.128/25"),
        mutant("outside", good_stacks.EC2, "privateA", cidrBlock="10.9.0.0/24"),
    ],
}
