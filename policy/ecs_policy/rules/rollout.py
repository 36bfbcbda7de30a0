"""Whether a deployment can ever finish: tasks of the new revision need room beside, or instead of, those of the old."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.capacity import most_instances
from ecs_policy.deployment_bounds import Deployment, DeploymentError
from ecs_policy.model import AutoscalingTarget, Service, TaskDefinition
from ecs_policy.rule import Level, Problem, Severity, resource_rule, stack_rule
from ecs_policy.service_rollout import deployment_of, service_counts
from ecs_policy.values import NotEvaluated, Value, independently

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_DEPLOYMENT = f"{_API}/API_DeploymentConfiguration.html"
_PORT_MAPPING = f"{_API}/API_PortMapping.html"

_FIRST_EPHEMERAL = 32768
_LAST_EPHEMERAL = 65535
_OF_THE_AGENT = (22, 2375, 2376, 51678, 51679, 51680)


@resource_rule(
    "SV-13 deploy-percents",
    on=Service,
    title="The deployment percentages leave room to replace tasks",
    why="The scheduler may start what the maximum leaves and stop what the minimum spares, in whole tasks. When both "
    "are nothing, the new revision never starts.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=_DEPLOYMENT,
)
def deploy_percents(service: Service) -> Iterator[Problem]:
    if not service.rolls:
        return
    least, most = service["deploymentMinimumHealthyPercent"], service["deploymentMaximumPercent"]
    if service["schedulingStrategy"].text() == "DAEMON":
        yield from independently((_of_daemon(most), _some_may_stop(least)))
        return
    if most.given and (most.number() or 0) < 100:
        yield most.problem("at least 100", "raise deploymentMaximumPercent")
        return
    if _percent(least, 100) >= _percent(most, 200):
        yield most.problem(
            f"more than deploymentMinimumHealthyPercent, which is {_percent(least, 100)}",
            "raise deploymentMaximumPercent, or lower deploymentMinimumHealthyPercent",
        )
        return
    yield from _room_for_one(service, service["desiredCount"])


def _room_for_one(service: Service, count: Value) -> Iterator[Problem]:
    """Whether a task can start or stop when the service has so many."""
    least, most = service["deploymentMinimumHealthyPercent"], service["deploymentMaximumPercent"]
    deployment = _deployment(service, None, count)
    if deployment is not None and _stuck(deployment):
        tasks = deployment.desired_count
        yield most.problem(
            f"room for one task more or less than {count.path[-1]}, which is {tasks}: {_percent(most, 200)} percent "
            f"are {deployment.most_tasks} at most, {_percent(least, 100)} percent {deployment.fewest_tasks} at least",
            f"raise deploymentMaximumPercent to {-(-100 * (tasks + 1) // tasks)} or more",
        )


@stack_rule(
    "SV-13b deploy-percents-scaled",
    on=AutoscalingTarget,
    title="The deployment percentages leave room with the fewest tasks that scaling leaves",
    why="Scaling may leave minCapacity tasks, whatever desiredCount says. When none of them may stop and none may be "
    "added, the new revision never starts.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=_DEPLOYMENT,
)
def deploy_percents_scaled(target: AutoscalingTarget) -> Iterator[Problem]:
    if target["scalableDimension"].text() != "ecs:service:DesiredCount":
        return
    service = target["resourceId"].one(Service)
    if service is None or not service.rolls or service["schedulingStrategy"].text() == "DAEMON":
        return
    count = target["minCapacity"]
    if count.number() != service["desiredCount"].number():  # else: SV-13
        yield from _room_for_one(service, count)


def _of_daemon(most: Value) -> Iterator[Problem]:
    if most.given and (most.number() or 0) != 100:
        yield most.problem("100 with DAEMON", "set deploymentMaximumPercent to 100")


def _some_may_stop(least: Value) -> Iterator[Problem]:
    if least.given and (least.number() or 0) >= 100:
        yield least.problem("less than 100 with DAEMON", "lower deploymentMinimumHealthyPercent")


def _percent(value: Value, default: int) -> int:
    number = value.number()
    if number is None:
        return default
    if not isinstance(number, int):
        raise value.not_evaluated("is not a whole number")
    return number


def _deployment(service: Service, room: int | None, count: Value | None = None) -> Deployment | None:
    """A deployment of the service with `count` tasks, else desiredCount; None when it has none."""
    counts = service_counts(service, count)
    if not counts["desiredCount"]:
        return None
    try:
        return deployment_of(counts, task_capacity=room)
    except DeploymentError:
        place = service["desiredCount"] if count is None else count
        raise place.not_evaluated("cannot be the count of a service's tasks with these percentages") from None


def _stuck(deployment: Deployment) -> bool:
    """No task may start and none may stop, or the desired ones never fit."""
    desired = deployment.desired_count
    return deployment.most_tasks < desired or deployment.most_tasks <= desired <= deployment.fewest_tasks


@stack_rule(
    "PL-14 distinct-vs-capacity",
    on=Service,
    title="With distinctInstance there are instances enough to finish a deployment",
    why="Tasks of the old and the new revision count alike: none may share an instance. When the Auto Scaling group is "
    "full of old ones that may not stop, deployments never finish.",
    level=Level.FAILS,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-constraints.html",
)
def distinct_vs_capacity(service: Service) -> Iterator[Problem]:
    if _distinct(service) and "EC2" in service.launch_types:
        yield from _room(service, "distinctInstance")


def _distinct(service: Service) -> bool:
    return any(each["type"].text() == "distinctInstance" for each in service["placementConstraints"].items())


def _room(service: Service, why: str) -> Iterator[Problem]:
    """One task an instance: the Auto Scaling groups must have room for a deployment."""
    if not service.rolls or service["schedulingStrategy"].text() == "DAEMON":
        return
    free = _deployment(service, None)
    if free is None or _stuck(free):
        return  # for another reason, which SV-13 reports
    instances = most_instances(service)
    deployment = _deployment(service, instances)
    if deployment is not None and _stuck(deployment):
        least = free.desired_count + (1 if free.fewest_tasks >= free.desired_count else 0)
        yield service["desiredCount"].problem(
            f"room to deploy: with {why} each task needs an instance, a deployment {least}, and the Auto Scaling "
            f"groups have {instances} at most",
            f"raise maxSize to {least} or more, or lower desiredCount or deploymentMinimumHealthyPercent",
        )


@stack_rule(
    "PL-16 static-hostport-density",
    on=(Service, TaskDefinition),
    title="Fixed host ports are free, and there is an instance for each task that wants one",
    why="A port of an instance serves one task: others wait for another instance. Ports of the ephemeral range are "
    "handed out to other containers and connections, and a few belong to SSH, Docker and the ECS agent.",
    level=Level.FAILS,
    source=_PORT_MAPPING,
)
def static_hostport_density(owner: Service | TaskDefinition) -> Iterator[Problem]:
    if isinstance(owner, TaskDefinition):
        yield from independently(_usable(port) for port in _fixed_ports(owner))
        return
    if "EC2" not in owner.launch_types or _distinct(owner):
        return  # PL-14 has the stricter wish
    task_definition = owner.task_definition
    if task_definition is not None and any(port.number() for port in _fixed_ports(task_definition)):
        yield from _room(owner, f"a fixed host port in {task_definition.label}")


def _fixed_ports(task_definition: TaskDefinition) -> list[Value]:
    mode = task_definition.network_mode
    if mode not in ("bridge", "default", "host"):
        return []
    ports = []
    doubt = None
    for container in task_definition.containers:
        try:
            for mapping in container["portMappings"].items():
                port = mapping["hostPort"] if mode != "host" or mapping["hostPort"].given else mapping["containerPort"]
                if port.number():
                    ports.append(port)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if doubt is not None and not ports:
        raise doubt
    return ports


def _usable(port: Value) -> Iterator[Problem]:
    number = port.number() or 0
    if number in _OF_THE_AGENT or _FIRST_EPHEMERAL <= number <= _LAST_EPHEMERAL:
        yield port.problem(
            f"a port below {_FIRST_EPHEMERAL} and none of {', '.join(map(str, _OF_THE_AGENT))}",
            "choose another port, or 0 for a dynamic one",
        )
