"""internet -> load balancer -> tasks of a service in a cluster, in a network of its own, running an image from ECR."""

import pulumi
import pulumi_aws as aws

from components.access_logs import AccessLogs, AccessLogsArgs
from components.alarms import AlarmChoices, Alarms, AlarmsArgs
from components.autoscaling import Autoscaling, AutoscalingArgs, ScalingChoices
from components.capacity import InstanceChoices, InstancesArgs
from components.certificate import Certificate, CertificateArgs
from components.cluster import Cluster, ClusterArgs
from components.container import Container
from components.dashboard import Dashboard, DashboardArgs
from components.deployment_notices import DeploymentNotices, DeploymentNoticesArgs
from components.firewall import Firewall, FirewallArgs
from components.image import AppImage, AppImageArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs, NetworkChoices
from components.route import Route, RouteArgs, TargetGroupChoices
from components.running_tasks_alarm import RunningTasksAlarm, RunningTasksAlarmArgs
from components.service import Service, ServiceArgs, ServiceChoices
from components.task_definition import TaskChoices, TaskDefinition, TaskDefinitionArgs
from settings import Settings

settings = Settings.load()
name = settings.name
provider = aws.Provider(name, region=settings.region, default_tags=aws.ProviderDefaultTagsArgs(tags=settings.tags))
on_aws = pulumi.ResourceOptions(providers={"aws": provider}, transformations=settings.transformations)

image = AppImage(
    name,
    AppImageArgs(
        repository_name=settings.image.repository_name,
        version=settings.image.version,
        context=settings.image_context,
        build_args=settings.build_args,
        cpu_architecture=settings.task.cpu_architecture,
        deletion_protection=settings.deletion_protection,
    ),
    on_aws,
)
network = Network(
    name,
    NetworkArgs(
        **settings.network.chosen(NetworkChoices),
        allowed_ingress_cidrs=settings.load_balancer.allowed_ingress_cidrs,
        endpoint_services=settings.endpoint_services,
        listener_ports=settings.listener_ports,
        container_port=settings.container.port,
        own_addresses=settings.task.has_own_address,
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
            **settings.instances.chosen(InstanceChoices),
            cpu_architecture=settings.task.cpu_architecture,
            load_balancer_security_group_id=None
            if settings.task.has_own_address
            else network.load_balancer_security_group_id,
            endpoint_security_group_id=network.endpoint_security_group_id,
            tags=settings.tags,
        )
        if settings.service.is_on_instances
        else None,
        execute_command_log_days=settings.execute_command_log_days,
    ),
    on_aws,
)
certificate_arn: pulumi.Input[str] | None = settings.domain.certificate_arn
if settings.domain.name and settings.domain.hosted_zone_id and not certificate_arn:
    certificate_args = CertificateArgs(domain_name=settings.domain.name, hosted_zone_id=settings.domain.hosted_zone_id)
    certificate_arn = Certificate(name, certificate_args, on_aws).arn
access_log_bucket = None
if settings.load_balancer.access_log_retention_days:
    access_logs_args = AccessLogsArgs(
        retention_days=settings.load_balancer.access_log_retention_days,
        deletion_protection=settings.deletion_protection,
    )
    access_log_bucket = AccessLogs(settings.bucket_name, access_logs_args, on_aws).bucket
load_balancer = LoadBalancer(
    name,
    LoadBalancerArgs(
        subnet_ids=network.private_subnet_ids if settings.load_balancer.is_internal else network.public_subnet_ids,
        security_group_id=network.load_balancer_security_group_id,
        internal=settings.load_balancer.is_internal,
        certificate_arn=certificate_arn,
        domain_name=settings.domain.name,
        hosted_zone_id=settings.domain.hosted_zone_id,
        access_log_bucket=access_log_bucket,
        deletion_protection=settings.deletion_protection,
    ),
    on_aws,
)
if settings.has_firewall:
    firewall_args = FirewallArgs(
        load_balancer_arn=load_balancer.arn,
        web_acl_arn=settings.web_acl_arn,
        log_retention_days=settings.task.log_retention_days,
    )
    Firewall(name, firewall_args, on_aws)
route = Route(
    name,
    RouteArgs(
        vpc_id=network.vpc_id,
        listener_arn=load_balancer.listener_arn,
        target_port=settings.container.port,
        target_type=settings.target_type,
        **settings.target_group.chosen(TargetGroupChoices),
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
                port=settings.container.port,
                user=settings.container.user,
                environment=settings.environment,
                secrets=settings.container_secrets,
                health_check=settings.container.health_check,
                stop_timeout_seconds=settings.container.stop_timeout_seconds,
            )
        ],
        **settings.task.chosen(TaskChoices),
        requires_compatibilities=[settings.service.launch_type],
        execute_command_log_group_arn=cluster.execute_command_log_group_arn,
    ),
    on_aws,
)
if settings.deployment.shifts_traffic:
    pulumi.export("testHeader", route.test_header)
alarms = None
if settings.alarms.enabled:
    alarms = Alarms(
        name,
        AlarmsArgs(
            load_balancer_arn_suffix=load_balancer.arn_suffix,
            target_group_arn_suffixes=route.target_group_arn_suffixes,
            **settings.alarms.chosen(AlarmChoices),
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
        container_port=settings.container.port,
        subnet_ids=network.private_subnet_ids if settings.task.has_own_address else None,
        security_group_id=network.task_security_group_id,
        target_group_arn=route.target_group_arn,
        listener=route.rule,
        **settings.service.chosen(ServiceChoices),
        is_scaled=settings.is_scaled,
        alarm_names=alarms.names if alarms else [],
        capacity=settings.capacity(cluster.ec2_capacity_provider_name),
        placement_strategies=settings.placement.parsed_strategies,
        placement_constraints=settings.placement.parsed_constraints,
        deployment=settings.deployment,
        traffic_shift=route.traffic_shift,
        migration_command=settings.migration.command,
        migration_timeout_minutes=settings.migration.timeout_minutes,
    ),
    on_aws,
)
if settings.is_scaled:
    Autoscaling(
        name,
        AutoscalingArgs(
            cluster_name=cluster.name,
            service_name=service.name,
            **settings.scaling.chosen(ScalingChoices),
            min_count=settings.service.desired_count,
            target_group_label=pulumi.Output.concat(load_balancer.arn_suffix, "/", route.target_group_arn_suffixes[0]),
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
