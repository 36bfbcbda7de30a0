# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""CloudWatch: alarms and dashboards. (Its logs are a service of their own.)"""

from __future__ import annotations

from local.providers.aws import schema
from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import block, blocks, boolean, integer, mapping, number, output, string, strings

COMPARISONS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
# Property name to the API's, where the value is the same.
FIELDS = {
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
}
QUERY = {"expression": "Expression", "label": "Label"}


class MetricAlarm(Resource):
    type_name = "aws:cloudwatch/metricAlarm:MetricAlarm"
    properties = {
        "alarmActions": strings(),
        "alarmDescription": string(),
        "arn": output(),
        "comparisonOperator": string(required=True, allowed=COMPARISONS),
        "datapointsToAlarm": integer(minimum=1),
        "dimensions": mapping(),
        "evaluateLowSampleCountPercentiles": string(computed=True, forgotten=True, allowed=("evaluate", "ignore")),
        "evaluationPeriods": integer(required=True, minimum=1),
        "extendedStatistic": string(pattern=r"p\d{1,2}(\.\d{1,10})?|p100|IQM|(tm|tc|ts|wm|PR|TM|TC|TS|WM)\S+"),
        "metricName": string(),
        "metricQueries": blocks(
            {
                "expression": string(),
                "id": string(required=True, pattern=r"[a-z]\w{0,254}"),
                "label": string(),
                "metric": block(
                    {
                        "dimensions": mapping(),
                        "metricName": string(required=True),
                        "namespace": string(),
                        "period": integer(required=True),
                        "stat": string(required=True),
                    }
                ),
                "returnData": boolean(default=False),
            },
            forgotten=True,
        ),
        "name": string(computed=True, replaces=True),
        "namespace": string(),
        "okActions": strings(),
        "period": integer(minimum=1),
        "statistic": string(allowed=STATISTICS),
        "threshold": number(),
        "treatMissingData": string(default="missing", allowed=("breaching", "notBreaching", "ignore", "missing")),
    }
    exclusive = (("metricName", "metricQueries"), ("statistic", "extendedStatistic"))
    one_of = (("metricName", "metricQueries"),)

    def create(self, call: Call, new: Values) -> str:
        request = self._request(new)
        if new["tagsAll"]:
            request["Tags"] = tag_list(new["tagsAll"])
        call.client("cloudwatch").put_metric_alarm(**request)
        return str(new["name"])

    def _request(self, new: Values) -> Values:
        request: Values = {"AlarmName": new["name"]}
        for key, api in FIELDS.items():
            if not schema.is_empty(new.get(key)):
                request[api] = new[key]
        if new.get("dimensions"):
            request["Dimensions"] = tag_list(new["dimensions"], key="Name")
        if new.get("metricQueries"):
            request["Metrics"] = [self._query(query) for query in new["metricQueries"]]
        return request

    def _query(self, query: Values) -> Values:
        wanted: Values = {"Id": query["id"], "ReturnData": query.get("returnData", False)}
        wanted |= {api: query[key] for key, api in QUERY.items() if query.get(key) is not None}
        if metric := query.get("metric"):
            wanted["MetricStat"] = {
                "Metric": {
                    "MetricName": metric["metricName"],
                    "Dimensions": tag_list(metric.get("dimensions"), key="Name"),
                    **({"Namespace": metric["namespace"]} if metric.get("namespace") else {}),
                },
                "Period": metric["period"],
                "Stat": metric["stat"],
            }
        return wanted

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        cloudwatch = call.client("cloudwatch")
        alarms = cloudwatch.describe_alarms(AlarmNames=[resource_id], AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        if not alarms:
            return None
        found = alarms[0]
        # The emulator answers with a statistic and a period where there are none.
        if found.get("ExtendedStatistic") or not found.get("MetricName"):
            found.pop("Statistic", None)
        if not found.get("MetricName"):
            found.pop("Period", None)
        return {
            **{key: found.get(api) for key, api in FIELDS.items()},
            "arn": found["AlarmArn"],
            "dimensions": tag_map(found.get("Dimensions"), key="Name"),
            "metricQueries": [self._read_query(query) for query in found.get("Metrics") or ()],
            "name": resource_id,
            "tags": tag_map(cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"]).get("Tags")),
        }

    def _read_query(self, found: Values) -> Values:
        query: Values = {"id": found["Id"], "returnData": found.get("ReturnData", False)}
        query |= {key: found[api] for key, api in QUERY.items() if found.get(api)}
        if stat := found.get("MetricStat"):
            query["metric"] = {
                "dimensions": tag_map(stat["Metric"].get("Dimensions"), key="Name"),
                "metricName": stat["Metric"]["MetricName"],
                "namespace": stat["Metric"].get("Namespace"),
                "period": stat["Period"],
                "stat": stat["Stat"],
            }
        return query

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        cloudwatch = call.client("cloudwatch")
        if changed - {"tags", "tagsAll"}:
            cloudwatch.put_metric_alarm(**self._request(new))
        put, removed = tag_changes(old, new)
        if removed:
            cloudwatch.untag_resource(ResourceARN=old["arn"], TagKeys=removed)
        if put:
            cloudwatch.tag_resource(ResourceARN=old["arn"], Tags=tag_list(put))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ResourceNotFound"):
            call.client("cloudwatch").delete_alarms(AlarmNames=[resource_id])


class Dashboard(Resource):
    type_name = "aws:cloudwatch/dashboard:Dashboard"
    name_property = None
    tagged = False
    properties = {
        "dashboardArn": output(),
        "dashboardBody": string(required=True, same=schema.same_json),
        "dashboardName": string(required=True, replaces=True, pattern=r"[\w-]{1,255}"),
    }

    def create(self, call: Call, new: Values) -> str:
        call.client("cloudwatch").put_dashboard(DashboardName=new["dashboardName"], DashboardBody=new["dashboardBody"])
        return str(new["dashboardName"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        try:
            found = call.client("cloudwatch").get_dashboard(DashboardName=resource_id)
        except Exception as error:
            if error_code(error) in ("ResourceNotFound", "DashboardNotFoundError"):
                return None
            raise
        known, text = state.get("dashboardBody"), found["DashboardBody"]
        return {
            "dashboardArn": found.get("DashboardArn") or call.arn("cloudwatch", f"dashboard/{resource_id}"),
            "dashboardBody": known if known and schema.same_json(known, text) else text,
            "dashboardName": resource_id,
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self.create(call, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ResourceNotFound", "DashboardNotFoundError"):
            call.client("cloudwatch").delete_dashboards(DashboardNames=[resource_id])
