"""What must be there before, and no property refers to: the engine makes everything else at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from ecs_policy.iam import policy_doubts, policy_resources
from ecs_policy.model import (
    AutoscalingTarget,
    Bucket,
    BucketPolicy,
    CapacityProvider,
    Certificate,
    CertificateValidation,
    ClusterCapacityProviders,
    Container,
    DockerImage,
    FileSystem,
    InternetGateway,
    InternetGatewayAttachment,
    Listener,
    ListenerCertificate,
    LoadBalancer,
    LogGroup,
    MountTarget,
    NatGateway,
    Role,
    ScalingPolicy,
    ScheduledAction,
    Secret,
    SecretVersion,
    Service,
    Subnet,
    TaskDefinition,
    Vpc,
)
from ecs_policy.network import default_routes
from ecs_policy.rule import Enforcement, Level, Problem, Quote, Severity, Value, stack_rule
from ecs_policy.sensitive import references, source_of
from ecs_policy.stack import Awaited, R, Resource
from ecs_policy.values import NotEvaluated, readable

_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_FARGATE = ("FARGATE", "FARGATE_SPOT")


_SAID_CERTIFICATE = Quote("UnsupportedCertificate", "https://github.com/DataBiosphere/azul/issues/8321")
_SAID_BUCKET = Quote(
    "Please check S3bucket permission", "https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/1956"
)
_SAID_SERVICE = Quote("ECS service doesn't exist", "https://github.com/spinnaker/spinnaker/issues/4371")
_SAID_TARGET = Quote(
    "No scalable target registered for service namespace: ecs", "https://github.com/ansible/ansible/pull/35632"
)
_SAID_GATEWAY = Quote("has no internet gateway", "https://github.com/hashicorp/terraform-provider-aws/pull/4587")


def _waits(
    resource: Resource, place: Value, needed: Sequence[Resource], why: str, quote: Quote | None = None
) -> Iterator[Problem]:
    """A problem unless the engine makes one of `needed` first."""
    if needed and not resource.stack.waits_for(resource, needed):
        names = " or ".join(each.label for each in needed[:3])
        yield place.problem(
            f"{resource.label} to wait for {names}, {why}",
            f"add {names} to dependsOn of {resource.label}",
            quote=quote,
        )


# Capacity providers


@stack_rule(
    "OR-01 association-before-service",
    on=Service,
    title="A service waits for what makes its capacity providers known to the cluster",
    why="The engine makes service and association at the same time, as nothing in the one refers to the other. When "
    "the service is first, CreateService refuses its strategy, or finds no default strategy and takes EC2.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html",
)
def association_before_service(service: Service) -> Iterator[Problem]:
    if service["launchType"].given or service.has_external_controller:
        return
    strategy = service["capacityProviderStrategies"]
    if not strategy.given or (not strategy.unknown and not strategy.items()):
        association = _association(service)
        if association is not None and association["defaultCapacityProviderStrategies"].items():
            yield from _waits(
                service, strategy, [association], "whose default strategy applies as the service has no other"
            )
        return
    providers, doubt = readable(strategy.items(), lambda each: _managed(each["capacityProvider"]))
    for provider in providers:
        if provider is not None:
            yield from _waits(service, strategy, [provider], "which its strategy names")
    if None in providers:
        association = _association(service)
        if association is not None:  # none: LT-04
            yield from _waits(service, strategy, [association], "which makes the providers known to the cluster")
    if doubt is not None:
        raise doubt


def _association(service: Service) -> ClusterCapacityProviders | None:
    cluster = service.cluster
    if cluster is None:
        raise service["cluster"].not_evaluated("is absent: the account's default cluster is outside this stack")
    return cluster.capacity_providers


def _managed(place: Value) -> CapacityProvider | None:
    """The provider, if ECS manages its instances: it is of its cluster without any association."""
    if not place.unknown and place.text() in _FARGATE:
        return None
    provider = place.one(CapacityProvider)
    return provider if provider is not None and provider.managed else None


# Load balancers


@stack_rule(
    "OR-02 certificate-issued",
    on=(Listener, ListenerCertificate),
    title="A listener waits until its certificate is issued",
    why="A certificate of ACM is PENDING_VALIDATION until its domain is proven, and no listener takes it so.",
    beyond="Whether a certificate of another stack, an imported one, or one of a private authority is ISSUED.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html",
)
def certificate_issued(owner: Listener | ListenerCertificate) -> Iterator[Problem]:
    place = owner["certificateArn"]
    if not place.given:
        return
    if owner.stack.waits_for(owner, owner.stack.all(CertificateValidation)) and place.unknown:
        return  # the validation's own output, or that of a component which validates
    certificate = _certificate(place)
    if certificate is None or not _is_to_be_issued(certificate):
        return
    validations = owner.stack.relation(CertificateValidation, "certificateArn", Certificate).of(certificate)
    if validations:
        yield from _waits(owner, place, validations, f"until {certificate.label} is issued", _SAID_CERTIFICATE)
    elif certificate.computed("status").raw != "ISSUED":
        yield place.problem(
            f"a certificate that is issued by then; nothing in this stack waits until {certificate.label} is",
            "add a CertificateValidation, and use its certificateArn here",
            quote=_SAID_CERTIFICATE,
        )


def _certificate(place: Value) -> Certificate | None:
    """The certificate, if it is of this stack; one that is known to be of another is IAM's or ACM's matter."""
    if not place.unknown:
        found = place.resource.stack.known_as(place.text() or "", Certificate)
        if not found:
            return None
    return place.one(Certificate)


def _is_to_be_issued(certificate: Certificate) -> bool:
    """Not imported, and not of a private authority, which issues at once."""
    return not any(certificate[key].given for key in ("privateKey", "certificateBody", "certificateAuthorityArn"))


@stack_rule(
    "OR-03 gateway-attached",
    on=LoadBalancer,
    title="A public load balancer waits for the internet gateway of its VPC",
    why="AWS refuses it in a VPC without one. Its subnets refer to the VPC, and nothing to the gateway.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-subnets.html",
)
def gateway_attached(balancer: LoadBalancer) -> Iterator[Problem]:
    if balancer.kind == "gateway" or balancer["internal"].flag():
        return
    mappings = balancer["subnetMappings"]
    place = mappings if mappings.given else balancer["subnets"]
    named = [each["subnetId"] for each in mappings.items()] if mappings.given else [place]
    found, doubtful = balancer.stack.found_among_all(named, Subnet)
    vpcs = {vpc.urn: vpc for each in (*found, *doubtful) if (vpc := _own_vpc(each)) is not None}
    for vpc in vpcs.values():
        yield from _waits(
            balancer, place, _attaches(vpc, balancer), f"without which AWS refuses it in {vpc.label}", _SAID_GATEWAY
        )
    for each in named:
        lost = balancer.stack.lost(each, Subnet)
        if lost is not None:
            raise lost.not_evaluated("is not known yet and comes from no subnet of this stack")


@stack_rule(
    "OR-03b gateway-attached-nat",
    on=NatGateway,
    title="A NAT gateway waits for the internet gateway of its VPC",
    why="In a VPC without one it fails (Gateway.NotAttached). Mostly the internet gateway is the faster one.",
    beyond="NAT gateways that awsx makes, in an order of its own.",
    level=Level.FAILS,
    enforcement=Enforcement.ADVISORY,
    severity=Severity.LOW,
    source="https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html",
)
def gateway_attached_nat(nat: NatGateway) -> Iterator[Problem]:
    if nat["connectivityType"].text() == "private" or not nat["subnetId"].given or _of_awsx(nat):
        return
    subnet = nat["subnetId"].one(Subnet)
    vpc = _own_vpc(subnet) if subnet is not None else None
    if vpc is not None:
        yield from _waits(nat, nat["subnetId"], _attaches(vpc, nat), f"without which it fails in {vpc.label}")


def _of_awsx(resource: Resource) -> bool:
    owner, seen = resource.stack.resources.get(resource.parent), {resource.urn}
    while owner is not None and owner.urn not in seen and not owner.type.startswith("awsx:"):
        seen.add(owner.urn)
        owner = resource.stack.resources.get(owner.parent)
    return owner is not None and owner.urn not in seen


def _own_vpc(subnet: Subnet) -> Vpc | None:
    """The VPC, if this stack makes it: one that is there before has its gateway."""
    place = subnet["vpcId"]
    if not place.unknown and not subnet.stack.known_as(place.text() or "", Vpc):
        return None
    return place.one(Vpc)


def _attaches(vpc: Vpc, waiting: Resource) -> list[Resource]:
    """What attaches a gateway to the VPC. Raises when nothing does for sure, and what may do so is not waited for."""
    stack = vpc.stack
    gateways = stack.relation(InternetGateway, "vpcId", Vpc)
    attachments = stack.relation(InternetGatewayAttachment, "vpcId", Vpc)
    found = [*gateways.sure(vpc), *attachments.sure(vpc)]
    if not found:
        _require_awaited(stack.awaited(waiting), gateways.doubts_about(vpc), attachments.doubts_about(vpc))
    return found


def _require_awaited(awaited: Awaited, *doubts: Iterable[NotEvaluated]) -> None:
    """Raises a doubt about what is not waited for; what is waited for is there in any case."""
    for doubt in chain(*doubts):
        if doubt.at.urn not in awaited:
            raise doubt


@stack_rule(
    "OR-06 log-bucket-ready",
    on=LoadBalancer,
    title="A load balancer waits for the policy of the bucket that it logs to",
    why="AWS writes a test object when logging is turned on, and refuses a bucket into which it may not write.",
    beyond="Policies of buckets of other stacks, and what the policy says.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html",
)
def log_bucket_ready(balancer: LoadBalancer) -> Iterator[Problem]:
    for kind in ("accessLogs", "connectionLogs"):
        logs = balancer[kind]
        place = logs["bucket"]
        if not place.given or logs["enabled"].flag() is not True:
            continue
        stack = balancer.stack
        if not stack.all(Bucket) or stack.elsewhere(place, Bucket):
            continue  # of another stack
        if place.unknown and stack.told(place) and not stack.candidates(place, Bucket):
            continue
        bucket = place.one(Bucket)
        if bucket is None or bucket["policy"].given:
            continue
        policies = stack.relation(BucketPolicy, "bucket", Bucket).of(bucket)
        if not policies:
            yield place.problem(
                f"a bucket with a policy by which the load balancer may write, of which {bucket.label} has none",
                "add a BucketPolicy, and let the load balancer wait for it",
                quote=_SAID_BUCKET,
            )
        yield from _waits(balancer, place, policies, "by which AWS may write to the bucket", _SAID_BUCKET)


# Autoscaling


@stack_rule(
    "OR-04 service-before-scaling",
    on=(AutoscalingTarget, ScalingPolicy, ScheduledAction),
    title="A scalable target waits for its service, and its policies and schedules for the target",
    why="Both are named by a text, `service/<cluster>/<service>`. Where the program writes it out, or every part of it "
    "comes from elsewhere, the engine does not wait, and Application Auto Scaling refuses what it cannot find.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
)
def service_before_scaling(owner: AutoscalingTarget | ScalingPolicy | ScheduledAction) -> Iterator[Problem]:
    place, stack, of_service = owner["resourceId"], owner.stack, isinstance(owner, AutoscalingTarget)
    known: Sequence[Resource] = stack.all(Service if of_service else AutoscalingTarget)
    if place.unknown:  # an output, and what it comes from is waited for: the service, maybe not the target
        if known and not stack.waits_for(owner, known):
            what = "service" if of_service else "target"
            raise place.not_evaluated(f"is not known yet, and may be that of a {what} which is not waited for")
    elif of_service:
        services = stack.known_as(place.text() or "", Service)
        yield from _waits(owner, place, services, "which is what it scales", _SAID_SERVICE)
        if not services:
            _require_awaited(stack.awaited(owner), (each.not_evaluated(_MAYBE) for each in stack.unnamed(Service)))
    else:
        doubts = {each.urn: _unlike(owner, each) for each in known}
        targets = [each for each in known if doubts[each.urn] == []]
        yield from _waits(owner, place, targets, "to which it belongs", _SAID_TARGET)
        if not targets:
            awaited = stack.awaited(owner)
            for each in known:
                of_each = doubts[each.urn]
                if of_each and each.urn not in awaited:
                    raise of_each[0].not_evaluated(_MAYBE)


_MAYBE = "is not known yet, and may make it what is scaled, which is not waited for"


def _unlike(owner: Resource, target: Resource) -> list[Value] | None:
    """What is unknown and may tell a target apart from what a policy or schedule names; None when known values do."""
    pairs = [(owner[key], target[key]) for key in ("resourceId", "scalableDimension")]
    if any(not ours.unknown and not theirs.unknown and ours.raw != theirs.raw for ours, theirs in pairs):
        return None
    return [each for pair in pairs for each in pair if each.unknown]


# What tasks start with


@stack_rule(
    "OR-05 ready-for-tasks",
    on=Service,
    title="What tasks need from their first second is there before the service",
    why="ECS starts tasks as soon as there is a service, and no property refers to the policies of their roles, to a "
    "secret's value, to mount targets or to a log group that is named by a text. Tasks fail until these are there; "
    "with a circuit breaker and a program that waits for the service so does the first deployment.",
    level=Level.FAILS,
    enforcement=Enforcement.ADVISORY,
    severity=Severity.MEDIUM,
    source=f"{_GUIDE}/stopped-task-error-codes.html",
)
def ready_for_tasks(service: Service) -> Iterator[Problem]:
    task_definition = service.task_definition
    if task_definition is None:
        return
    awaited = service.stack.awaited(service)
    place = service["taskDefinition"]
    missing: dict[str, Resource] = {}
    doubt = None
    for read in (_policies, _of_containers, _mounts):
        try:
            missing.update((each.urn, each) for each in read(task_definition, awaited) if each.urn not in awaited)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if service["waitForSteadyState"].flag() and service["deploymentCircuitBreaker"]["enable"].flag():
        missing.update((each.urn, each) for each in _routes(service) if each.urn not in awaited)
    if missing:
        names = ", ".join(each.label for each in list(missing.values())[:5])
        yield place.problem(
            f"{service.label} to wait for {names}, without which its tasks cannot start",
            f"add {names} to dependsOn of {service.label} or {task_definition.label}",
        )
    elif doubt is not None:
        raise doubt


def _policies(task_definition: TaskDefinition, awaited: Awaited) -> Iterator[Resource]:
    """Of the role that fetches images and secrets. What the application may do later is its own matter."""
    reference = task_definition["executionRoleArn"]
    role = None if task_definition.stack.elsewhere(reference, Role) else reference.one(Role)
    if role is not None:
        yield from policy_resources(role)
        _require_awaited(awaited, policy_doubts(role))


def _of_containers(task_definition: TaskDefinition, awaited: Awaited) -> Iterator[Resource]:
    stack = task_definition.stack
    if not any(stack.all(kind) for kind in (LogGroup, SecretVersion, DockerImage)):
        return
    values = stack.relation(SecretVersion, "secretId", Secret)
    doubts: list[NotEvaluated] = []
    for container in task_definition.containers:
        log, image = _log_group(container), container["image"]
        if log.given:
            yield from _named(log, LogGroup, doubts)
        yield from _named(image, DockerImage, doubts)
        for reference in references(container):
            secret = source_of(reference)
            if isinstance(secret, Secret):
                found = values.sure(secret)
                yield from found[:1]
                doubts += [] if found else values.doubts_about(secret)
            elif secret is not None:
                yield secret
    _require_awaited(awaited, doubts)


def _log_group(container: Container) -> Value:
    """The log group that must be there; absent where it need not be."""
    log = container["logConfiguration"]
    needed = log["logDriver"].text() == "awslogs" and not log["options"]["awslogs-create-group"].flag()
    return log["options"]["awslogs-group"] if needed else Value(container.resource, log.path, None)


def _named(place: Value, kind: type[R], doubts: list[NotEvaluated]) -> list[R]:
    """The resources that a text names. What is not known yet comes from what its property waits for anyway."""
    stack = place.resource.stack
    if place.unknown and place.resource.property_dependencies.get(str(place.path[0])):
        return []
    found = stack.known_as(place.text() or "", kind)
    if not found:
        doubts += [each.not_evaluated(_MAYBE_NEEDED) for each in stack.unnamed(kind)]
    return found


_MAYBE_NEEDED = "is not known yet, and may be what a task needs, which its service does not wait for"


def _mounts(task_definition: TaskDefinition, awaited: Awaited) -> Iterator[Resource]:
    stack = task_definition.stack
    for volume in task_definition["volumes"].items() if stack.all(MountTarget) else ():
        place = volume["efsVolumeConfiguration"]["fileSystemId"]
        if place.given and (place.unknown or stack.known_as(place.text() or "", FileSystem)):
            system = place.one(FileSystem)
            if system is not None:
                targets = stack.relation(MountTarget, "fileSystemId", FileSystem)
                yield from targets.sure(system)
                _require_awaited(awaited, targets.doubts_about(system))


def _routes(service: Service) -> Iterator[Resource]:
    subnets = service["networkConfiguration"]["subnets"]
    for subnet in service.stack.possibly(subnets, Subnet)[0] if subnets.given else ():
        yield from default_routes(subnet)
