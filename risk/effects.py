"""What a change does, by the kind of resource. A function for each kind that can hurt; the tables hold the rest."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

from ecs_policy.deployment_bounds import format_seconds
from ecs_policy.sentinels import UNKNOWN
from risk.preview import Change, Preview, section
from risk.rollout import rollout

CREATED: Final = "created"
"""What is told of a resource that is only new."""


class Effect(Enum):
    """What a change can do, gravest first. The values are what the report prints and `--fail-on` takes."""

    REFUSED = "refused"
    """A mandatory policy or the engine refuses: nothing will be changed."""
    LOSES_DATA = "loses-data"
    """Something is gone that nothing brings back."""
    INTERRUPTS = "interrupts"
    """Requests fail, or may, while or after it is done."""
    NEVER_ENDS = "never-ends"
    """The deployment cannot come to its end with these settings."""
    NOT_UNDONE = "not-undone"
    """When ECS rolls the tasks back, this stays."""
    NOT_EVALUATED = "not-evaluated"
    """Neither a policy nor this report could tell."""
    REPLACED = "replaced"
    """Deleted and made anew."""
    ROLLS = "rolls"
    """Old tasks are replaced by new ones while the service answers."""
    WARNED = "warned"
    """An advisory policy says so."""
    ACKNOWLEDGED = "acknowledged"
    """A policy says so, and its configuration says why it may stay."""
    COSTS = "costs"
    """More is paid every month, whatever the traffic; told where prices are given."""
    CHANGES = "changes"
    """Created, changed or deleted, without any of the above."""


Said = tuple[Effect, str]
Kind = Callable[[Change, Preview], Iterator[Said]]

_STATEFUL = {
    "aws:cloudwatch/logGroup:LogGroup": "its log",
    "aws:dynamodb/table:Table": "its items",
    "aws:ebs/volume:Volume": "its blocks",
    "aws:ecr/repository:Repository": "its images, those a rollback needs among them",
    "aws:efs/fileSystem:FileSystem": "its files",
    "aws:kms/key:Key": "everything encrypted with it",
    "aws:rds/cluster:Cluster": "its databases",
    "aws:rds/instance:Instance": "its databases",
    "aws:s3/bucket:Bucket": "its objects",
    "aws:s3/bucketV2:BucketV2": "its objects",
    "aws:secretsmanager/secret:Secret": "its values",
    "aws:sqs/queue:Queue": "its messages",
    "aws:ssm/parameter:Parameter": "its value",
}
"""Type to what is lost with it."""

_MOVES = {
    "aws:autoscaling/group:Group": "its instances end, and every task on them",
    "aws:ec2/eip:Eip": "its public address is given back and does not return",
    "aws:ec2/natGateway:NatGateway": "connections through it break, and its public address changes",
    "aws:ec2/subnet:Subnet": "tasks and load balancer nodes in it end",
    "aws:ec2/vpc:Vpc": "everything in it goes with it",
    "aws:ecs/cluster:Cluster": "its services go with it",
    "aws:lb/loadBalancer:LoadBalancer": "clients must follow to the new DNS name; the old one never returns",
}
"""Type to what its deletion does to requests, and its replacement even if the new one is there first."""

_MISSED = {
    "aws:acm/certificate:Certificate": "HTTPS has no certificate",
    "aws:ec2/internetGateway:InternetGateway": "nothing gets in or out of the VPC",
    "aws:ec2/route:Route": "its traffic has no way",
    "aws:ec2/routeTable:RouteTable": "its subnets have no routes",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "its subnet falls back to the main route table",
    "aws:ec2/securityGroup:SecurityGroup": "what it let through is closed",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "tasks have lost this way to AWS",
    "aws:ecs/capacityProvider:CapacityProvider": "services that use it have no capacity",
    "aws:iam/role:Role": "what it allowed is denied",
    "aws:iam/rolePolicy:RolePolicy": "what it allowed is denied",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "what it allowed is denied",
    "aws:lb/listenerRule:ListenerRule": "its requests fall to the next rule",
    "aws:route53/record:Record": "the name does not resolve, and resolvers remember that",
}
"""Type to what happens while there is none."""

_HARMLESS = {
    "aws:appautoscaling/policy:Policy",
    "aws:appautoscaling/scheduledAction:ScheduledAction",
    "aws:appautoscaling/target:Target",
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:cloudwatch/eventRule:EventRule",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:ec2/flowLog:FlowLog",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
    "aws:sns/topic:Topic",
}
"""Types that may go and come without a request or a datum being lost."""

_PERMANENT = {
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:lb/listener:Listener",
    "aws:lb/listenerRule:ListenerRule",
    "aws:lb/targetGroup:TargetGroup",
    "aws:route53/record:Record",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:ssm/parameter:Parameter",
}
"""Types that tasks depend on and that are changed at once: ECS rolls back tasks, not these."""


_HELD: Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "aws:acm/certificate:Certificate": (
        "ResourceInUseException",
        {"aws:lb/listener:Listener": ("certificateArn",)},
    ),
    "aws:ec2/routeTable:RouteTable": (
        "DependencyViolation",
        {"aws:ec2/routeTableAssociation:RouteTableAssociation": ("routeTableId",)},
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        "DependencyViolation",
        {
            "aws:ec2/vpcEndpoint:VpcEndpoint": ("securityGroupIds",),
            "aws:ecs/service:Service": ("networkConfiguration",),
            "aws:efs/mountTarget:MountTarget": ("securityGroups",),
            "aws:lb/loadBalancer:LoadBalancer": ("securityGroups",),
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ("referencedSecurityGroupId",),
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ("referencedSecurityGroupId",),
        },
    ),
    "aws:ec2/subnet:Subnet": (
        "DependencyViolation",
        {
            "aws:autoscaling/group:Group": ("vpcZoneIdentifiers",),
            "aws:ec2/vpcEndpoint:VpcEndpoint": ("subnetIds",),
            "aws:ecs/service:Service": ("networkConfiguration",),
            "aws:lb/loadBalancer:LoadBalancer": ("subnets", "subnetMappings"),
        },
    ),
    "aws:ecs/capacityProvider:CapacityProvider": (
        "ResourceInUseException",
        {
            "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": ("capacityProviders",),
            "aws:ecs/service:Service": ("capacityProviderStrategies",),
        },
    ),
    "aws:lb/targetGroup:TargetGroup": (
        "ResourceInUse",
        {"aws:lb/listener:Listener": ("defaultActions",), "aws:lb/listenerRule:ListenerRule": ("actions",)},
    ),
    "aws:servicediscovery/service:Service": (
        "ResourceInUse",
        {"aws:ecs/service:Service": ("serviceRegistries",)},
    ),
}
"""Type to AWS's error when it is deleted in use, and what uses it by which properties, all of which change in place."""


def effects(change: Change, preview: Preview) -> Iterator[Said]:
    """Everything that is done to a resource: at least one effect where it does not stay the same."""
    users = _users(change, preview)
    if users:
        names = ", ".join(each.name for each in users[:3])
        error = _HELD[change.type][0]
        yield (
            Effect.INTERRUPTS,
            f"the old one goes first, and AWS refuses to delete it while it is in use by {names} ({error}): the update "
            "stops half done. Without a name of its own, or with another one, the new one comes first",
        )
        yield from _plainly(change)
    elif change.action != "same":
        yield from _KINDS.get(change.type, _other)(change, preview)
    if change.leftover:
        yield Effect.CHANGES, "the old one, left by an update that failed, is deleted"


def _users(change: Change, preview: Preview) -> list[Change]:
    """What still uses a resource that is to be deleted before there is a new one: it is updated only after that."""
    if change.action != "replace" or not change.gap or change.type not in _HELD:
        return []
    found = []
    for kind, properties in _HELD[change.type][1].items():
        for user in preview.of_type(kind):
            if user.action == "update":
                uses = any(key in user.properties and _names(user.before.get(key), change.id) for key in properties)
            else:  # what goes goes at the end, unless it is to go first itself
                goes = user.action == "delete" or (user.action == "replace" and not user.gap)
                uses = goes and any(key in user.before and _names(user.before[key], change.id) for key in properties)
            if uses:
                found.append(user)
    return found


def _names(value: Any, known: str) -> bool:
    """Whether a value holds an id; it may where the preview does not show the value."""
    return value is None or not known or known in json.dumps(value)


def _other(change: Change, preview: Preview) -> Iterator[Said]:
    """Any kind without a function of its own."""
    gone = change.action in ("delete", "replace")
    lost, hurt = _STATEFUL.get(change.type), _MOVES.get(change.type)
    if not hurt and (change.action == "delete" or change.gap) and change.type in _MISSED:
        hurt = _MISSED[change.type] + (" meanwhile" if change.gap else "")
    if gone and lost:
        yield Effect.LOSES_DATA, f"{_done(change)} with {lost}"
    if gone and hurt:
        yield Effect.INTERRUPTS, f"{_done(change)}: {hurt}"
    if change.action == "update" and change.type in _PERMANENT:
        yield Effect.NOT_UNDONE, f"{_paths(change)} applies at once and stays when ECS rolls tasks back"
    if gone and change.type in _PERMANENT:
        yield from _not_brought_back(change, preview)
    if gone and change.type not in {*_STATEFUL, *_MOVES, *_MISSED, *_HARMLESS, *_KINDS}:
        yield Effect.NOT_EVALUATED, f"{_done(change)}: this report does not know what depends on a {change.type}"
    yield from _plainly(change)


def _not_brought_back(change: Change, preview: Preview) -> Iterator[Said]:
    """Only a service that stays can be rolled back."""
    if any(service.action in ("same", "update") for service in preview.of_type("aws:ecs/service:Service")):
        yield Effect.NOT_UNDONE, f"{_done(change)} at once, and not brought back when ECS rolls tasks back"


def _plainly(change: Change) -> Iterator[Said]:
    if change.action == "replace":
        order = "the old one goes first" if change.gap else "the new one comes first"
        yield Effect.REPLACED, f"because of {', '.join(sorted(change.causes)) or 'its dependencies'}; {order}"
    elif change.action == "update":
        yield Effect.CHANGES, f"changed in place: {_paths(change)}"
    else:
        yield Effect.CHANGES, CREATED if change.action == "create" else f"{change.action}d"


def _done(change: Change) -> str:
    return "replaced" if change.action == "replace" else "deleted"


def _paths(change: Change) -> str:
    return ", ".join(change.paths) or "something"


def _service(change: Change, preview: Preview) -> Iterator[Said]:
    if change.action == "delete":
        yield Effect.INTERRUPTS, "deleted: its tasks stop, nobody answers"
    elif change.action == "create":
        yield Effect.CHANGES, f"created: starts {_shown(change.after.get('desiredCount'))} tasks"
        yield Effect.NOT_UNDONE, "first deployment: there is no revision that ECS could roll back to"
    elif change.action == "replace":
        if change.gap:
            yield Effect.INTERRUPTS, "its tasks stop before those of the new service start"
        yield Effect.NOT_UNDONE, "a new service has no revision that ECS could roll back to"
    if change.action in ("create", "replace") or "taskDefinition" in change.properties:
        yield from _migrates(change, preview)
    if change.action in ("create", "update"):
        yield from _rolls(change, preview)
    if change.action == "replace":
        yield from _plainly(change)


def _migrates(service: Change, preview: Preview) -> Iterator[Said]:
    """What this program's component runs before its service takes a revision."""
    component = preview.components.get(service.urn.replace("$aws:ecs/service:Service", ""), {})
    command = component.get("migrationCommand")
    if isinstance(command, list):
        time = format_seconds(int(component["migrationTimeoutMinutes"]) * 60)
        yield Effect.NOT_UNDONE, f"a task of the new revision runs `{shlex.join(command)}` first, for at most {time}"
    elif command is not None:
        yield Effect.NOT_UNDONE, "a task of the new revision runs a command first that is not known or secret"


_NO_NEW_TASKS = {
    "alarms",
    "availabilityZoneRebalancing",
    "capacityProviderStrategies",
    "deploymentCircuitBreaker",
    "deploymentConfiguration",
    "deploymentController",
    "deploymentMaximumPercent",
    "deploymentMinimumHealthyPercent",
    "desiredCount",
    "enableEcsManagedTags",
    "enableExecuteCommand",
    "forceDelete",
    "forceNewDeployment",
    "healthCheckGracePeriodSeconds",
    "orderedPlacementStrategies",
    "placementConstraints",
    "propagateTags",
    "sigintRollback",
    "tags",
    "tagsAll",
    "triggers",
    "waitForSteadyState",
}
"""What of a service changes without new tasks, where no new deployment is forced.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html"""

_NEVER_NEW_TASKS = {"forceDelete", "tags", "tagsAll"}
"""What changes without new tasks even with `forceNewDeployment`: for anything else the provider calls UpdateService
with it (`resourceServiceUpdate`).
https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go"""


def _rolls(change: Change, preview: Preview) -> Iterator[Said]:
    before, after = change.before.get("desiredCount"), change.after.get("desiredCount")
    if "desiredCount" in change.properties:
        yield (
            Effect.CHANGES,
            f"{_shown(before)} → {_shown(after)} tasks" if before is not None else f"{_shown(after)} tasks",
        )
        if after == 0:
            yield Effect.INTERRUPTS, "no task remains: nobody answers"
    found = rollout(change, preview)
    if found.never_ends:
        yield Effect.NEVER_ENDS, found.never_ends
    quiet = _NEVER_NEW_TASKS if change.after.get("forceNewDeployment") else _NO_NEW_TASKS
    reasons = [name for name in change.properties if name not in quiet]
    if change.action == "update" and reasons:
        quiet_by_itself = set(reasons) <= _NO_NEW_TASKS - {"forceNewDeployment", "triggers"}
        forced = " (with forceNewDeployment every change starts them)" if quiet_by_itself else ""
        yield Effect.ROLLS, f"new tasks because of {', '.join(reasons)}{forced}; {found.time}"
    if found.fewest_tasks == 0 and (reasons or "deploymentMinimumHealthyPercent" in change.properties):
        when = "all" if reasons else "from the next deployment on, all"
        yield Effect.INTERRUPTS, f"{when} old tasks may stop before a new one answers (minimum healthy percent 0)"
    if change.action == "create":
        yield Effect.CHANGES, f"first tasks: {found.time}"
    settings = [path for path in change.paths if path.partition(".")[0].partition("[")[0] in quiet - {"desiredCount"}]
    if settings or (change.action == "update" and not change.paths):
        yield Effect.CHANGES, f"changed in place: {', '.join(settings) or 'something'}"
    for doubt in found.assumed:
        yield Effect.NOT_EVALUATED, doubt


def _image(change: Change, _preview: Preview) -> Iterator[Said]:
    if change.action in ("create", "update", "replace"):
        yield Effect.CHANGES, "built and pushed" + (f" because of {_paths(change)}" if change.paths else "")
    else:
        yield Effect.CHANGES, "forgotten; the images that were pushed stay in the repository"


def _task_definition(change: Change, _preview: Preview) -> Iterator[Said]:
    if change.action != "replace":
        yield from _plainly(change)
        return
    yield Effect.CHANGES, f"new revision: {', '.join(_task_differences(change)) or _paths(change)}"
    if isinstance(change.after.get("containerDefinitions"), Mapping):
        yield Effect.NOT_EVALUATED, "what changes in its containers cannot be shown: they hold a secret"
    for secret in _rotated_secrets(change):
        yield Effect.NOT_UNDONE, f"secret {secret} has a new version: tasks that ECS rolls back to get it, too"
    if not change.after.get("skipDestroy"):
        yield (
            Effect.NOT_UNDONE,
            "the old revision is deregistered (skipDestroy is off): no new service can start from it",
        )


def _task_differences(change: Change) -> list[str]:
    """What differs, container by container where both definitions are known."""
    differing = [name for name in change.properties if name != "containerDefinitions"]
    if "containerDefinitions" in change.properties:
        old, new = _containers(change.before), _containers(change.after)
        if old is None or new is None:
            secret = isinstance(change.after.get("containerDefinitions"), Mapping)
            return [*differing, "containers" if secret else "containers, known when the image is pushed"]
        for name in sorted({*old, *new}):
            if name not in old or name not in new:
                differing.append(f"container {name} {'added' if name in new else 'removed'}")
                continue
            keys = sorted({*old[name], *new[name]})
            differing += [f"{name}.{key}" for key in keys if old[name].get(key) != new[name].get(key)]
    return differing


def _containers(inputs: Mapping[str, Any]) -> dict[str, dict[str, Any]] | None:
    text = inputs.get("containerDefinitions")
    if not isinstance(text, str) or UNKNOWN in text:
        return None
    try:
        return {each["name"]: each for each in json.loads(text)}
    except (ValueError, KeyError, TypeError):
        return None


_VERSION_LABEL = "secret-version."
"""Beginning of the container labels by which this program's task definitions tell the versions of their secrets."""


def _rotated_secrets(change: Change) -> list[str]:
    old, new = _containers(change.before) or {}, _containers(change.after) or {}
    return sorted(
        label.removeprefix(_VERSION_LABEL)
        for name in old.keys() & new.keys()
        for label, version in (new[name].get("dockerLabels") or {}).items()
        if label.startswith(_VERSION_LABEL) and (old[name].get("dockerLabels") or {}).get(label, version) != version
    )


_ANSWER = ("path", "port", "protocol", "matcher")
"""What of a health check decides whether a task that runs now passes it."""


def _target_group(change: Change, preview: Preview) -> Iterator[Said]:
    if change.action == "delete":
        yield Effect.INTERRUPTS, "deleted: the load balancer has nowhere to send requests"
    if change.action == "replace":
        for kind in ("aws:lb/listener:Listener", "aws:lb/listenerRule:ListenerRule"):
            if any(each.action in ("update", "replace") and _forwards(each) for each in preview.of_type(kind)):
                yield (
                    Effect.INTERRUPTS,
                    f"the {'listener rule' if 'Rule' in kind else 'listener'} forwards to the new, empty group: "
                    "503 until the service has registered tasks in it",
                )
        yield Effect.NOT_UNDONE, "the old group is gone: a rollback of the tasks does not bring it back"
    if change.action == "update":
        before, after = section(change.before, "healthCheck"), section(change.after, "healthCheck")
        for key in _ANSWER:
            if before.get(key) != after.get(key):
                yield (
                    Effect.INTERRUPTS,
                    f"health check {key} {_shown(before.get(key))} → {_shown(after.get(key))} applies at once: "
                    "tasks that run now are taken out if they do not pass it",
                )
        old, new = change.before.get("deregistrationDelay"), change.after.get("deregistrationDelay")
        if _less(new, old):
            yield (
                Effect.INTERRUPTS,
                f"leaving tasks drop requests longer than {_shown(new)} s (before: {_shown(old)} s)",
            )
        yield Effect.NOT_UNDONE, f"{_paths(change)} applies at once and stays when ECS rolls tasks back"
    yield from _plainly(change)


def _forwards(change: Change) -> bool:
    """Whether what changes is where requests are forwarded to."""
    return change.action == "replace" or bool({"actions", "defaultActions"} & set(change.properties))


def _listener(change: Change, preview: Preview) -> Iterator[Said]:
    if change.action in ("delete", "replace"):
        yield (
            Effect.INTERRUPTS,
            f"{_done(change)}: its port is closed{' meanwhile' if change.action == 'replace' else ''}",
        )
        yield from _not_brought_back(change, preview)
    if change.action == "update":
        for key in ("port", "protocol"):
            if key in change.properties:
                yield (
                    Effect.INTERRUPTS,
                    f"{key} {_shown(change.before.get(key))} → {_shown(change.after.get(key))}: "
                    "clients of the old one are refused at once",
                )
        yield Effect.NOT_UNDONE, f"{_paths(change)} applies at once and stays when ECS rolls tasks back"
    yield from _plainly(change)


def _load_balancer(change: Change, preview: Preview) -> Iterator[Said]:
    moved = any(vpc.action == "replace" for vpc in preview.of_type("aws:ec2/vpc:Vpc"))
    if change.action == "update" and moved and "subnets" in change.properties:
        yield Effect.INTERRUPTS, "AWS moves no load balancer to another VPC: the update stops half done"
    if change.action == "update" and {"securityGroups", "subnets", "internal"} & set(change.properties):
        yield Effect.NOT_UNDONE, f"{_paths(change)} applies at once and stays when ECS rolls tasks back"
    yield from _other(change, preview)


_WAYS = {"egressOnlyGatewayId", "gatewayId", "natGatewayId", "networkInterfaceId", "transitGatewayId", "vpcEndpointId"}
"""What a route leads through."""


def _route(change: Change, preview: Preview) -> Iterator[Said]:
    if change.action == "update" and _WAYS & set(change.properties):
        yield Effect.INTERRUPTS, "its traffic takes the other way at once: connections through the old one break"
    yield from _other(change, preview)


def _internet_gateway(change: Change, preview: Preview) -> Iterator[Said]:
    if change.action == "update" and "vpcId" in change.properties:
        yield Effect.INTERRUPTS, "leaves its VPC: nothing gets in or out of that one from then on"
    yield from _other(change, preview)


def _security_group_rule(change: Change, preview: Preview) -> Iterator[Said]:
    closes, opens = _way(change.before), _way(change.after)
    if change.action == "create":
        of_new_group = change.after.get("securityGroupId") == UNKNOWN
        yield Effect.CHANGES if of_new_group else Effect.NOT_UNDONE, f"created: opens {opens}"
        return
    if change.action == "delete":
        yield Effect.INTERRUPTS, f"closes {closes}"
    elif closes != opens and _LATER in opens:
        yield Effect.NOT_EVALUATED, f"whether it still lets {closes} through is known when its other end is"
    elif closes != opens or change.gap:
        yield Effect.INTERRUPTS, f"closes {closes}" + (f", opens {opens}" if closes != opens else " meanwhile")
    if change.action == "update":
        yield Effect.NOT_UNDONE, f"{_paths(change)} applies at once and stays when ECS rolls tasks back"
    else:
        yield from _not_brought_back(change, preview)
    yield from _plainly(change)


def _way(inputs: Mapping[str, Any]) -> str:
    if not inputs:
        return ""
    low, high = inputs.get("fromPort"), inputs.get("toPort")
    ports = _shown(low) if low == high else f"{_shown(low)}-{_shown(high)}"
    ends = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
    end = next((_shown(inputs[key]) for key in ends if inputs.get(key)), "?")
    return f"{_shown(inputs.get('ipProtocol'))} {ports} for {end}"


def _log_group(change: Change, preview: Preview) -> Iterator[Said]:
    old, new = change.before.get("retentionInDays"), change.after.get("retentionInDays")
    if change.action == "update" and (_less(new, old) or (old in (0, None) and new)):
        yield Effect.LOSES_DATA, f"events older than {_shown(new)} days are deleted (before: {_shown(old or 'never')})"
    yield from _other(change, preview)


def _repository(change: Change, preview: Preview) -> Iterator[Said]:
    if change.action == "update" and "forceDelete" in change.properties and change.after.get("forceDelete"):
        yield Effect.NOT_UNDONE, "may be deleted with all its images from now on (forceDelete)"
    yield from _other(change, preview)


def _lifecycle_policy(change: Change, _preview: Preview) -> Iterator[Said]:
    if change.action in ("update", "replace"):
        old, new = _kept_images(change.before), _kept_images(change.after)
        if old is None or new is None:
            yield Effect.NOT_EVALUATED, "the policy changes and cannot be read: images may expire within 24 hours"
        else:
            for selected in sorted({*old, *new}):
                if new.get(selected, float("inf")) < old.get(selected, float("inf")):
                    kept = f"{new[selected]:g}"
                    was = f"{old[selected]:g}" if selected in old else "no limit"
                    yield Effect.LOSES_DATA, f"images expire within 24 hours: {selected} {kept} (before: {was})"
    yield from _plainly(change)


def _kept_images(inputs: Mapping[str, Any]) -> dict[str, float] | None:
    """What each rule of a lifecycle policy selects, to the number at which it expires."""
    try:
        rules = json.loads(inputs["policy"])["rules"]
        selections = [rule["selection"] for rule in rules if rule["action"]["type"] == "expire"]
        return {_selection(each): float(each["countNumber"]) for each in selections}
    except (ValueError, KeyError, TypeError):
        return None


def _selection(selection: Mapping[str, Any]) -> str:
    tags = selection.get("tagPatternList") or selection.get("tagPrefixList") or []
    tagged = f"{selection['tagStatus']} {'/'.join(tags)}".strip()
    return f"{tagged}, {selection['countType']}"


_LATER = "(known later)"


def _shown(value: Any) -> str:
    if value == UNKNOWN:
        return _LATER
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _less(new: Any, old: Any) -> bool:
    return isinstance(new, int | float) and isinstance(old, int | float) and new < old


_KINDS: Mapping[str, Kind] = {
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:ec2/internetGateway:InternetGateway": _internet_gateway,
    "aws:ec2/route:Route": _route,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _lifecycle_policy,
    "aws:ecr/repository:Repository": _repository,
    "aws:ecs/service:Service": _service,
    "aws:ecs/taskDefinition:TaskDefinition": _task_definition,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _security_group_rule,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _security_group_rule,
    "docker:index/image:Image": _image,
}
