"""A second set of tasks takes over at once, after testers have seen it and somebody has agreed.

Testers send the header that output `testHeader` tells, a secret. Who agrees calls ContinueServiceDeployment; after two
hours without, it rolls back.
"""

import sys
from pathlib import Path

import pulumi

sys.path.append(str(Path(__file__).parents[2]))  # where the components are

from components.cluster import Cluster, ClusterArgs
from components.container import Container
from components.deployment import Approval, Deployment
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs
from components.route import Route, RouteArgs
from components.service import Service, ServiceArgs
from components.task_definition import TaskDefinition, TaskDefinitionArgs

IMAGE = "public.ecr.aws/nginx/nginx-unprivileged:stable"

network = Network(
    "web",
    NetworkArgs(listener_ports=[80], container_port=8080, allowed_ingress_cidrs=["0.0.0.0/0"], nat_gateways="single"),
)
cluster = Cluster("web", ClusterArgs())
load_balancer = LoadBalancer(
    "web",
    LoadBalancerArgs(
        subnet_ids=network.public_subnet_ids,
        security_group_id=network.load_balancer_security_group_id,
        listener_port=80,
    ),
)
deployment = Deployment(
    strategy="BLUE_GREEN",
    bake_minutes=15,
    approval=Approval(stage="POST_TEST_TRAFFIC_SHIFT", timeout_minutes=120),
)
route = Route(
    "web",
    RouteArgs(
        vpc_id=network.vpc_id,
        listener_arn=load_balancer.listener_arn,
        target_port=8080,
        shifts_traffic=deployment.shifts_traffic,
    ),
)
task_definition = TaskDefinition(
    "web",
    TaskDefinitionArgs(
        family="example-blue-green",
        containers=[Container(name="web", image_uri=IMAGE, user="101", port=8080)],
        cpu_units=256,
        memory_mib=512,
        cpu_architecture="X86_64",
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
        deployment=deployment,
        traffic_shift=route.traffic_shift,
    ),
)
pulumi.export("url", load_balancer.url)
pulumi.export("testHeader", route.test_header)
