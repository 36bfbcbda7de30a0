"""What AWS itself checks of ECS, each check with the rules that ask the same, or why none does: for docs/policies.md.

The words are ours; the sources say what each check asks.
"""

from __future__ import annotations

from typing import NamedTuple


class Check(NamedTuple):
    """One check of AWS."""

    id: str
    about: str
    rules: tuple[str, ...] = ()
    """The rules that ask it, or the part of it that `remark` names."""
    remark: str = ""
    """Why no rule does, or what a rule leaves out. Needed where there is none."""


class Yardstick(NamedTuple):
    title: str
    source: str
    read: str
    """Which edition, and when it was read."""
    checks: tuple[Check, ...]


_RUNNING = "Of what runs, which no resource tells."
_ALARMS = "Alarms may be kept by another stack or product: that this one has none proves nothing."
_CHOICE = "A choice of the application; the other way works, too."

SECURITY_HUB = Yardstick(
    "Security Hub's controls for Amazon ECS",
    "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html",
    "As the list stands since March 2026, when AWS retired ECS.1 in favour of ECS.4, ECS.17, ECS.20 and ECS.21.",
    (
        Check("ECS.2", "no public addresses for tasks of services", ("SV-03",)),
        Check("ECS.3", "no process namespace of the host", ("TD-38", "TD-13")),
        Check("ECS.4", "no privileged containers", ("TD-35",)),
        Check("ECS.5", "read-only root file systems", ("TD-36",)),
        Check("ECS.8", "no secrets in environment variables", ("TD-39",)),
        Check("ECS.9", "a logging configuration", ("TD-40",)),
        Check("ECS.10", "the latest platform version of Fargate", ("SV-16b",)),
        Check("ECS.12", "Container Insights", ("CL-01",)),
        Check("ECS.13", "tags on services", ("TG-01",), "With its option `keys`; without, it asks for none."),
        Check("ECS.14", "tags on clusters", ("TG-01",), "As ECS.13."),
        Check("ECS.15", "tags on task definitions", ("TG-01",), "As ECS.13."),
        Check("ECS.16", "no public addresses for task sets", (), "Not yet: SV-03 looks at services."),
        Check("ECS.17", "no host network mode", ("TD-38",)),
        Check("ECS.18", "encryption in transit for EFS volumes", ("TD-41",)),
        Check("ECS.19", "managed termination protection of capacity providers", ("LT-11b",)),
        Check("ECS.20", "users other than root in Linux containers", ("TD-37",)),
        Check("ECS.21", "users other than the administrator in Windows containers", ("TD-37",)),
    ),
)

OPERATION_REVIEW = Yardstick(
    "AWS's ECS operation review",
    "https://github.com/aws/tools-for-devops-agent/tree/main/skills/ecs-operation-review",
    "Version 2.5.0 of 24 September 2026, 70 checks of a running service; its performance checks as of version 2.4.0, "
    "after which its list of changes names none of them but the permission that PERF8 takes.",
    (
        Check("REL1", "running tasks in several zones", (), _RUNNING),
        Check("REL2", "two tasks or more", ("SV-15",)),
        Check("REL3", "circuit breaker with rollback", ("SV-14b", "SV-14")),
        Check(
            "REL4",
            "minimum healthy percent",
            ("SV-13",),
            "That there is room; how much may be missing meanwhile is a choice. The risk report tells of 0.",
        ),
        Check("REL5", "autoscaling", (), "Whether the load changes, no resource tells."),
        Check("REL6", "health check grace period", ("SV-24", "SV-11")),
        Check("REL7", "as many tasks as wanted", (), _RUNNING),
        Check("REL8", "healthy targets", (), _RUNNING),
        Check("REL9", "no stuck deployment", (), _RUNNING),
        Check("REL10", "subnets of the service in two zones", (), "Not yet: LB-01 asks it of load balancers."),
        Check("REL11", "rollback by alarms", (), "Which alarm tells of a bad revision is the application's to say."),
        Check("REL12", "managed termination protection", ("LT-11b", "LT-11")),
        Check(
            "REL13",
            "deregistration delay",
            (),
            "How long the longest request takes, no resource tells; unset it is 300 s.",
        ),
        Check("REL14", "instances in two zones", (), "Not yet."),
        Check("OBS1", "Container Insights", ("CL-01",)),
        Check("OBS2", "logging", ("TD-40", "TD-28", "LG-03")),
        Check("OBS3", "alarm on CPU", (), _ALARMS),
        Check("OBS4", "alarm on memory", (), _ALARMS),
        Check("OBS5", "alarm on running tasks", (), _ALARMS),
        Check("OBS6", "a week of CPU", (), _RUNNING),
        Check("OBS7", "a week of memory", (), _RUNNING),
        Check("OBS8", "retention of the log", ("LG-01",)),
        Check("OBS9", "tracing", (), _CHOICE),
        Check(
            "SEC1",
            "permissions of the execution role",
            ("IM-01", "IM-03"),
            "All actions at once; narrower wildcards are not judged.",
        ),
        Check("SEC2", "permissions of the task role", ("IM-01",), "As SEC1."),
        Check("SEC3", "network mode awsvpc", ("TD-03", "TD-38"), "On EC2 bridge is a choice; host is found."),
        Check("SEC4", "no privileged containers", ("TD-35",)),
        Check("SEC5", "read-only root file system", ("TD-36", "SV-21b")),
        Check("SEC6", "no secrets in environment variables", ("TD-39",)),
        Check("SEC7", "secrets from Secrets Manager or SSM", ("TD-39", "EN-01", "TD-33")),
        Check("SEC8", "users other than root", ("TD-37",)),
        Check("SEC9", "no public addresses", ("SV-03",)),
        Check("SEC10", "scanned images", ("ER-02",)),
        Check("SEC11", "immutable tags", ("ER-01",)),
        Check("SEC12", "narrow security groups", ("NW-01", "NW-02", "NW-04")),
        Check("SEC13", "endpoints for ECR", ("NW-09", "SV-04")),
        Check("SEC14", "endpoint for CloudWatch Logs", ("SV-04",), "Where there is no other way."),
        Check("SEC15", "endpoint for Secrets Manager", ("SV-04",), "Where there is no other way."),
        Check("SEC16", "a way out of private subnets", ("SV-04",)),
        Check("SEC17", "encryption of the tasks' storage", (), "Not yet for EBS volumes; Fargate encrypts its own."),
        Check("SEC18", "flow logs", ("NW-05",)),
        Check("SEC19", "runtime monitoring of GuardDuty", (), "A setting of the account, not of a service."),
        Check(
            "SEC20",
            "encryption in transit",
            ("LB-06", "LB-06b", "LB-07"),
            "On the way to the load balancer; Service Connect is not judged.",
        ),
        Check("OPS1", "tags", ("TG-01",), "With its option `keys`."),
        Check("OPS2", "latest platform version", ("SV-16b",)),
        Check(
            "OPS3",
            "no ECS Exec in production",
            (),
            "What is production, no resource tells; CL-02, SV-21 and SV-21b say how it is on safely.",
        ),
        Check(
            "OPS4",
            "container health checks",
            ("TD-26", "HC-01"),
            "That one can run; a load balancer's may do in its place.",
        ),
        Check("OPS5", "maximum percent", ("SV-13",), "That there is room to replace tasks."),
        Check("OPS6", "version of the agent", (), _RUNNING),
        Check("OPS7", "age of the instances' image", (), _RUNNING),
        Check("OPS8", "infrastructure as code", (), "What this pack judges is."),
        Check("OPS9", "record of ECS Exec", ("CL-02", "CL-02b")),
        Check("PERF1", "use of CPU", (), _RUNNING),
        Check("PERF2", "use of memory", (), _RUNNING),
        Check("PERF3", "target tracking", ("AS-02", "AS-03"), "That a policy works, not that there is one."),
        Check(
            "PERF4", "least and most tasks", ("AS-01", "SV-13b"), "That they fit; how many is the application's to say."
        ),
        Check("PERF5", "size of the task", ("TD-01", "TD-20")),
        Check("PERF6", "limits of containers", ("TD-42", "TD-20", "TD-22", "TD-23")),
        Check(
            "PERF7",
            "capacity provider strategy",
            ("LT-09",),
            "That there is a strategy or a launch type; either works.",
        ),
        Check("PERF8", "Compute Optimizer", (), _RUNNING),
        Check(
            "PERF9",
            "managed scaling with headroom",
            ("LT-11",),
            "Managed scaling where protection needs it; the headroom is a choice.",
        ),
        Check("PERF10", "reserved capacity against its target", (), _RUNNING),
        Check(
            "PERF11",
            "bases and weights",
            ("LT-05", "LT-06", "CI-03"),
            "In range, and a task that fits an instance; how much Spot is a choice.",
        ),
        Check("ADD1", "ARM64", (), _CHOICE),
        Check("ADD2", "Fargate Spot", (), f"{_CHOICE} LT-07 says where it cannot be."),
        Check("ADD3", "Service Connect", (), f"{_CHOICE} SV-19 judges what there is."),
        Check("ADD4", "tags of images", ("ER-07",)),
        Check("ADD5", "one application a task", (), "Which containers belong together, no resource tells."),
        Check("ADD6", "queries of the log", (), "A service of the review, not a check."),
        Check("ADD7", "managed instances", (), _CHOICE),
    ),
)

YARDSTICKS = (SECURITY_HUB, OPERATION_REVIEW)
