"""The engine with what bootstrap makes, on moto: a state below a prefix under its own key, roles that are only read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from components import roles
from tests.bootstrap import needs
from tests.bootstrap.recorder import moto
from tests.local import language_host
from tests.local.checkout import Result, copy_checkout
from tests.mocks import ACCOUNT, PROJECT, REGION, ROOT

pytestmark = pytest.mark.engine

PROGRAM = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import pulumi
import pulumi_aws as aws
from components.roles import role, taken_from_bootstrap

class Shop(pulumi.ComponentResource):
    def __init__(self, opts):
        super().__init__("test:shop:Shop", "shop", None, opts)
        made = role("shop", "task", self)
        statement = {{"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}}
        policy = pulumi.Output.json_dumps({{"Version": "2012-10-17", "Statement": [statement]}})
        aws.iam.RolePolicy("shop-task", role=made.name, policy=policy, opts=pulumi.ResourceOptions(parent=self))
        pulumi.export("role", made.arn)

provider = aws.Provider("shop", region={REGION!r})
shop = Shop(pulumi.ResourceOptions(providers={{"aws": provider}}, transformations=taken_from_bootstrap("shop", "prod")))
pulumi.export("secret", pulumi.Output.secret("word"))
"""


@dataclass
class Desk:
    folder: Path
    environment: dict[str, str]
    endpoint: str

    def pulumi(self, *words: str, folder: str = "program", **environment: str) -> Result:
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive", "--color", "never"],
            cwd=self.folder / folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return Result(done.returncode, done.stdout)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    for name in ("program", "bin"):
        (folder / name).mkdir()
    (folder / "program" / "__main__.py").write_text(PROGRAM)
    (folder / "program" / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    language_host.install(folder / "bin")
    engine = shutil.which(os.environ.get("PULUMI_BIN", "pulumi"))
    assert engine
    (folder / "bin" / "pulumi").symlink_to(engine)
    with moto() as endpoint:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
        aws = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        made = kept | aws | {
            "AWS_EC2_METADATA_DISABLED": "true",
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }  # fmt: skip
        desk = Desk(folder, made, endpoint)
        desk.client("s3").create_bucket(Bucket="states", CreateBucketConfiguration={"LocationConstraint": REGION})
        key = desk.client("kms").create_key()["KeyMetadata"]["Arn"]
        desk.client("kms").create_alias(AliasName="alias/shop-prod-state", TargetKeyId=key)
        made["KEY"] = key
        made["PULUMI_BACKEND_URL"] = (
            f"s3://states/prod?region={REGION}&awssdk=v2&s3ForcePathStyle=true"
            f"&ssetype=aws%3Akms&kmskeyid={quote(key, safe='')}"
        )
        command = [sys.executable, "-m", "local.providers"]
        with subprocess.Popen(
            command, cwd=ROOT, env=made, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as serving:
            assert serving.stdout and serving.stdin
            made["PULUMI_DEBUG_PROVIDERS"] = f"aws:{json.loads(serving.stdout.readline())['aws']}"
            init = ("stack", "init", "prod", "--secrets-provider", f"awskms://alias/shop-prod-state?region={REGION}")
            desk.pulumi(*init).succeeded()
            yield desk
            serving.stdin.close()


def test_a_preview_stops_where_bootstrap_made_no_role(desk: Desk) -> None:
    assert "shop-prod-task" in desk.pulumi("preview").failed().output


@pytest.fixture(scope="module")
def deployed(desk: Desk) -> Result:
    trust = json.dumps(roles.trust("task", "aws", REGION, ACCOUNT))
    desk.client("iam").create_role(RoleName="shop-prod-task", Path="/shop/prod/", AssumeRolePolicyDocument=trust)
    desk.pulumi("preview", "--save-plan", "plan.json").succeeded()
    return desk.pulumi("up", "--yes", "--skip-preview", "--refresh", "--plan", "plan.json").succeeded()


def test_a_role_that_is_there_is_read_and_a_plan_with_it_is_followed(desk: Desk, deployed: Result) -> None:
    assert (
        desk.pulumi("stack", "output", "role").output.strip() == f"arn:aws:iam::{ACCOUNT}:role/shop/prod/shop-prod-task"
    )
    assert len(desk.client("iam").list_role_policies(RoleName="shop-prod-task")["PolicyNames"]) == 1
    desk.pulumi("up", "--yes", "--expect-no-changes").succeeded()


def test_no_drift_is_a_success(desk: Desk, deployed: Result) -> None:
    desk.pulumi("refresh", "--preview-only", "--expect-no-changes").succeeded()


def test_the_state_lies_below_its_prefix_under_its_key(desk: Desk, deployed: Result) -> None:
    s3 = desk.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="states")["Contents"]]
    assert keys and all(key.startswith("prod/.pulumi/") for key in keys)
    for key in keys:
        found = s3.head_object(Bucket="states", Key=key)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", desk.environment["KEY"]), key


def test_the_roles_are_asked_for_all_that_the_engine_calls(desk: Desk, deployed: Result) -> None:
    """Recorded by moto: S3 by method and query, KMS by the name of the call."""
    recorder = desk.client("s3").meta.endpoint_url + "/moto-api/recorder/"
    _post(recorder + "reset-recording")
    _post(recorder + "start-recording")
    desk.pulumi("up", "--yes").succeeded()
    desk.pulumi("stack", "export").succeeded()
    _post(recorder + "stop-recording")
    called = set()
    for line in _post(recorder + "download-recording", method="GET").splitlines():
        request = json.loads(line)
        headers = {key.lower(): value for key, value in dict(request["headers"]).items()}
        if target := headers.get("x-amz-target"):
            called.add(f"kms:{target.rpartition('.')[2]}" if "Trent" in target else "")
        elif "/s3/" in headers.get("authorization", ""):
            called.add(_S3[request["method"], "list-type" in request["url"] or "prefix=" in request["url"]])
    asked = {each.action for each in needs.of_pulumi("prod", writes=True)}
    assert {"s3:PutObject", "s3:GetObject", "s3:ListBucket", "kms:Decrypt"} <= called
    assert called - {""} <= asked


_S3 = {
    ("GET", True): "s3:ListBucket",
    ("GET", False): "s3:GetObject",
    ("HEAD", False): "s3:GetObject",
    ("PUT", False): "s3:PutObject",
    ("DELETE", False): "s3:DeleteObject",
}
"""Copies are PUTs. https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"""


def _post(url: str, method: str = "POST") -> str:
    import urllib.request

    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        said: str = answer.read().decode()
        return said


def test_what_is_destroyed_leaves_the_role_where_it_is(desk: Desk, deployed: Result) -> None:
    desk.pulumi("destroy", "--yes").succeeded()
    assert desk.client("iam").get_role(RoleName="shop-prod-task")
    assert desk.client("iam").list_role_policies(RoleName="shop-prod-task")["PolicyNames"] == []


@pytest.fixture(scope="module")
def bootstrapped(desk: Desk) -> dict[str, str]:
    (desk.folder / "checkout").mkdir()
    copy_checkout(desk.folder / "checkout")
    (desk.folder / "checkout" / ".venv").symlink_to(sys.prefix)
    (desk.folder / "own").mkdir()
    own = {"PULUMI_BACKEND_URL": f"file://{desk.folder / 'own'}", "PULUMI_CONFIG_PASSPHRASE": "", "AWS_REGION": REGION}
    folder = "checkout/bootstrap"
    desk.pulumi("stack", "init", "bootstrap", folder=folder, **own).succeeded()
    for key, value in (("repository", "octo-org/app"), ("repositoryId", "456"), ("aws:region", REGION)):
        desk.pulumi("config", "set", key, value, folder=folder, **own).succeeded()
    desk.pulumi("up", "--yes", "--skip-preview", folder=folder, **own).succeeded()
    return own


def test_bootstrap_makes_everything_once(desk: Desk, bootstrapped: dict[str, str]) -> None:
    desk.pulumi("up", "--yes", "--expect-no-changes", folder="checkout/bootstrap", **bootstrapped).succeeded()


def test_what_bootstrap_made_is_what_the_stacks_look_for(desk: Desk, bootstrapped: dict[str, str]) -> None:
    iam = desk.client("iam")
    for stack in ("dev", "prod"):
        for purpose in roles.PURPOSES:
            role = iam.get_role(RoleName=roles.physical_name(PROJECT, stack, purpose))["Role"]
            assert role["Path"] == roles.path(PROJECT, stack)
            assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == needs.environment(stack).boundary_arn
        profile = iam.get_instance_profile(InstanceProfileName=roles.physical_name(PROJECT, stack, "instance"))
        assert [each["RoleName"] for each in profile["InstanceProfile"]["Roles"]] == [f"{PROJECT}-{stack}-instance"]
        attached = iam.list_attached_role_policies(RoleName=needs.environment(stack).role_name("deploy"))
        assert len(attached["AttachedPolicies"]) == 2
    (policies,) = [desk.client("logs").describe_resource_policies()["resourcePolicies"]]
    assert {each["policyName"] for each in policies} == {f"{PROJECT}-{stack}-firewall" for stack in ("dev", "prod")}
