import json

from tests.policy import good_stacks
from tests.policy.example import container, missing, not_applicable, passes, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import UNKNOWN, Resources
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
WINDOWS = {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}
HERE = "app.containerDefinitions[app]"
UNKNOWN_CONTAINERS: Resources = {"app": task_definition(containerDefinitions=not_known(), networkMode="awsvpc")}


def mapped(mode: object, *ports: object) -> Resources:
    return {"app": task_definition(container(portMappings=list(ports)), networkMode=mode)}


def pair(mode: object, one: object, other: object) -> Resources:
    """Two containers with one port mapping each."""
    proxy = container(name="proxy", portMappings=[other])
    return {"app": task_definition(container(portMappings=[one]), proxy, networkMode=mode)}


EXAMPLES = {
    "TD-03": [
        violates(
            "bridge on Fargate",
            {"app": task_definition(networkMode="bridge", **FARGATE)},
            at={"app.networkMode"},
            says=(
                'TaskDefinition \'app\' networkMode: got "bridge", expected "awsvpc" with FARGATE in '
                'requiresCompatibilities; set networkMode to "awsvpc"'
            ),
        ),
        passes("awsvpc", {"app": task_definition(networkMode="awsvpc", **FARGATE)}),
        missing("no network mode: bridge", {"app": task_definition(**FARGATE)}, at={"app.networkMode"}),
        unknown(
            "unknown network mode",
            {"app": task_definition(networkMode=not_known(), **FARGATE)},
            not_evaluated={"app.networkMode"},
        ),
        not_applicable("EC2", {"app": task_definition(networkMode="bridge", requiresCompatibilities=["EC2"])}),
    ],
    "TD-04": [
        violates(
            "a mode that does not exist",
            {"app": task_definition(networkMode="vpc")},
            at={"app.networkMode"},
            says=(
                'TaskDefinition \'app\' networkMode: got "vpc", expected one of "awsvpc", "bridge", "host", "none"; '
                "change or remove networkMode"
            ),
        ),
        violates(
            "Windows has no host mode", {"app": task_definition(networkMode="host", **WINDOWS)}, at={"app.networkMode"}
        ),
        violates("Linux has no mode default", {"app": task_definition(networkMode="default")}, at={"app.networkMode"}),
        passes("host on Linux", {"app": task_definition(networkMode="host")}),
        passes("default on Windows", {"app": task_definition(networkMode="default", **WINDOWS)}),
        missing("no mode: bridge", {"app": task_definition()}),
        unknown("unknown mode", {"app": task_definition(networkMode=not_known())}, not_evaluated={"app.networkMode"}),
        unknown(
            "an unknown operating system",
            {"app": task_definition(networkMode="bridge", runtimePlatform={"operatingSystemFamily": not_known()})},
            not_evaluated={"app.runtimePlatform.operatingSystemFamily"},
        ),
        not_applicable("Fargate has a rule of its own", {"app": task_definition(networkMode="bridge", **FARGATE)}),
    ],
    "TD-05": [
        violates(
            "a port in mode none",
            mapped("none", {"containerPort": 80}),
            at={f"{HERE}.portMappings"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].portMappings: got [an object with \"containerPort\"], "
                "expected none in network mode none; remove portMappings, or change networkMode"
            ),
        ),
        passes("a port in mode bridge", mapped("bridge", {"containerPort": 80})),
        passes("no port in mode none", mapped("none")),
        missing("neither mode nor ports", {"app": task_definition({"name": "app"})}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown("an unknown mode", mapped(not_known(), {"containerPort": 80}), not_evaluated={"app.networkMode"}),
        not_applicable("ports in another mode", mapped("awsvpc", {"containerPort": 80})),
    ],
    "TD-06": [
        violates(
            "another host port in awsvpc",
            mapped("awsvpc", {"containerPort": 80, "hostPort": 8080}),
            at={f"{HERE}.portMappings[0].hostPort"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].portMappings[0].hostPort: got 8080, expected 80, the "
                "containerPort, in network mode awsvpc; remove hostPort"
            ),
        ),
        violates(
            "a free host port in awsvpc",
            mapped("awsvpc", {"containerPort": 80, "hostPort": 0}),
            at={f"{HERE}.portMappings[0].hostPort"},
        ),
        violates(
            "every wrong port in host",
            mapped("host", {"containerPort": 80, "hostPort": 8080}, {"containerPort": 81, "hostPort": 8081}),
            at={f"{HERE}.portMappings[0].hostPort", f"{HERE}.portMappings[1].hostPort"},
        ),
        violates(
            "Fargate is awsvpc",
            {"app": task_definition(container(portMappings=[{"containerPort": 80, "hostPort": 1}]), **FARGATE)},
            at={f"{HERE}.portMappings[0].hostPort"},
        ),
        passes("the same port", mapped("awsvpc", {"containerPort": 80.0, "hostPort": 80})),
        passes("a range", mapped("awsvpc", {"containerPortRange": "80-90"})),
        missing("no host port", mapped("awsvpc", {"containerPort": 80})),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "an unknown port hides no other",
            {
                "app": task_definition(
                    containerDefinitions=json.dumps(
                        [
                            container(
                                portMappings=[
                                    {"containerPort": UNKNOWN, "hostPort": 80},
                                    {"containerPort": 81, "hostPort": 8081},
                                ]
                            )
                        ]
                    ),
                    networkMode="host",
                )
            },
            at={f"{HERE}.portMappings[1].hostPort"},
            not_evaluated={f"{HERE}.portMappings[0].containerPort"},
        ),
        not_applicable("bridge maps ports", mapped("bridge", {"containerPort": 80, "hostPort": 8080})),
    ],
    "TD-07": [
        violates(
            "a range that ends below its begin",
            mapped("bridge", {"containerPortRange": "8010-8000"}),
            at={f"{HERE}.portMappings[0].containerPortRange"},
        ),
        violates(
            "a range of one port, and one beyond the last",
            mapped("bridge", {"containerPortRange": "80-80"}, {"containerPortRange": "60000-65536"}),
            at={f"{HERE}.portMappings[0].containerPortRange", f"{HERE}.portMappings[1].containerPortRange"},
        ),
        passes("a range of two", mapped("bridge", {"containerPortRange": "80-81"})),
        violates(
            "one port for tcp and udp",
            mapped("bridge", {"containerPort": 53, "protocol": "tcp"}, {"containerPort": 53, "protocol": "udp"}),
            at={f"{HERE}.portMappings[1].containerPort"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].portMappings[1].containerPort: got 53, expected a port "
                "that the container maps once; containerDefinitions[app].portMappings[0].containerPort maps it "
                "already; remove one of the two"
            ),
        ),
        violates(
            "a port inside a range",
            mapped("bridge", {"containerPortRange": "8000-8010"}, {"containerPort": 8005}),
            at={f"{HERE}.portMappings[1].containerPort"},
        ),
        violates(
            "two containers of an awsvpc task",
            pair("awsvpc", {"containerPort": 80}, {"containerPort": 80}),
            at={"app.containerDefinitions[proxy].portMappings[0].containerPort"},
        ),
        passes("two ports", mapped("awsvpc", {"containerPort": 80}, {"containerPort": 81})),
        passes("ranges side by side", mapped("awsvpc", {"containerPortRange": "1-9"}, {"containerPortRange": "10-19"})),
        passes("two containers of a bridge task", pair("bridge", {"containerPort": 80}, {"containerPort": 80})),
        passes(
            "two protocols in two containers",
            pair("awsvpc", {"containerPort": 53, "protocol": "tcp"}, {"containerPort": 53, "protocol": "udp"}),
        ),
        missing("no ports", mapped("awsvpc", {}, {})),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "whether two containers share a network",
            pair(not_known(), {"containerPort": 80}, {"containerPort": 80}),
            not_evaluated={"app.networkMode"},
        ),
        unknown(
            "a malformed range hides no other port",
            mapped("bridge", {"containerPortRange": "many"}, {"containerPort": 1}, {"containerPort": 1}),
            at={f"{HERE}.portMappings[2].containerPort"},
            not_evaluated={f"{HERE}.portMappings[0].containerPortRange"},
        ),
        not_applicable("a container without ports", {"app": task_definition({"name": "app"})}),
    ],
    "TD-08": [
        violates(
            "links in awsvpc",
            {"app": task_definition(container(links=["db"]), networkMode="awsvpc")},
            at={f"{HERE}.links"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].links: got [\"db\"], expected none in network mode "
                "awsvpc; remove links, and call the other container on localhost"
            ),
        ),
        violates(
            "links on Fargate", {"app": task_definition(container(links=["db"]), **FARGATE)}, at={f"{HERE}.links"}
        ),
        passes("links in bridge", {"app": task_definition(container(links=["db"]))}),
        missing("an empty list", {"app": task_definition(container(links=[]), **FARGATE)}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        not_applicable("no links", {"app": task_definition(networkMode="awsvpc")}),
    ],
    "TD-09": [
        violates(
            "a host name in awsvpc",
            {"app": task_definition(container(hostname="web"), networkMode="awsvpc")},
            at={f"{HERE}.hostname"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].hostname: got \"web\", expected nothing in network "
                "mode awsvpc; remove hostname, or change networkMode"
            ),
        ),
        violates(
            "hosts, name servers and no network at all",
            {
                "app": task_definition(
                    container(
                        extraHosts=[{"hostname": "db", "ipAddress": "10.0.0.1"}],
                        dnsServers=["10.0.0.2"],
                        dnsSearchDomains=["internal"],
                        disableNetworking=True,
                    ),
                    **FARGATE,
                )
            },
            at={f"{HERE}.{name}" for name in ("extraHosts", "dnsServers", "dnsSearchDomains", "disableNetworking")},
        ),
        passes("a host name in bridge", {"app": task_definition(container(hostname="web"))}),
        passes("nothing in empty lists", {"app": task_definition(container(extraHosts=[], hostname=""), **FARGATE)}),
        missing("none of them", {"app": task_definition(**FARGATE)}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "an unknown mode",
            {"app": task_definition(container(hostname="web"), networkMode=not_known())},
            not_evaluated={"app.networkMode"},
        ),
        not_applicable("no task definition", {}),
    ],
}

TWICE = [{"containerPort": 8080}, {"containerPort": 8080}]

MUTANTS = {
    "TD-03": [mutant("host", good_stacks.FARGATE, "app", networkMode="host")],
    "TD-04": [mutant("a misspelt mode", good_stacks.EC2, "app", networkMode="Bridge")],
    "TD-05": [mutant("mode none", good_stacks.EC2, "app", networkMode="none")],
    "TD-06": [
        mutant(
            "a free port",
            good_stacks.FARGATE,
            "app",
            container={"portMappings": [{"containerPort": 8080, "hostPort": 0}]},
        )
    ],
    "TD-07": [mutant("a port twice", good_stacks.FARGATE, "app", container={"portMappings": TWICE})],
    "TD-08": [mutant("links", good_stacks.FARGATE, "app", container={"links": ["db"]})],
    "TD-09": [mutant("a host name", good_stacks.FARGATE, "app", container={"hostname": "web"})],
}
