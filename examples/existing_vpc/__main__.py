"""A service in a VPC that is already there: the security groups are made here, and let in who should get in."""

import sys
from pathlib import Path

import pulumi

sys.path.append(str(Path(__file__).parents[2]))  # where the components are

import pulumi_aws as aws

from components.cluster import Cluster, ClusterArgs
from components.container import Container
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.route import Route, RouteArgs
from components.security_groups import Group, connect, let_in, let_out
from components.service import Service, ServiceArgs
from components.task_definition import TaskDefinition, TaskDefinitionArgs

IMAGE = "public.ecr.aws/nginx/nginx-unprivileged:stable"
config = pulumi.Config()
vpc_id = config.require("vpcId")
public_subnet_ids = config.require_object("publicSubnetIds")
private_subnet_ids = config.require_object("privateSubnetIds")

door = Group("door", aws.ec2.SecurityGroup("door", description="Load balancer", vpc_id=vpc_id).id)
tasks = Group("tasks", aws.ec2.SecurityGroup("tasks", description="Tasks", vpc_id=vpc_id).id)
let_in("web", door, 80, "0.0.0.0/0", "Clients")
connect("web", door, tasks, (8080, 8080), "Requests and health checks")
let_out("web", tasks, "https", "Images and logs")

cluster = Cluster("web", ClusterArgs())
load_balancer = LoadBalancer(
    "web", LoadBalancerArgs(subnet_ids=public_subnet_ids, security_group_id=door.id, listener_port=80)
)
route = Route("web", RouteArgs(vpc_id=vpc_id, listener_arn=load_balancer.listener_arn, target_port=8080))
task_definition = TaskDefinition(
    "web",
    TaskDefinitionArgs(
        family="example-existing-vpc",
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
        subnet_ids=private_subnet_ids,
        security_group_id=tasks.id,
        target_group_arn=route.target_group_arn,
        listener=route.rule,
    ),
)
pulumi.export("url", load_balancer.url)
