"""The stack as ECS sees it: typed views of its resources and the references between them.

A reference is followed by the engine's property dependencies first and by known ids second. Several candidates,
an invoke, a stack reference or a literal id of something outside the stack raise `NotEvaluated`: never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

from ecs_policy.image_reference import parse_image
from ecs_policy.values import ABSENT, SENTINELS, UNKNOWN, NotEvaluated, Value

R = TypeVar("R", bound="Resource")
A = TypeVar("A")

_KINDS: dict[str, type[Resource]] = {}


class Resource:
    """One resource: its inputs as the program gave them, its outputs as the provider computed them."""

    TYPES: ClassVar[tuple[str, ...]] = ()
    """Type tokens, with `aws:lb/` for all names that the load balancer module has had."""
    IDS: ClassVar[tuple[str, ...]] = ("arn", "id")
    """Properties by whose value other resources refer to this one."""

    __slots__ = (
        "_memo",
        "component",
        "dependencies",
        "ignore_changes",
        "inputs",
        "name",
        "outputs",
        "parent",
        "property_dependencies",
        "provider",
        "stack",
        "timeouts",
        "type",
        "urn",
    )

    def __init_subclass__(cls) -> None:
        for token in cls.TYPES:
            _KINDS[token] = cls

    def __init__(
        self,
        *,
        urn: str,
        type: str,  # noqa: A002 the engine's word
        name: str,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        parent: str = "",
        dependencies: Sequence[str] = (),
        property_dependencies: Mapping[str, Sequence[str]] | None = None,
        ignore_changes: Sequence[str] = (),
        timeouts: Mapping[str, float] | None = None,
        provider: Mapping[str, Any] | None = None,
    ) -> None:
        self.urn = urn
        self.type = type
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.parent = parent
        self.dependencies = dependencies
        self.property_dependencies = property_dependencies or {}
        self.ignore_changes = ignore_changes
        self.timeouts = timeouts or {}
        self.provider = provider
        self.stack = _NO_STACK
        self._memo: dict[str, Value] = {}

    @property
    def label(self) -> str:
        """How messages call it: `Service 'web'`."""
        return f"{self.type.rpartition(':')[2]} '{self.name}'"

    def __getitem__(self, key: str) -> Value:
        """A property as the program set it, or, without recorded inputs (`--target`), as the provider reports it."""
        value = self._memo.get(key)
        if value is None:
            if self.inputs is None:
                value = self.computed(key)
            else:
                value = Value(self, (key,), self.inputs.get(key))
                if value.unknown and self.outputs is not None and key in self.outputs:
                    value = self.computed(key)
            self._memo[key] = value
        return value

    def forget(self) -> None:
        """Drops what has been read so far: it is cheaper to read it again than to keep it for 35,000 resources."""
        self._memo.clear()

    def computed(self, key: str) -> Value:
        """A property as the provider reports it; unknown until there is a report."""
        return Value(self, (key,), (self.outputs if self.outputs is not None else self.inputs or {}).get(key))

    def ids(self) -> set[str]:
        """The known texts that refer to this resource."""
        found = set()
        for key in self.IDS:
            for properties in (self.outputs, self.inputs):
                if properties is not None:
                    raw = Value(self, (key,), properties.get(key)).raw
                    if isinstance(raw, str):
                        found.add(raw)
        return found

    def region(self) -> Value:
        """The AWS region the resource is in: its own `region`, else its provider's; absent when neither says."""
        own = self["region"]
        return own if own.given else self.of_provider("region")

    def of_provider(self, key: str) -> Value:
        """A setting of the resource's provider; those that are no text are JSON."""
        return Value(self, ("provider", key), (self.provider or {}).get(key))


@cache
def canonical_type(token: str) -> str:
    """The one token for what has had several: `aws:alb/...` and `aws:elasticloadbalancingv2/...` are `aws:lb/...`."""
    package, _, rest = token.partition(":")
    module, _, member = rest.partition("/")
    if package == "aws" and module in ("alb", "applicationloadbalancing", "elasticloadbalancingv2"):
        return f"aws:lb/{member}"
    return token


def resource(*, type: str, **facts: Any) -> Resource:  # noqa: A002 the engine's word
    """The view that fits the type."""
    token = canonical_type(type)
    return _KINDS.get(token, Resource)(type=token, **facts)


def known_types() -> list[str]:
    """Every type token that has a view."""
    return sorted(_KINDS)


class Stack:
    """All resources of one run, and the joins between them, each made once and on demand."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = {each.urn: each for each in resources}
        self._by_kind: dict[type[Resource], list[Resource]] = {}
        for each in self.resources.values():
            each.stack = self
            self._by_kind.setdefault(type(each), []).append(each)
        self._children: dict[str, list[Resource]] | None = None
        self._by_id: dict[type[Resource], dict[str, list[Resource]]] = {}
        self._relations: dict[tuple[type[Resource], type[Resource], object], Relation[Any]] = {}
        self._derived: dict[tuple[Callable[..., Any], str], Any] = {}

    def all(self, kind: type[R]) -> list[R]:
        """Every resource of one kind."""
        return self._by_kind.get(kind, [])  # type: ignore[return-value]

    def referred(self, value: Value, kind: type[R]) -> R | None:
        """See `Value.one`."""
        if value.raw is ABSENT:
            return None
        known = _known_text(value)
        if known is not None:
            named = self.known_as(known, kind)
            if len(named) > 1:
                candidates = self._candidates(value, kind)
                named = [each for each in named if each in candidates] or named
            if len(named) == 1:
                return named[0]
            if named:
                raise value.not_evaluated(f"fits several resources: {_names(named)}")
            raise value.not_evaluated("refers to something that is not a resource of this stack")
        candidates = self._candidates(value, kind)
        if len(candidates) > 1:
            raise value.not_evaluated(f"is not known yet and may be any of {_names(candidates)}")
        if not candidates:
            raise value.not_evaluated("is not known yet and comes from no resource of this stack")
        if any(isinstance(step, int) for step in value.path) and len(value.resource[str(value.path[0])].items()) > 1:
            raise value.not_evaluated(
                f"is not known yet, and which of the entries is {_names(candidates)} cannot be told"
            )
        return candidates[0]

    def all_referred(self, value: Value, kind: type[R]) -> list[R]:
        """See `Value.many`."""
        found: dict[str, R] = {}
        unknown = []
        for item in value.items():
            known = _known_text(item)
            if known is None:
                unknown.append(item)
                continue
            target = self.referred(item, kind)
            if target is not None:
                found[target.urn] = target
        if unknown:
            left = [each for each in self._candidates(value, kind) if each.urn not in found]
            if len(left) != len(unknown):
                raise unknown[0].not_evaluated(f"is not known yet and may be any of {_names(left)}")
            found.update((each.urn, each) for each in left)
        return list(found.values())

    def relation(self, kind: type[R], places: str | Callable[[R], list[Value]], target: type[Resource]) -> Relation[R]:
        """Which resources of one kind refer to which of another, by a property or by what a function reads of them."""
        key = (kind, target, places)
        if key not in self._relations:
            made: Relation[R] = Relation()
            for each in self.all(kind):
                self._relate(made, each, [each[places]] if isinstance(places, str) else places(each), target)
            self._relations[key] = made
        return self._relations[key]

    def _relate(self, made: Relation[R], source: R, places: list[Value], target: type[Resource]) -> None:
        unsure: dict[str, tuple[Value, Resource]] = {}
        for place in places:
            found, doubtful = self.found_among(place, target)
            if place.unknown and not found and not doubtful:
                made.lose(place)
            for one in found:
                made.add(source, one)
            for one in doubtful:
                unsure.setdefault(one.urn, (place, one))
        if unsure and len({place.path[0] for place in places}) == 1:  # as many places as candidates: all of them
            for one in self.found_among_all(places, target)[0]:
                made.add(source, one)
                unsure.pop(one.urn, None)
        for place, one in unsure.values():
            made.doubt(place, one)

    def found_among(self, place: Value, kind: type[R]) -> tuple[list[R], list[R]]:
        """The resources of the stack that a value or list refers to for sure, and those of which that cannot be told.

        What is known to be outside the stack is in neither.
        """
        return self.found_among_all([place], kind)

    def found_among_all(self, places: Sequence[Value], kind: type[R]) -> tuple[list[R], list[R]]:
        """The same of several places in one property."""
        try:
            items = [each for place in places for each in (place.items() if isinstance(place.raw, list) else [place])]
            return self._found_among(items, kind)
        except NotEvaluated:
            return [], []  # malformed: it refers to nothing

    def _found_among(self, items: Sequence[Value], kind: type[R]) -> tuple[list[R], list[R]]:
        found: dict[str, R] = {}
        doubtful: dict[str, R] = {}
        unknown = []
        for item in items:
            known = _known_text(item) if item.given else None
            if known is not None:
                candidates = self.known_as(known, kind)
                (found if len(candidates) == 1 else doubtful).update((each.urn, each) for each in candidates)
            elif item.given:
                unknown.append(item)
        if unknown:
            left = {each.urn: each for each in self._candidates(unknown[0], kind) if each.urn not in found}
            (found if len(left) == len(unknown) else doubtful).update(left)
        return list(found.values()), [each for urn, each in doubtful.items() if urn not in found]

    def derived(self, compute: Callable[[R], A], resource: R) -> A:
        """What `compute` makes of a resource, computed once a run."""
        key = (compute, resource.urn)
        if key not in self._derived:
            try:
                self._derived[key] = compute(resource)
            except NotEvaluated as outcome:
                self._derived[key] = outcome
        made = self._derived[key]
        if isinstance(made, NotEvaluated):
            raise NotEvaluated(made.at)
        return made  # type: ignore[no-any-return]

    def waits_for(self, resource: Resource, targets: Iterable[Resource]) -> bool:
        """Whether the engine makes one of `targets` before it makes `resource`."""
        wanted = {each.urn for each in targets}
        pending, seen = list(resource.dependencies), {resource.urn}
        for urn in pending:  # grows meanwhile: the nearest come first
            dependency = self.resources.get(urn)
            if dependency is None or urn in seen:
                continue
            if urn in wanted:
                return True
            seen.add(urn)
            pending.extend(dependency.dependencies)
            if _is_component(dependency):
                pending.extend(each.urn for each in self._descendants(dependency))
        return False

    def _candidates(self, value: Value, kind: type[R]) -> list[R]:
        found: dict[str, R] = {}
        inside: dict[str, R] = {}
        for urn in value.resource.property_dependencies.get(str(value.path[0]), ()):
            dependency = self.resources.get(urn)
            if isinstance(dependency, kind):
                found[urn] = dependency
            elif dependency is not None and _is_component(dependency):
                inside.update((each.urn, each) for each in self._descendants(dependency) if isinstance(each, kind))
        # An output of a component names what it comes from, and always the component itself.
        return list((found or inside).values())

    def possibly(self, value: Value, kind: type[R]) -> tuple[list[R], bool]:
        """The resources that a list refers to, and True; or those it may refer to, and False.

        The latter is a list that is unknown as a whole, as a component yields it in a first preview.
        """
        try:
            return self.all_referred(value, kind), True
        except NotEvaluated:
            candidates = self._candidates(value, kind) if value.unknown else []
            if not candidates:
                raise
            return candidates, False

    def _descendants(self, component: Resource) -> list[Resource]:
        if self._children is None:
            self._children = {}
            for each in self.resources.values():
                if each.parent:
                    self._children.setdefault(each.parent, []).append(each)
        found: list[Resource] = []
        pending, seen = [component.urn], {component.urn}
        while pending:
            for child in self._children.get(pending.pop(), ()):
                if child.urn not in seen:
                    seen.add(child.urn)
                    pending.append(child.urn)
                    found.append(child)
        return found

    def known_as(self, known: str, kind: type[R]) -> list[R]:
        """The resources of one kind that a text refers to, as far as their ids are known."""
        if kind not in self._by_id:
            index = self._by_id[kind] = {}
            for each in self.all(kind):
                for text in each.ids():
                    index.setdefault(text, []).append(each)
        return self._by_id[kind].get(known, [])  # type: ignore[return-value]


_NO_STACK = Stack(())


class Relation(Generic[R]):
    """References, backwards."""

    def __init__(self) -> None:
        self._sure: dict[str, dict[str, R]] = {}
        self._doubtful: dict[str, Value] = {}
        self._lost: Value | None = None

    def add(self, source: R, target: Resource) -> None:
        self._sure.setdefault(target.urn, {})[source.urn] = source

    def doubt(self, place: Value, target: Resource) -> None:
        self._doubtful.setdefault(target.urn, place)

    def lose(self, place: Value) -> None:
        """A reference that comes from outside the stack, and may lead back into it."""
        self._lost = self._lost or place

    def sure(self, target: Resource) -> list[R]:
        """Those that refer to `target` for sure."""
        return list(self._sure.get(target.urn, {}).values())

    def doubt_about(self, target: Resource) -> NotEvaluated | None:
        """Why there may be more."""
        place = self._doubtful.get(target.urn)
        return None if place is None else place.not_evaluated(f"may refer to {target.label} or not")

    def of(self, target: Resource) -> list[R]:
        """Those that refer to `target`. Raises when there is no sure one, and may be another."""
        found = self.sure(target)
        doubt = self.doubt_about(target)
        if not found and doubt is not None:
            raise doubt
        if not found and self._lost is not None:
            raise self._lost.not_evaluated(f"is not known yet, and may be {target.label} or not")
        return found


def _is_component(resource: Resource) -> bool:
    return resource.provider is None and type(resource) is Resource


def _known_text(value: Value) -> str | None:
    try:
        return value.text()
    except NotEvaluated:
        if isinstance(value.raw, str) or value.unknown:
            return None
        raise


def _names(resources: Iterable[Resource]) -> str:
    return ", ".join(each.label for each in resources) or "no resource of this stack"


# The views. A class per AWS object; `TYPES` and `IDS` say all that a join needs.


class Cluster(Resource):
    TYPES = ("aws:ecs/cluster:Cluster",)
    IDS = ("arn", "id", "name")
    __slots__ = ()

    @property
    def capacity_providers(self) -> ClusterCapacityProviders | None:
        """The cluster's associated providers; None when this stack associates none."""
        found = self.stack.relation(ClusterCapacityProviders, "clusterName", Cluster).of(self)
        if len(found) > 1:
            raise found[1]["clusterName"].not_evaluated("associates capacity providers with a cluster that has others")
        return found[0] if found else None


class ClusterCapacityProviders(Resource):
    TYPES = ("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",)
    __slots__ = ()


class CapacityProvider(Resource):
    TYPES = ("aws:ecs/capacityProvider:CapacityProvider",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class Container(Value):
    """One entry of `containerDefinitions`."""

    __slots__ = ()

    @property
    def task_definition(self) -> TaskDefinition:
        assert isinstance(self.resource, TaskDefinition)
        return self.resource

    @property
    def name(self) -> str:
        """The container's name; empty when there is none."""
        return self["name"].text() or ""

    @property
    def essential(self) -> bool:
        """Whether the task stops when the container does; so it is when the program says nothing."""
        return self["essential"].flag() is not False

    def sibling(self, reference: Value) -> Container | None:
        """The other container of the task that a text names; None when there is none."""
        found = self.task_definition.container_named(reference)
        return None if found is None or found.location == self.location else found

    @property
    def sibling_names(self) -> list[str]:
        """The known names of the task's other containers."""
        names = [each["name"].raw for each in self.task_definition.containers if each.location != self.location]
        return [name for name in names if isinstance(name, str)]


class TaskDefinition(Resource):
    TYPES = ("aws:ecs/taskDefinition:TaskDefinition",)
    IDS = ("arn", "arnWithoutRevision", "id", "family")
    __slots__ = ("_containers", "_nameless", "_names")

    def ids(self) -> set[str]:
        found = super().ids()
        family, revision = self.computed("family"), self.computed("revision")
        if isinstance(family.raw, str) and isinstance(revision.raw, (int, float)):
            found.add(f"{family.raw}:{revision.raw:.0f}")
        return found

    @property
    def containers(self) -> list[Container]:
        """The container definitions. Raises while the JSON is unknown as a whole."""
        containers: list[Container] | None = getattr(self, "_containers", None)
        if containers is None:
            containers = []
            for index, item in enumerate(self["containerDefinitions"].parsed().items()):
                raw = item.raw.get("name") if isinstance(item.raw, dict) else None
                step = raw if isinstance(raw, str) and 0 < len(raw) <= 255 and raw not in SENTINELS else index
                containers.append(Container(self, ("containerDefinitions", f"[{step}]"), item.raw, item.secret))
            self._containers = containers
        return containers

    def container_named(self, reference: Value) -> Container | None:
        """The container that a text names; None when there is none. Raises when one of unknown name may be it."""
        names: dict[str, Container] | None = getattr(self, "_names", None)
        if names is None:
            names, self._nameless = {}, None
            for container in self.containers:
                try:
                    names.setdefault(container.name, container)
                except NotEvaluated as outcome:
                    self._nameless = outcome
            self._names = names
        found = names.get(reference.text() or "")
        if found is None and self._nameless is not None:
            raise self._nameless
        return found

    @property
    def network_mode(self) -> str:
        """`awsvpc`, `bridge`, `host`, `none` or `default`; AWS takes `bridge` when the program says nothing.

        For Fargate it can be `awsvpc` only; TD-03 reports what says otherwise.
        """
        if self.for_fargate:
            return "awsvpc"
        return self["networkMode"].text() or "bridge"

    @property
    def for_windows(self) -> bool:
        """Whether its containers are Windows containers; AWS takes Linux when the program says nothing."""
        family = self["runtimePlatform"]["operatingSystemFamily"].text() or "LINUX"
        return family.startswith("WINDOWS")

    @property
    def for_fargate(self) -> bool:
        """Whether FARGATE is among `requiresCompatibilities`, be it alone or beside EC2."""
        return "FARGATE" in self["requiresCompatibilities"].texts()


class Service(Resource):
    TYPES = ("aws:ecs/service:Service",)
    IDS = ("arn", "id", "name")
    __slots__ = ()

    def ids(self) -> set[str]:
        found = super().ids()
        cluster, name = self.computed("cluster").raw, self.computed("name").raw
        if cluster is UNKNOWN:  # a first preview: by the name, which the program gave
            try:
                known = self.cluster
            except NotEvaluated:
                known = None
            cluster = known.computed("name").raw if known is not None else None
        if isinstance(cluster, str) and isinstance(name, str):
            found.add(f"service/{cluster.rpartition('/')[2]}/{name}")  # how autoscaling calls it
        return found

    @property
    def task_definition(self) -> TaskDefinition | None:
        """None when the service has none of its own (deployment controller EXTERNAL)."""
        return self["taskDefinition"].one(TaskDefinition)

    @property
    def cluster(self) -> Cluster | None:
        """None when the service runs in the account's default cluster, which is outside the stack."""
        return self["cluster"].one(Cluster)

    @property
    def rolls(self) -> bool:
        """Whether ECS itself replaces the tasks step by step: no blue/green, no other controller."""
        controller, strategy = self["deploymentController"]["type"], self["deploymentConfiguration"]["strategy"]
        return (controller.text() or "ECS") == "ECS" and (strategy.text() or "ROLLING") == "ROLLING"

    @property
    def launch_types(self) -> dict[str, Value]:
        """What the tasks run on (`EC2`, `FARGATE`, `EXTERNAL`, `MANAGED_INSTANCES`) and the property that says so.

        That is `launchType`, else the capacity provider strategy, else the cluster's default strategy, else EC2.
        """
        launch_type = self["launchType"]
        if launch_type.given:
            return {launch_type.text() or "": launch_type}
        strategy = self["capacityProviderStrategies"].items()
        if not strategy:
            strategy = default_strategy(self)
        return {launch_type_of(item["capacityProvider"]): item["capacityProvider"] for item in strategy} or {
            "EC2": launch_type
        }


def default_strategy(service: Service) -> list[Value]:
    """The default capacity provider strategy of the service's cluster; empty when there is none."""
    cluster = service.cluster
    if cluster is None:
        raise service["cluster"].not_evaluated("is absent: the account's default cluster is outside this stack")
    association = cluster.capacity_providers
    return [] if association is None else association["defaultCapacityProviderStrategies"].items()


def launch_type_of(provider: Value) -> str:
    """The launch type that a capacity provider stands for."""
    if not provider.unknown and provider.text() in ("FARGATE", "FARGATE_SPOT"):
        return "FARGATE"
    found = provider.one(CapacityProvider)
    if found is None:
        raise provider.not_evaluated("is absent")
    return "MANAGED_INSTANCES" if found["managedInstancesProvider"].given else "EC2"


class AutoscalingTarget(Resource):
    TYPES = ("aws:appautoscaling/target:Target",)
    IDS = ("arn", "id", "resourceId")
    __slots__ = ()


class AutoScalingGroup(Resource):
    TYPES = ("aws:autoscaling/group:Group",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class LaunchConfiguration(Resource):
    TYPES = ("aws:ec2/launchConfiguration:LaunchConfiguration",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class Instance(Resource):
    TYPES = ("aws:ec2/instance:Instance",)
    __slots__ = ()


class LaunchTemplate(Resource):
    TYPES = ("aws:ec2/launchTemplate:LaunchTemplate",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class LoadBalancer(Resource):
    TYPES = ("aws:lb/loadBalancer:LoadBalancer",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class TargetGroup(Resource):
    TYPES = ("aws:lb/targetGroup:TargetGroup",)
    IDS = ("arn", "id")
    __slots__ = ()


class Listener(Resource):
    TYPES = ("aws:lb/listener:Listener",)
    __slots__ = ()


class ListenerRule(Resource):
    TYPES = ("aws:lb/listenerRule:ListenerRule",)
    __slots__ = ()


class WebAclAssociation(Resource):
    TYPES = (
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        "aws:wafregional/webAclAssociation:WebAclAssociation",
    )
    __slots__ = ()


class DiscoveryService(Resource):
    TYPES = ("aws:servicediscovery/service:Service",)
    __slots__ = ()


class Vpc(Resource):
    TYPES = ("aws:ec2/vpc:Vpc", "aws:ec2/defaultVpc:DefaultVpc")
    __slots__ = ()


class Subnet(Resource):
    TYPES = ("aws:ec2/subnet:Subnet", "aws:ec2/defaultSubnet:DefaultSubnet")
    __slots__ = ()


class RouteTable(Resource):
    TYPES = ("aws:ec2/routeTable:RouteTable", "aws:ec2/defaultRouteTable:DefaultRouteTable")
    __slots__ = ()


class Route(Resource):
    TYPES = ("aws:ec2/route:Route",)
    __slots__ = ()


class RouteTableAssociation(Resource):
    TYPES = ("aws:ec2/routeTableAssociation:RouteTableAssociation",)
    __slots__ = ()


class MainRouteTableAssociation(Resource):
    TYPES = ("aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation",)
    __slots__ = ()


class VpcCidrAssociation(Resource):
    TYPES = ("aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation",)
    __slots__ = ()


class NatGateway(Resource):
    TYPES = ("aws:ec2/natGateway:NatGateway",)
    __slots__ = ()


class InternetGateway(Resource):
    TYPES = ("aws:ec2/internetGateway:InternetGateway",)
    __slots__ = ()


class VpcEndpoint(Resource):
    TYPES = ("aws:ec2/vpcEndpoint:VpcEndpoint",)
    __slots__ = ()


class VpcEndpointRouteTableAssociation(Resource):
    TYPES = ("aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation",)
    __slots__ = ()


class FlowLog(Resource):
    TYPES = ("aws:ec2/flowLog:FlowLog",)
    __slots__ = ()


class SecurityGroup(Resource):
    TYPES = ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    __slots__ = ()


class SecurityGroupRule(Resource):
    TYPES = ("aws:ec2/securityGroupRule:SecurityGroupRule",)
    __slots__ = ()


class SecurityGroupIngressRule(Resource):
    TYPES = ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",)
    __slots__ = ()


class SecurityGroupEgressRule(Resource):
    TYPES = ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",)
    __slots__ = ()


class Role(Resource):
    TYPES = ("aws:iam/role:Role",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class InstanceProfile(Resource):
    TYPES = ("aws:iam/instanceProfile:InstanceProfile",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class PolicyAttachment(Resource):
    TYPES = ("aws:iam/policyAttachment:PolicyAttachment",)
    __slots__ = ()


class RolePolicy(Resource):
    TYPES = ("aws:iam/rolePolicy:RolePolicy",)
    __slots__ = ()


class RolePolicyAttachment(Resource):
    TYPES = ("aws:iam/rolePolicyAttachment:RolePolicyAttachment",)
    __slots__ = ()


class Policy(Resource):
    TYPES = ("aws:iam/policy:Policy",)
    __slots__ = ()


class LogGroup(Resource):
    TYPES = ("aws:cloudwatch/logGroup:LogGroup",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class Repository(Resource):
    TYPES = ("aws:ecr/repository:Repository",)
    IDS = ("arn", "id", "name", "repositoryUrl")
    __slots__ = ()


class LifecyclePolicy(Resource):
    TYPES = ("aws:ecr/lifecyclePolicy:LifecyclePolicy",)
    __slots__ = ()


class RegistryScanning(Resource):
    TYPES = ("aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",)
    __slots__ = ()


class RepositoryPolicy(Resource):
    TYPES = ("aws:ecr/repositoryPolicy:RepositoryPolicy",)
    __slots__ = ()


class DockerImage(Resource):
    TYPES = ("docker:index/image:Image", "docker-build:index:Image")
    IDS = ("imageName", "repoDigest", "ref")
    __slots__ = ()

    def ids(self) -> set[str]:
        found = super().ids()
        digest, tags = self.computed("digest").raw, self["tags"]
        for tag in tags.items() if isinstance(tags.raw, list) else ():
            reference = parse_image(tag.raw) if isinstance(tag.raw, str) else None
            if reference is not None:
                found.add(tag.raw)
                if isinstance(digest, str):
                    found |= {f"{tag.raw}@{digest}", f"{reference.name}@{digest}"}
        return found

    @property
    def platforms(self) -> list[str]:
        """What it is built for: `linux/arm64`. Raises when it is left to the machine that builds."""
        of_buildx = self["platforms"]
        found = of_buildx.texts() or [text for text in (self["build"]["platform"].text(),) if text]
        if not found:
            place = of_buildx if self.type.startswith("docker-build:") else self["build"]["platform"]
            raise place.not_evaluated("is absent: the image is for the platform of the machine that builds it")
        return found
