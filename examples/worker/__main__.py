"""A worker that nobody connects to: one task on ordinary capacity, of the others three in four on Spot; on ARM64."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))  # where the components are

from components.cluster import Cluster, ClusterArgs
from components.container import Container, RestartPolicy
from components.network import Network, NetworkArgs
from components.service import CapacityShare, Service, ServiceArgs
from components.task_definition import TaskDefinition, TaskDefinitionArgs

network = Network("web", NetworkArgs(nat_gateways="single"))
cluster = Cluster("worker", ClusterArgs())
task_definition = TaskDefinition(
    "worker",
    TaskDefinitionArgs(
        family="example-worker",
        containers=[
            Container(
                name="worker",
                image_uri="public.ecr.aws/docker/library/busybox:stable",
                user="1000",
                command=["sh", "-c", "while true; do date; sleep 60; done"],
                restart=RestartPolicy(ignored_exit_codes=[0]),
                stop_timeout_seconds=120,
            )
        ],
        cpu_units=256,
        memory_mib=512,
        cpu_architecture="ARM64",
    ),
)
Service(
    "worker",
    ServiceArgs(
        cluster_arn=cluster.arn,
        task_definition_arn=task_definition.arn,
        subnet_ids=network.private_subnet_ids,
        security_group_id=network.task_security_group_id,
        desired_count=5,
        capacity=[
            CapacityShare(provider="FARGATE", base=1, weight=1),
            CapacityShare(provider="FARGATE_SPOT", weight=3),
        ],
    ),
)
