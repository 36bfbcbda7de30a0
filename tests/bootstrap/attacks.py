"""What whoever holds a role of GitHub's may want of it, and what it would gain. Nothing of it may be allowed.

The attacker wrote code that a job runs: any merged line for a deploy role, any branch for the preview role of `dev`.
The victims are another stack of the project (`prod` for `dev`, `dev` for `prod`), and everybody else's resources in the
account, with or without tags. Escalations are those that are known of IAM in public, one by one:
https://bishopfox.com/blog/privilege-escalation-in-aws, https://cloud.hacktricks.wiki, https://pathfinding.cloud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bootstrap.permissions import ISSUER, Environment
from tests.bootstrap.evaluator import Request
from tests.bootstrap.needs import STATE, environment
from tests.mocks import ACCOUNT, PROJECT, REGION

HERE = {"aws:RequestedRegion": REGION}
GLOBAL = {"aws:RequestedRegion": "us-east-1"}
# Another project of the account: a name that this one cannot have, whatever it is renamed to.
FOREIGN = {"aws:ResourceTag/project": "9shop", "aws:ResourceTag/stack": "web"}


@dataclass(frozen=True)
class Attack:
    """An attack succeeds where every one of its requests is allowed."""

    name: str
    who: str
    gain: str
    requests: Sequence[Request] = field(default_factory=tuple)

    def __str__(self) -> str:
        return f"{self.who}: {self.name}"


def iam(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def here(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def one(action: str, resource: str = "*", *context: Mapping[str, str | Sequence[str]]) -> Request:
    merged: dict[str, str | Sequence[str]] = dict(GLOBAL if action.startswith(("iam:", "route53:")) else HERE)
    for each in context:
        merged |= each
    return Request(action, resource, merged)


ADMIN = iam("role", "admin")
ELB = "elasticloadbalancing"


@dataclass(frozen=True)
class Side:
    """A stack as attacker or victim."""

    stack: Environment

    def existing(self, **tags: str) -> dict[str, str]:
        return {f"aws:ResourceTag/{key}": value for key, value in (tags or self.stack.tags).items()}

    def requested(self, **tags: str) -> dict[str, str]:
        return {f"aws:RequestTag/{key}": value for key, value in (tags or self.stack.tags).items()}

    @property
    def role(self) -> str:
        return self.stack.iam(f"role/{PROJECT}/{self.stack.stack}/{self.stack.family}-task")

    @property
    def bounded(self) -> dict[str, str]:
        return {**GLOBAL, "iam:PermissionsBoundary": self.stack.boundary_arn}

    @property
    def state(self) -> str:
        return f"{STATE.bucket_arn}/{self.stack.stack}/.pulumi/stacks/{PROJECT}/{self.stack.stack}.json"

    @property
    def key(self) -> str:
        return f"{STATE.key_arn}{self.stack.stack}"

    @property
    def victims(self) -> dict[str, dict[str, str]]:
        """Whose a resource may be that is not the stack's, and which tags tell it."""
        other = "prod" if self.stack.stack == "dev" else "dev"
        return {
            "the other stack's": self.existing(project=PROJECT, stack=other),
            "a foreign": FOREIGN,
            "an untagged": {},
            "another project's": self.existing(project="9shop", stack=self.stack.stack),
            "the project's shared": self.existing(project=PROJECT),
        }


def pass_role(service: str, role: str = ADMIN) -> Request:
    return one("iam:PassRole", role, {"iam:PassedToService": service})


def _deploy(me: Side, other: Side) -> list[Attack]:
    found: list[Attack] = []

    def attack(name: str, gain: str, *requests: Request) -> None:
        found.append(Attack(name, f"deploy {me.stack.stack}", gain, requests))

    # --- more permissions ---
    admin = "is administrator"
    attack(
        "makes a role that trusts an account outside",
        "a way in that outlives the job",
        one("iam:CreateRole", iam("role", f"{PROJECT}/{me.stack.stack}/x"), me.bounded),
    )
    attack("makes a role outside the boundary", admin, one("iam:CreateRole", iam("role", "x")))
    attack(
        "lets an account outside take the task role",
        "a way in that outlives the job",
        one("iam:UpdateAssumeRolePolicy", me.role, me.existing()),
    )
    attack("lets itself take the administrator's role", admin, one("iam:UpdateAssumeRolePolicy", ADMIN))
    attack("takes a role without asking IAM", "another role's permissions", one("sts:AssumeRole", ADMIN))
    attack(
        "takes the boundary off a role",
        "permissions without bounds",
        one("iam:DeleteRolePermissionsBoundary", me.role),
    )
    attack(
        "writes permissions for a role of an administrator with the stack's boundary",
        "another's role",
        one("iam:PutRolePolicy", iam("role", "batch"), me.bounded),
    )
    attack(
        "reads a private parameter as if it were AWS's",
        "secrets",
        one("ssm:GetParameters", here("ssm", "parameter/db")),
    )
    attack(
        "reads the other stack's dashboard",
        "what there is",
        one("cloudwatch:GetDashboard", f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{other.stack.family}"),
    )
    attack("reads what the administrator may", "where to go on", one("iam:GetRolePolicy", ADMIN))
    attack("reads who may open a bucket", "where to go on", one("s3:GetBucketPolicy", "arn:aws:s3:::9shop"))
    attack(
        "reads another zone",
        "what there is",
        one("route53:ListResourceRecordSets", "arn:aws:route53:::hostedzone/ZOTHER"),
    )
    attack(
        "gives a role another boundary",
        "permissions without bounds",
        one("iam:PutRolePermissionsBoundary", me.role, {"iam:PermissionsBoundary": iam("policy", "x")}),
    )
    attack(
        "writes permissions for a role that has no boundary",
        "permissions without bounds",
        one("iam:PutRolePolicy", me.role, GLOBAL),
    )
    attack(
        "writes permissions for a role with another boundary",
        "permissions without bounds",
        one("iam:PutRolePolicy", me.role, {"iam:PermissionsBoundary": iam("policy", "x")}),
    )
    attack(
        "writes permissions for its own role",
        admin,
        one("iam:PutRolePolicy", me.stack.iam(f"role/{me.stack.role_name('deploy')}")),
    )
    attack("writes permissions for the administrator's role", admin, one("iam:PutRolePolicy", ADMIN))
    attack(
        "takes the permissions of a role without boundary away",
        "another workload stands still",
        one("iam:DeleteRolePolicy", ADMIN),
    )
    attack(
        "attaches a managed policy to its own role",
        admin,
        one("iam:AttachRolePolicy", me.stack.iam(f"role/{me.stack.role_name('deploy')}")),
    )
    attack("attaches a managed policy to a role of the stack", admin, one("iam:AttachRolePolicy", me.role, me.bounded))
    attack(
        "writes a new version of its own managed policy",
        admin,
        one("iam:CreatePolicyVersion", iam("policy", f"{PROJECT}/{me.stack.stack}/{me.stack.family}-make")),
    )
    attack(
        "writes a new version of the boundary",
        "permissions without bounds",
        one("iam:CreatePolicyVersion", me.stack.boundary_arn),
    )
    attack(
        "goes back to an older version of the boundary",
        "permissions without bounds",
        one("iam:SetDefaultPolicyVersion", me.stack.boundary_arn),
    )
    attack(
        "detaches what denies", admin, one("iam:DetachRolePolicy", me.stack.iam(f"role/{me.stack.role_name('deploy')}"))
    )
    attack(
        "makes an access key for a user",
        "a way in that outlives the job",
        one("iam:CreateAccessKey", iam("user", "alice")),
    )
    attack("makes a user", "a way in that outlives the job", one("iam:CreateUser", iam("user", "x")))
    attack(
        "makes a password for a user",
        "a way in that outlives the job",
        one("iam:CreateLoginProfile", iam("user", "alice")),
    )
    attack(
        "changes the password of a user",
        "a way in that outlives the job",
        one("iam:UpdateLoginProfile", iam("user", "alice")),
    )
    attack("attaches a policy to a user", admin, one("iam:AttachUserPolicy", iam("user", "alice")))
    attack("writes a policy for a user", admin, one("iam:PutUserPolicy", iam("user", "alice")))
    attack("attaches a policy to a group", admin, one("iam:AttachGroupPolicy", iam("group", "all")))
    attack("writes a policy for a group", admin, one("iam:PutGroupPolicy", iam("group", "all")))
    attack("puts a user into a group", admin, one("iam:AddUserToGroup", iam("group", "administrators")))
    attack(
        "makes an identity provider of its own",
        "tokens of its own are believed",
        one("iam:CreateOpenIDConnectProvider", iam("oidc-provider", "evil.example")),
    )
    attack(
        "changes what GitHub's identity provider takes",
        "tokens of others are believed",
        one("iam:AddClientIDToOpenIDConnectProvider", iam("oidc-provider", ISSUER)),
    )
    attack(
        "makes a SAML provider",
        "tokens of its own are believed",
        one("iam:CreateSAMLProvider", iam("saml-provider", "x")),
    )
    attack(
        "puts the administrator's role into an instance profile",
        admin,
        one(
            "iam:AddRoleToInstanceProfile",
            iam("instance-profile", f"{PROJECT}/{me.stack.stack}/{me.stack.family}-instance"),
        ),
        pass_role("ec2.amazonaws.com"),
    )
    attack(
        "tags a role of the stack as the other stack's",
        "another stack's deployment takes it",
        one("iam:TagRole", me.role, other.requested()),
    )
    attack(
        "makes the own role of a service that nobody uses",
        "a service acts in the account",
        one(
            "iam:CreateServiceLinkedRole",
            iam("role", "aws-service-role/guardduty.amazonaws.com/x"),
            {"iam:AWSServiceName": "guardduty.amazonaws.com"},
        ),
    )

    # --- another's role handed to a service ---
    attack(
        "hands the administrator's role to its tasks",
        admin,
        one("ecs:RegisterTaskDefinition", here("ecs", f"task-definition/{me.stack.family}:8"), me.requested()),
        pass_role("ecs-tasks.amazonaws.com"),
    )
    attack(
        "hands the other stack's role to its tasks",
        "what the other stack's application may",
        one("ecs:RegisterTaskDefinition", here("ecs", f"task-definition/{me.stack.family}:8"), me.requested()),
        pass_role("ecs-tasks.amazonaws.com", other.role),
    )
    attack(
        "hands a role of the stack to Lambda",
        "code that runs when it is called",
        pass_role("lambda.amazonaws.com", me.role),
    )
    for service, action, resource in (
        ("lambda", "lambda:CreateFunction", here("lambda", "function:x")),
        ("lambda", "lambda:UpdateFunctionCode", here("lambda", "function:other")),
        ("lambda", "lambda:UpdateFunctionConfiguration", here("lambda", "function:other")),
        ("lambda", "lambda:AddPermission", here("lambda", "function:other")),
        ("glue", "glue:CreateDevEndpoint", "*"),
        ("glue", "glue:UpdateJob", here("glue", "job/other")),
        ("cloudformation", "cloudformation:CreateStack", here("cloudformation", "stack/x/1")),
        ("cloudformation", "cloudformation:UpdateStack", here("cloudformation", "stack/other/1")),
        ("datapipeline", "datapipeline:CreatePipeline", "*"),
        ("sagemaker", "sagemaker:CreateNotebookInstance", here("sagemaker", "notebook-instance/x")),
        ("sagemaker", "sagemaker:CreatePresignedNotebookInstanceUrl", here("sagemaker", "notebook-instance/x")),
        ("codebuild", "codebuild:CreateProject", here("codebuild", "project/x")),
        ("codebuild", "codebuild:StartBuild", here("codebuild", "project/other")),
        ("states", "states:CreateStateMachine", here("states", "stateMachine:x")),
        ("scheduler", "scheduler:CreateSchedule", here("scheduler", "schedule/default/x")),
        ("events", "events:PutTargets", here("events", "rule/other")),
        ("events", "events:PutRule", here("events", "rule/x")),
        ("ssm", "ssm:SendCommand", here("ssm", "document/AWS-RunShellScript").replace(ACCOUNT, "")),
        ("ssm", "ssm:StartSession", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1"),
        ("ssm", "ssm:StartAutomationExecution", f"arn:aws:ssm:{REGION}:{ACCOUNT}:automation-definition/x:1"),
        ("ssm", "ssm:PutParameter", here("ssm", "parameter/other")),
        ("ec2-instance-connect", "ec2-instance-connect:SendSSHPublicKey", here("ec2", "instance/i-1")),
    ):  # fmt: skip
        attack(f"calls {action}", f"code of its own with another's role, by {service}", one(action, resource))

    # --- everybody else's resources ---
    others = "another workload's"
    for whose, tags in me.victims.items():
        of_project = tags.get("aws:ResourceTag/project") == PROJECT
        cluster = other.stack.family if of_project else "9shop"
        instance = here("ec2", "instance/i-1")
        attack(
            f"writes user data of {whose} instance",
            f"code on {others} machine",
            one("ec2:ModifyInstanceAttribute", instance, tags),
        )
        attack(
            f"opens {whose} security group",
            f"{others} ports",
            one("ec2:AuthorizeSecurityGroupIngress", here("ec2", "security-group/sg-9"), tags),
            one("ec2:AuthorizeSecurityGroupIngress", here("ec2", "security-group-rule/sgr-1"), me.requested()),
        )
        attack(
            f"tags {whose} security group as its own",
            f"{others} ports",
            one("ec2:CreateTags", here("ec2", "security-group/sg-9"), tags, me.requested()),
        )
        attack(
            f"puts {whose} subnet's traffic through a route of its own",
            f"{others} traffic",
            one("ec2:CreateRoute", here("ec2", "route-table/rtb-9"), tags),
        )
        attack(
            f"deletes {whose} VPC endpoint",
            f"{others} way to AWS",
            one("ec2:DeleteVpcEndpoints", here("ec2", "vpc-endpoint/vpce-9"), tags),
        )
        attack(
            f"writes a version of {whose} launch template",
            f"code with {others} instance profile",
            one("ec2:CreateLaunchTemplateVersion", here("ec2", "launch-template/lt-9"), tags),
        )
        attack(
            f"starts an instance in {whose} subnet",
            f"a foot in {others} network",
            one("ec2:RunInstances", here("ec2", "subnet/subnet-9"), tags),
        )
        attack(
            f"makes a subnet in {whose} VPC",
            f"a foot in {others} network",
            one("ec2:CreateSubnet", here("ec2", "vpc/vpc-9"), tags),
            one("ec2:CreateSubnet", here("ec2", "subnet/subnet-8"), me.requested()),
        )
        attack(
            f"updates {whose} service",
            f"{others} service runs its image",
            one("ecs:UpdateService", here("ecs", f"service/{cluster}/web"), tags),
        )
        attack(
            f"rolls back {whose} deployment",
            f"{others} service stays as it was",
            one("ecs:StopServiceDeployment", here("ecs", f"service/{cluster}/web"), tags),
            one("ecs:StopServiceDeployment", here("ecs", f"service-deployment/{cluster}/web/1"), tags),
        )
        attack(
            f"deletes {whose} cluster",
            f"{others} service is gone",
            one("ecs:DeleteCluster", here("ecs", "cluster/9shop"), tags),
        )
        attack(
            f"runs a command in {whose} task",
            f"{others} secrets",
            one("ecs:ExecuteCommand", here("ecs", "task/9shop/1"), tags),
            one("ecs:ExecuteCommand", here("ecs", "cluster/9shop"), tags),
        )
        attack(
            f"changes {whose} listener",
            f"{others} clients",
            one(f"{ELB}:ModifyListener", here(ELB, "listener/app/9shop/1/2"), tags),
        )
        attack(
            f"makes a listener on {whose} load balancer",
            f"{others} clients",
            one(f"{ELB}:CreateListener", here(ELB, "loadbalancer/app/9shop/1"), tags, me.requested()),
        )
        attack(
            f"tags {whose} load balancer as its own",
            f"{others} clients",
            one(f"{ELB}:AddTags", here(ELB, "loadbalancer/app/9shop/1"), tags, me.requested()),
        )
        attack(
            f"tags {whose} service as its own",
            f"{others} service",
            one("ecs:TagResource", here("ecs", "service/9shop/web"), tags, me.requested()),
        )
        attack(
            f"deletes {whose} alarm",
            f"{others} alarm is silent",
            one("cloudwatch:DeleteAlarms", here("cloudwatch", "alarm:9shop-errors"), tags),
        )
        attack(
            f"overwrites {whose} alarm",
            f"{others} alarm is silent",
            one(
                "cloudwatch:PutMetricAlarm",
                here("cloudwatch", "alarm:9shop-errors" if not of_project else f"alarm:{PROJECT}-errors-1"),
                tags,
                me.requested(),
            ),
        )
        attack(
            f"deletes {whose} log group",
            "traces are gone",
            one("logs:DeleteLogGroup", here("logs", "log-group:trail"), tags),
        )
        attack(
            f"tags {whose} log group as its own",
            "traces are gone",
            one(
                "logs:TagResource",
                here("logs", "log-group:trail" if not of_project else f"log-group:{PROJECT}-1"),
                tags,
                me.requested(),
            ),
        )
        attack(
            f"lets an account outside write to {whose} topic",
            "false alarms",
            one("sns:SetTopicAttributes", here("sns", "alarms"), tags),
        )
        attack(
            f"tags {whose} topic as its own",
            "false alarms",
            one(
                "sns:TagResource",
                here("sns", "alarms" if not of_project else f"{PROJECT}-alarms-1"),
                tags,
                me.requested(),
            ),
        )
        attack(
            f"opens {whose} web ACL",
            f"{others} firewall",
            one("wafv2:UpdateWebACL", here("wafv2", "regional/webacl/9shop/1"), tags),
        )
        attack(
            f"tags {whose} web ACL as its own",
            f"{others} firewall",
            one(
                "wafv2:TagResource",
                here("wafv2", "regional/webacl/9shop/1" if not of_project else f"regional/webacl/{PROJECT}-1/1"),
                tags,
                me.requested(),
            ),
        )
        attack(
            f"pushes into {whose} repository",
            f"{others} next task runs its image",
            one("ecr:PutImage", here("ecr", "repository/9shop"), tags),
        )
        attack(
            f"takes {whose} auto scaling group",
            f"{others} instances",
            one(
                "autoscaling:UpdateAutoScalingGroup",
                here("autoscaling", "autoScalingGroup:1:autoScalingGroupName/9shop"),
                tags,
            ),
        )
        attack(
            f"tags {whose} auto scaling group as its own",
            f"{others} instances",
            one(
                "autoscaling:CreateOrUpdateTags",
                here("autoscaling", "autoScalingGroup:1:autoScalingGroupName/9shop"),
                tags,
                me.requested(),
            ),
        )
        attack(
            f"scales {whose} service",
            f"{others} service stands still",
            one(
                "application-autoscaling:RegisterScalableTarget",
                here("application-autoscaling", "scalable-target/9"),
                tags,
                me.requested(),
            ),
            one("ecs:UpdateService", here("ecs", "service/9shop/web"), tags),
        )
        attack(
            f"deletes {whose} certificate",
            "no new listener",
            one("acm:DeleteCertificate", here("acm", "certificate/9"), tags),
        )
        attack(
            f"reads where {whose} secret changed",
            "what there is",
            one("secretsmanager:ListSecretVersionIds", here("secretsmanager", "secret:db-AbCdEf"), tags),
        )
        attack(
            f"reads {whose} parameter",
            "passwords that lie in plain text",
            one("ssm:GetParameter", here("ssm", "parameter/db"), tags),
        )
        attack(
            f"reads {whose} secret",
            f"{others} secrets",
            one("secretsmanager:GetSecretValue", here("secretsmanager", "secret:db-AbCdEf"), tags),
        )
    rule, topic = here("events", f"rule/{PROJECT}-1"), here("sns", f"{PROJECT}-alarms-1")
    for whose, tags in me.victims.items():
        attack(
            f"changes {whose} rule",
            "what happens is not told",
            one("events:PutRule", here("events", "rule/9shop"), tags),
        )
        attack(
            f"tells {whose} rule's events to itself",
            "what happens there",
            one("events:PutTargets", here("events", "rule/9shop"), tags, {"events:TargetArn": [topic]}),
        )
    attack(
        "tags the other stack's rule as its own",
        "what happens is not told",
        one("events:TagResource", rule, other.existing(), me.requested()),
    )
    attack(
        "lets its rule start what is another's",
        "code with another's role",
        one("events:PutTargets", rule, me.existing(), {"events:TargetArn": [here("lambda", "function:9shop")]}),
    )
    attack(
        "lets its rule start what it does not say",
        "code with another's role",
        one("events:PutTargets", rule, me.existing()),
    )
    attack(
        "retags its own service as the other stack's",
        "another stack's deployment takes it",
        one("ecs:TagResource", here("ecs", f"service/{me.stack.family}/web"), me.existing(), other.requested()),
    )
    attack(
        "makes a group with the other stack's tags",
        "another stack's deployment takes it",
        one("ec2:CreateSecurityGroup", here("ec2", "security-group/sg-8"), other.requested()),
        one("ec2:CreateSecurityGroup", here("ec2", "vpc/vpc-1"), me.existing()),
    )
    attack(
        "makes a group with its tags, tagged as the other stack's while it is made",
        "another stack's deployment takes it",
        one(
            "ec2:CreateTags",
            here("ec2", "security-group/sg-8"),
            other.requested(),
            {"ec2:CreateAction": "CreateSecurityGroup"},
        ),
    )
    attack(
        "takes a repository of another name",
        "an image under another's name",
        one("ecr:CreateRepository", here("ecr", "repository/9shop"), me.requested()),
    )
    attack(
        "takes the repository of prod",
        "the other stack's next task runs its image",
        one(
            "ecr:TagResource",
            here("ecr", f"repository/{other.stack.repository_name}"),
            other.existing(),
            me.requested(),
        ),
    )
    attack(
        "takes a foreign certificate that has another project's tags",
        "no new listener",
        one("acm:AddTagsToCertificate", here("acm", "certificate/9"), FOREIGN, me.requested()),
    )
    attack(
        "takes the other stack's scalable target",
        "the other stack stands still",
        one(
            "application-autoscaling:TagResource",
            here("application-autoscaling", "scalable-target/9"),
            other.existing(),
            me.requested(),
        ),
    )
    attack(
        "works in another region",
        "machines that nobody sees",
        one(
            "ec2:CreateVpc",
            f"arn:aws:ec2:us-west-2:{ACCOUNT}:vpc/vpc-1",
            me.requested(),
            {"aws:RequestedRegion": "us-west-2"},
        ),
    )
    attack(
        "shares an image with an account outside",
        f"{others} disk",
        one("ec2:ModifyImageAttribute", f"arn:aws:ec2:{REGION}::image/ami-9"),
    )
    attack(
        "shares a snapshot with an account outside",
        f"{others} disk",
        one("ec2:ModifySnapshotAttribute", f"arn:aws:ec2:{REGION}::snapshot/snap-9"),
    )
    attack(
        "joins its VPC to another account's",
        f"{others} network",
        one("ec2:AcceptVpcPeeringConnection", here("ec2", "vpc/vpc-1"), me.existing()),
    )
    attack(
        "opens its repository to an account outside",
        "a way in that outlives the job",
        one("ecr:SetRepositoryPolicy", here("ecr", f"repository/{me.stack.repository_name}"), me.existing()),
    )
    attack("opens the registry to an account outside", "a way in that outlives the job", one("ecr:PutRegistryPolicy"))
    attack("copies every image to an account outside", "all images", one("ecr:PutReplicationConfiguration"))
    attack(
        "copies its log to an account outside",
        "a way out that outlives the job",
        one("logs:PutSubscriptionFilter", here("logs", f"log-group:{PROJECT}-1"), me.existing()),
    )
    attack("lets others write all logs of the account", "false traces", one("logs:PutResourcePolicy"))
    attack("stops the trail", "traces are gone", one("cloudtrail:StopLogging", here("cloudtrail", "trail/all")))
    attack("stops the detector", "nobody looks", one("guardduty:DeleteDetector", here("guardduty", "detector/1")))
    attack("reads another bucket", f"{others} data", one("s3:GetObject", "arn:aws:s3:::9shop/data"))
    attack("empties another bucket", f"{others} data", one("s3:DeleteObject", "arn:aws:s3:::9shop/data"))
    attack("opens another bucket", f"{others} data", one("s3:PutBucketPolicy", "arn:aws:s3:::9shop"))
    attack(
        "opens the other stack's access logs",
        "who asked prod for what",
        one("s3:PutBucketPolicy", f"arn:aws:s3:::{other.stack.family}-access-logs-1"),
    )
    attack("opens all buckets of the account to the public", "all data", one("s3:PutAccountPublicAccessBlock"))
    attack(
        "draws over the other stack's dashboard",
        "nobody sees",
        one("cloudwatch:PutDashboard", f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{other.stack.family}"),
    )
    attack(
        "silences what scales prod",
        "the other stack stands still",
        one(
            "cloudwatch:DeleteAlarms",
            here("cloudwatch", f"alarm:TargetTracking-service/{other.stack.family}/web-AlarmHigh-1"),
        ),
    )
    attack(
        "blocks the other stack's clients with a web ACL of its own",
        "the other stack answers nobody",
        one("wafv2:AssociateWebACL", here("wafv2", f"regional/webacl/{PROJECT}-1/1"), me.existing()),
        one("wafv2:AssociateWebACL", here(ELB, f"loadbalancer/app/{PROJECT}-9/9")),
        one(f"{ELB}:CreateWebACLAssociation", here(ELB, f"loadbalancer/app/{PROJECT}-9/9"), other.existing()),
    )
    attack(
        "associates a foreign web ACL",
        "the other stack answers nobody",
        one("wafv2:AssociateWebACL", here("wafv2", "regional/webacl/9shop/1"), FOREIGN),
    )

    # --- ECS, where one role acts for another ---
    service, revision = (
        here("ecs", f"service/{me.stack.family}/web"),
        here("ecs", f"task-definition/{me.stack.family}:8"),
    )
    prods = {"ecs:task-definition": here("ecs", f"task-definition/{other.stack.family}:3")}
    attack(
        "runs the other stack's task definition in its service",
        "the other stack's role and secrets",
        one("ecs:UpdateService", service, me.existing(), prods),
    )
    attack(
        "makes a service of the other stack's task definition",
        "the other stack's role and secrets",
        one("ecs:CreateService", service, me.requested(), prods),
    )
    attack(
        "makes a service in the other stack's cluster",
        "the other stack's machines",
        one(
            "ecs:CreateService",
            here("ecs", f"service/{other.stack.family}/x"),
            me.requested(),
            {"ecs:task-definition": revision},
        ),
    )
    attack(
        "makes a service without the stack's tags",
        "it is nobody's",
        one("ecs:CreateService", service, {"ecs:task-definition": revision}),
    )
    attack(
        "registers a revision of the other stack's task definition",
        "the other stack's next deployment runs it",
        one("ecs:RegisterTaskDefinition", here("ecs", f"task-definition/{other.stack.family}:4"), me.requested()),
    )
    attack(
        "runs the other stack's task definition once",
        "the other stack's role and secrets",
        one(
            "ecs:RunTask",
            here("ecs", f"task-definition/{other.stack.family}:3"),
            other.existing(),
            {"ecs:cluster": here("ecs", f"cluster/{me.stack.family}")},
        ),
    )
    attack(
        "runs a task on a foreign cluster",
        f"{others} machines",
        one("ecs:RunTask", revision, me.existing(), {"ecs:cluster": here("ecs", "cluster/9shop")}),
    )
    attack(
        "runs a command in its own task",
        "a shell that no deployment needs",
        one("ecs:ExecuteCommand", here("ecs", f"task/{me.stack.family}/1"), me.existing()),
    )
    attack(
        "lets ECS scale a foreign auto scaling group",
        f"{others} instances",
        one("ecs:CreateCapacityProvider", here("ecs", "capacity-provider/x"), me.requested()),
        one(
            "autoscaling:CreateOrUpdateTags",
            here("autoscaling", "autoScalingGroup:1:autoScalingGroupName/9shop"),
            FOREIGN,
        ),
    )

    attack(
        "runs a foreign task definition",
        f"{others} role and secrets",
        one(
            "ecs:RunTask",
            here("ecs", "task-definition/9shop:1"),
            FOREIGN,
            {"ecs:cluster": here("ecs", f"cluster/{me.stack.family}")},
        ),
    )
    shop = {"project": "9shop", "stack": me.stack.stack}
    for what, tags in (("another project's", me.requested(**shop)), ("the other stack's", other.requested())):
        attack(
            f"makes a service with {what} tags",
            f"{what} deployment takes it",
            one("ecs:CreateService", service, tags, {"ecs:task-definition": revision}),
        )
        attack(
            f"makes a network with {what} tags",
            f"{what} deployment takes it",
            one("ec2:CreateVpc", here("ec2", "vpc/vpc-1"), tags),
        )
        attack(
            f"makes a log group with {what} tags",
            f"{what} deployment takes it",
            one("logs:CreateLogGroup", here("logs", f"log-group:{PROJECT}-1"), tags),
        )
        attack(
            f"tags what it makes in ec2 as {what}",
            f"{what} deployment takes it",
            one("ec2:CreateTags", here("ec2", "vpc/vpc-1"), tags, {"ec2:CreateAction": "CreateVpc"}),
        )
        attack(
            f"tags what it makes in ecs as {what}",
            f"{what} deployment takes it",
            one("ecs:TagResource", service, tags, {"ecs:CreateAction": "CreateService"}),
        )
        attack(
            f"tags the load balancer that it makes as {what}",
            f"{what} deployment takes it",
            one(
                f"{ELB}:AddTags", here(ELB, "loadbalancer/app/x/1"), tags, {f"{ELB}:CreateAction": "CreateLoadBalancer"}
            ),
        )
        attack(
            f"retags what it has as {what}",
            f"{what} deployment takes it",
            one("ec2:CreateTags", here("ec2", "vpc/vpc-1"), me.existing(), tags),
        )

    # --- states and keys ---
    attack("reads the other stack's state", "the other stack's secrets", one("s3:GetObject", other.state))
    attack(
        "writes the other stack's state",
        "the other stack's next deployment does what it says",
        one("s3:PutObject", other.state),
    )
    attack("deletes the other stack's state", "the other stack is nobody's", one("s3:DeleteObject", other.state))
    attack(
        "lists the other stack's states",
        "what there is",
        one("s3:ListBucket", STATE.bucket_arn, {"s3:prefix": f"{other.stack.stack}/.pulumi/"}),
    )
    attack("lists all states", "what there is", one("s3:ListBucket", STATE.bucket_arn))
    attack(
        "lists another bucket",
        "what there is",
        one("s3:ListBucket", "arn:aws:s3:::9shop", {"s3:prefix": f"{me.stack.stack}/"}),
    )
    attack("decrypts with the other stack's key", "the other stack's secrets", one("kms:Decrypt", other.key))
    attack("changes who may use its key", "a way in that outlives the job", one("kms:PutKeyPolicy", me.key))
    attack("lends its key to an account outside", "a way in that outlives the job", one("kms:CreateGrant", me.key))
    attack("has its key deleted", "the state is lost", one("kms:ScheduleKeyDeletion", me.key))
    attack(
        "ends others' use of a key",
        f"{others} data cannot be read",
        one("kms:RetireGrant", here("kms", "key/9shop"), {"kms:ResourceAliases": ["alias/9shop"]}),
    )
    attack(
        "decrypts a parameter by AWS's own key",
        "secrets",
        one("kms:Decrypt", me.key, {"kms:ViaService": f"ssm.{REGION}.amazonaws.com"}),
    )
    for action in (
        *(
            "s3:PutBucketPolicy",
            "s3:DeleteBucketPolicy",
            "s3:PutReplicationConfiguration",
            "s3:PutInventoryConfiguration",
        ),
        *("s3:PutLifecycleConfiguration", "s3:PutEncryptionConfiguration", "s3:PutBucketVersioning", "s3:DeleteBucket"),
        *("s3:PutBucketAcl", "s3:PutBucketLogging", "s3:PutBucketOwnershipControls", "s3:PutBucketNotification"),
    ):
        attack(
            f"calls {action} on the bucket of the states", "a second door to every state", one(action, STATE.bucket_arn)
        )
    attack(
        "makes an access point to the states",
        "a second door to every state",
        one("s3:CreateAccessPoint", here("s3", "accesspoint/x")),
    )
    attack(
        "opens an access point to the states",
        "a second door to every state",
        one("s3:PutAccessPointPolicy", here("s3", "accesspoint/x")),
    )
    attack("erases an old version of its own state", "history", one("s3:DeleteObjectVersion", me.state))

    attack(
        "joins a VPC to another's private zone",
        "another product's names",
        one("route53:AssociateVPCWithHostedZone", "arn:aws:route53:::hostedzone/ZOTHER"),
    )
    attack(
        "moves a name",
        "clients",
        one(
            "route53:ChangeResourceRecordSets",
            "arn:aws:route53:::hostedzone/ZOTHER",
            {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["www.example.com"]},
        ),
    )
    # --- names ---
    if not me.stack.domain_name:
        return found
    normalized = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    zone = f"arn:aws:route53:::hostedzone/{me.stack.hosted_zone_id}"
    attack(
        "moves the mail of the zone",
        "mail",
        one("route53:ChangeResourceRecordSets", zone, {normalized: ["example.com"]}),
    )
    attack(
        "moves a name beside its own",
        "another product's clients",
        one("route53:ChangeResourceRecordSets", zone, {normalized: ["www.example.com", "9shop.example.com"]}),
    )
    attack(
        "proves another's name to a certificate authority",
        "a certificate for another's name",
        one("route53:ChangeResourceRecordSets", zone, {normalized: ["_acme.9shop.example.com"]}),
    )
    attack(
        "moves a name of another zone",
        "another product's clients",
        one(
            "route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/ZOTHER", {normalized: ["www.example.com"]}
        ),
    )
    attack(
        "changes records without saying which",
        "another product's clients",
        one("route53:ChangeResourceRecordSets", zone),
    )
    attack("deletes the zone", "all names", one("route53:DeleteHostedZone", zone))
    attack(
        "asks for another's certificate",
        "a certificate for another's name",
        one("acm:RequestCertificate", "*", me.requested(), {"acm:DomainNames": ["9shop.example.com"]}),
    )
    attack(
        "asks for a certificate with another's name beside its own",
        "a certificate for another's name",
        one(
            "acm:RequestCertificate", "*", me.requested(), {"acm:DomainNames": ["www.example.com", "9shop.example.com"]}
        ),
    )
    attack(
        "asks for a certificate without saying for whom",
        "a certificate for another's name",
        one("acm:RequestCertificate", "*", me.requested()),
    )
    attack(
        "asks for a certificate that is nobody's",
        "it stays",
        one("acm:RequestCertificate", "*", {"acm:DomainNames": ["www.example.com"]}),
    )

    return found


def _preview(me: Side, other: Side) -> list[Attack]:
    found: list[Attack] = []

    def attack(name: str, gain: str, *requests: Request) -> None:
        found.append(Attack(name, f"preview {me.stack.stack}", gain, requests))

    secrets = "the other stack's secrets"
    attack("reads the other stack's state", secrets, one("s3:GetObject", other.state))
    attack(
        "lists the other stack's states",
        "what there is",
        one("s3:ListBucket", STATE.bucket_arn, {"s3:prefix": f"{other.stack.stack}/"}),
    )
    attack("decrypts with the other stack's key", secrets, one("kms:Decrypt", other.key))
    attack(
        "reads the other stack's secret",
        secrets,
        one("secretsmanager:GetSecretValue", here("secretsmanager", "secret:db-AbCdEf"), other.existing()),
    )
    attack(
        "reads a secret of its stack",
        "secrets",
        one("secretsmanager:GetSecretValue", here("secretsmanager", "secret:db-AbCdEf"), me.existing()),
    )
    attack(
        "decrypts its parameter",
        "secrets",
        one("kms:Decrypt", me.key, {"kms:ViaService": f"ssm.{REGION}.amazonaws.com"}),
    )
    attack(
        "reads the other stack's access logs",
        "who asked prod for what",
        one("s3:GetObject", f"arn:aws:s3:::{other.stack.family}-access-logs-1/x"),
    )
    attack(
        "reads its own access logs",
        "who asked for what",
        one("s3:GetObject", f"arn:aws:s3:::{me.stack.family}-access-logs-1/x"),
    )
    attack(
        "reads the log of its application",
        "what clients sent",
        one("logs:GetLogEvents", here("logs", f"log-group:{PROJECT}-1:log-stream:1"), me.existing()),
    )
    attack(
        "pulls an image",
        "what is in it",
        one("ecr:BatchGetImage", here("ecr", f"repository/{me.stack.repository_name}"), me.existing()),
    )
    attack(
        "reads user data of an instance",
        "what was written there",
        one("ec2:DescribeInstanceAttribute", here("ec2", "instance/i-1")),
    )
    attack("reads what instances there are", "what there is", one("ec2:DescribeInstances"))
    attack("reads the other stack's role", "what prod may", one("iam:GetRolePolicy", other.role))
    attack("reads who may do what", "where to go on", one("iam:GetAccountAuthorizationDetails"))
    attack(
        "reads the other stack's dashboard",
        "what there is",
        one("cloudwatch:GetDashboard", f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{other.stack.family}"),
    )
    attack(
        "reads another zone",
        "what there is",
        one("route53:ListResourceRecordSets", "arn:aws:route53:::hostedzone/ZOTHER"),
    )
    attack(
        "lists another bucket",
        "what there is",
        one("s3:ListBucket", "arn:aws:s3:::9shop", {"s3:prefix": f"{me.stack.stack}/"}),
    )
    for whose, tags in me.victims.items():
        attack(
            f"asks for {whose} parameter",
            "passwords that lie in plain text",
            one("ssm:GetParameter", here("ssm", "parameter/db"), tags),
        )
    for whose, tags in me.victims.items():
        attack(
            f"reads {whose} parameter",
            "passwords that lie in plain text",
            one("ssm:GetParameter", here("ssm", "parameter/db"), tags),
        )
    attack("reads another's bucket policy", "where to go on", one("s3:GetBucketPolicy", "arn:aws:s3:::9shop"))
    attack(
        "looks into another region", "what there is", one("ec2:DescribeVpcs", "*", {"aws:RequestedRegion": "us-west-2"})
    )
    for action, resource, tags in (
        ("s3:PutObject", me.state, {}),
        ("s3:DeleteObject", me.state, {}),
        ("ecs:UpdateService", here("ecs", f"service/{me.stack.family}/web"), me.existing()),
        ("ecs:RunTask", here("ecs", f"task-definition/{me.stack.family}:1"), me.existing()),
        ("ec2:CreateVpc", here("ec2", "vpc/vpc-1"), me.requested()),
        ("ec2:CreateTags", here("ec2", "vpc/vpc-1"), {**me.existing(), **me.requested()}),
        ("ecr:PutImage", here("ecr", f"repository/{me.stack.repository_name}"), me.existing()),
        ("iam:PutRolePolicy", me.role, me.bounded),
        ("iam:PassRole", me.role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}),
        ("iam:CreateRole", me.role, me.bounded),
        ("kms:GenerateDataKey", me.key, {}),
    ):
        attack(f"calls {action}", "a pull request changes what nobody merged", one(action, resource, tags))
    return found


def _application(me: Side, other: Side) -> list[Attack]:
    """A role of the stack, with every permission that a deployment can write into it: the boundary alone holds."""
    found: list[Attack] = []

    def attack(name: str, gain: str, *requests: Request) -> None:
        found.append(Attack(name, f"application {me.stack.stack}", gain, requests))

    via = {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}
    for whose, tags in me.victims.items():
        attack(
            f"reads {whose} secret",
            "every secret of the account",
            one("secretsmanager:GetSecretValue", here("secretsmanager", "secret:db-AbCdEf"), tags),
        )
        attack(
            f"reads {whose} parameter",
            "every parameter of the account",
            one("ssm:GetParameters", here("ssm", "parameter/db"), tags),
        )
        attack(f"decrypts with {whose} key", "what it encrypts", one("kms:Decrypt", here("kms", "key/9"), tags, via))
        attack(f"pulls {whose} image", "what is in it", one("ecr:BatchGetImage", here("ecr", "repository/9shop"), tags))
        attack(
            f"shifts {whose} traffic",
            "another workload's clients",
            one(f"{ELB}:ModifyRule", here(ELB, "listener-rule/app/9shop/1/2/3"), tags),
        )
        attack(
            f"registers itself in {whose} target group",
            "another workload's clients",
            one(f"{ELB}:RegisterTargets", here(ELB, "targetgroup/9shop/1"), tags),
        )
    for whose, tags in me.victims.items():
        attack(
            f"joins {whose} cluster as a machine",
            "its tasks with their roles",
            one("ecs:RegisterContainerInstance", here("ecs", "cluster/9shop"), tags),
        )
    attack(
        "reads its secret in another region",
        "copies of secrets",
        one(
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:db-AbCdEf",
            me.existing(),
            {"aws:RequestedRegion": "us-west-2"},
        ),
    )
    attack("decrypts with its key past the two services", "states", one("kms:Decrypt", me.key, me.existing()))
    attack(
        "decrypts by AWS's own key past the two services",
        "other data",
        one("kms:Decrypt", here("kms", "key/aws"), {"kms:ResourceAliases": ["alias/aws/ssm"]}),
    )
    attack(
        "decrypts with a key that has another alias",
        "other data",
        one("kms:Decrypt", here("kms", "key/aws"), via, {"kms:ResourceAliases": ["alias/9shop"]}),
    )
    attack("reads a state", "all secrets", one("s3:GetObject", me.state))
    attack("takes another role", "another role's permissions", one("sts:AssumeRole", ADMIN))
    attack("writes permissions", "is administrator", one("iam:PutRolePolicy", me.role, me.bounded))
    attack("makes a user", "a way in", one("iam:CreateUser", iam("user", "x")))
    attack(
        "hears what the other stack's machines are told",
        "the other stack's tasks with their roles",
        one("ecs:Poll", here("ecs", f"container-instance/{other.stack.family}/1"), other.existing()),
    )
    attack(
        "writes the other stack's log",
        "false traces",
        one("logs:PutLogEvents", here("logs", f"log-group:{PROJECT}-1:log-stream:1"), other.existing()),
    )
    attack(
        "writes a foreign log", "false traces", one("logs:PutLogEvents", here("logs", "log-group:trail:log-stream:1"))
    )
    attack(
        "changes its service",
        "what was not deployed",
        one("ecs:UpdateService", here("ecs", f"service/{me.stack.family}/web"), me.existing()),
    )
    return found


def _doors() -> list[Attack]:
    """Principals whose own permissions are without bounds: what the bucket of the states and the keys hold against."""
    found: list[Attack] = []

    def attack(name: str, who: str, gain: str, *requests: Request) -> None:
        found.append(Attack(name, who, gain, requests))

    dev, prod = (Side(environment(name)) for name in ("dev", "prod"))
    github = {
        "aws:PrincipalArn": iam("role", f"github-{PROJECT}-dev-deploy"),
        "aws:PrincipalAccount": ACCOUNT,
        "aws:SecureTransport": "true",
    }
    task = {**github, "aws:PrincipalArn": dev.role}
    admin = {**github, "aws:PrincipalArn": ADMIN}
    outside = {**admin, "aws:PrincipalArn": "arn:aws:iam::999999999999:role/x", "aws:PrincipalAccount": "999999999999"}
    mine, key = f"{STATE.bucket_arn}/dev/x", "s3:x-amz-server-side-encryption-aws-kms-key-id"
    bucket = "bucket of the states"
    attack("reads prod's state", bucket, "prod's secrets", one("s3:GetObject", prod.state, github))
    attack(
        "reads dev's state from prod's job",
        bucket,
        "dev's secrets",
        one("s3:GetObject", mine, {**github, "aws:PrincipalArn": iam("role", f"github-{PROJECT}-prod-deploy")}),
    )
    attack(
        "writes prod's state",
        bucket,
        "prod's next deployment",
        one("s3:PutObject", prod.state, github, {key: prod.key}),
    )
    attack("reads a state from a task", bucket, "all secrets", one("s3:GetObject", mine, task))
    attack("reads prod's state from a task", bucket, "all secrets", one("s3:GetObject", prod.state, task))
    attack("opens the bucket", bucket, "a second door", one("s3:PutBucketPolicy", STATE.bucket_arn, github))
    attack(
        "copies the bucket", bucket, "a second door", one("s3:PutReplicationConfiguration", STATE.bucket_arn, github)
    )
    attack("erases a version", bucket, "history", one("s3:DeleteObjectVersion", mine, github))
    attack(
        "reads without TLS",
        bucket,
        "what the network sees",
        one("s3:GetObject", mine, admin, {"aws:SecureTransport": "false"}),
    )
    attack("reads from an account outside", bucket, "all secrets", one("s3:GetObject", mine, outside))
    attack(
        "writes a state with another key",
        bucket,
        "a state that only the attacker reads",
        one("s3:PutObject", mine, github, {key: prod.key}),
    )
    attack("writes a state without a key", bucket, "a state that others read", one("s3:PutObject", mine, github))
    attack(
        "writes prod's state with another key",
        bucket,
        "a state that only the attacker reads",
        one("s3:PutObject", prod.state, admin, {key: dev.key}),
    )
    keys = "key of prod"
    attack("decrypts with prod's key", keys, "prod's secrets", one("kms:Decrypt", prod.key, github))
    attack(
        "decrypts with prod's key from a task",
        keys,
        "prod's secrets",
        one("kms:Decrypt", prod.key, {**github, "aws:PrincipalArn": prod.role}),
    )
    prod_job = {**github, "aws:PrincipalArn": iam("role", f"github-{PROJECT}-prod-deploy")}
    attack("changes who may use the key", keys, "a way in", one("kms:PutKeyPolicy", prod.key, prod_job))
    attack("has the key deleted", keys, "the state is lost", one("kms:ScheduleKeyDeletion", prod.key, prod_job))
    return found


SIDES = [Side(environment(name)) for name in ("dev", "prod")]
ATTACKS: Sequence[Attack] = (
    *(
        attack
        for me, other in (SIDES, SIDES[::-1])
        for attack in (*_deploy(me, other), *_preview(me, other), *_application(me, other))
    ),
    *_doors(),
)
