from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    capacity_providers,
    cluster,
    container,
    missing,
    not_applicable,
    passes,
    resource,
    service,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import Mutant, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

SPOT = [{"capacityProvider": "FARGATE_SPOT", "weight": 2}, {"capacityProvider": "FARGATE", "weight": 1}]
CLUSTER: Resources = {
    "main": cluster(),
    "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["FARGATE", "FARGATE_SPOT"]),
}
BY_DEFAULT = capacity_providers(
    clusterName="${main.name}", capacityProviders=["FARGATE"], defaultCapacityProviderStrategies=SPOT[1:]
)
MANAGED = resource(
    "aws:ecs/capacityProvider:CapacityProvider",
    name="managed",
    cluster="${main.name}",
    managedInstancesProvider={"infrastructureRoleArn": "arn:aws:iam::123456789012:role/ecs"},
)
COMPONENT = {"type": "my:module:Cluster"}


def waiting(kind: str, *others: str, **properties: Any) -> dict[str, Any]:
    return resource(kind, options={"dependsOn": [f"${{{each}}}" for each in others]}, **properties)


def web(*others: str, **properties: Any) -> dict[str, Any]:
    return waiting("aws:ecs/service:Service", *others, cluster="${main.arn}", **properties)


CERTIFICATE = resource("aws:acm/certificate:Certificate", domainName="shop.example", validationMethod="DNS")
VALIDATION = resource("aws:acm/certificateValidation:CertificateValidation", certificateArn="${certificate.arn}")


def listener(certificate: str, *others: str) -> dict[str, Any]:
    return waiting("aws:lb/listener:Listener", *others, port=443, protocol="HTTPS", certificateArn=certificate)


VPC: Resources = {
    "vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16"),
    "gateway": resource("aws:ec2/internetGateway:InternetGateway", vpcId="${vpc.id}"),
    "subnet": resource("aws:ec2/subnet:Subnet", vpcId="${vpc.id}", cidrBlock="10.0.0.0/24"),
}


def balancer(*others: str, **properties: Any) -> dict[str, Any]:
    return waiting("aws:lb/loadBalancer:LoadBalancer", *others, **{"subnets": ["${subnet.id}"], **properties})


def nat(*others: str, **properties: Any) -> dict[str, Any]:
    return waiting("aws:ec2/natGateway:NatGateway", *others, **{"subnetId": "${subnet.id}", **properties})


def logging(*others: str, bucket: str = "${bucket.id}", enabled: Any = True, kind: str = "accessLogs") -> Resources:
    """A load balancer that logs to a bucket of the stack."""
    return {
        "bucket": resource("aws:s3/bucketV2:BucketV2"),
        "writes": resource("aws:s3/bucketPolicy:BucketPolicy", bucket="${bucket.id}", policy="{}"),
        "alb": balancer(*others, subnets=None, **{kind: {"bucket": bucket, "enabled": enabled}}),
    }


def target(resource_id: str, *others: str) -> dict[str, Any]:
    return waiting(
        "aws:appautoscaling/target:Target",
        *others,
        serviceNamespace="ecs",
        scalableDimension="ecs:service:DesiredCount",
        resourceId=resource_id,
        minCapacity=1,
        maxCapacity=4,
    )


def policy(*others: str) -> dict[str, Any]:
    return waiting(
        "aws:appautoscaling/policy:Policy",
        *others,
        serviceNamespace="ecs",
        scalableDimension="ecs:service:DesiredCount",
        resourceId="service/main/web",
    )


NAMED: Resources = {"main": cluster(), "web": service(name="web", cluster="${main.arn}")}

ROLE = resource("aws:iam/role:Role", name="execution")
PULLS = resource(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    role="${role.name}",
    policyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
)
LOGS = resource("aws:cloudwatch/logGroup:LogGroup", name="/ecs/app")
TO_LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/app", "awslogs-region": "eu-west-1"}}


def app(*others: str, **fields: Any) -> dict[str, Any]:
    written = task_definition(container(image="nginx", **fields), executionRoleArn="${role.arn}")
    return {**written, "options": {"dependsOn": [f"${{{each}}}" for each in others]}}


def runs(definition: dict[str, Any], *others: str, **more: Any) -> Resources:
    return {
        "role": ROLE,
        "pulls": PULLS,
        "app": definition,
        "web": waiting("aws:ecs/service:Service", *others, taskDefinition="${app.arn}"),
        **more,
    }


SECRET = resource("aws:secretsmanager/secret:Secret", name="password")
VALUE = resource("aws:secretsmanager/secretVersion:SecretVersion", secretId="${secret.id}", secretString="x")
OUTPUTS = {"outputs": {"arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:password-AbCdEf"}}
FILES: Resources = {
    "files": resource("aws:efs/fileSystem:FileSystem", encrypted=True),
    "mount": resource("aws:efs/mountTarget:MountTarget", fileSystemId="${files.id}", subnetId="subnet-1"),
}
MOUNTING = {
    **app("pulls"),
    "properties": {
        **app("pulls")["properties"],
        "volumes": [{"name": "files", "efsVolumeConfiguration": {"fileSystemId": "${files.id}"}}],
    },
}

EXAMPLES = {
    "OR-01": [
        violates(
            "nothing makes the service wait for the association",
            {**CLUSTER, "web": web(capacityProviderStrategies=SPOT)},
            at={"web.capacityProviderStrategies"},
            says=(
                "Service 'web' capacityProviderStrategies: got [an object with \"capacityProvider\", "
                '"weight", an object with "capacityProvider", "weight"], expected Service \'web\' to wait '
                "for ClusterCapacityProviders 'providers', which makes the providers known to the "
                "cluster; add ClusterCapacityProviders 'providers' to dependsOn of Service 'web'"
            ),
        ),
        violates(
            "in a first preview",
            {**CLUSTER, "web": web(capacityProviderStrategies=SPOT)},
            at={"web.capacityProviderStrategies"},
            preview=True,
        ),
        violates(
            "the cluster's default strategy",
            {"main": cluster(), "providers": BY_DEFAULT, "web": web()},
            at={"web.capacityProviderStrategies"},
        ),
        violates(
            "a managed instances provider under a literal name",
            {
                "main": cluster(),
                "managed": MANAGED,
                "web": web(capacityProviderStrategies=[{"capacityProvider": "managed"}]),
            },
            at={"web.capacityProviderStrategies"},
        ),
        passes("dependsOn", {**CLUSTER, "web": web("providers", capacityProviderStrategies=SPOT)}),
        passes(
            "dependsOn of the component that has it",
            {
                "component": COMPONENT,
                "main": cluster(),
                "providers": {**CLUSTER["providers"], "options": {"parent": "${component}"}},
                "web": web("component", capacityProviderStrategies=SPOT),
            },
        ),
        passes("a launch type", {**CLUSTER, "web": web(launchType="FARGATE")}),
        passes(
            "a managed instances provider by reference",
            {
                "main": cluster(),
                "managed": MANAGED,
                "web": web(capacityProviderStrategies=[{"capacityProvider": "${managed.name}"}]),
            },
        ),
        missing("no strategy, and none by default", {**CLUSTER, "web": web()}),
        unknown(
            "a cluster of another stack",
            {"web": service(cluster=not_known(), capacityProviderStrategies=SPOT)},
            not_evaluated={"web.cluster"},
        ),
        not_applicable("an external controller", {**CLUSTER, "web": web(deploymentController={"type": "EXTERNAL"})}),
    ],
    "OR-02": [
        violates(
            "the certificate in place of its validation",
            {"certificate": CERTIFICATE, "validation": VALIDATION, "https": listener("${certificate.arn}")},
            at={"https.certificateArn"},
            says=(
                "Listener 'https' certificateArn: got "
                '"arn:aws:test:ap-northeast-1:123456789012:Certificate/certificate", expected Listener '
                "'https' to wait for CertificateValidation 'validation', until Certificate 'certificate' "
                "is issued; add CertificateValidation 'validation' to dependsOn of Listener 'https'"
            ),
        ),
        violates(
            "the same, in a first preview",
            {"certificate": CERTIFICATE, "validation": VALIDATION, "https": listener("${certificate.arn}")},
            at={"https.certificateArn"},
            preview=True,
        ),
        violates(
            "nothing waits for its validation",
            {"certificate": CERTIFICATE, "https": listener("${certificate.arn}")},
            at={"https.certificateArn"},
        ),
        violates(
            "a further certificate of a listener",
            {
                "certificate": CERTIFICATE,
                "validation": VALIDATION,
                "more": resource(
                    "aws:alb/listenerCertificate:ListenerCertificate", certificateArn="${certificate.arn}"
                ),
            },
            at={"more.certificateArn"},
        ),
        passes(
            "the validation's own output",
            {"certificate": CERTIFICATE, "validation": VALIDATION, "https": listener("${validation.certificateArn}")},
        ),
        passes(
            "the same, in a first preview",
            {"certificate": CERTIFICATE, "validation": VALIDATION, "https": listener("${validation.certificateArn}")},
            preview=True,
        ),
        passes(
            "dependsOn",
            {
                "certificate": CERTIFICATE,
                "validation": VALIDATION,
                "https": listener("${certificate.arn}", "validation"),
            },
        ),
        passes(
            "an imported certificate",
            {
                "certificate": resource("aws:acm/certificate:Certificate", privateKey="key", certificateBody="body"),
                "https": listener("${certificate.arn}"),
            },
        ),
        passes(
            "a certificate that somebody has proven",
            {"certificate": {**CERTIFICATE, "outputs": {"status": "ISSUED"}}, "https": listener("${certificate.arn}")},
        ),
        missing("no certificate", {"http": resource("aws:lb/listener:Listener", port=80, protocol="HTTP")}),
        unknown(
            "a certificate that an invoke yields",
            {"certificate": CERTIFICATE, "https": listener(not_known())},
            not_evaluated={"https.certificateArn"},
        ),
        not_applicable("a certificate of another stack", {"https": listener("arn:aws:acm:eu-west-1:1:certificate/1")}),
    ],
    "OR-03": [
        violates(
            "a public load balancer",
            {**VPC, "alb": balancer()},
            at={"alb.subnets"},
            says=(
                "LoadBalancer 'alb' subnets: got [\"subnet-subnet\"], expected LoadBalancer 'alb' to wait "
                "for InternetGateway 'gateway', without which AWS refuses it in Vpc 'vpc'; add "
                "InternetGateway 'gateway' to dependsOn of LoadBalancer 'alb'"
            ),
        ),
        violates("in a first preview", {**VPC, "alb": balancer()}, at={"alb.subnets"}, preview=True),
        violates(
            "a network load balancer with addresses of its own",
            {
                **VPC,
                "nlb": balancer(
                    loadBalancerType="network", subnets=None, subnetMappings=[{"subnetId": "${subnet.id}"}]
                ),
            },
            at={"nlb.subnetMappings"},
        ),
        passes("dependsOn", {**VPC, "alb": balancer("gateway")}),
        passes(
            "by the route to the gateway",
            {
                **VPC,
                "route": resource("aws:ec2/route:Route", routeTableId="rtb-1", gatewayId="${gateway.id}"),
                "alb": balancer("route"),
            },
        ),
        passes("an internal load balancer", {**VPC, "alb": balancer(internal=True)}),
        missing("no internet gateway in this stack", {"vpc": VPC["vpc"], "subnet": VPC["subnet"], "alb": balancer()}),
        unknown("unknown subnets", {**VPC, "alb": balancer(subnets=not_known())}, not_evaluated={"alb.subnets"}),
        not_applicable(
            "a VPC that is there before",
            {"subnet": resource("aws:ec2/subnet:Subnet", vpcId="vpc-1"), "alb": balancer()},
        ),
    ],
    "OR-03b": [
        violates(
            "nothing makes it wait",
            {**VPC, "nat": nat()},
            at={"nat.subnetId"},
            says=(
                "NatGateway 'nat' subnetId: got \"subnet-subnet\", expected NatGateway 'nat' to wait for "
                "InternetGateway 'gateway', without which it fails in Vpc 'vpc'; add InternetGateway "
                "'gateway' to dependsOn of NatGateway 'nat'"
            ),
        ),
        violates("in a first preview", {**VPC, "nat": nat()}, at={"nat.subnetId"}, preview=True),
        passes("dependsOn", {**VPC, "nat": nat("gateway")}),
        passes("a private one", {**VPC, "nat": nat(connectivityType="private")}),
        passes(
            "one that awsx makes",
            {**VPC, "network": {"type": "awsx:ec2:Vpc"}, "nat": {**nat(), "options": {"parent": "${network}"}}},
        ),
        missing("no subnet", {**VPC, "nat": nat(subnetId=None)}),
        unknown("a subnet of another stack", {"nat": nat(subnetId=not_known())}, not_evaluated={"nat.subnetId"}),
        not_applicable("no NAT gateway", VPC),
    ],
    "OR-06": [
        violates(
            "the bucket's policy is not waited for",
            logging(),
            at={"alb.accessLogs.bucket"},
            says=(
                "LoadBalancer 'alb' accessLogs.bucket: got \"bucketv2-bucket\", expected LoadBalancer "
                "'alb' to wait for BucketPolicy 'writes', by which AWS may write to the bucket; add "
                "BucketPolicy 'writes' to dependsOn of LoadBalancer 'alb'"
            ),
        ),
        violates("in a first preview", logging(), at={"alb.accessLogs.bucket"}, preview=True),
        violates(
            "the bucket has no policy",
            {name: each for name, each in logging().items() if name != "writes"},
            at={"alb.accessLogs.bucket"},
        ),
        violates("connection logs", logging(kind="connectionLogs"), at={"alb.connectionLogs.bucket"}),
        passes("dependsOn", logging("writes")),
        passes("the policy's own output", logging(bucket="${writes.bucket}")),
        passes("logs that are off", logging(enabled=False)),
        passes("a bucket of another stack", {"alb": logging(bucket="theirs")["alb"]}),
        missing("no logs", {"alb": balancer(subnets=None)}),
        unknown(
            "a name that an invoke yields",
            logging(bucket=not_known(), enabled=not_known()),
            not_evaluated={"alb.accessLogs.enabled"},
        ),
        not_applicable("no load balancer", VPC),
    ],
    "OR-04": [
        violates(
            "the service's name written out",
            {**NAMED, "target": target("service/main/web")},
            at={"target.resourceId"},
            says=(
                "Target 'target' resourceId: got \"service/main/web\", expected Target 'target' to wait "
                "for Service 'web', which is what it scales; add Service 'web' to dependsOn of Target "
                "'target'"
            ),
        ),
        violates(
            "a policy whose target is not waited for",
            {"target": target("service/main/web"), "policy": policy()},
            at={"policy.resourceId"},
        ),
        violates(
            "a schedule whose target is not waited for",
            {
                "target": target("service/main/web"),
                "night": resource(
                    "aws:appautoscaling/scheduledAction:ScheduledAction",
                    scalableDimension="ecs:service:DesiredCount",
                    resourceId="service/main/web",
                ),
            },
            at={"night.resourceId"},
        ),
        passes("the service's own name", {**NAMED, "target": target("service/${main.name}/${web.name}")}),
        passes("dependsOn", {**NAMED, "target": target("service/main/web", "web")}),
        passes("a policy that waits", {"target": target("service/main/web"), "policy": policy("target")}),
        missing("a service of another stack", {"target": target("service/main/web")}),
        unknown(
            "of which nobody tells what it comes from",
            {**NAMED, "target": target(not_known())},
            not_evaluated={"target.resourceId"},
        ),
        not_applicable("no scaling", NAMED),
    ],
    "OR-05": [
        violates(
            "the execution role's policy",
            runs(app()),
            at={"web.taskDefinition"},
            says=(
                "Service 'web' taskDefinition: got "
                "\"arn:aws:ecs:ap-northeast-1:123456789012:task-definition/app:1\", expected Service 'web' "
                "to wait for RolePolicyAttachment 'pulls', without which its tasks cannot start; add "
                "RolePolicyAttachment 'pulls' to dependsOn of Service 'web' or TaskDefinition 'app'"
            ),
        ),
        violates(
            "a log group that is named by a text",
            runs(app("pulls", logConfiguration=TO_LOGS), logs=LOGS),
            at={"web.taskDefinition"},
        ),
        violates(
            "a secret's value",
            runs(
                app("pulls", secrets=[{"name": "PASSWORD", "valueFrom": "${secret.arn}:password::"}]),
                secret={**SECRET, **OUTPUTS},
                value=VALUE,
            ),
            at={"web.taskDefinition"},
        ),
        violates("the mount targets of a file system", runs(MOUNTING, **FILES), at={"web.taskDefinition"}),
        passes("the task definition waits for the policy", runs(app("pulls"))),
        passes("the service waits for it", runs(app(), "pulls")),
        passes(
            "a log group that the driver makes",
            runs(
                app(
                    "pulls",
                    logConfiguration={
                        "logDriver": "awslogs",
                        "options": {"awslogs-group": "/ecs/app", "awslogs-create-group": "true"},
                    },
                ),
                logs=LOGS,
            ),
        ),
        passes("mount targets that are waited for", runs(MOUNTING, "mount", **FILES)),
        missing(
            "no execution role",
            {"app": task_definition(container(image="nginx")), "web": service(taskDefinition="${app.arn}")},
        ),
        unknown(
            "unknown containers",
            {
                "logs": LOGS,
                "app": task_definition(containerDefinitions=not_known()),
                "web": service(taskDefinition="${app.arn}"),
            },
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("no service", {"role": ROLE, "pulls": PULLS}),
    ],
}

ON_SPOT = mutant("on Spot", good_stacks.FARGATE, "web", launchType=None, capacityProviderStrategies=SPOT).resources
ON_SPOT = {
    **ON_SPOT,
    "web": {**ON_SPOT["web"], "options": {"dependsOn": ["${listener}"]}},
}
CERTIFIED: Resources = {**good_stacks.FARGATE, "certificate": CERTIFICATE, "validation": VALIDATION}
SCALED = {
    **good_stacks.FARGATE,
    "web": {
        **good_stacks.FARGATE["web"],
        "options": {**good_stacks.FARGATE["web"]["options"], "ignoreChanges": ["desiredCount"]},
    },
    "target": target("service/main/web"),
}
SCALED["target"]["properties"]["minCapacity"] = 2

MUTANTS = {
    "OR-06": [
        mutant(
            "a bucket of the stack",
            {**good_stacks.FARGATE, "bucket": logging()["bucket"], "writes": logging()["writes"]},
            "alb",
            accessLogs={"enabled": True, "bucket": "${bucket.id}"},
        )
    ],
    "OR-01": [Mutant("no dependsOn", ON_SPOT)],
    "OR-02": [mutant("the certificate itself", CERTIFIED, "listener", certificateArn="${certificate.arn}")],
    "OR-03": [
        Mutant("no dependsOn", {**good_stacks.FARGATE, "alb": {**good_stacks.FARGATE["alb"], "options": {}}}),
    ],
    "OR-04": [Mutant("a literal name", SCALED)],
}
