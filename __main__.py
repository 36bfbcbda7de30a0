"""internet -> load balancer -> tasks of a service in a cluster, in a network of its own, running an image from ECR."""

import pulumi
import pulumi_aws as aws

from components.cluster import Cluster, ClusterArgs
from components.image import AppImage, AppImageArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs
from components.service import Service, ServiceArgs
from components.task_definition import TaskDefinition, TaskDefinitionArgs
from settings import Settings

settings = Settings.load()
name = settings.name
provider = aws.Provider(name, region=settings.region, default_tags=aws.ProviderDefaultTagsArgs(tags=settings.tags))
on_aws = pulumi.ResourceOptions(providers={"aws": provider})

image = AppImage(
    name,
    AppImageArgs(
        repository_name=settings.repository_name,
        version=settings.image_version,
        context=settings.image_context,
        build_args=settings.build_args,
        cpu_architecture=settings.cpu_architecture,
        keep_images=settings.keep_images,
        deletion_protection=settings.deletion_protection,
    ),
    on_aws,
)
network = Network(
    name,
    NetworkArgs(
        vpc_cidr=settings.vpc_cidr,
        availability_zone_count=settings.availability_zone_count,
        nat_gateways=settings.nat_gateways,
        allowed_ingress_cidrs=settings.allowed_ingress_cidrs,
        listener_port=settings.listener_port,
        container_port=settings.container_port,
    ),
    on_aws,
)
cluster = Cluster(name, ClusterArgs(container_insights=settings.container_insights), on_aws)
load_balancer = LoadBalancer(
    name,
    LoadBalancerArgs(
        vpc_id=network.vpc_id,
        subnet_ids=network.public_subnet_ids,
        security_group_id=network.load_balancer_security_group_id,
        listener_port=settings.listener_port,
        container_port=settings.container_port,
        health_check_path=settings.health_check_path,
        deregistration_delay_seconds=settings.deregistration_delay_seconds,
        deletion_protection=settings.deletion_protection,
    ),
    on_aws,
)
task_definition = TaskDefinition(
    name,
    TaskDefinitionArgs(
        family=settings.family,
        container_name=name,
        image_uri=image.image_uri,
        repository_arn=image.repository_arn,
        cpu_units=settings.task_cpu_units,
        memory_mib=settings.task_memory_mib,
        cpu_architecture=settings.cpu_architecture,
        container_port=settings.container_port,
        container_user=settings.container_user,
        log_retention_days=settings.log_retention_days,
    ),
    on_aws,
)
service = Service(
    name,
    ServiceArgs(
        cluster_arn=cluster.arn,
        task_definition_arn=task_definition.arn,
        container_name=task_definition.container_name,
        container_port=task_definition.container_port,
        subnet_ids=network.private_subnet_ids,
        security_group_id=network.task_security_group_id,
        target_group_arn=load_balancer.target_group_arn,
        listener=load_balancer.listener,
        desired_count=settings.desired_count,
    ),
    on_aws,
)

pulumi.export("url", load_balancer.url)
pulumi.export("albDnsName", load_balancer.dns_name)
pulumi.export("ecrRepositoryUrl", image.repository_url)
pulumi.export("imageUri", image.image_uri)
pulumi.export("clusterName", cluster.name)
pulumi.export("serviceName", service.name)
pulumi.export("taskDefinitionArn", task_definition.arn)
pulumi.export("logGroupName", task_definition.log_group_name)
