"""A service for the VPC alone. A proxy starts first and is watched; the application gets its password from a secret."""

import sys
from pathlib import Path

import pulumi

sys.path.append(str(Path(__file__).parents[2]))  # where the components are

from components.cluster import Cluster, ClusterArgs
from components.container import Container, ContainerHealthCheck, RestartPolicy, SecretsManagerSecret
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs
from components.route import Route, RouteArgs
from components.service import Service, ServiceArgs
from components.task_definition import TaskDefinition, TaskDefinitionArgs

IMAGE = "public.ecr.aws/nginx/nginx-unprivileged:stable"
secret = SecretsManagerSecret(arn=pulumi.Config().require("secretArn"), json_key="password")

network = Network(
    "web",
    NetworkArgs(listener_ports=[80], container_port=8080, allowed_ingress_cidrs=["10.0.0.0/16"], nat_gateways="single"),
)
cluster = Cluster("web", ClusterArgs(execute_command_log_days=30))
load_balancer = LoadBalancer(
    "web",
    LoadBalancerArgs(
        subnet_ids=network.private_subnet_ids,
        security_group_id=network.load_balancer_security_group_id,
        listener_port=80,
        internal=True,
    ),
)
route = Route("web", RouteArgs(vpc_id=network.vpc_id, listener_arn=load_balancer.listener_arn, target_port=8080))
task_definition = TaskDefinition(
    "web",
    TaskDefinitionArgs(
        family="example-internal-service",
        containers=[
            Container(
                name="proxy",
                image_uri=IMAGE,
                user="101",
                port=8080,
                memory_mib=256,
                health_check=ContainerHealthCheck(command="curl -sf http://localhost:8080/", interval_seconds=10),
                restart=RestartPolicy(attempt_period_seconds=60),
            ),
            Container(
                name="application",
                image_uri="public.ecr.aws/docker/library/busybox:stable",
                user="1000",
                memory_mib=768,
                command=["sleep", "infinity"],
                environment={"DATABASE_USER": "shop"},
                secrets={"DATABASE_PASSWORD": secret},
                depends_on={"proxy": "HEALTHY"},
                stop_timeout_seconds=10,
            ),
        ],
        cpu_units=512,
        memory_mib=1024,
        cpu_architecture="X86_64",
        ephemeral_storage_gib=30,
        execute_command_log_group_arn=cluster.execute_command_log_group_arn,
    ),
)
Service(
    "web",
    ServiceArgs(
        cluster_arn=cluster.arn,
        task_definition_arn=task_definition.arn,
        container_name="proxy",
        container_port=8080,
        subnet_ids=network.private_subnet_ids,
        security_group_id=network.task_security_group_id,
        target_group_arn=route.target_group_arn,
        listener=route.rule,
        execute_command=True,
    ),
)
pulumi.export("url", load_balancer.url)
