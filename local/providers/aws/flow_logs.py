# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""EC2 flow logs."""

from __future__ import annotations

from local.providers.aws.ec2 import change_tags, described, tagged_at_creation
from local.providers.aws.resource import Call, Resource, Values, ignoring, tag_map
from local.providers.aws.schema import integer, output, replacing, string
from local.providers.server import ProviderError


class FlowLog(Resource):
    type_name = "aws:ec2/flowLog:FlowLog"
    name_property = None
    properties = {
        "arn": output(),
        **replacing(
            {
                "iamRoleArn": string(forgotten=True),
                "logDestination": string(computed=True),
                "logDestinationType": string(
                    default="cloud-watch-logs", allowed=("cloud-watch-logs", "s3", "kinesis-data-firehose")
                ),
                "maxAggregationInterval": integer(default=600, allowed=(60, 600), forgotten=True),
                "trafficType": string(computed=True, allowed=("ACCEPT", "REJECT", "ALL")),
                "vpcId": string(),
            }
        ),
    }

    def check(self, inputs: Values) -> list[str]:
        return [] if "vpcId" in inputs else ["vpcId: got nothing, expected a VPC; add it"]

    def create(self, call: Call, new: Values) -> str:
        names = {
            "iamRoleArn": "DeliverLogsPermissionArn",
            "logDestination": "LogDestination",
            "trafficType": "TrafficType",
        }
        made = call.client("ec2").create_flow_logs(
            ResourceIds=[new["vpcId"]],
            ResourceType="VPC",
            LogDestinationType=new["logDestinationType"],
            MaxAggregationInterval=new["maxAggregationInterval"],
            **{api: new[key] for key, api in names.items() if new.get(key)},
            TagSpecifications=tagged_at_creation("vpc-flow-log", new["tagsAll"]),
        )
        for item in made.get("Unsuccessful") or ():
            raise ProviderError(f"flow log of {item.get('ResourceId')}: {item['Error']['Message']}")
        return str(made["FlowLogIds"][0])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_flow_logs", "FlowLogs", FlowLogIds=[resource_id])
        if found is None:
            return None
        return {
            "arn": call.arn("ec2", f"vpc-flow-log/{resource_id}"),
            "iamRoleArn": found.get("DeliverLogsPermissionArn"),
            "logDestination": found.get("LogDestination"),
            "logDestinationType": found.get("LogDestinationType"),
            "maxAggregationInterval": found.get("MaxAggregationInterval"),
            "tags": tag_map(found.get("Tags")),
            "trafficType": found.get("TrafficType"),
            "vpcId": found["ResourceId"],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("InvalidFlowLogId.NotFound"):
            call.client("ec2").delete_flow_logs(FlowLogIds=[resource_id])
