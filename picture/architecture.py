"""The architecture picture: who may talk to whom in which subnet, and what stands beside the network.

Every resource of the graph is drawn or counted at the foot. What a subnet is (public, with a way out, without one) is
read from its routes, who may talk to whom from the rules of security groups: components and settings are not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecs_policy.sentinels import UNKNOWN
from picture.graph import Graph, Resource
from picture.svg import PAD, Drawing, Rect, box_height, text_width, wrapped

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ROUTE = "aws:ec2/route:Route"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
LISTENER = "aws:lb/listener:Listener"
SERVICE = "aws:ecs/service:Service"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
CLUSTER = "aws:ecs/cluster:Cluster"
INSTANCES = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SCALED = "aws:appautoscaling/target:Target"
FIREWALL = "aws:wafv2/webAcl:WebAcl"
FIREWALLED = "aws:wafv2/webAclAssociation:WebAclAssociation"

_MARGIN, _GAP, _ARROW = 16, 12, 34
_ZONE_WIDTH, _SIDE_WIDTH, _CLIENT_WIDTH = 226, 232, 150
_LANE, _NAT_WIDTH, _NAT_ARROW, _GATEWAY_WIDTH = 112, 100, 42, 140
"""Where in a zone arrows go down, right of the subnet's name and left of its NAT gateway."""

_EVERYBODY = "0.0.0.0/0"


@dataclass
class Thing:
    """Something in subnets."""

    title: str
    lines: list[str]
    resources: list[Resource]
    subnets: list[str]
    """URNs."""
    groups: list[str] = field(default_factory=list)
    """URNs of its security groups."""
    style: str = "box"
    rects: list[Rect] = field(default_factory=list)


@dataclass(frozen=True)
class Path:
    """Who may talk to whom. An end is the URN of a security group or endpoint, or an IPv4 range."""

    source: str
    target: str
    ports: tuple[str, ...]
    whole: bool
    """Whether both ends allow it."""


def draw(graph: Graph) -> str:
    """The picture as SVG."""
    return _Picture(graph).draw()


def paths(graph: Graph) -> list[Path]:
    """What the rules of security groups let through, each pair of ends once."""
    opened: dict[tuple[str, str], dict[str, set[str]]] = {}
    for rule in graph.of(INGRESS, EGRESS):
        own = [group.urn for group in graph.used(rule, "securityGroupId", GROUP)]
        other = [found.urn for found in graph.used(rule, "referencedSecurityGroupId", GROUP)]
        other += [found.urn for found in graph.used(rule, "prefixListId", ENDPOINT)]
        other += [str(rule.inputs[key]) for key in ("cidrIpv4", "cidrIpv6") if rule.inputs.get(key)]
        for near in own:
            for far in other:
                ends = (far, near) if rule.type == INGRESS else (near, far)
                opened.setdefault(ends, {}).setdefault(rule.type, set()).add(_ports(rule.inputs))
    found = []
    for (source, target), sides in sorted(opened.items()):
        both = len(sides) == 2
        two_sided = source.startswith("urn:") and "securityGroup:" in source and "securityGroup:" in target
        ports = sorted(set.intersection(*sides.values()) if both else set.union(*sides.values()), key=_by_number)
        found.append(Path(source, target, tuple(ports), both or not two_sided))
    return found


def _ports(rule: Mapping[str, Any]) -> str:
    if rule.get("ipProtocol") in ("-1", -1):
        return "everything"
    first, last = rule.get("fromPort"), rule.get("toPort")
    return f"{rule.get('ipProtocol')} {first:g}" + ("" if first == last else f"-{last:g}")


def _said(ports: tuple[str, ...]) -> str:
    """`tcp 80, 443` of `tcp 80` and `tcp 443`."""
    protocols: dict[str, list[str]] = {}
    for each in ports:
        protocol, _, number = each.partition(" ")
        protocols.setdefault(protocol, []).append(number)
    return ", ".join(f"{protocol} {', '.join(numbers)}".strip() for protocol, numbers in protocols.items())


def _by_number(ports: str) -> tuple[int, str]:
    number = ports.partition(" ")[2].partition("-")[0]
    return (int(number) if number.isdigit() else 0, ports)


class _Picture:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.paths = paths(graph)
        self.drawn: set[str] = set()
        self.notes: list[str] = []
        self.zones = sorted({self._zone(subnet) for subnet in graph.of(SUBNET)})
        width = 2 * _MARGIN + len(self.zones) * (_ZONE_WIDTH + 10) + 14 + _GAP + _SIDE_WIDTH
        self.drawing = Drawing(max(1000, width), f"{graph.project}, stack {graph.stack}")
        self.inner = Rect(_MARGIN, 0, self.drawing.width - 2 * _MARGIN - _GAP - _SIDE_WIDTH, 0)
        self.zone_width = (self.inner.width - 14 - 10 * (len(self.zones) - 1)) / max(1, len(self.zones))
        self.lanes: list[tuple[float, float, float]] = []
        self.things = list(self._things())
        self.ends = {group: thing for thing in self.things for group in thing.groups}

    def draw(self) -> str:
        draw, graph = self.drawing, self.graph
        self._take(graph.of(INGRESS, EGRESS, ROUTE, ASSOCIATION, TABLE, SUBNET, VPC, GATEWAY, GROUP))
        draw.text(_MARGIN, 32, f"{graph.project}, stack {graph.stack}", "head", draw.width - 2 * _MARGIN - _SIDE_WIDTH)
        draw.text(_MARGIN, 50, f"{graph.region}, from the resources of its preview", "note")
        clients, below = self._clients(62)
        vpc_top = below + _ARROW - 8
        arrows = Drawing(draw.width, "")  # drawn between what they start from and what they pass behind
        front = Drawing(draw.width, "")
        bottom = self._network(vpc_top, front)
        self._arrows(arrows, front, clients)
        end = self._beside(62, bottom, front)
        draw._parts += arrows._parts + front._parts
        return draw.svg(self._foot(end + 14) + 8)

    def _take(self, resources: Iterable[Resource]) -> None:
        self.drawn |= {resource.urn for resource in resources}

    def _short(self, resource: Resource) -> str:
        return resource.name.removeprefix(f"{self.graph.project}-")

    def _zone(self, subnet: Resource) -> str:
        zone = subnet.inputs.get("availabilityZone")
        return "a zone" if zone in (None, UNKNOWN) else str(zone)

    def _reach(self, subnet: Resource) -> str:
        """Where the subnet's routes lead: what it is."""
        graph = self.graph
        tables = {
            table.urn
            for association in graph.of(ASSOCIATION)
            if subnet in graph.used(association, "subnetId", SUBNET)
            for table in graph.used(association, "routeTableId", TABLE)
        }
        routes = [
            route for route in graph.of(ROUTE) if any(t.urn in tables for t in graph.used(route, "routeTableId", TABLE))
        ]
        if any(graph.used(route, "gatewayId", GATEWAY) for route in routes):
            return "public"
        return "private" if any(graph.used(route, "natGatewayId", NAT) for route in routes) else "isolated"

    def _nats(self, subnets: Iterable[str]) -> list[Resource]:
        """The NAT gateways that subnets route through."""
        graph, wanted = self.graph, set(subnets)
        tables = {
            table.urn
            for association in graph.of(ASSOCIATION)
            if any(subnet.urn in wanted for subnet in graph.used(association, "subnetId", SUBNET))
            for table in graph.used(association, "routeTableId", TABLE)
        }
        found = {
            nat.urn: nat
            for route in graph.of(ROUTE)
            if any(table.urn in tables for table in graph.used(route, "routeTableId", TABLE))
            for nat in graph.used(route, "natGatewayId", NAT)
        }
        return [found[urn] for urn in sorted(found)]

    # What stands in subnets.

    def _things(self) -> Iterator[Thing]:
        graph = self.graph
        for balancer in graph.of(BALANCER):
            listeners = [
                each for each in graph.of(LISTENER) if balancer in graph.used(each, "loadBalancerArn", BALANCER)
            ]
            listeners.sort(key=lambda each: int(each.inputs["port"]))
            scheme = "internal" if balancer.inputs.get("internal") else "internet-facing"
            kind = str(balancer.inputs.get("loadBalancerType", "application")).capitalize()
            yield Thing(
                f"{kind} Load Balancer, {scheme}",
                [", ".join(map(_listens, listeners))],
                [balancer, *listeners],
                *self._where(balancer, "subnets", "securityGroups"),
            )
        for group in graph.of(INSTANCES):
            templates = graph.used(group, "launchTemplate", TEMPLATE)
            kinds = " ".join(str(each.inputs.get("instanceType", "")) for each in templates)
            subnets, _ = self._where(group, "vpcZoneIdentifiers", "")
            groups = [urn for each in templates for urn in self._where(each, "", "vpcSecurityGroupIds")[1]]
            yield Thing(
                f"Instances: {group.inputs['minSize']:g} to {group.inputs['maxSize']:g} {kinds}",
                ["auto scaling group"],
                [group, *templates],
                subnets,
                groups,
            )
        for service in graph.of(SERVICE):
            yield self._service(service)
        together: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Resource]] = {}
        for endpoint in graph.of(ENDPOINT):
            if endpoint.inputs.get("vpcEndpointType") == "Interface":
                subnets, groups = self._where(endpoint, "subnetIds", "securityGroupIds")
                together.setdefault((tuple(subnets), tuple(groups)), []).append(endpoint)
        for (subnets_of, groups_of), endpoints in together.items():
            names = ", ".join(_service_name(endpoint) for endpoint in endpoints)
            yield Thing("Interface endpoints", [names], endpoints, list(subnets_of), list(groups_of))

    def _where(self, resource: Resource, subnets: str, groups: str) -> tuple[list[str], list[str]]:
        return (
            [each.urn for each in self.graph.used(resource, subnets, SUBNET)],
            [each.urn for each in self.graph.used(resource, groups, GROUP)],
        )

    def _service(self, service: Resource) -> Thing:
        graph = self.graph
        tasks = graph.used(service, "taskDefinition", TASK)
        clusters = graph.used(service, "cluster", CLUSTER)
        scaled = [each for each in graph.of(SCALED) if service in graph.used(each, "resourceId", SERVICE)]
        count = f"{service.inputs.get('desiredCount', 1):g}"
        if scaled:
            count = f"{scaled[0].inputs['minCapacity']:g} to {scaled[0].inputs['maxCapacity']:g}"
        strategy = service.inputs.get("capacityProviderStrategies") or []
        providers = [str(each["capacityProvider"]) for each in strategy]
        own = [each for each in providers if not each.startswith("FARGATE")]
        where = str(service.inputs.get("launchType", "")) or " and ".join(providers)
        subnets, groups = self._where(service, "networkConfiguration", "networkConfiguration")
        hosts = graph.reached(service, INSTANCES) if own or where == "EC2" else []
        if hosts:
            where = "the instances"
            subnets = subnets or [urn for host in hosts for urn in self._where(host, "vpcZoneIdentifiers", "")[0]]
        lines = []
        for task in tasks:
            inputs = task.inputs
            platform = (inputs.get("runtimePlatform") or {}).get("cpuArchitecture", "")
            lines.append(f"each {inputs.get('cpu')} CPU units, {inputs.get('memory')} MiB, {platform}".rstrip(", "))
        return Thing(
            f"ECS service: {count} tasks" + (f" on {where}" if where else ""),
            lines,
            [service, *tasks, *clusters, *scaled],
            subnets,
            groups,
            "run",
        )

    # Where everything goes.

    def _clients(self, top: float) -> tuple[dict[str, Rect], float]:
        """Boxes for the addresses that rules let in, and the firewall below them."""
        draw, graph = self.drawing, self.graph
        ranges = sorted({path.source for path in self.paths if not path.source.startswith("urn:")})
        found: dict[str, Rect] = {}
        x = self.inner.x + 7 + _LANE - 60
        places = max(1, int((self.inner.right - x + _GAP) / (_CLIENT_WIDTH + _GAP)))
        shown = ranges if len(ranges) <= places else ranges[: places - 1]
        for addresses in shown:
            found[addresses] = Rect(x, top, _CLIENT_WIDTH, 30)
            draw.box(found[addresses], "everybody" if addresses == _EVERYBODY else addresses)
            x += _CLIENT_WIDTH + _GAP
        if others := ranges[len(shown) :]:
            rest = Rect(x, top, _CLIENT_WIDTH, 30)
            found |= dict.fromkeys(others, rest)
            draw.rect(rest, "box")
            draw.text(rest.x + PAD, rest.y + 19, f"{len(others)} more", "title", whole=", ".join(others))
            x += _CLIENT_WIDTH + _GAP
        bottom = top + 30
        for association in graph.of(FIREWALLED):
            acls = graph.used(association, "webAclArn", FIREWALL)
            rules = sum(len(acl.inputs.get("rules") or ()) for acl in acls)
            said = f"AWS WAF: {rules} rules" if acls else "AWS WAF: yours"
            rect = Rect(self.inner.x + 7 + _LANE - 60, bottom + 22, max(165, x - self.inner.x - 65), 30)
            for at in dict.fromkeys(found.values()):
                draw.line([(at.x + 60, at.bottom), (at.x + 60, rect.y)])
            draw.box(rect, said, style="guard")
            found = {addresses: Rect(at.x, rect.y, at.width, rect.height) for addresses, at in found.items()}
            bottom = rect.bottom
            self._take([association, *acls])
        return found, bottom

    def _network(self, top: float, front: Drawing) -> float:
        """Zones, subnets and what is in them; returns where the VPC ends."""
        columns = {zone: self.inner.x + 7 + index * (self.zone_width + 10) for index, zone in enumerate(self.zones)}
        y = top + 62
        frames: list[tuple[Rect, str, Resource]] = []
        for kind, row in self._rows():
            row_top = y
            here = {subnet.urn: columns[zone] for zone, subnet in row.items()}
            y = self._row_of_things(y + 40, here, front)
            y = self._row_of_nats(y, here, front)
            y = max(y - _ARROW + _GAP, row_top + 44)
            for zone, subnet in row.items():
                frames.append((Rect(columns[zone], row_top, self.zone_width, y - row_top), kind, subnet))
            y += 10
        bottom = self._gateway_endpoints(y + 16, front) or y
        self.gateway = self._internet_gateway(top, front)
        vpc = Rect(self.inner.x, top, self.inner.width, bottom - top + 4)
        self._frames(vpc, frames, columns, max((rect.bottom for rect, _, _ in frames), default=bottom), front)
        return vpc.bottom

    def _rows(self) -> Iterator[tuple[str, dict[str, Resource]]]:
        """Subnets of one kind side by side, by zone; a zone's second subnet of a kind is in another row."""
        kinds = ("public", "private", "isolated")
        rows: dict[tuple[int, int], dict[str, Resource]] = {}
        filled: Counter[tuple[int, str]] = Counter()
        for subnet in self.graph.of(SUBNET):
            kind, zone = kinds.index(self._reach(subnet)), self._zone(subnet)
            rows.setdefault((kind, filled[kind, zone]), {})[zone] = subnet
            filled[kind, zone] += 1
        for (kind, _), row in sorted(rows.items()):
            yield kinds[kind], row

    def _row_of_things(self, y: float, here: Mapping[str, float], front: Drawing) -> float:
        """What is in these subnets, each below the other across its zones; returns where the next would begin."""
        for thing in self.things:
            inside = sorted(here[urn] for urn in thing.subnets if urn in here)
            if not inside:
                continue
            spans = list(_runs(inside, self.zone_width + 10))
            narrowest = min(last - first for first, last in spans) + self.zone_width - 16
            lines = [part for line in thing.lines for part in wrapped(line, narrowest - 2 * PAD)]
            height = box_height(lines)
            for first, last in spans:
                rect = Rect(first + 8, y, last + self.zone_width - 16 - first, height)
                thing.rects.append(rect)
                front.box(rect, thing.title, lines, thing.style)
            self._take(thing.resources)
            y += height + _ARROW
        return y

    def _row_of_nats(self, y: float, here: Mapping[str, float], front: Drawing) -> float:
        nats = [
            (nat, here[subnet.urn])
            for nat in self.graph.of(NAT)
            for subnet in self.graph.used(nat, "subnetId", SUBNET)
            if subnet.urn in here
        ]
        if not nats:
            return y
        y -= _ARROW - _GAP
        for nat, column in nats:
            rect = Rect(column + self.zone_width - 8 - _NAT_WIDTH, y, _NAT_WIDTH, 30)
            front.rect(rect, "box")
            front.text(rect.x + 10, rect.y + 19, "NAT gateway", "note")
            thing = Thing("", [], [nat, *self.graph.used(nat, "allocationId", "aws:ec2/eip:Eip")], [], [nat.urn])
            thing.rects.append(rect)
            self.ends[nat.urn] = thing
            self._take(thing.resources)
        return y + 30 + _ARROW

    def _frames(
        self,
        vpc: Rect,
        frames: Iterable[tuple[Rect, str, Resource]],
        columns: Mapping[str, float],
        bottom: float,
        front: Drawing,
    ) -> None:
        """The VPC, its zones and subnets: drawn behind what is in them."""
        draw = self.drawing
        draw.rect(vpc, "vpc", 8)
        said = ", ".join(f"VPC {each.inputs.get('cidrBlock')}" for each in self.graph.of(VPC))
        draw.text(vpc.x + 10, vpc.y + 21, said, "note", vpc.width - 20 - _GATEWAY_WIDTH)
        for rect, reach, subnet in frames:
            draw.rect(rect, "public" if reach == "public" else "private")
            front.text(rect.x + 8, rect.y + 17, "no way out" if reach == "isolated" else reach, "title")
            front.text(rect.x + 8, rect.y + 33, str(subnet.inputs.get("cidrBlock")), "note", _LANE - 8)
        for zone, x in columns.items():
            draw.rect(Rect(x - 4, vpc.y + 34, self.zone_width + 8, bottom - vpc.y - 30), "zone", 8)
            front.text(x + 6, vpc.y + 52, zone, "note", self.zone_width - 12)

    def _gateway_endpoints(self, y: float, front: Drawing) -> float:
        """Endpoints in route tables, below the subnets; returns where they end, 0 if there is none."""
        found = [each for each in self.graph.of(ENDPOINT) if each.inputs.get("vpcEndpointType") == "Gateway"]
        x = self.inner.x + 15
        for endpoint in found:
            title = f"Gateway endpoint: {_service_name(endpoint)}"
            rect = Rect(x, y, min(text_width(title, "title") + 2 * PAD, self.inner.right - 15 - x), 30)
            thing = Thing(title, [], [endpoint], [], [endpoint.urn], rects=[rect])
            front.box(rect, title)
            self.ends[endpoint.urn] = thing
            self._take([endpoint])
            x = rect.right + _GAP
        return y + 30 + _GAP if found else 0

    def _internet_gateway(self, top: float, front: Drawing) -> Rect | None:
        if not self.graph.of(GATEWAY):
            return None
        rect = Rect(self.inner.right - _GATEWAY_WIDTH, top - 15, _GATEWAY_WIDTH - 10, 30)
        front.rect(rect, "box")
        front.text(rect.x + 10, rect.y + 19, "Internet gateway", "note")
        return rect

    # Who talks to whom.

    def _arrows(self, arrows: Drawing, front: Drawing, clients: Mapping[str, Rect]) -> None:
        used = {group for thing in self.things for group in thing.groups}
        for path in self.paths:
            target, source = self._placed(path.target), self._placed(path.source)
            if path.source in clients and target:
                rect = clients[path.source]
                self._vertical(arrows, front, rect, target.rects[0], path, rect.x + 60)
            elif source and not path.target.startswith("urn:"):
                self._way_out(arrows, front, source, path)
            elif source and target:
                self._vertical(arrows, front, source.rects[0], target.rects[0], path)
        for thing in (self.ends[nat.urn] for nat in self.graph.of(NAT)):
            if self.gateway:
                (rect,) = thing.rects
                x, y = rect.x + _NAT_ARROW, self.gateway.y + 26
                if x >= self.gateway.x:
                    arrows.line([(x, rect.y), (x, self.gateway.bottom)], "way")
                else:
                    arrows.line([(x, rect.y), (x, y), (self.gateway.x, y)], "way")
        for group in self.graph.of(GROUP):
            if group.urn not in used:
                self.notes.append(f"Security group {self._short(group)}: nothing in the graph uses it.")
            if group.inputs.get("ingress") not in (None, UNKNOWN, []) or group.inputs.get("egress") not in (
                None,
                UNKNOWN,
                [],
            ):
                self.notes.append(f"Security group {self._short(group)}: its inline rules are not drawn.")

    def _placed(self, end: str) -> Thing | None:
        found = self.ends.get(end)
        return found if found and found.rects else None

    def _vertical(
        self, arrows: Drawing, front: Drawing, source: Rect, target: Rect, path: Path, x: float | None = None
    ) -> None:
        down = source.bottom <= target.y
        y0, y1 = (source.bottom, target.y) if down else (source.y, target.bottom)
        said = _said(path.ports) + ("" if path.whole else " (one side only)")
        if x is not None:  # from outside: said before it passes zones and subnets
            front.text(x + 8, y0 + 17, said, "says", self.inner.right - x - 8)
        else:
            x = self._lane(min(y0, y1), max(y0, y1), source, target)
            front.text(x + 8, y1 - 13 if down else y1 + 21, said, "says", self.inner.right - x - 8)
        arrows.line([(x, y0), (x, y1)], "path" if path.whole else "path blocked")

    def _lane(self, top: float, bottom: float, *rects: Rect) -> float:
        """The first free place where an arrow can go from one to the other."""
        for index in range(len(self.zones)):
            x = self.inner.x + 7 + index * (self.zone_width + 10) + _LANE
            free = all(x != used or bottom <= first or top >= last for used, first, last in self.lanes)
            if free and all(rect.x <= x <= rect.right for rect in rects):
                self.lanes.append((x, top, bottom))
                return x
        return max(rect.x for rect in rects) + 24

    def _way_out(self, arrows: Drawing, front: Drawing, source: Thing, path: Path) -> None:
        """An arrow to the NAT gateways that lead to the addresses."""
        said = _said(path.ports) + ("" if path.target == _EVERYBODY else f" to {path.target}")
        subnets = source.subnets
        for nat in self._nats(subnets):
            (rect,) = self.ends[nat.urn].rects
            x = rect.x + _NAT_ARROW
            arrows.line([(x, source.rects[0].y), (x, rect.bottom)])
            front.text(x + 8, source.rects[0].y - 13, said, "says", rect.right - x)
        if not self._nats(subnets):
            public = any(subnet.urn in subnets and self._reach(subnet) == "public" for subnet in self.graph.of(SUBNET))
            how = "by the internet gateway" if public else "but no route leads there"
            self.notes.append(f"{source.title} may open {said}, {how}.")

    # Beside and below.

    def _beside(self, top: float, network: float, front: Drawing) -> float:
        """What is not in subnets: right of the network, then, where that is full, below it; returns where it ends."""
        columns = 3
        width = (self.drawing.width - 2 * _MARGIN - (columns - 1) * _GAP) / columns
        right, below = top, [network + _GAP] * columns
        for heading, lines, resources in _beside(self.graph, self._short):
            self._take(resources)
            shown = [part for line in lines for part in wrapped(line, _SIDE_WIDTH - 2 * PAD)]
            if below == [network + _GAP] * columns and right + box_height(shown) <= network:
                rect = Rect(self.drawing.width - _MARGIN - _SIDE_WIDTH, right, _SIDE_WIDTH, box_height(shown))
                right = rect.bottom + 10
            else:
                shown = [part for line in lines for part in wrapped(line, width - 2 * PAD)]
                column = below.index(min(below))
                rect = Rect(_MARGIN + column * (width + _GAP), below[column], width, box_height(shown))
                below[column] = rect.bottom + 10
            front.box(rect, heading, shown)
        return max(below)

    def _foot(self, y: float) -> float:
        rest = Counter(resource.type.rpartition(":")[2] for resource in self.graph if resource.urn not in self.drawn)
        legend = "Arrows: what the rules of security groups let through; grey: the way of NAT gateways to the internet."
        said = [legend, *self.notes]
        if rest:
            counted = ", ".join(f"{count} {name}" if count > 1 else name for name, count in sorted(rest.items()))
            said.append(f"{rest.total()} more resources, not drawn: {counted}.")
        for line in said:
            for part in wrapped(line, self.drawing.width - 2 * _MARGIN):
                self.drawing.text(_MARGIN, y + 8, part, "note")
                y += 16
        return y


def _runs(starts: list[float], step: float) -> Iterator[tuple[float, float]]:
    """First and last of each unbroken run of columns."""
    first = last = starts[0]
    for start in starts[1:]:
        if start - last > step * 1.5:
            yield first, last
            first = start
        last = start
    yield first, last


def _listens(listener: Resource) -> str:
    inputs = listener.inputs
    actions = inputs.get("defaultActions") or []
    first = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    redirect = first.get("redirect") or {}
    leads = f" → {redirect.get('protocol')} {redirect.get('port')}" if redirect else ""
    return f"{inputs.get('protocol')} {inputs['port']:g}{leads}"


def _service_name(endpoint: Resource) -> str:
    """`ecr.api` of `com.amazonaws.<region>.ecr.api`."""
    return ".".join(str(endpoint.inputs.get("serviceName", "")).split(".")[3:]) or endpoint.name


Said = tuple[str, list[str], list[Resource]]


def _beside(graph: Graph, short: Callable[[Resource], str]) -> Iterator[Said]:
    """Heading, lines and resources of each box beside the network."""

    def all_of(heading: str, kind: str, line: Callable[[Resource], str]) -> Iterator[Said]:
        found = graph.of(kind)
        if found:
            yield heading, [line(each) for each in found], found

    images = graph.of("docker:index/image:Image")
    for repository in graph.of("aws:ecr/repository:Repository"):
        lines = [f"tags {str(repository.inputs.get('imageTagMutability', 'MUTABLE')).lower()}"]
        lines += (
            ["scanned on push"] if (repository.inputs.get("imageScanningConfiguration") or {}).get("scanOnPush") else []
        )
        pushed = [image for image in images if repository in graph.used(image, "imageName", repository.type)]
        yield "ECR", [repository.given("name"), ", ".join(lines)], [repository, *pushed]
    yield from all_of(
        "Route 53", "aws:route53/record:Record", lambda each: each.given("name").removeprefix(f"{graph.project}-")
    )
    yield from all_of(
        "ACM certificate", "aws:acm/certificate:Certificate", lambda each: str(each.inputs.get("domainName"))
    )
    yield from all_of(
        "CloudWatch Logs",
        "aws:cloudwatch/logGroup:LogGroup",
        lambda each: f"{short(each)}: {_days(each.inputs.get('retentionInDays'))}",
    )
    yield from all_of("S3", "aws:s3/bucket:Bucket", short)
    yield from all_of("Alarms", "aws:cloudwatch/metricAlarm:MetricAlarm", lambda each: short(each))
    yield from all_of("SNS", "aws:sns/topic:Topic", short)
    yield from all_of("Dashboard", "aws:cloudwatch/dashboard:Dashboard", lambda each: each.given("dashboardName"))
    yield from all_of("Scaling", "aws:appautoscaling/policy:Policy", _scaling)
    yield from all_of(
        "Scaling by the clock",
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        lambda each: f"{each.inputs.get('schedule')} {_limits(each.inputs.get('scalableTargetAction') or {})}",
    )
    yield from all_of(
        "IAM roles",
        "aws:iam/role:Role",
        lambda each: f"{short(each)}: {each.inputs.get('description', '')}".rstrip(": "),
    )


def _days(days: object) -> str:
    return (
        "kept forever"
        if days in (None, 0, UNKNOWN)
        else "1 day"
        if days == 1
        else f"{days:g} days"
        if isinstance(days, int | float)
        else ""
    )


def _scaling(policy: Resource) -> str:
    tracking = policy.inputs.get("targetTrackingScalingPolicyConfiguration") or {}
    metric = (tracking.get("predefinedMetricSpecification") or {}).get("predefinedMetricType", "")
    words = {
        "ECSServiceAverageCPUUtilization": "CPU {:g} %",
        "ECSServiceAverageMemoryUtilization": "memory {:g} %",
        "ALBRequestCountPerTarget": "{:g} requests a minute and task",
    }
    return words.get(str(metric), f"{metric} {{:g}}").format(tracking.get("targetValue", 0))


def _limits(action: Mapping[str, Any]) -> str:
    return f"{action.get('minCapacity', '')}-{action.get('maxCapacity', '')} tasks"
