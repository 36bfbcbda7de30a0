from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    container,
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


def mapped(**mapping: Any) -> dict[str, Any]:
    return task_definition(container(portMappings=[{"containerPort": 80, **mapping}]), networkMode="awsvpc")


NAMED = mapped(name="http")


def offering(app: dict[str, Any], *services: dict[str, Any], enabled: object = True) -> Resources:
    configuration = {"enabled": enabled, "services": list(services)}
    return {"app": app, "web": service(taskDefinition="${app.arn}", serviceConnectConfiguration=configuration)}


def registered(app: dict[str, Any], *records: str, **registry: Any) -> Resources:
    dns = {"dnsRecords": [{"type": each, "ttl": 10} for each in records]}
    return {
        "app": app,
        "names": resource("aws:servicediscovery/service:Service", dnsConfig=dns),
        "web": service(taskDefinition="${app.arn}", serviceRegistries={"registryArn": "${names.arn}", **registry}),
    }


BRIDGE = task_definition(networkMode="bridge")
PORT = {"containerName": "app", "containerPort": 80}

EXAMPLES = {
    "SV-19": [
        violates(
            "no such port",
            offering(NAMED, {"portName": "web"}),
            at={"web.serviceConnectConfiguration.services[0].portName"},
            says=(
                "Service 'web' serviceConnectConfiguration.services[0].portName: got \"web\", expected the name of a "
                "port mapping of TaskDefinition 'app', which has \"http\"; change portName, or name the port mapping so"
            ),
        ),
        violates(
            "two aliases",
            offering(NAMED, {"portName": "http", "clientAlias": [{"port": 80}, {"port": 81}]}),
            at={"web.serviceConnectConfiguration.services[0].clientAlias"},
        ),
        violates(
            "an unknown protocol",
            offering(mapped(name="http", appProtocol="ftp"), {"portName": "http"}),
            at={"app.containerDefinitions[app].portMappings[0].appProtocol"},
        ),
        passes("a named port", offering(NAMED, {"portName": "http", "clientAlias": [{"port": 80}]})),
        passes(
            "a named port, in a first preview",
            offering(mapped(name="http", appProtocol="grpc"), {"portName": "http"}),
            preview=True,
        ),
        missing(
            "a port without a name",
            offering(mapped(), {"portName": "http"}),
            at={"web.serviceConnectConfiguration.services[0].portName"},
        ),
        unknown(
            "unknown containers",
            offering(task_definition(containerDefinitions=not_known()), {"portName": "http"}),
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("a client only", offering(NAMED)),
        not_applicable("off", offering(NAMED, {"portName": "web"}, enabled=False)),
    ],
    "SV-20": [
        violates(
            "a container and another port",
            registered(NAMED, "SRV", **PORT, port=80),
            at={"web.serviceRegistries.port"},
            says=(
                "Service 'web' serviceRegistries.port: got 80, expected nothing beside containerName and "
                "containerPort; remove port"
            ),
        ),
        violates(
            "a container without a port",
            registered(BRIDGE, "SRV", containerName="app"),
            at={"web.serviceRegistries.containerPort"},
        ),
        violates("bridge without a container", registered(BRIDGE, "SRV"), at={"web.serviceRegistries.containerName"}),
        violates("an A record with a port", registered(NAMED, "A", port=80), at={"web.serviceRegistries.port"}),
        violates(
            "an SRV record without one, in a first preview",
            registered(NAMED, "SRV"),
            at={"web.serviceRegistries.port"},
            preview=True,
        ),
        violates(
            "no such container",
            registered(BRIDGE, "SRV", containerName="web", containerPort=80),
            at={"web.serviceRegistries.containerName"},
        ),
        violates(
            "no such port",
            registered(BRIDGE, "SRV", containerName="app", containerPort=8080),
            at={"web.serviceRegistries.containerPort"},
        ),
        passes("an A record", registered(NAMED, "A")),
        passes("an SRV record and a port", registered(NAMED, "A", "SRV", port=80)),
        passes("an SRV record and a container", registered(BRIDGE, "SRV", **PORT)),
        missing("no records: found by the API of Cloud Map", registered(NAMED)),
        unknown(
            "an unknown network mode",
            registered(task_definition(networkMode=not_known()), "A"),
            not_evaluated={"app.networkMode"},
        ),
        unknown(
            "a registry of another stack",
            {
                "app": NAMED,
                "web": service(taskDefinition="${app.arn}", serviceRegistries={"registryArn": not_known()}),
            },
            not_evaluated={"web.serviceRegistries.registryArn"},
        ),
        not_applicable("no registry", {"app": NAMED, "web": service(taskDefinition="${app.arn}")}),
    ],
}

MUTANTS = {
    "SV-19": [
        mutant(
            "no such port",
            good_stacks.FARGATE,
            "web",
            serviceConnectConfiguration={"enabled": True, "services": [{"portName": "http"}]},
        )
    ],
    "SV-20": [
        mutant(
            "port twice",
            good_stacks.FARGATE,
            "web",
            serviceRegistries={"containerName": "app", "containerPort": 8080, "port": 8080},
        )
    ],
}
