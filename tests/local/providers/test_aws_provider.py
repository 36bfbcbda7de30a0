"""The local AWS provider's side of the protocol: configuration, tags, secrets, names, previews, functions, offline."""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from local.emulator import Emulator
from local.providers.aws.provider import AwsProvider
from local.providers.server import serve_in_threads
from local.providers.values import UNKNOWN, Secret
from tests.local.emulator import REGION
from tests.local.providers.aws_engine import Deployed, Engine, RefusedError, engine

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TRUST = '{"Version":"2012-10-17","Statement":[]}'


class TestConfiguration:
    def test_unknown_keys_and_wrong_values_are_refused_together(self) -> None:
        with (
            pytest.raises(RefusedError) as refused,
            engine(None, region="tokyo", defaultTags='{"tag": {}}', colour="red"),
        ):
            pass
        assert str(refused.value).splitlines() == [
            'aws:colour: got "red", expected one of defaultTags, region, skipCredentialsValidation, '
            "skipRegionValidation; remove it, or teach it to the local provider (local/providers)",
            "aws:defaultTags.tag: got {}, expected one of tags; remove it, or teach it to the local provider "
            "(local/providers)",
            'aws:region: got "tokyo", expected a region such as ap-northeast-1; change it',
        ]

    def test_the_real_aws_is_refused(self) -> None:
        with pytest.raises(Exception, match=r"AWS_ENDPOINT_URL: got https://ecs\.us-east-1\.amazonaws\.com"):
            AwsProvider({"AWS_ENDPOINT_URL": "https://ecs.us-east-1.amazonaws.com"})

    def test_two_providers_on_one_server_keep_their_own_configuration(self, emulated: Emulator) -> None:
        with (
            serve_in_threads(AwsProvider(emulated.client_environment())) as port,
            grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as one,
            grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as two,
        ):
            default = Engine(one)
            explicit = Engine(two, region="eu-west-1", defaultTags=json.dumps({"tags": {"team": "web"}}))
            assert default.check(Deployed(LOG_GROUP, "a"), {})["tagsAll"] == {}
            checked = explicit.check(Deployed(LOG_GROUP, "a"), {})
            assert (checked["tagsAll"], checked["region"]) == ({"team": "web"}, "eu-west-1")

    def test_the_engine_can_attach(self, emulated: Emulator) -> None:
        with (
            serve_in_threads(AwsProvider(emulated.client_environment())) as port,
            grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            stub = Engine(channel).provider
            stub.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1"))
            assert stub.GetPluginInfo(empty_pb2.Empty()).version == AwsProvider.version


class TestTags:
    DEFAULTS = json.dumps({"tags": {"project": "h4b", "owner": "platform"}})

    def test_default_tags_are_under_the_resource_s_own(self, emulated: Emulator) -> None:
        with engine(emulated, defaultTags=self.DEFAULTS) as aws:
            group = aws.make(LOG_GROUP, "tagged", tags={"owner": "web", "tier": "1"})
            assert group["tags"] == {"owner": "web", "tier": "1"}
            assert group["tagsAll"] == {"project": "h4b", "owner": "web", "tier": "1"}
            assert aws.refresh(group)
            assert aws.up(group, tags={"owner": "web", "tier": "1"}).paths == {}
            aws.delete(group)

    def test_a_changed_default_tag_is_a_change_of_every_resource(self, emulated: Emulator) -> None:
        with engine(emulated, defaultTags=self.DEFAULTS) as aws:
            group = aws.make(LOG_GROUP, "retagged")
        with engine(emulated, defaultTags=json.dumps({"tags": {"project": "h5b"}})) as aws:
            assert aws.up(group).paths == {"tagsAll.project": "update", "tagsAll.owner": "delete"}
            assert aws.refresh(group)
            assert group["tagsAll"] == {"project": "h5b"}
            aws.delete(group)

    def test_an_unknown_tag_makes_all_tags_unknown(self, aws: Engine) -> None:
        assert aws.check(Deployed(LOG_GROUP, "a"), {"tags": {"a": UNKNOWN}})["tagsAll"] is UNKNOWN


class TestSecrets:
    def test_a_secret_input_is_a_secret_output_after_every_step(self, aws: Engine) -> None:
        group = aws.make(LOG_GROUP, "secret", tags=Secret({"password": "hunter2"}))
        assert isinstance(group.outputs["tags"], Secret)
        assert isinstance(group.outputs["tagsAll"], Secret), "all tags hold the secret one too"
        assert aws.refresh(group)
        assert isinstance(group.outputs["tagsAll"], Secret)
        aws.up(group, tags={"password": Secret("hunter3")})
        assert isinstance(group.outputs["tags"], Secret)
        aws.delete(group)

    def test_a_preview_keeps_secrets_too(self, aws: Engine) -> None:
        previewed = aws.preview(LOG_GROUP, "secret", {"tags": {"password": Secret("hunter2")}})
        assert isinstance(previewed["tagsAll"], Secret)


class TestNames:
    def test_a_name_too_long_to_generate_is_refused(self, aws: Engine) -> None:
        with pytest.raises(RefusedError) as refused:
            aws.preview("aws:lb/targetGroup:TargetGroup", "a" * 25, {"targetType": "ip"})
        assert str(refused.value) == (
            f'name: got "{"a" * 25}" (25 characters) to generate it from, expected at most 24; '
            "shorten the resource's name, or set name"
        )

    def test_the_stack_s_own_naming_is_followed(self, aws: Engine) -> None:
        options = provider_pb2.CheckRequest.AutonamingOptions
        proposed = options(proposed_name="from-config", mode=options.PROPOSE)
        assert aws.check(Deployed(LOG_GROUP, "a"), {}, autonaming=proposed)["name"] == "from-config"
        with pytest.raises(
            RefusedError, match="name: got nothing, expected a name, as automatic naming is off; add it"
        ):
            aws.check(Deployed(LOG_GROUP, "a"), {}, autonaming=options(mode=options.DISABLE))


class TestChecks:
    @pytest.mark.parametrize(
        ("type_name", "inputs", "message"),
        [
            (
                "aws:ecs/service:Service",
                {
                    "launchType": "FARGATE",
                    "capacityProviderStrategies": [{"capacityProvider": "FARGATE"}],
                },
                "launchType, capacityProviderStrategies: got 2 of them, expected one at most; remove all but one",
            ),
            (
                "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
                {"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 80, "toPort": 80},
                "cidrIpv4, prefixListId, referencedSecurityGroupId: got 0 of them, expected exactly one; give one",
            ),
            (
                "aws:ecs/taskDefinition:TaskDefinition",
                {"family": "f", "containerDefinitions": '[{"name": "web"}]'},
                "containerDefinitions[0].image: got nothing, expected text; add it",
            ),
            (
                "aws:lb/listener:Listener",
                {"loadBalancerArn": "arn", "protocol": "HTTPS", "defaultActions": [{"type": "redirect"}]},
                "defaultActions[0].redirect: got nothing, expected a value for type redirect; add it\n"
                "certificateArn: got nothing, expected an ACM certificate, as protocol is HTTPS; add it",
            ),
            (
                "aws:ec2/natGateway:NatGateway",
                {"subnetId": "subnet-1"},
                "allocationId: got nothing, expected the id of an elastic IP; add it",
            ),
            (
                "aws:ecs/service:Service",
                {
                    "orderedPlacementStrategies": [{"type": "binpack"}],
                    "placementConstraints": [{"type": "memberOf"}],
                },
                "orderedPlacementStrategies[0].field: got nothing, expected a field for binpack; add it\n"
                "placementConstraints[0].expression: got nothing, expected an expression for memberOf; add it",
            ),
            (
                "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
                {
                    "clusterName": "c",
                    "capacityProviders": ["FARGATE"],
                    "defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT"}],
                },
                "defaultCapacityProviderStrategies[0].capacityProvider: got FARGATE_SPOT, "
                "expected one of FARGATE; add it to capacityProviders",
            ),
        ],
        ids=lambda value: value.rsplit(":", 1)[-1] if isinstance(value, str) and value.startswith("aws:") else "",
    )
    def test_what_aws_or_the_official_provider_refuses(
        self, offline: Engine, type_name: str, inputs: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(RefusedError) as refused:
            offline.check(Deployed(type_name, "x"), inputs)
        assert str(refused.value) == message

    def test_an_unknown_type_is_refused(self, offline: Engine) -> None:
        with pytest.raises(RefusedError) as refused:
            offline.check(Deployed("aws:rds/instance:Instance", "db"), {})
        assert str(refused.value) == (
            "aws:rds/instance:Instance: got a type the local AWS provider does not know; "
            "teach it (local/providers/aws), or run this stack with the official plugins"
        )

    def test_a_refusal_of_aws_names_the_resource_and_the_code(self, aws: Engine) -> None:
        group = aws.make(LOG_GROUP, "twice", name="twice")
        with pytest.raises(RefusedError, match=f"creating {LOG_GROUP} again: ResourceAlreadyExistsException: "):
            aws.make(LOG_GROUP, "again", name="twice")
        aws.delete(group)

    def test_what_botocore_refuses_is_told_without_a_stack_trace(self, aws: Engine) -> None:
        with pytest.raises(RefusedError) as refused:
            aws.make("aws:iam/role:Role", "r", assumeRolePolicy=TRUST, tags={"": "empty key"})
        assert "creating aws:iam/role:Role r: Parameter validation failed" in str(refused.value)
        assert "Traceback" not in str(refused.value)


class TestPreviews:
    def test_what_aws_will_set_is_unknown_and_the_rest_is_known(self, offline: Engine) -> None:
        previewed = offline.preview("aws:ecr/repository:Repository", "repo", {"name": "app"})
        assert (previewed["name"], previewed["imageTagMutability"]) == ("app", "MUTABLE")
        assert {previewed[key] for key in ("arn", "repositoryUrl", "registryId")} == {UNKNOWN}

    def test_an_update_keeps_what_it_does_not_change(self, aws: Engine) -> None:
        group = aws.make(LOG_GROUP, "seen")
        previewed = aws.previewed_update(group, retentionInDays=7)
        assert previewed == {**group.outputs, "retentionInDays": 7}
        aws.delete(group)


class TestSecretVersions:
    def test_a_rotation_moves_the_current_version_and_no_value_is_told(self, aws: Engine, emulated: Emulator) -> None:
        secrets = emulated.client("secretsmanager")
        arn = secrets.create_secret(Name="db", SecretString="hunter2")["ARN"]
        before = self._current(aws, arn)
        put = secrets.put_secret_value(SecretId="db", SecretString="hunter3")
        after = aws.invoke("aws:secretsmanager/getSecretVersions:getSecretVersions", secretId=arn)
        assert self._current(aws, arn) == put["VersionId"] != before
        assert "hunter" not in str(after)

    @staticmethod
    def _current(aws: Engine, arn: str) -> str:
        found = aws.invoke("aws:secretsmanager/getSecretVersions:getSecretVersions", secretId=arn)["versions"]
        (current,) = [each["versionId"] for each in found if "AWSCURRENT" in each["versionStages"]]
        return str(current)


class TestOffline:
    def test_functions_with_a_fixed_answer_give_it(self, offline: Engine) -> None:
        assert offline.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "000000000000"
        assert offline.invoke("aws:index/getRegion:getRegion")["region"] == REGION
        assert offline.invoke("aws:index/getPartition:getPartition") == {
            "dnsSuffix": "amazonaws.com",
            "id": "aws",
            "partition": "aws",
            "reverseDnsPrefix": "com.amazonaws",
        }
        zones = offline.invoke("aws:index/getAvailabilityZones:getAvailabilityZones")
        assert zones["names"] == [f"{REGION}a", f"{REGION}c", f"{REGION}d"]
        parameter = offline.invoke("aws:ssm/getParameter:getParameter", name="/aws/ami")
        assert parameter["value"] == Secret("offline-preview")
        arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:db-AbCdEf"
        (version,) = offline.invoke("aws:secretsmanager/getSecretVersions:getSecretVersions", secretId=arn)["versions"]
        assert (version["versionId"], version["versionStages"]) == ("offline-preview", ["AWSCURRENT"])

    def test_a_token_for_the_registry_names_the_real_one(self, offline: Engine) -> None:
        token = offline.invoke("aws:ecr/getAuthorizationToken:getAuthorizationToken")
        assert token["proxyEndpoint"] == f"https://000000000000.dkr.ecr.{REGION}.amazonaws.com"
        assert isinstance(token["password"], Secret)

    def test_nothing_is_created(self, offline: Engine) -> None:
        with pytest.raises(RefusedError, match="logs: no AWS endpoint; this is an offline preview"):
            offline.make(LOG_GROUP, "a")

    def test_an_unknown_function_or_argument_is_refused(self, offline: Engine) -> None:
        with pytest.raises(
            RefusedError, match="aws:ec2/getAmi:getAmi: got a function the local AWS provider does not know"
        ):
            offline.invoke("aws:ec2/getAmi:getAmi")
        with pytest.raises(RefusedError, match="excludeName: got"):
            offline.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", excludeName=["a"])


class TestRegistry:
    """Where images go: to the emulator, never to the address it reports, which is AWS's."""

    def test_the_repository_and_its_token_lead_to_the_local_registry(
        self, aws: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LOCAL_REGISTRY", "localhost:4566")
        repository = aws.make("aws:ecr/repository:Repository", "app", name="app", forceDelete=True)
        assert repository["repositoryUrl"] == "localhost:4566/app"
        token = aws.invoke("aws:ecr/getAuthorizationToken:getAuthorizationToken")
        assert token["proxyEndpoint"] == "http://localhost:4566"
        assert token["userName"] == "AWS"
        aws.delete(repository)


class TestProcess:
    def test_it_says_where_it_listens_and_ends_with_its_parent(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.providers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin and process.stdout
        ports = json.loads(process.stdout.readline())
        assert set(ports) == {"aws", "awsx", "docker", "random"}
        process.stdin.close()
        assert process.wait(timeout=10) == 0
        process.stdout.close()
