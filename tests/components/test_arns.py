"""Regions and ARNs, held against botocore's regions."""

import pytest
from botocore.session import get_session

from components.arns import REGION, is_listed, partition_of, place_problem
from components.certificate import CertificateArn
from components.checks import check_of
from components.container import SecretArns
from components.firewall import FirewallChoice
from components.permissions_boundary import PermissionsBoundaryArn

UUID = "01234567-89ab-cdef-0123-456789abcdef"
PARTITIONS = get_session().get_component("data_loader").load_data("endpoints")["partitions"]
REGIONS = {region: each["partition"] for each in PARTITIONS for region in each["regions"]}


def test_every_region_of_botocore_is_of_its_partition() -> None:
    assert {region: partition_of(region) for region in REGIONS} == REGIONS
    assert all(map(is_listed, REGIONS))
    assert "eusc-de-east-1" in REGIONS


@pytest.mark.parametrize("newer", ["ap-southeast-9", "eu-northwest-3", "us-gov-central-1"])
def test_a_region_that_is_called_like_others_may_be_newer(newer: str) -> None:
    assert REGION.accepts(newer)
    assert not is_listed(newer)


@pytest.mark.parametrize("none", ["zz-foo-1", "us-foo-1", "tokyo", "aws-global", "us-east-1a", "US-EAST-1", "", None])
def test_what_is_no_region(none: object) -> None:
    assert not REGION.accepts(none)


@pytest.mark.parametrize(
    ("annotation", "good"),
    [
        (CertificateArn, f"arn:aws:acm:eu-west-1:123456789012:certificate/{UUID}"),
        (CertificateArn, f"arn:aws-cn:acm:cn-north-1:123456789012:certificate/{UUID}"),
        (FirewallChoice, f"arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/shop_1/{UUID}"),
        (PermissionsBoundaryArn, "arn:aws:iam::123456789012:policy/team/a+b=c,d.e@f_g-h"),
        (PermissionsBoundaryArn, "arn:aws-us-gov:iam::aws:policy/PowerUserAccess"),
    ],
)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(("arn:", "arn:x"), ("arn:aws", "arn:-"), ("arn:aws", "arn:aws-foo")),
        *(
            ("1234", "\uff11\uff12\uff13\uff14"),
            ("123456789012", "12345678901"),
            ("eu-west-1", "zz-foo-1"),
            ("north-1:", ":"),
        ),
        *(("shop_1", "日本"), ("shop_1", ""), (UUID, "-" * 36), (UUID, f"{UUID}\n"), ("policy/team", "policy/")),
        *(("team", "te am"), ("a+b", "*"), ("PowerUser", "?"), ("PowerUserAccess", ""), ("PowerUser", "x" * 2048)),
    ],
)
def test_an_arn_is_one_of_aws(annotation: object, good: str, old: str, new: str) -> None:
    check = check_of(annotation)
    assert check is not None
    assert check.accepts(good)
    assert old not in good or not check.accepts(good.replace(old, new))


SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/"


@pytest.mark.parametrize(
    "arn",
    [
        f"{SECRET}db/a_b+c=d.e@f-AbCdEf",
        f"{SECRET}rds!db-{UUID}-AbCdEf:password::",
        f"{SECRET}db-AbCdEf:password:AWSCURRENT:",
        f"{PARAMETER}a",
        f"{PARAMETER}a/b.c_d-e",
    ],
)
def test_a_secret_by_its_name(arn: str) -> None:
    check = check_of(SecretArns)
    assert check is not None
    assert check.accepts({"A": arn})


@pytest.mark.parametrize(
    "arn",
    [
        *(f"{PARAMETER}*", f"{PARAMETER}a?", f"{PARAMETER}${{aws:username}}", f"{PARAMETER}", f"{PARAMETER}a//b"),
        *(f"{PARAMETER}a b", f"{PARAMETER}日本", f"{PARAMETER}a\n", f"{PARAMETER}/a", f"{SECRET}*-AbCdEf"),
        *(f"{SECRET}?????-AbCdEf", f"{SECRET}a b-AbCdEf", f"{SECRET}-AbCdEf", f"{SECRET}a", f"{SECRET}a-AbCdE*"),
        *(f"{SECRET}{'a' * 600}-AbCdEf", f"{SECRET}db-AbCdEf:a b::", f"{SECRET}db-AbCdEf:a:x:y"),
        *("arn:-:ssm:eu-west-1:123456789012:parameter/a", "arn:aws:ssm:zz-foo-1:123456789012:parameter/a"),
    ],
)
def test_no_secret_by_a_pattern(arn: str) -> None:
    check = check_of(SecretArns)
    assert check is not None
    assert not check.accepts({"A": arn})


def _called(name: str) -> str:
    return "certificate" if name == "value" else name


def test_an_arn_of_elsewhere_is_told() -> None:
    arn = f"arn:aws-cn:acm:cn-north-1:123456789012:certificate/{UUID}"
    assert place_problem(arn, "eu-west-1", _called, why="none fits") == (
        "certificate: got one of partition aws-cn with region eu-west-1, expected one of aws; none fits"
    )
    assert place_problem(arn, "cn-northwest-1", _called, why="none fits") == (
        "certificate: got one of region cn-north-1 with region cn-northwest-1, expected one of cn-northwest-1; none "
        "fits"
    )
    assert place_problem(arn, "cn-northwest-1", _called, why="", whole_partition=True) is None
