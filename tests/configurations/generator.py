# ruff: noqa: RUF001 - tables of texts, some of them look like others
"""Draws configurations of a stack: every setting, most of them such as a user would write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hypothesis import strategies as st

from ecs_policy.fargate import TASK_SIZES
from reading import Key
from settings import keys
from tests.mocks import changed

SCHEMA = {path: key for path, key in keys().items() if ":" not in path}
REGIONS = {"aws": "ap-northeast-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-eusc": "eusc-de-east-1"}
UUID = "01234567-89ab-cdef-0123-456789abcdef"
ACCOUNT = "123456789012"
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


class Configuration(NamedTuple):
    """What a stack file says."""

    kind: str
    """`plausible`, `edge` or `hostile`: how it was drawn, not whether it is right."""
    stack: str
    values: Mapping[str, object]
    """Path of a setting to its value as in YAML, or to a text that stands as it is."""
    changed: frozenset[str]
    """Keys that were drawn to be odd."""

    @property
    def texts(self) -> dict[str, str]:
        """What the engine gives the program."""
        return changed({}, self.values)


def _of(*values: object) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def _lists(item: st.SearchStrategy[Any], most: int = 4, least: int = 0) -> st.SearchStrategy[list[Any]]:
    return st.lists(item, min_size=least, max_size=most, unique=True)


_NAMES = _of("LEVEL", "DB_PASSWORD", "_x", "A1", "HTTP_PROXY")


def _arn(service: str, rest: str, partition: str, *, region: str | None = None) -> str:
    return f"arn:{partition}:{service}:{REGIONS[partition] if region is None else region}:{ACCOUNT}:{rest}"


def _plausible(partition: str) -> dict[str, st.SearchStrategy[Any]]:
    """What users write, key by key."""
    secret = _arn("secretsmanager", "secret:", partition)
    parameter = _arn("ssm", "parameter/", partition)
    secrets = _of(
        *(f"{secret}db-AbCdEf", f"{secret}db-AbCdEf:password::", f"{secret}shop/db_1+=.@-x-AbCdEf:user:AWSCURRENT:"),
        *(
            f"{secret}rds!cluster-1-AbCdEf:password::",
            f"{secret}db-AbCdEf::AWSPREVIOUS:",
            f"{secret}db-AbCdEf:::{UUID}",
        ),
        *(f"{parameter}level", f"{parameter}shop/prod/key_1.x-y"),
    )
    return {
        "image.version": _of("0.0.1", "1.0.0", "v2", "2026-06-01", "a" * 100),
        "image.base": _of(
            *("ubuntu:24.04", "debian:bookworm-slim", "public.ecr.aws/ubuntu/ubuntu:24.04", "localhost:5000/a/b_c:1"),
            *("ghcr.io/team/base@sha256:" + "a1" * 32, "ubuntu:24.04@sha256:" + "0f" * 32, "a--b/c__d.e:X_1"),
        ),
        "image.repositoryName": _of("ecr-h4b-helloworld", "team/shop", "a1", "a.b_c-d/e__f", "x" * 200),
        "network.vpcCidr": _of(
            "10.0.0.0/16", "172.20.0.0/20", "192.168.0.0/18", "100.64.0.0/16", "10.255.0.0/22", "203.0.112.0/20"
        ),
        "network.availabilityZoneCount": st.integers(2, 3),
        "network.natGateways": _of("single", "one-per-zone"),
        "network.vpcEndpoints": st.booleans(),
        "network.flowLogRetentionDays": _of(0, *LOG_DAYS),
        "loadBalancer.allowedIngressCidrs": _lists(
            _of("0.0.0.0/0", "203.0.113.0/24", "203.0.113.7/32", "198.51.100.0/25", "10.0.0.0/8", "127.0.0.1/32"), 4, 1
        ),
        "containerInsights": _of("enhanced", "enabled"),
        "fargate.spotPercent": st.just(0),
        "fargate.onDemandBase": st.integers(0, 10),
        "instances.instanceType": st.just("t3.medium"),
        "instances.minSize": st.integers(0, 2),
        "instances.maxSize": st.integers(4, 20),
        "loadBalancer.scheme": _of("internet-facing", "internal"),
        "domain.certificateArn": st.just(""),
        "domain.name": st.just(""),
        "domain.hostedZoneId": st.just(""),
        "firewall": _of("managed", "none", _arn("wafv2", f"regional/webacl/company_1-a/{UUID}", partition)),
        "loadBalancer.accessLogRetentionDays": _of(0, 1, 90, 3650),
        "targetGroup.healthCheckPath": _of("/", "/health", "/a?b=c&d=~", "/" + "x" * 1023),
        "service.healthCheckGracePeriodSeconds": _of(0, 44, 300),
        "targetGroup.deregistrationDelaySeconds": _of(0, 5, 300, 3600),
        "task.cpuArchitecture": st.just("X86_64"),
        "task.cpuUnits": st.just(256),
        "task.memoryMib": st.just(512),
        "container.port": _of(80, 8080, 1, 65535),
        "container.user": _of("33:33", "1000", "1000:0", "2147483647:2147483647", "65534"),
        "task.networkMode": st.just("awsvpc"),
        "environment": st.dictionaries(
            _NAMES, _of("", "info", "a b", "日本語 ✓", 'quote"\\', "x\ny", "x" * 300), max_size=3
        ),
        "secrets": st.dictionaries(_of("S1", "S2", "TOKEN"), secrets, max_size=3),
        "container.healthCheckCommand": _of("", "curl -f http://localhost/ || exit 1", "test -e /dev/shm"),
        "container.stopTimeoutSeconds": _of(2, 30, 120),
        "task.ephemeralStorageGib": st.just(0),
        "service.executeCommand": st.booleans(),
        "task.logRetentionDays": _of(*LOG_DAYS),
        "service.desiredCount": st.integers(1, 4),
        "placement.strategies": st.just([]),
        "placement.constraints": st.just([]),
        "service.taskStartSeconds": _of(30, 60, 3600),
        "service.rollbackOnInterrupt": st.booleans(),
        "migration.command": _of([], ["./migrate"], ["sh", "-c", "echo 'a b' && ./migrate --to \"2\""]),
        "service.forceNewDeployment": _of("", "2026-06-01", "new secrets: #2"),
        "migration.timeoutMinutes": _of(1, 60, 10080),
        "deployment.strategy": _of("ROLLING", "ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"),
        "deployment.stepPercent": st.integers(3, 100),
        "deployment.stepMinutes": _of(0, 5, 1440),
        "deployment.bakeMinutes": _of(0, 5, 1440),
        "deployment.approval.stage": _of("", "", "PRE_SCALE_UP", "POST_SCALE_UP"),
        "deployment.approval.timeoutMinutes": _of(1, 60, 20160),
        "scaling.maxCount": st.just(0),
        "scaling.cpuPercent": _of(0, 10, 60, 90),
        "scaling.memoryPercent": _of(10, 75, 90),
        "scaling.requestsPerTarget": st.just(0),
        "scaling.schedule": st.just([]),
        "scaling.timezone": _of("UTC", "Asia/Tokyo", "Europe/Berlin", "Etc/GMT+9", "America/Argentina/Buenos_Aires"),
        "alarms.enabled": st.booleans(),
        "alarms.errorPercent": _of(1, 5, 100),
        "alarms.latencyMilliseconds": _of(1, 1000, 3_600_000),
        "alarms.email": st.just(""),
        "dashboard": st.booleans(),
        "permissionsBoundaryArn": _of(
            "",
            _arn("iam", "policy/h4b-boundary", partition, region=""),
            f"arn:{partition}:iam::aws:policy/ReadOnlyAccess",
        ),
        "deployedBy": _of("administrator", "github"),
        "deletionProtection": st.booleans(),
    }


_SIZES = (
    *(("t3.small", 256, 512), ("t3.medium", 512, 1024), ("m5.large", 1024, 4096), ("c6i.xlarge", 2048, 4096)),
    *(("r5.2xlarge", 300, 700), ("m7i.4xlarge", 128, 6), ("t3.micro", 2048, 896)),
)
_SCHEDULES = (
    *("cron(0 20 * * ? *) 0-0", "cron(0 8 ? * MON-FRI *) 1-4", "cron(0/15 8-17 ? * MON-FRI *) 2-3"),
    *("cron(0 9 ? * 2#1 *) 1-2", "cron(15 10 ? * 6L 2027-2030) 1-1", "cron(0 8 L * ? *) 1-4", "rate(7 days) 1-4"),
    *("rate(1 hour) 2-2", "at(2030-01-31T08:00:00) 4-4", "cron(30 6 1,15 JAN-JUN ? 2030/2) 1-4"),
)


@st.composite
def _coherent(draw: st.DrawFn, partition: str) -> dict[str, object]:
    """A whole configuration whose parts go together."""
    keys = _plausible(partition)
    always = {"loadBalancer.allowedIngressCidrs", "loadBalancer.scheme"}
    chosen = {key for key in sorted(keys) if key in always or draw(st.booleans())}
    values: dict[str, object] = {"aws:region": REGIONS[partition], **{key: draw(keys[key]) for key in sorted(chosen)}}
    if values["loadBalancer.scheme"] == "internet-facing":
        values["loadBalancer.allowedIngressCidrs"] = [*values["loadBalancer.allowedIngressCidrs"], "192.0.2.0/24"]  # type: ignore[misc]
    _choose_capacity(draw, values)
    _choose_scaling(draw, values)
    _choose_name(draw, values, partition)
    if draw(st.booleans()):
        values |= {"network.natGateways": "none", "network.vpcEndpoints": True}
    if values.get("deployedBy") == "github":
        values["permissionsBoundaryArn"] = ""
    if not values.get("deployment.approval.stage"):
        values.pop("deployment.approval.stage", None)
        values.pop("deployment.approval.timeoutMinutes", None)
    if values.get("alarms.enabled", True):
        values["alarms.email"] = draw(_of("", "on-call@example.com", "a.b+c@sub.example.co.jp", "o'x@x-y.xn--p1ai"))
    return values


def _choose_capacity(draw: st.DrawFn, values: dict[str, object]) -> None:
    if draw(st.booleans()):
        cpu = draw(_of(*TASK_SIZES))
        values |= {"service.launchType": "FARGATE", "task.cpuUnits": cpu, "task.memoryMib": draw(_of(*TASK_SIZES[cpu]))}
        if draw(st.booleans()):
            values["fargate.spotPercent"] = draw(st.integers(1, 100))
        values["task.ephemeralStorageGib"] = draw(_of(0, 21, 200))
        if draw(st.booleans()):
            values["task.cpuArchitecture"] = "ARM64"
        return
    instance, cpu, memory = draw(_of(*_SIZES))
    mode = draw(_of("awsvpc", "bridge"))
    values |= {
        "service.launchType": "EC2",
        "instances.instanceType": instance,
        "task.cpuUnits": cpu,
        "task.memoryMib": memory,
    }
    values |= {
        "task.networkMode": mode,
        "service.desiredCount": draw(st.integers(0, 4)),
        "instances.maxSize": draw(st.integers(10, 40)),
    }
    values["placement.strategies"] = draw(
        _of(
            [],
            ["random"],
            ["spread attribute:ecs.availability-zone", "binpack memory"],
            ["binpack cpu"],
            ["spread host"],
        )
    )
    values["placement.constraints"] = draw(
        _of(
            [],
            ["distinctInstance"],
            ["memberOf attribute:ecs.instance-type =~ *.*"],
            ["memberOf runningTasksCount < 5"],
        )
    )


def _choose_scaling(draw: st.DrawFn, values: dict[str, object]) -> None:
    if draw(st.booleans()):
        return
    values |= {"scaling.maxCount": draw(st.integers(4, 5)), "scaling.schedule": draw(_lists(_of(*_SCHEDULES), 3))}
    if values.get("deployment.strategy", "ROLLING") == "ROLLING":
        values["scaling.requestsPerTarget"] = draw(_of(0, 1, 1_000_000))
    if values.get("service.desiredCount") == 0:
        values["service.desiredCount"] = 1


def _choose_name(draw: st.DrawFn, values: dict[str, object], partition: str) -> None:
    certificate = _arn("acm", f"certificate/{UUID}", partition)
    name = draw(_of("shop.example.com", "1.a-b.example.co.jp", "xn--eckwd4c7c.xn--zckzah", "a" * 53 + ".example.co"))
    long = f"{'a' * 60}.{'b' * 60}.example.com"
    values |= draw(
        _of(
            *(
                {},
                {},
                {"domain.certificateArn": certificate},
                {"domain.certificateArn": certificate, "domain.name": long},
            ),
            *({"domain.name": name, "domain.hostedZoneId": "Z1D633PJN98FT9"},),
            {"domain.name": name, "domain.hostedZoneId": "Z" + "9" * 31, "domain.certificateArn": certificate},
        )
    )


_BIG = 10**18
_NUMBERS = _of(*(-1, 0, 1, 2, 21, 31, 99, 100, 101, 120, 200, 1000, 1001, 1440, 3600, 5000, 5001, 65535, 65536, _BIG))
_TEXTS = _of(
    *(
        "",
        " ",
        "0",
        "[]",
        "{}",
        "null",
        "true",
        "None",
        "\0",
        "x\0y",
        "\n",
        "日本",
        "a b",
        "*",
        "?",
        "${x}",
        "../..",
        "x" * 3000,
    ),
    *("1_0", "\u0663", " 7 ", "+7", "07", "1e3", "0x10", "7.0", "-0", "[" * 20000, '{"a":' * 9000, "\ud800"),
    *("04da6b54-80e4-46f7-96ec-b56ff0331ba9", "a,b", "<script>", "'; --", "\u202e", "\x7f"),
)


def _odd(partition: str) -> dict[str, st.SearchStrategy[Any]]:
    """At the borders of what is allowed, and what only looks as if it were."""
    other = "aws-cn" if partition == "aws" else "aws"
    secret, parameter = _arn("secretsmanager", "secret:", partition), _arn("ssm", "parameter/", partition)
    abroad = _arn("ssm", "parameter/a", partition, region="us-east-1")
    certificate = _arn("acm", "certificate/", partition)
    acl = _arn("wafv2", "regional/webacl/", partition)
    boundary = _arn("iam", "policy/", partition, region="")
    return {
        "image.version": _of("", "-1", ".1", "a" * 101, "a/b", "1.0\n", "１"),
        "image.base": _of(
            *(
                "a::::",
                "ubuntu@sha256:zz",
                "a/../b",
                "ubuntu:" + "t" * 128,
                "ubuntu:" + "t" * 129,
                "Ubuntu",
                "ubuntu:",
                "@",
            ),
            *(
                "ubuntu@sha256:" + "A" * 64,
                "a" * 64,
                "a" * 255,
                "a" * 256,
                "a/" * 50 + "b",
                "-a",
                "a-",
                "a..b",
                "a___b",
                "[::1]:5000/a",
            ),
            *("UPPER.example/a", "x.y:99999/a", "ubuntu:24.04 ", "http://ubuntu", "a//b", "/a", "deadbeef" * 8),
        ),
        "image.repositoryName": _of("a", "A", "a" * 200, "a" * 201, "a//b", "a-", "-a", "a..b", "a/b/c", "a\n"),
        "network.vpcCidr": _of(
            *(
                "10.0.0.0/255.255.0.0",
                "10.0.0.0/0.0.255.255",
                "10.0.0.0/016",
                "127.0.0.0/16",
                "169.254.0.0/16",
                "224.0.0.0/16",
            ),
            *(
                "255.255.0.0/16",
                "240.0.0.0/20",
                "0.0.0.0/16",
                "10.0.0.0/15",
                "10.0.0.0/25",
                "10.0.0.0/28",
                "10.0.0.1/16",
            ),
            *("10.0.0.0", "10.0.0.0/16 ", "2001:db8::/32", "1.2.0.0/16", "010.0.0.0/16", "10.0.0.0/+16", "10.0.0.0/١٦"),
        ),
        "network.availabilityZoneCount": st.integers(1, 7),
        "network.natGateways": _of("none", "None", "both"),
        "loadBalancer.allowedIngressCidrs": st.one_of(
            _lists(
                _of(
                    *(
                        "203.0.113.0/24",
                        "203.0.113.0/255.255.255.0",
                        "203.0.113.0/0.0.0.255",
                        "203.0.113.0/024",
                        "0.0.0.0/1",
                    ),
                    *(
                        "224.0.0.0/8",
                        "255.255.255.255/32",
                        "169.254.1.0/24",
                        "0.0.0.0/32",
                        "127.0.0.0/8",
                        "10.0.0.0/8",
                        "::/0",
                    ),
                ),
                4,
            ),
            st.just([f"203.0.{part}.0/24" for part in range(30)]),
            st.just([f"203.0.{part}.0/24" for part in range(60)]),
            st.just([f"203.0.{part}.0/24" for part in range(61)]),
            st.just([f"10.{part}.0.0/16" for part in range(250)]),
            st.just(["203.0.113.0/24", "203.0.113.0/24"]),
            _of([], [None], [1], {"a": 1}, "0.0.0.0/0", [["0.0.0.0/0"]]),
        ),
        "containerInsights": _of("disabled", "Enhanced"),
        "service.launchType": _of("EC2", "FARGATE", "EXTERNAL", "ec2"),
        "instances.instanceType": _of(
            *(
                "foo.bar",
                "t3.mediun",
                "t3.8xlarge",
                "t9.medium",
                "m99.large",
                "mac2.metal",
                "mac-m4.metal",
                "p6e-gb200.36xlarge",
            ),
            *(
                "t4g.medium",
                "t3.nano",
                "u-6tb1.metal",
                "p3.2xlarge",
                "T3.medium",
                "t3",
                "i3.metal",
                "m1.small",
                "t3.medium\n",
            ),
        ),
        "instances.maxSize": st.integers(0, 5001),
        "instances.minSize": st.integers(-1, 5001),
        "domain.certificateArn": _of(
            *(
                certificate + UUID,
                certificate + "-" * 36,
                _arn("acm", f"certificate/{UUID}", other),
                certificate + "日本",
            ),
            *(certificate, certificate + UUID.upper(), (certificate + UUID).replace("1234", "１２３４")),
            *(
                (certificate + UUID).replace(REGIONS[partition], "zz-foo-1"),
                (certificate + UUID).replace(partition, "-"),
            ),
            *(
                (certificate + UUID).replace(partition, "aws-foo"),
                f"arn:{partition}:acm:us-east-2:{ACCOUNT}:certificate/{UUID}",
            ),
        ),
        "domain.name": _of(
            *(
                "example.c",
                "a..b.com",
                "A.com",
                "a" * 61 + ".com",
                "a" * 60 + ".com",
                "-a.com",
                "a-.com",
                "a.1",
                "a.com.",
                "*.a.com",
            ),
            *("a" * 64 + ".com", ".".join(["a" * 60] * 4) + ".com", "localhost", "a.com\n", "example.co", "a_b.com"),
        ),
        "domain.hostedZoneId": _of("Z1", "Z" + "1" * 32, "z1", "Z", "/hostedzone/Z1"),
        "firewall": _of(
            *(acl + f"日本/{UUID}", acl + f"a/{UUID}", acl + f"{'a' * 129}/{UUID}", acl + f"a/{'-' * 36}", "Managed"),
            *(_arn("wafv2", f"global/webacl/a/{UUID}", partition), _arn("wafv2", f"regional/webacl/a/{UUID}", other)),
        ),
        "targetGroup.healthCheckPath": _of("", "a", "/a b", "/é", "/" + "x" * 1024, "/\n", "/#?%"),
        "task.cpuArchitecture": _of("ARM64", "x86_64", "arm64"),
        "task.cpuUnits": _of(1, 127, 128, 255, 257, 300, 1024, 2048, 32768, 196608, 196609),
        "task.memoryMib": _of(1, 5, 6, 511, 513, 896, 897, 1024, 1792, 2048, 3584, 3585, 4096, 30720, 249856, 1048576),
        "container.user": _of(
            "0", "00", "01", "4294967295", "2147483648", "1:2147483648", "1:", ":1", "root", "1:1:1", "-1", "１"
        ),
        "task.networkMode": _of("bridge", "host", "none", "awsvpc"),
        "environment": st.one_of(
            st.dictionaries(st.one_of(_NAMES, _of("1", "a-b", "", "a.b", "日本", "x" * 500)), _TEXTS, max_size=3),
            st.just({"A": "x" * 70_000}),
            st.just({"A": "x" * 60_000}),
            st.just({f"V{number}": "v" * 20 for number in range(1500)}),
            st.just({"A": "日" * 30_000}),
            _of(
                {"A": 1},
                {"A": None},
                {"A": True},
                {"A": ["x"]},
                [],
                ["A"],
                "A=1",
                '{"A":"\\u0000"}',
                '{"A":"\\ud800"}',
                "{",
            ),
        ),
        "secrets": st.one_of(
            st.dictionaries(
                _NAMES,
                _of(
                    *(
                        f"{parameter}*",
                        f"{parameter}a?",
                        f"{parameter}${{aws:username}}",
                        f"{parameter}",
                        f"{parameter}a//b",
                    ),
                    *(
                        f"{secret}*-AbCdEf",
                        f"{secret}?????-AbCdEf",
                        f"{secret}a b\nc-AbCdEf",
                        f"{secret}-AbCdEf",
                        abroad,
                    ),
                    *(
                        f"{secret}db-AbCdEf:a b::",
                        f"{secret}db-AbCdEf:a:b:c",
                        f"{secret}db-AbCdEf:::",
                        f"{secret}db-AbCdEf:",
                    ),
                    *(
                        f"{secret}{'n' * 513}-AbCdEf",
                        f"{secret}{'n' * 512}-AbCdEf",
                        f"{parameter}{'p/' * 14}p",
                        f"{parameter}{'p/' * 15}p",
                    ),
                    *(_arn("ssm", "parameter/a", other), f"{secret}日本-AbCdEf", "hunter2", f"{parameter}a\n"),
                ),
                min_size=1,
                max_size=3,
            ),
            st.integers(60, 120).map(lambda count: {f"S{n}": f"{secret}shop/prod/{n:03}-AbCdEf" for n in range(count)}),
            st.integers(60, 120).map(lambda count: {f"S{n}": f"{secret}shop-AbCdEf:field{n}::" for n in range(count)}),
        ),
        "container.healthCheckCommand": _of(" ", "\t\n", "x" * 5000, "a\0b", "\ud800"),
        "task.ephemeralStorageGib": _of(20, 21, 200, 201),
        "service.desiredCount": _of(0, 1, 3, 40, 300, 2640, 5000),
        "placement.strategies": st.one_of(
            _lists(
                _of(
                    *(
                        "binpack disk",
                        "spread",
                        "random x",
                        "binpack cpu",
                        "spread attribute:a.b",
                        "spread attribute:",
                        "RANDOM",
                    ),
                    *("spread instanceId", "spread host", "random", "spread attribute:" + "x" * 3000),
                ),
                7,
            ),
            _of("random", {}, [1]),
        ),
        "placement.constraints": _lists(
            _of(
                *(
                    "distinctInstance",
                    "distinctInstance x",
                    "memberOf",
                    "memberOf zone == a",
                    "memberOf attribute:a == b",
                ),
                *("memberOf " + "(" * 500, "memberOf attribute:x == " + "y" * 3000, "memberOf not(attribute:a exists)"),
                *(f"memberOf attribute:a{number} exists" for number in range(12)),
            ),
            12,
        ),
        "migration.command": st.one_of(
            st.lists(st.one_of(_TEXTS, _of("a", "b c")), min_size=1, max_size=3),
            _of(["x" * 9000], ["x" * 8000], ["a"] * 1600, [""], ["\0"], [1], {}, "[[]]", '["\\ud800"]'),
        ),
        "service.healthCheckGracePeriodSeconds": _of(1, 23, 24, 43, 2147483647, 2147483648),
        "service.taskStartSeconds": _of(0, 1, 29, 3601),
        "service.forceNewDeployment": _of(" ", "x" * 200, "x" * 201, "a\nb", "é", "\0"),
        "deployment.stepPercent": _of(0, 1, 2, 3, 100, 101),
        "deployment.approval.stage": _of(
            "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "pre_scale_up", "POST_SCALE_UP"
        ),
        "scaling.maxCount": _of(1, 2, 5, 50, 5000, 5001),
        "scaling.cpuPercent": _of(0, 9, 10, 90, 91),
        "scaling.memoryPercent": _of(0, 9, 91),
        "scaling.requestsPerTarget": _of(0, 1, 1_000_000, 1_000_001),
        "scaling.schedule": st.one_of(
            _lists(
                _of(
                    *(
                        "cron(0 8 * * MON *) 1-2",
                        "cron(0 8 ? * MON-FRI) 1-2",
                        "cron(99 8 * * ? *) 1-2",
                        "cron(0 8 ? * FUN *) 1-2",
                    ),
                    *(
                        "rate(0 minutes) 1-2",
                        "rate(1 minutes) 1-2",
                        "at(2030-13-01T00:00:00) 1-2",
                        "cron(0 8 * * ? *) 2-1",
                    ),
                    *(
                        "cron(0 8 * * ? *) 0-5000",
                        "cron(0 8 * * ? *) 0-5001",
                        "cron(0 8 * * ? *) ١-٢",
                        "cron(0 8 * * ? *)",
                    ),
                    *(
                        "cron(5-1 8 * * ? *) 1-2",
                        "cron(0 8 31W * ? *) 1-2",
                        "cron(*/70 8 * * ? *) 1-2",
                        "every day 1-2",
                    ),
                    *(
                        "cron(0 8 * * ? 1900) 1-2",
                        "cron(0 8 ? * MON#6 *) 1-2",
                        "cron(0  8 * * ? *) 1-2",
                        "cron(? 8 * * ? *) 1-2",
                    ),
                ),
                3,
                1,
            ),
            *(st.just([f"cron({n % 60} {n // 60} * * ? *) 1-2" for n in range(count)]) for count in (200, 201, 208)),
            _of("cron(0 8 * * ? *) 1-2", {}, [None]),
        ),
        "scaling.timezone": _of(
            *(
                "Mars/Olympus",
                "asia/tokyo",
                "",
                "UTC+9",
                "JST-9",
                "Japan",
                "GMT",
                "localtime",
                "posixrules",
                "../UTC",
                "Factory",
            ),
            *("Asia/Tokyo\n", "US/Pacific", "Etc/GMT+99", "x" * 2000),
        ),
        "alarms.email": _of(
            *(
                "a,b@c.com",
                "<a@b.com>",
                "a@b..com",
                "a@b",
                "@b.com",
                "a@",
                "a b@c.com",
                "a@b.c",
                ".a@b.com",
                "a.@b.com",
                "a@-b.com",
            ),
            *(
                "a" * 64 + "@b.com",
                "a" * 65 + "@b.com",
                "a@" + "b." * 130 + "com",
                "a@b.com\n",
                "é@b.com",
                "a" * 500 + "@b.com",
            ),
            *("a@" + "." * 20000 + "@", "a@" + ".".join(["b" * 60] * 4) + ".com", "a@b.123", '"a b"@c.com'),
        ),
        "permissionsBoundaryArn": _of(
            *(
                boundary,
                f"{boundary}x",
                f"{boundary}１２",
                f"{boundary}a//b",
                f"{boundary}{'x' * 128}",
                f"{boundary}{'x' * 129}",
            ),
            *(f"arn:{other}:iam::{ACCOUNT}:policy/x", f"{boundary}*", f"{boundary}a/b/c", f"{boundary}{'p/' * 1500}x"),
            f"arn:{partition}:iam::{ACCOUNT}:role/x",
        ),
        "deployedBy": _of("", "GitHub", "nobody", "github "),
    }


_TYPES = {
    "integer": _NUMBERS,
    "boolean": _of(True, False, "yes", "True", 1),
    "string": _TEXTS,
    "array": _TEXTS,
    "object": _TEXTS,
}
_STACKS = ("dev", "prod", "dev-ec2", "a", "A_1-b", "x" * 100)
_ODD_STACKS = ("v1.0", "feature.login", "日本", "a b", "x" * 101, "a/b")
_ODD_REGIONS = ("zz-foo-1", "eu-west-1", "ap-southeast-9", "us-foo-1", "aws-global", "", "us-east-1a", "cn-north-1")


def _type(key: Key) -> str:
    return "array" if key.is_list else str(key.check.schema.get("type", "string"))


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Three in four whole and coherent, or coherent with something at a border; the others hostile."""
    kind = draw(_of(*5 * ["plausible"], *2 * ["edge"], "hostile"))
    partition = draw(_of("aws", "aws", "aws", "aws", *REGIONS))
    values = draw(_coherent(partition))
    stack = draw(_of(*_STACKS))
    if len(stack) > 20 or not stack.replace("-", "").isalnum() or not stack.islower():
        values.pop("deployedBy", None)  # GitHub's roles bear the stack's name
    odd_ones: set[str] = set()
    if kind == "edge":
        odd = _odd(partition)
        odd_ones = {draw(_of(*sorted(odd))) for _ in range(draw(_of(1, 1, 2)))}
        values |= {key: draw(odd[key]) for key in sorted(odd_ones)}
    if kind == "hostile":
        odd = _odd(partition)
        anything = (*sorted(SCHEMA), "aws:region", "stack", "unknown")
        odd_ones = {draw(_of(*anything)) for _ in range(draw(_of(1, 2, 3)))}
        for key in sorted(odd_ones):
            if key == "stack":
                stack = draw(_of(*_ODD_STACKS))
            elif key == "unknown":
                values[
                    draw(
                        _of(
                            "desiredcount",
                            "scaling",
                            "task.x",
                            "deployment",
                            "x" * 3000,
                            "日本",
                            "aws:profile",
                            "docker:host",
                            "pulumi:tags",
                        )
                    )
                ] = "x"
            elif key == "aws:region":
                values[key] = draw(_of(*_ODD_REGIONS))
            else:
                values[key] = draw(st.one_of(odd.get(key, _TEXTS), _TYPES[_type(SCHEMA[key])], _TEXTS))
    return Configuration(kind, stack, values, frozenset(odd_ones))


def every_key_is_drawn() -> set[str]:
    """Keys that plausible configurations set."""
    return {*_plausible("aws"), "service.launchType"}
