"""internet -> load balancer -> tasks of a service in a cluster, in a network of its own, running an image from ECR."""

import pulumi
import pulumi_aws as aws

from components.access_logs import AccessLogs, AccessLogsArgs
from components.alarms import Alarms, AlarmsArgs
from components.autoscaling import Autoscaling, AutoscalingArgs
from components.capacity import InstancesArgs
from components.certificate import Certificate, CertificateArgs
from components.cluster import Cluster, ClusterArgs
from components.container import Container
from components.dashboard import Dashboard, DashboardArgs
from components.deployment_notices import DeploymentNotices, DeploymentNoticesArgs
from components.firewall import Firewall, FirewallArgs
from components.image import AppImage, AppImageArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs
from components.route import Route, RouteArgs
from components.running_tasks_alarm import RunningTasksAlarm, RunningTasksAlarmArgs
from components.service import Service, ServiceArgs
from components.task_definition import TaskDefinition, TaskDefinitionArgs
from settings import Settings

settings = Settings.load()
name = settings.name
provider = aws.Provider(name, region=settings.region, default_tags=aws.ProviderDefaultTagsArgs(tags=settings.tags))
on_aws = pulumi.ResourceOptions(providers={"aws": provider}, transformations=settings.transformations)

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
        endpoint_services=settings.endpoint_services,
        flow_log_retention_days=settings.flow_log_retention_days,
        listener_ports=settings.listener_ports,
        container_port=settings.container_port,
        own_addresses=settings.own_addresses,
        empties_default_group=settings.empties_default_group,
    ),
    on_aws,
)
cluster = Cluster(
    name,
    ClusterArgs(
        cluster_name=settings.family,
        container_insights=settings.container_insights,
        instances=InstancesArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.private_subnet_ids,
            instance_type=settings.instance_type,
            cpu_architecture=settings.cpu_architecture,
            min_instances=settings.min_instances,
            max_instances=settings.max_instances,
            load_balancer_security_group_id=None if settings.own_addresses else network.load_balancer_security_group_id,
            endpoint_security_group_id=network.endpoint_security_group_id,
            tags=settings.tags,
        )
        if settings.on_instances
        else None,
        execute_command_log_days=settings.execute_command_log_days,
    ),
    on_aws,
)
certificate_arn: pulumi.Input[str] | None = settings.certificate_arn
if settings.domain_name and settings.hosted_zone_id and not certificate_arn:
    certificate_args = CertificateArgs(domain_name=settings.domain_name, hosted_zone_id=settings.hosted_zone_id)
    certificate_arn = Certificate(name, certificate_args, on_aws).arn
access_log_bucket = None
if settings.access_log_retention_days:
    access_logs_args = AccessLogsArgs(
        retention_days=settings.access_log_retention_days, deletion_protection=settings.deletion_protection
    )
    access_log_bucket = AccessLogs(settings.bucket_name, access_logs_args, on_aws).bucket
load_balancer = LoadBalancer(
    name,
    LoadBalancerArgs(
        subnet_ids=network.private_subnet_ids if settings.is_internal else network.public_subnet_ids,
        security_group_id=network.load_balancer_security_group_id,
        internal=settings.is_internal,
        listener_port=settings.listener_port,
        certificate_arn=certificate_arn,
        domain_name=settings.domain_name,
        hosted_zone_id=settings.hosted_zone_id,
        access_log_bucket=access_log_bucket,
        deletion_protection=settings.deletion_protection,
    ),
    on_aws,
)
if settings.has_firewall:
    firewall_args = FirewallArgs(
        load_balancer_arn=load_balancer.arn,
        web_acl_arn=settings.web_acl_arn,
        log_retention_days=settings.log_retention_days,
    )
    Firewall(name, firewall_args, on_aws)
route = Route(
    name,
    RouteArgs(
        vpc_id=network.vpc_id,
        listener_arn=load_balancer.listener_arn,
        target_port=settings.container_port,
        target_type=settings.target_type,
        health_check_path=settings.health_check_path,
        deregistration_delay_seconds=settings.deregistration_delay_seconds,
        shifts_traffic=settings.deployment.shifts_traffic,
    ),
    on_aws,
)
task_definition = TaskDefinition(
    name,
    TaskDefinitionArgs(
        family=settings.family,
        containers=[
            Container(
                name=name,
                image_uri=image.image_uri,
                repository_arn=image.repository_arn,
                port=settings.container_port,
                user=settings.container_user,
                environment=settings.environment,
                secrets=settings.container_secrets,
                health_check=settings.container_health_check,
                stop_timeout_seconds=settings.stop_timeout_seconds,
            )
        ],
        cpu_units=settings.task_cpu_units,
        memory_mib=settings.task_memory_mib,
        cpu_architecture=settings.cpu_architecture,
        requires_compatibilities=[settings.launch_type],
        network_mode=settings.network_mode,
        ephemeral_storage_gib=settings.ephemeral_storage_gib,
        execute_command_log_group_arn=cluster.execute_command_log_group_arn,
        log_retention_days=settings.log_retention_days,
    ),
    on_aws,
)
if settings.deployment.shifts_traffic:
    pulumi.export("testHeader", route.test_header)
alarms = None
if settings.alarms:
    alarms = Alarms(
        name,
        AlarmsArgs(
            load_balancer_arn_suffix=load_balancer.arn_suffix,
            target_group_arn_suffixes=route.target_group_arn_suffixes,
            error_percent=settings.alarm_error_percent,
            latency_milliseconds=settings.alarm_latency_milliseconds,
            email=settings.alarm_email,
        ),
        on_aws,
    )
    DeploymentNotices(name, DeploymentNoticesArgs(cluster_arn=cluster.arn, topic_arn=alarms.topic_arn), on_aws)
service = Service(
    name,
    ServiceArgs(
        cluster_arn=cluster.arn,
        task_definition_arn=task_definition.arn,
        container_name=name,
        container_port=settings.container_port,
        subnet_ids=network.private_subnet_ids if settings.own_addresses else None,
        security_group_id=network.task_security_group_id,
        target_group_arn=route.target_group_arn,
        listener=route.rule,
        desired_count=settings.desired_count,
        is_scaled=settings.is_scaled,
        alarm_names=alarms.names if alarms else [],
        launch_type=settings.launch_type,
        capacity=settings.capacity(cluster.ec2_capacity_provider_name),
        placement_strategies=settings.strategies,
        placement_constraints=settings.constraints,
        deployment=settings.deployment,
        traffic_shift=route.traffic_shift,
        execute_command=settings.execute_command,
        rollback_on_interrupt=settings.rollback_on_interrupt,
        force_new_deployment=settings.force_new_deployment,
        migration_command=settings.migration_command,
        migration_timeout_minutes=settings.migration_timeout_minutes,
        health_check_grace_period_seconds=settings.health_check_grace_period_seconds,
        task_start_seconds=settings.task_start_seconds,
    ),
    on_aws,
)
if settings.max_count:
    Autoscaling(
        name,
        AutoscalingArgs(
            cluster_name=cluster.name,
            service_name=service.name,
            min_count=settings.desired_count,
            max_count=settings.max_count,
            cpu_percent=settings.scaling_cpu_percent,
            memory_percent=settings.scaling_memory_percent,
            requests_per_target=settings.scaling_requests_per_target,
            target_group_label=pulumi.Output.concat(load_balancer.arn_suffix, "/", route.target_group_arn_suffixes[0]),
            schedule=settings.scaling_schedule,
            timezone=settings.scaling_timezone,
        ),
        on_aws,
    )
alarm_arns = []
if alarms:
    running_tasks_alarm = RunningTasksAlarm(
        name,
        RunningTasksAlarmArgs(
            cluster_name=cluster.name,
            service_name=service.name,
            topic_arn=alarms.topic_arn,
        ),
        on_aws,
    )
    alarm_arns = [*alarms.arns, running_tasks_alarm.arn]
    pulumi.export("alarmTopicArn", alarms.topic_arn)
if settings.dashboard:
    dashboard = Dashboard(
        name,
        DashboardArgs(
            dashboard_name=settings.family,
            load_balancer_arn_suffix=load_balancer.arn_suffix,
            target_group_arn_suffixes=route.target_group_arn_suffixes,
            cluster_name=cluster.name,
            service_name=service.name,
            log_group_name=task_definition.log_group_name,
            alarm_arns=alarm_arns,
        ),
        on_aws,
    )
    pulumi.export("dashboardUrl", dashboard.url)

pulumi.export("url", load_balancer.url)
pulumi.export("albDnsName", load_balancer.dns_name)
pulumi.export("ecrRepositoryUrl", image.repository_url)
pulumi.export("imageUri", image.image_uri)
pulumi.export("clusterName", cluster.name)
pulumi.export("serviceName", service.name)
pulumi.export("taskDefinitionArn", task_definition.arn)
pulumi.export("logGroupName", task_definition.log_group_name)
