"""The ports of containers: which they listen on, and where the instance publishes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ecs_policy.model import Container
from ecs_policy.values import Value

EPHEMERAL = (49153, 60999)
"""What every default range of dynamic host ports has, first and last: Linux has 32768 to 60999, Docker without that
setting 49153 to 65535. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html"""


class Ports(NamedTuple):
    """The ports of one port mapping; an empty range when it names none."""

    first: float
    last: float
    protocol: str
    place: Value
    """What names them."""

    @property
    def container(self) -> str:
        return str(self.place.path[1])

    def __contains__(self, port: object) -> bool:
        return isinstance(port, (int, float)) and self.first <= port <= self.last

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def ports_of(mapping: Value) -> Ports:
    """Reads one entry of `portMappings`."""
    protocol = "udp" if mapping["protocol"].text() == "udp" else "tcp"  # AWS takes any other word for tcp
    span = mapping["containerPortRange"]
    text = span.text()
    if text is None:
        port = mapping["containerPort"].number()
        return Ports(*((0, -1) if port is None else (port, port)), protocol, mapping["containerPort"])
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and len(text) < 20):
        raise span.not_evaluated("is not a range of ports")
    return Ports(int(first), int(last), protocol, span)


def host_ports(container: Container, port: float) -> Iterable[tuple[int, int]]:
    """Where instances of network mode bridge may publish a container's port: each first and last."""
    for mapping in container["portMappings"].items():
        ports = ports_of(mapping)
        if port in ports:
            fixed = mapping["hostPort"].number()
            yield (int(fixed), int(fixed)) if fixed else EPHEMERAL
