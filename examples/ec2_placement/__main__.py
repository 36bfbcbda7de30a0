"""Tasks on instances of a cluster: evenly over zones, one on each instance, each with an address of its own."""

import sys
from pathlib import Path

import pulumi

sys.path.append(str(Path(__file__).parents[2]))  # where the components are

from components.capacity import InstancesArgs
from components.cluster import Cluster, ClusterArgs
from components.container import Container
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs
from components.placement import DistinctInstance, MemberOf, Spread
from components.route import Route, RouteArgs
from components.service import CapacityShare, Service, ServiceArgs
from components.task_definition import TaskDefinition, TaskDefinitionArgs

IMAGE = "public.ecr.aws/nginx/nginx-unprivileged:stable"

network = Network(
    "web",
    NetworkArgs(listener_ports=[80], container_port=8080, allowed_ingress_cidrs=["0.0.0.0/0"], nat_gateways="single"),
)
cluster = Cluster(
    "web",
    ClusterArgs(
        instances=InstancesArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.private_subnet_ids,
            instance_type="t4g.small",
            cpu_architecture="ARM64",
            # Two for the tasks, two for those that replace them.
            max_size=4,
        )
    ),
)
assert cluster.ec2_capacity_provider_name is not None
load_balancer = LoadBalancer(
    "web",
    LoadBalancerArgs(
        subnet_ids=network.public_subnet_ids,
        security_group_id=network.load_balancer_security_group_id,
        listener_port=80,
    ),
)
route = Route("web", RouteArgs(vpc_id=network.vpc_id, listener_arn=load_balancer.listener_arn, target_port=8080))
task_definition = TaskDefinition(
    "web",
    TaskDefinitionArgs(
        family="example-ec2-placement",
        containers=[Container(name="web", image_uri=IMAGE, user="101", port=8080)],
        cpu_units=512,
        memory_mib=512,
        cpu_architecture="ARM64",
        requires_compatibilities=["EC2"],
    ),
)
Service(
    "web",
    ServiceArgs(
        cluster_arn=cluster.arn,
        task_definition_arn=task_definition.arn,
        container_name="web",
        container_port=8080,
        subnet_ids=network.private_subnet_ids,
        security_group_id=network.task_security_group_id,
        target_group_arn=route.target_group_arn,
        listener=route.rule,
        launch_type="EC2",
        capacity=[CapacityShare(provider=cluster.ec2_capacity_provider_name)],
        placement_strategies=[Spread("attribute:ecs.availability-zone"), Spread("instanceId")],
        placement_constraints=[DistinctInstance(), MemberOf("attribute:ecs.instance-type =~ t4g.*")],
    ),
)
pulumi.export("url", load_balancer.url)
