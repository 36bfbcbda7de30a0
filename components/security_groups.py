"""Who may talk to whom: rules of security groups, one port or range of ports to one peer each."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

HTTPS = (443, 443)


@dataclass(frozen=True)
class Group:
    """A security group, and what its rules are named after."""

    label: str
    id: pulumi.Input[str]


def connect(
    name: str,
    source: Group,
    target: Group,
    ports: tuple[int, int],
    purpose: str,
    parent: pulumi.Resource | None = None,
) -> None:
    """Lets `source` reach the TCP `ports`, first to last, of `target`: out of the one and into the other."""
    aws.vpc.SecurityGroupEgressRule(
        f"{name}-{source.label}-to-{target.label}",
        security_group_id=source.id,
        description=purpose,
        ip_protocol="tcp",
        from_port=ports[0],
        to_port=ports[1],
        referenced_security_group_id=target.id,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-{target.label}-from-{source.label}",
        security_group_id=target.id,
        description=purpose,
        ip_protocol="tcp",
        from_port=ports[0],
        to_port=ports[1],
        referenced_security_group_id=source.id,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def let_in(
    name: str, target: Group, port: int, clients: str, purpose: str, parent: pulumi.Resource | None = None
) -> None:
    """Lets the IPv4 network `clients` reach a TCP port of `target`."""
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-{target.label}-{port}-from-{clients.replace('/', '-')}",
        security_group_id=target.id,
        description=purpose,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        cidr_ipv4=clients,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def let_out(
    name: str,
    source: Group,
    peer: str,
    purpose: str,
    parent: pulumi.Resource | None = None,
    *,
    prefix_list_id: pulumi.Input[str] | None = None,
) -> None:
    """Lets `source` speak HTTPS with an AWS prefix list, or with everybody; `peer` is its word in the rule's name."""
    aws.vpc.SecurityGroupEgressRule(
        f"{name}-{source.label}-to-{peer}",
        security_group_id=source.id,
        description=purpose,
        ip_protocol="tcp",
        from_port=HTTPS[0],
        to_port=HTTPS[1],
        cidr_ipv4="0.0.0.0/0" if prefix_list_id is None else None,
        prefix_list_id=prefix_list_id,
        opts=pulumi.ResourceOptions(parent=parent),
    )
