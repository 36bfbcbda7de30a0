"""What the resources of AWS are to the rules: a class each. `TYPES` and `IDS` say all that a reference needs."""

from __future__ import annotations

from functools import cache
from typing import Any

from ecs_policy.image_reference import parse_image
from ecs_policy.sentinels import SENTINELS
from ecs_policy.shapes import Shape, canonical, shape_of
from ecs_policy.stack import KINDS, Resource, names_of
from ecs_policy.values import UNKNOWN, NotEvaluated, Value


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
    return KINDS.get(token, Resource)(type=token, **facts)


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

    @property
    def managed(self) -> bool:
        """Whether ECS starts the instances itself: it is then of the one cluster that it names, from its creation."""
        return self["managedInstancesProvider"].given


@cache
def _container_shape() -> Shape:
    """Of one entry of `containerDefinitions`."""
    shape = shape_of("aws:ecs/taskDefinition:TaskDefinition")
    assert shape is not None
    element = shape.fields["containerDefinitions"].element
    assert element is not None
    return element


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

    @property
    def built_image(self) -> DockerImage | None:
        """The image of the stack that it runs, by its name or, while that is not known, by what it comes from.

        None where it is no image of the stack. Raises where an unknown name may come from elsewhere too.
        """
        image, stack = self["image"], self.resource.stack
        if not image.unknown:
            return None if self._built_elsewhere else image.one(DockerImage)
        sources = stack.sources(image, but=_NEVER_AN_IMAGE)
        if any(isinstance(each, DockerImage) for each in sources) and len(sources) > 1:
            raise image.not_evaluated(f"is not known yet and may come from any of {names_of(sources)}")
        return image.one(DockerImage)

    @property
    def _built_elsewhere(self) -> bool:
        """Whether its image, whose name is known, is none of the stack. Raises where one of unknown name may be it."""
        image, stack = self["image"], self.resource.stack
        if stack.known_as(image.text() or "", DockerImage):
            return False
        reference = parse_image(image.text() or "")
        for place in stack.unnamed(DockerImage):
            if reference is not None and (
                reference.ecr_region or not stack.told(place)
            ):  # else it is in the stack's ECR
                raise place.not_evaluated(f"is not known yet, and may be {image.shown()}")
        return True

    @property
    def image_names(self) -> list[Value]:
        """What tells where its image is: its name or, while that is not known, the names under which it is pushed."""
        image = self["image"]
        built = self.built_image if image.unknown else None
        return [image] if built is None else built.pushed_as

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
            shape = _container_shape()
            for index, item in enumerate(self["containerDefinitions"].parsed().items()):
                read = canonical(shape, item.raw)
                raw = read.get("name") if isinstance(read, dict) else None
                step = raw if isinstance(raw, str) and 0 < len(raw) <= 255 and raw not in SENTINELS else index
                containers.append(Container(self, ("containerDefinitions", f"[{step}]"), read, item.secret))
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
        """`awsvpc`, `bridge`, `host`, `none` or `default`.

        When the program says nothing AWS takes `bridge`, for managed instances `awsvpc`. For Fargate it can be `awsvpc`
        only; TD-03 reports what says otherwise.
        """
        if self.for_fargate:
            return "awsvpc"
        return self["networkMode"].text() or ("awsvpc" if self.only_for("MANAGED_INSTANCES") else "bridge")

    @property
    def for_windows(self) -> bool:
        """Whether its containers are Windows containers; AWS takes Linux when the program says nothing."""
        family = self["runtimePlatform"]["operatingSystemFamily"].text() or "LINUX"
        return family.startswith("WINDOWS")

    @property
    def for_fargate(self) -> bool:
        """Whether FARGATE is among `requiresCompatibilities`, be it alone or beside EC2."""
        return "FARGATE" in self["requiresCompatibilities"].texts()

    def only_for(self, compatibility: str) -> bool:
        """Whether `requiresCompatibilities` holds this one and no other."""
        return set(self["requiresCompatibilities"].texts()) == {compatibility}


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

    def unnamed(self) -> Value | None:
        cluster = self["cluster"]
        told = not cluster.unknown or any(each.startswith("service/") for each in self.ids())
        return super().unnamed() or (None if told else cluster)

    @property
    def task_definition(self) -> TaskDefinition | None:
        """None when the service has none of its own (deployment controller EXTERNAL)."""
        return self["taskDefinition"].one(TaskDefinition)

    @property
    def cluster(self) -> Cluster | None:
        """None when the service runs in the account's default cluster, which is outside the stack."""
        return self["cluster"].one(Cluster)

    @property
    def controller(self) -> str:
        """Who deploys: `ECS`, `CODE_DEPLOY` or `EXTERNAL`; ECS when the program says nothing."""
        return self["deploymentController"]["type"].text() or "ECS"

    @property
    def has_external_controller(self) -> bool:
        """Whether launch type, task definition, network and load balancers are those of its task sets."""
        return self.controller == "EXTERNAL"

    @property
    def rolls(self) -> bool:
        """Whether ECS itself replaces the tasks step by step: no blue/green, no other controller."""
        strategy = self["deploymentConfiguration"]["strategy"]
        return self.controller == "ECS" and (strategy.text() or "ROLLING") == "ROLLING"

    @property
    def launch_types(self) -> dict[str, Value]:
        """What the tasks run on (`EC2`, `FARGATE`, `EXTERNAL`, `MANAGED_INSTANCES`) and the property that says so.

        That is `launchType`, else the capacity provider strategy, else the cluster's default strategy, else EC2. A
        service with an external deployment controller has none of its own.
        """
        launch_type = self["launchType"]
        if launch_type.given:
            return {launch_type.text() or "": launch_type}
        strategy = self["capacityProviderStrategies"].items()
        if not strategy and self.has_external_controller:
            return {}
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
    return "MANAGED_INSTANCES" if found.managed else "EC2"


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

    @property
    def kind(self) -> str:
        """`application`, `network` or `gateway`; AWS takes application when the program says nothing."""
        return self["loadBalancerType"].text() or "application"


class TargetGroup(Resource):
    TYPES = ("aws:lb/targetGroup:TargetGroup",)
    IDS = ("arn", "id")
    __slots__ = ()

    @property
    def target_type(self) -> str:
        """`instance`, `ip`, `lambda` or `alb`; AWS takes instance when the program says nothing."""
        return self["targetType"].text() or "instance"

    @property
    def protocol(self) -> str | None:
        """In upper case. None when the program says nothing, and for Lambda functions, where the provider drops it."""
        if self.target_type == "lambda":
            return None
        return (self["protocol"].text() or "").upper() or None

    @property
    def protocol_version(self) -> str | None:
        """In upper case, as the provider sends it; AWS takes HTTP1. None where the protocol has no versions."""
        if self.protocol not in ("HTTP", "HTTPS"):
            return None
        return (self["protocolVersion"].text() or "HTTP1").upper()


class Listener(Resource):
    TYPES = ("aws:lb/listener:Listener",)
    __slots__ = ()

    @property
    def protocol(self) -> str | None:
        """In upper case, as the provider sends it. At an application load balancer it sends HTTP for nothing.

        None at the other load balancers, of which a gateway's listener has neither protocol nor port.
        """
        text = self["protocol"].text()
        if text:
            return text.upper()
        arn = self["loadBalancerArn"]
        known = "" if arn.unknown else arn.text() or ""
        if ":loadbalancer/" in known:
            return "HTTP" if ":loadbalancer/app/" in known else None
        return "HTTP" if self["port"].given else None


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
    IDS = ("arn", "id", "defaultNetworkAclId", "defaultRouteTableId", "mainRouteTableId")
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


class MetricAlarm(Resource):
    TYPES = ("aws:cloudwatch/metricAlarm:MetricAlarm",)
    IDS = ("id", "name")
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

    def unnamed(self) -> Value | None:
        names = (self["imageName"], self["tags"], *(self["tags"].items() if isinstance(self["tags"].raw, list) else ()))
        return next((each for each in names if each.unknown), None)

    @property
    def pushed_as(self) -> list[Value]:
        """The references under which it is pushed, each without its digest."""
        return [self["imageName"]] if self["imageName"].given else self["tags"].items()

    @property
    def tells_a_digest(self) -> bool:
        """Whether what is not known of it is its digest alone: what it is called by then names the digest."""
        unknown = {key for key in self.outputs or () if self.computed(key).unknown}
        return bool(unknown) and unknown <= {"digest", "ref", "repoDigest"}

    @property
    def platforms(self) -> list[str]:
        """What it is built for: `linux/arm64`. Raises when it is left to the machine that builds."""
        of_buildx = self["platforms"]
        found = of_buildx.texts() or [text for text in (self["build"]["platform"].text(),) if text]
        if not found:
            place = of_buildx if self.type.startswith("docker-build:") else self["build"]["platform"]
            raise place.not_evaluated("is absent: the image is for the platform of the machine that builds it")
        return found


class Certificate(Resource):
    TYPES = ("aws:acm/certificate:Certificate",)
    __slots__ = ()


class CertificateValidation(Resource):
    TYPES = ("aws:acm/certificateValidation:CertificateValidation",)
    __slots__ = ()


class ListenerCertificate(Resource):
    TYPES = ("aws:lb/listenerCertificate:ListenerCertificate",)
    __slots__ = ()


class InternetGatewayAttachment(Resource):
    TYPES = ("aws:ec2/internetGatewayAttachment:InternetGatewayAttachment",)
    __slots__ = ()


class ScalingPolicy(Resource):
    TYPES = ("aws:appautoscaling/policy:Policy",)
    __slots__ = ()


class ScheduledAction(Resource):
    TYPES = ("aws:appautoscaling/scheduledAction:ScheduledAction",)
    __slots__ = ()


class FileSystem(Resource):
    TYPES = ("aws:efs/fileSystem:FileSystem",)
    __slots__ = ()


class AccessPoint(Resource):
    TYPES = ("aws:efs/accessPoint:AccessPoint",)
    __slots__ = ()


class MountTarget(Resource):
    TYPES = ("aws:efs/mountTarget:MountTarget",)
    __slots__ = ()


class Key(Resource):
    TYPES = (
        "aws:kms/key:Key",
        "aws:kms/externalKey:ExternalKey",
        "aws:kms/replicaKey:ReplicaKey",
    )
    IDS = ("arn", "id", "keyId")
    __slots__ = ()


class KeyAlias(Resource):
    TYPES = ("aws:kms/alias:Alias",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class KeyPolicy(Resource):
    TYPES = ("aws:kms/keyPolicy:KeyPolicy",)
    __slots__ = ()


class KeyGrant(Resource):
    TYPES = ("aws:kms/grant:Grant",)
    __slots__ = ()


class Secret(Resource):
    TYPES = ("aws:secretsmanager/secret:Secret",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class SecretVersion(Resource):
    TYPES = ("aws:secretsmanager/secretVersion:SecretVersion",)
    __slots__ = ()


class Parameter(Resource):
    TYPES = ("aws:ssm/parameter:Parameter",)
    IDS = ("arn", "id", "name")
    __slots__ = ()


class Bucket(Resource):
    TYPES = (
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketV2:BucketV2",
    )
    IDS = ("arn", "id", "bucket")
    __slots__ = ()


class BucketEncryption(Resource):
    TYPES = (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
    )
    __slots__ = ()


class BucketPolicy(Resource):
    TYPES = ("aws:s3/bucketPolicy:BucketPolicy",)
    __slots__ = ()


class EventTarget(Resource):
    TYPES = ("aws:cloudwatch/eventTarget:EventTarget",)
    __slots__ = ()


class Schedule(Resource):
    TYPES = ("aws:scheduler/schedule:Schedule",)
    __slots__ = ()


class StateMachine(Resource):
    TYPES = ("aws:sfn/stateMachine:StateMachine",)
    __slots__ = ()


class SpotFleet(Resource):
    TYPES = ("aws:ec2/spotFleetRequest:SpotFleetRequest",)
    __slots__ = ()


class Fleet(Resource):
    TYPES = ("aws:ec2/fleet:Fleet",)
    __slots__ = ()


class SpotInstance(Resource):
    TYPES = ("aws:ec2/spotInstanceRequest:SpotInstanceRequest",)
    __slots__ = ()


class NetworkAcl(Resource):
    TYPES = ("aws:ec2/networkAcl:NetworkAcl", "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl")
    __slots__ = ()


class NetworkAclRule(Resource):
    TYPES = ("aws:ec2/networkAclRule:NetworkAclRule",)
    __slots__ = ()


class NetworkAclAssociation(Resource):
    TYPES = ("aws:ec2/networkAclAssociation:NetworkAclAssociation",)
    __slots__ = ()


_NEVER_AN_IMAGE = (
    *(Bucket, Cluster, DiscoveryService, FileSystem, Key, Listener, ListenerRule, LoadBalancer, LogGroup, Role, Secret),
    *(SecretVersion, SecurityGroup, Service, Subnet, TargetGroup, Vpc),
)
"""Nothing that these are known by is, or is part of, the name of an image."""
