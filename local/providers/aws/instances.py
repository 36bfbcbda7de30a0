# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Instances of a cluster: launch templates, auto scaling groups and ECS's capacity providers."""

from __future__ import annotations

from typing import Any

from local.providers.aws.ec2 import change_tags as change_ec2_tags
from local.providers.aws.ec2 import described, tagged_at_creation
from local.providers.aws.ecs import change_tags as change_ecs_tags
from local.providers.aws.ecs import tags_of, tags_request
from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_list, tag_map
from local.providers.aws.schema import block, blocks, boolean, integer, mapping, output, string, strings

DELETION_SECONDS = 10 * 60
ON_OR_OFF = ("ENABLED", "DISABLED")


class LaunchTemplate(Resource):
    type_name = "aws:ec2/launchTemplate:LaunchTemplate"
    name_limit = 125
    properties = {
        "arn": output(),
        "blockDeviceMappings": blocks(
            {
                "deviceName": string(),
                "ebs": block(
                    {
                        "deleteOnTermination": string(),
                        "encrypted": string(),
                        "volumeSize": integer(computed=True),
                        "volumeType": string(computed=True),
                    }
                ),
            },
            ordered=True,
            forgotten=True,
        ),
        "defaultVersion": output("integer"),
        "description": string(forgotten=True),
        "iamInstanceProfile": block({"arn": string()}, forgotten=True),
        "imageId": string(forgotten=True),
        "instanceType": string(forgotten=True),
        "latestVersion": output("integer"),
        "metadataOptions": block(
            {
                "httpEndpoint": string(computed=True, allowed=("enabled", "disabled")),
                "httpPutResponseHopLimit": integer(computed=True, minimum=1, maximum=64),
                "httpTokens": string(computed=True, allowed=("optional", "required")),
            },
            forgotten=True,
        ),
        "name": string(computed=True, replaces=True),
        "tagSpecifications": blocks({"resourceType": string(), "tags": mapping()}, ordered=True, forgotten=True),
        "updateDefaultVersion": boolean(kept=True),
        "userData": string(forgotten=True),
        "vpcSecurityGroupIds": strings(forgotten=True),
    }

    def create(self, call: Call, new: Values) -> str:
        created = call.client("ec2").create_launch_template(
            LaunchTemplateName=new["name"],
            LaunchTemplateData=_template(new),
            TagSpecifications=tagged_at_creation("launch-template", new["tagsAll"]),
            **_described_as(new),
        )
        return str(created["LaunchTemplate"]["LaunchTemplateId"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_launch_templates", "LaunchTemplates", LaunchTemplateIds=[resource_id])
        if found is None:
            return None
        kept = (
            *("blockDeviceMappings", "description", "iamInstanceProfile", "imageId", "instanceType", "metadataOptions"),
            *("tagSpecifications", "userData", "vpcSecurityGroupIds"),
        )
        return {name: state.get(name) for name in kept} | {
            "arn": call.arn("ec2", f"launch-template/{resource_id}"),
            "defaultVersion": found["DefaultVersionNumber"],
            "latestVersion": found["LatestVersionNumber"],
            "name": found["LaunchTemplateName"],
            "tags": tag_map(found.get("Tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed - {"tags", "tagsAll", "updateDefaultVersion"}:
            version = call.client("ec2").create_launch_template_version(
                LaunchTemplateId=resource_id, LaunchTemplateData=_template(new), **_described_as(new)
            )["LaunchTemplateVersion"]["VersionNumber"]
            if new.get("updateDefaultVersion"):
                call.client("ec2").modify_launch_template(LaunchTemplateId=resource_id, DefaultVersion=str(version))
        change_ec2_tags(call, resource_id, old, new)

    def recomputed(self, old: Values, new: Values, changed: set[str]) -> set[str]:
        return {"latestVersion", "defaultVersion"} if changed - {"tags", "tagsAll"} else set()

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.NotFoundException"):
            call.client("ec2").delete_launch_template(LaunchTemplateId=resource_id)


def _described_as(new: Values) -> Values:
    return {"VersionDescription": new["description"]} if new.get("description") else {}


def _template(new: Values) -> Values:
    request: Values = {
        "ImageId": new.get("imageId"),
        "InstanceType": new.get("instanceType"),
        "UserData": new.get("userData"),
        "SecurityGroupIds": new.get("vpcSecurityGroupIds"),
        "IamInstanceProfile": _capitals(new.get("iamInstanceProfile")),
        "MetadataOptions": _capitals(new.get("metadataOptions")),
        "BlockDeviceMappings": [_device(each) for each in new.get("blockDeviceMappings") or ()],
        "TagSpecifications": [
            {"ResourceType": each["resourceType"], "Tags": tag_list(each.get("tags"))}
            for each in new.get("tagSpecifications") or ()
        ],
    }
    return {name: value for name, value in request.items() if value}


def _device(mapped: Values) -> Values:
    ebs = dict(mapped.get("ebs") or {})
    for flag in ("encrypted", "deleteOnTermination"):
        if flag in ebs:
            ebs[flag] = ebs[flag] == "true"
    return {"DeviceName": mapped.get("deviceName"), "Ebs": _capitals(ebs)}


def _capitals(fields: Values | None) -> Values:
    return {f"{name[0].upper()}{name[1:]}": value for name, value in (fields or {}).items() if value is not None}


class Group(Resource):
    type_name = "aws:autoscaling/group:Group"
    tagged = False
    properties = {
        "arn": output(),
        "desiredCapacity": output("integer"),
        "instanceRefresh": block(
            {
                "preferences": block(
                    {
                        "maxHealthyPercentage": integer(minimum=100, maximum=200),
                        "minHealthyPercentage": integer(minimum=0, maximum=100),
                        "scaleInProtectedInstances": string(allowed=("Refresh", "Ignore", "Wait")),
                    }
                ),
                "strategy": string(required=True, allowed=("Rolling",)),
            },
            kept=True,
        ),
        "launchTemplate": block({"id": string(computed=True), "version": string(computed=True)}),
        "maxSize": integer(required=True, minimum=0),
        "minSize": integer(required=True, minimum=0),
        "name": string(computed=True, replaces=True),
        "protectFromScaleIn": boolean(default=False, forgotten=True),
        "tags": blocks(
            {"key": string(required=True), "propagateAtLaunch": boolean(required=True), "value": string(required=True)}
        ),
        "vpcZoneIdentifiers": strings(computed=True),
    }

    def create(self, call: Call, new: Values) -> str:
        name = new["name"]
        call.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=name, Tags=_group_tags(name, new), **_group(new)
        )
        return str(name)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        groups = call.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[resource_id])
        if not groups["AutoScalingGroups"]:
            return None
        found = groups["AutoScalingGroups"][0]
        template = found.get("LaunchTemplate") or {}
        return {
            "arn": found["AutoScalingGroupARN"],
            "desiredCapacity": found["DesiredCapacity"],
            "instanceRefresh": state.get("instanceRefresh"),
            "launchTemplate": {"id": template.get("LaunchTemplateId"), "version": template.get("Version")},
            "maxSize": found["MaxSize"],
            "minSize": found["MinSize"],
            "name": resource_id,
            "protectFromScaleIn": found.get("NewInstancesProtectedFromScaleIn", state.get("protectFromScaleIn")),
            "tags": [
                {"key": tag["Key"], "propagateAtLaunch": tag["PropagateAtLaunch"], "value": tag["Value"]}
                for tag in found.get("Tags", ())
            ],
            "vpcZoneIdentifiers": [each for each in found.get("VPCZoneIdentifier", "").split(",") if each],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        autoscaling = call.client("autoscaling")
        autoscaling.update_auto_scaling_group(AutoScalingGroupName=resource_id, **_group(new))
        if "tags" in changed:
            kept = {tag["key"] for tag in new.get("tags") or ()}
            gone = {**old, "tags": [tag for tag in old.get("tags") or () if tag["key"] not in kept]}
            if gone["tags"]:
                autoscaling.delete_tags(Tags=_group_tags(resource_id, gone))
            autoscaling.create_or_update_tags(Tags=_group_tags(resource_id, new))
        if "launchTemplate" in changed and (refresh := new.get("instanceRefresh")):
            autoscaling.start_instance_refresh(
                AutoScalingGroupName=resource_id,
                Strategy=refresh["strategy"],
                Preferences=_capitals(refresh.get("preferences")),
            )

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ValidationError"):
            call.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=resource_id, ForceDelete=True)


def _group(new: Values) -> Values:
    request: Values = {
        "MinSize": new["minSize"],
        "MaxSize": new["maxSize"],
        "NewInstancesProtectedFromScaleIn": new["protectFromScaleIn"],
        "VPCZoneIdentifier": ",".join(new.get("vpcZoneIdentifiers") or ()),
    }
    if template := new.get("launchTemplate"):
        request["LaunchTemplate"] = {"LaunchTemplateId": template["id"], "Version": template.get("version", "$Default")}
    return request


def _group_tags(name: str, values: Values) -> list[dict[str, Any]]:
    return [
        {
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": tag["key"],
            "Value": tag["value"],
            "PropagateAtLaunch": tag["propagateAtLaunch"],
        }
        for tag in values.get("tags") or ()
    ]


class CapacityProvider(Resource):
    type_name = "aws:ecs/capacityProvider:CapacityProvider"
    properties = {
        "arn": output(),
        "autoScalingGroupProvider": block(
            {
                "autoScalingGroupArn": string(required=True, replaces=True),
                "managedDraining": string(computed=True, allowed=ON_OR_OFF),
                "managedScaling": block(
                    {
                        "status": string(computed=True, allowed=ON_OR_OFF),
                        "targetCapacity": integer(computed=True, minimum=1, maximum=100),
                    },
                    computed=True,
                ),
                "managedTerminationProtection": string(computed=True, allowed=ON_OR_OFF),
            },
            required=True,
            forgotten=True,
        ),
        "name": string(replaces=True, pattern=r"(?!aws|ecs|fargate)[\w-]{1,255}"),
    }

    def create(self, call: Call, new: Values) -> str:
        created = call.client("ecs").create_capacity_provider(
            name=new["name"],
            autoScalingGroupProvider=new["autoScalingGroupProvider"],
            tags=tags_request(new["tagsAll"]),
        )
        return str(created["capacityProvider"]["capacityProviderArn"])

    def _find(self, call: Call, resource_id: str) -> Values | None:
        try:
            found = call.client("ecs").describe_capacity_providers(capacityProviders=[resource_id], include=["TAGS"])
        except Exception as error:
            if "NotFound" in error_code(error):
                return None
            raise
        active = [each for each in found["capacityProviders"] if each["status"] != "INACTIVE"]
        return active[0] if active else None

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, resource_id)
        return found and {
            "arn": found["capacityProviderArn"],
            "autoScalingGroupProvider": found.get("autoScalingGroupProvider") or state.get("autoScalingGroupProvider"),
            "name": found["name"],
            "tags": tags_of(found.get("tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if "autoScalingGroupProvider" in changed:
            provider = dict(new["autoScalingGroupProvider"])
            del provider["autoScalingGroupArn"]
            call.client("ecs").update_capacity_provider(name=new["name"], autoScalingGroupProvider=provider)
        change_ecs_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ResourceNotFoundException", "InvalidParameterException", "ClientException"):
            call.client("ecs").delete_capacity_provider(capacityProvider=resource_id)
        call.wait(
            f"capacity provider {state['name']} to be gone",
            lambda: self._find(call, resource_id) is None,
            default_seconds=DELETION_SECONDS,
        )
