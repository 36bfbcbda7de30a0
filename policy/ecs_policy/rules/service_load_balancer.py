"""The link between a service and its load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.load_balancing import alternate_arn, attachments, target_groups
from ecs_policy.model import Service, TargetGroup, TaskDefinition
from ecs_policy.ports import ports_of
from ecs_policy.rule import Enforcement, Level, Problem, Quote, Severity, Value, stack_rule
from ecs_policy.values import independently, quoted

_CREATE_SERVICE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html"
_LOAD_BALANCER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html"


_SAID_LB_CONTAINER = Quote(
    "The container app did not have a container port 80 defined.",
    "https://github.com/pulumi/pulumi-awsx/issues/1172",
)


@stack_rule(
    "SV-05 lb-container",
    on=Service,
    each="loadBalancers",
    title="The load balancer's container and port exist in the task definition",
    why="The service registers this container's port as a target; without it there is nothing to register.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=_LOAD_BALANCER,
)
def lb_container(link: Value) -> Iterator[Problem]:
    task_definition = _task_definition(link)
    if task_definition is None:
        return
    name, port = link["containerName"], link["containerPort"]
    containers = {container.name: container for container in task_definition.containers}
    container = containers.get(name.text() or "")
    if container is None:
        yield name.problem(
            f"a container of {task_definition.label}, which has {quoted(containers)}",
            "change containerName, or name the container so",
        )
        return
    wanted = port.number()
    mappings = [ports_of(mapping) for mapping in container["portMappings"].items()]
    if not any(wanted in ports for ports in mappings):
        published = ", ".join(str(ports) for ports in mappings if ports.first <= ports.last) or "none"
        yield port.problem(
            f"a port of container '{container.name}' in {task_definition.label}, which publishes {published}",
            "change containerPort, or add the port to the container's portMappings",
            quote=_SAID_LB_CONTAINER,
        )


_SAID_TG_TYPE = Quote(
    "has target type instance, which is incompatible with the awsvpc network mode specified in the task definition.",
    "https://github.com/hashicorp/terraform-provider-aws/issues/11723",
)


@stack_rule(
    "SV-06 tg-type",
    on=Service,
    each="loadBalancers",
    title="The target group's target type fits the network mode of the tasks",
    why="awsvpc tasks are registered by address (ip), tasks on the instance's network by instance.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=_LOAD_BALANCER,
)
def tg_type(link: Value) -> Iterator[Problem]:
    task_definition = _task_definition(link)
    if task_definition is None:
        return
    groups, doubt = target_groups(link)
    yield from independently(_fits(group, task_definition, link) for group in groups)
    if doubt is not None:
        raise doubt


def _fits(target_group: TargetGroup, task_definition: TaskDefinition, link: Value) -> Iterator[Problem]:
    mode = task_definition.network_mode
    expected = "ip" if mode == "awsvpc" else "instance"
    found = target_group.target_type
    if found != expected:
        yield target_group["targetType"].problem(
            f'"{expected}", since {link.resource.label} registers tasks of {task_definition.label}, '
            f"whose network mode is {mode}",
            f'set targetType to "{expected}", or change networkMode',
            quote=_SAID_TG_TYPE if (found, mode) == ("instance", "awsvpc") else None,
        )


_SAID_TG_ATTACHED_BEFORE_SERVICE = Quote(
    "does not have an associated load balancer.",
    "https://github.com/hashicorp/terraform/issues/32908",
)


@stack_rule(
    "SV-07 tg-attached-before-service",
    on=Service,
    title="A service is created after the listener that attaches its target group to a load balancer",
    why="A target group by itself is known at once, a listener only after the load balancer, minutes later. Nothing "
    "but dependsOn makes the service wait for it.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=_LOAD_BALANCER,
)
def tg_attached_before_service(service: Service) -> Iterator[Problem]:
    links = service["loadBalancers"]
    arns = [link["targetGroupArn"] for link in links.items()]
    # ECS itself attaches the alternate of a blue/green deployment: it counts only where it may be taken for the other.
    alternates = [each for each in map(alternate_arn, links.items()) if each.unknown]
    found, doubtful = service.stack.found_among_all([*arns, *alternates], TargetGroup)
    for target_group in found:
        attached = attachments(target_group)
        if not attached and alternates:
            raise alternates[0].not_evaluated(
                f"is not known yet: {target_group.label}, to which nothing forwards, may be it"
            )
        if not attached:
            yield links.problem(
                f"target groups that a listener forwards to; none forwards to {target_group.label}",
                "add a listener or listener rule that forwards to it, and let the service depend on that",
                quote=_SAID_TG_ATTACHED_BEFORE_SERVICE,
            )
        elif not service.stack.waits_for(service, attached):
            names = " or ".join(each.label for each in attached[:3])
            yield links.problem(
                f"a service that waits for what attaches {target_group.label} to a load balancer",
                f"add {names} to the service's dependsOn",
                quote=_SAID_TG_ATTACHED_BEFORE_SERVICE,
            )
    for arn in arns:
        if arn.given and (doubtful or not found or not arn.unknown):
            arn.one(TargetGroup)  # raises what stands in the way of a verdict about it


@stack_rule(
    "SV-08 lb-shape",
    on=Service,
    each="loadBalancers",
    title="A load balancer of a service is a target group or a Classic Load Balancer, and the latter not with awsvpc",
    why="CreateService takes one of the two; a Classic Load Balancer knows instances only.",
    level=Level.REJECTED,
    source=_LOAD_BALANCER,
)
def lb_shape(link: Value) -> Iterator[Problem]:
    group, classic = link["targetGroupArn"], link["elbName"]
    if group.given and classic.given:
        yield classic.problem("nothing beside targetGroupArn", "remove elbName or targetGroupArn")
    elif not group.given and not classic.given:
        yield group.problem("a target group", "set targetGroupArn")
    elif classic.given:
        task_definition = _task_definition(link)
        if task_definition is not None and task_definition.network_mode == "awsvpc":
            yield classic.problem(
                f"nothing, since {task_definition.label} uses awsvpc", "use a target group of type ip instead"
            )


@stack_rule(
    "SV-09 dynamic-port-healthcheck",
    on=Service,
    each="loadBalancers",
    title="Where host ports are dynamic, health checks go to the port that traffic goes to",
    why="Each task has another port; a fixed one answers for none of them.",
    level=Level.FAILS,
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html",
)
def dynamic_port_healthcheck(link: Value) -> Iterator[Problem]:
    task_definition = _task_definition(link)
    if task_definition is None or task_definition.network_mode not in ("bridge", "default"):
        return
    groups, doubt = target_groups(link)
    yield from independently(_checks_traffic(group, task_definition, link) for group in groups)
    if doubt is not None:
        raise doubt


def _checks_traffic(target_group: TargetGroup, task_definition: TaskDefinition, link: Value) -> Iterator[Problem]:
    port = target_group["healthCheck"]["port"]
    if port.text() in (None, "traffic-port"):
        return
    container = task_definition.container_named(link["containerName"])
    for mapping in container["portMappings"].items() if container is not None else ():
        if mapping["containerPort"].number() == link["containerPort"].number() and not mapping["hostPort"].number():
            yield port.problem(
                f"\"traffic-port\", since container '{link['containerName'].text()}' of {task_definition.label} has a "
                "dynamic host port",
                "remove the port, or set hostPort in the container's port mapping",
            )


@stack_rule(
    "SV-10 tg-port-vs-container",
    on=Service,
    each="loadBalancers",
    title="The target group's port and protocol are those of the container",
    why="ECS registers each task with its own port, so it works all the same; whoever reads the target group, or "
    "derives a security group from it, is misled.",
    level=Level.PRACTICE,
    severity=Severity.LOW,
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html",
    ours=True,
)
def tg_port_vs_container(link: Value) -> Iterator[Problem]:
    groups, doubt = target_groups(link)
    yield from independently(check(link, group) for group in groups for check in (_same_port, _same_protocol))
    if doubt is not None:
        raise doubt


def _same_port(link: Value, target_group: TargetGroup) -> Iterator[Problem]:
    if target_group.target_type != "ip":
        return
    port, wanted = target_group["port"], link["containerPort"].number()
    if port.given and wanted is not None and port.number() != wanted:
        yield port.problem(f"{wanted}, the container's port in {link.resource.label}", f"set port to {wanted}")


_PROTOCOL_VERSIONS = {"http": ("HTTP1",), "http2": ("HTTP2", "GRPC"), "grpc": ("GRPC",)}


def _same_protocol(link: Value, target_group: TargetGroup) -> Iterator[Problem]:
    if target_group.target_type != "ip" or target_group.protocol not in ("HTTP", "HTTPS"):
        return
    task_definition = _task_definition(link)
    container = task_definition.container_named(link["containerName"]) if task_definition is not None else None
    for mapping in container["portMappings"].items() if container is not None else ():
        if mapping["containerPort"].number() != link["containerPort"].number():
            continue
        spoken = mapping["appProtocol"].text() or ""
        if spoken in _PROTOCOL_VERSIONS and target_group.protocol_version not in _PROTOCOL_VERSIONS[spoken]:
            yield target_group["protocolVersion"].problem(
                f"{quoted(_PROTOCOL_VERSIONS[spoken])}, since the container's appProtocol is {spoken}",
                "change protocolVersion, or appProtocol in the container's port mapping",
            )


_SAID_HEALTHCHECK_GRACE = Quote(
    "Health check grace period is only valid for services configured to use load balancers",
    "https://github.com/hashicorp/terraform-provider-aws/issues/31104",
)


@stack_rule(
    "SV-11 healthcheck-grace",
    on=Service,
    title="A service with a health check grace period has health checks",
    why="The period delays the verdict of load balancer, VPC Lattice and container health checks. Without any it does "
    "nothing; until 2024 AWS refused it without a load balancer.",
    level=Level.UNSUPPORTED,
    severity=Severity.LOW,
    enforcement=Enforcement.ADVISORY,
    source=_CREATE_SERVICE,
)
def healthcheck_grace(service: Service) -> Iterator[Problem]:
    period = service["healthCheckGracePeriodSeconds"]
    if not period.given or not period.number():
        return
    for key in ("loadBalancers", "vpcLatticeConfigurations"):
        if service[key].items():
            return
    task_definition = service.task_definition
    if task_definition is not None and not any(each["healthCheck"].given for each in task_definition.containers):
        yield period.problem(
            "nothing without a load balancer, VPC Lattice or a container health check",
            "remove healthCheckGracePeriodSeconds, or add a health check",
            quote=_SAID_HEALTHCHECK_GRACE,
        )


_SAID_IAM_ROLE_PARAM = Quote(
    "You cannot specify an IAM role for services that require a service linked role.",
    "https://github.com/hashicorp/terraform-provider-aws/issues/4657",
)


@stack_rule(
    "SV-12 iam-role-param",
    on=Service,
    title="A service names an IAM role for its load balancer only where ECS has no role of its own",
    why="With awsvpc, or with more than one target group, ECS uses its service-linked role and refuses another.",
    level=Level.REJECTED,
    source=_CREATE_SERVICE,
)
def iam_role_param(service: Service) -> Iterator[Problem]:
    role = service["iamRole"]
    if not role.given:
        return
    if not service["loadBalancers"].items():
        yield role.problem("nothing without loadBalancers", "remove iamRole")
        return
    task_definition = service.task_definition
    if task_definition is not None and task_definition.network_mode == "awsvpc":
        yield role.problem(
            f"nothing, since {task_definition.label} uses awsvpc",
            "remove iamRole: ECS uses its service-linked role",
            quote=_SAID_IAM_ROLE_PARAM,
        )


def _task_definition(link: Value) -> TaskDefinition | None:
    assert isinstance(link.resource, Service)
    return link.resource.task_definition
