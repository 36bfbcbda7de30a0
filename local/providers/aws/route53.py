# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Route 53 records. Route 53 is global: its types have no region."""

from __future__ import annotations

from typing import Any

from local.providers.aws.resource import Call, Resource, Values, ignoring
from local.providers.aws.schema import blocks, boolean, integer, output, string, strings

TYPES = ("A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB",
         "TLSA", "TXT")  # fmt: skip


def _plain(name: Any) -> str:
    """A name as people write it: Route 53 adds a dot, lowers letters and escapes an asterisk."""
    return str(name).rstrip(".").lower().replace("\\052", "*")


def _same_name(old: Any, new: Any) -> bool:
    return _plain(old) == _plain(new)


class Record(Resource):
    type_name = "aws:route53/record:Record"
    name_property = None
    tagged = False
    regional = False
    exclusive = (("aliases", "records"), ("aliases", "ttl"))
    one_of = (("aliases", "records"),)
    properties = {
        "aliases": blocks(
            {
                "evaluateTargetHealth": boolean(required=True),
                "name": string(required=True, same=_same_name),
                "zoneId": string(required=True),
            }
        ),
        "allowOverwrite": boolean(kept=True, computed=True),
        "fqdn": output(),
        "name": string(required=True, replaces=True, same=_same_name),
        "records": strings(),
        "ttl": integer(minimum=0),
        "type": string(required=True, allowed=TYPES),
        "zoneId": string(required=True, replaces=True),
    }

    def check(self, inputs: Values) -> list[str]:
        if "records" in inputs and "ttl" not in inputs:
            return ["ttl: got nothing, expected the seconds that resolvers may keep the records; add it"]
        return []

    def _change(self, call: Call, action: str, record_set: Values, zone: str) -> None:
        route53 = call.client("route53")
        change = route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record_set}]}
        )["ChangeInfo"]["Id"]
        call.wait(
            f"the name servers to learn {record_set['Name']}",
            lambda: route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC",
            default_seconds=1800,
        )

    def _record_set(self, call: Call, new: Values) -> Values:
        record_set: Values = {"Name": self._full_name(call, new), "Type": new["type"]}
        for alias in new.get("aliases") or ():
            record_set["AliasTarget"] = {
                "DNSName": alias["name"],
                "HostedZoneId": alias["zoneId"],
                "EvaluateTargetHealth": alias["evaluateTargetHealth"],
            }
        if new.get("records"):
            record_set["TTL"] = new["ttl"]
            record_set["ResourceRecords"] = [{"Value": self._spelled(new["type"], text)} for text in new["records"]]
        return record_set

    def _spelled(self, kind: str, text: str) -> str:
        return f'"{text}"' if kind in ("TXT", "SPF") and not text.startswith('"') else text

    def _full_name(self, call: Call, new: Values) -> str:
        """The name inside its zone, whose own name the program may leave out."""
        zone = _plain(call.client("route53").get_hosted_zone(Id=new["zoneId"])["HostedZone"]["Name"])
        name = _plain(new["name"])
        return name if name == zone or name.endswith(f".{zone}") else f"{name}.{zone}".lstrip(".")

    def create(self, call: Call, new: Values) -> str:
        action = "UPSERT" if new.get("allowOverwrite") else "CREATE"
        self._change(call, action, self._record_set(call, new), new["zoneId"])
        return f"{new['zoneId']}_{_plain(new['name'])}_{new['type']}"

    def _find(self, call: Call, state: Values) -> Values | None:
        route53 = call.client("route53")
        try:
            name = self._full_name(call, state)
            found = route53.list_resource_record_sets(
                HostedZoneId=state["zoneId"], StartRecordName=name, StartRecordType=state["type"], MaxItems="1"
            )["ResourceRecordSets"]
        except route53.exceptions.NoSuchHostedZone:
            return None
        same = [item for item in found if _plain(item["Name"]) == name and item["Type"] == state["type"]]
        return same[0] if same else None

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, state)
        if found is None:
            return None
        alias = found.get("AliasTarget")
        known = next((item["name"] for item in state.get("aliases") or ()), None)
        records = [item["Value"] for item in found.get("ResourceRecords") or ()]
        return {
            "aliases": [
                {
                    "evaluateTargetHealth": alias["EvaluateTargetHealth"],
                    "name": known if known and _same_name(known, alias["DNSName"]) else _plain(alias["DNSName"]),
                    "zoneId": alias["HostedZoneId"],
                }
            ]
            if alias
            else None,
            "fqdn": _plain(found["Name"]),
            "name": state["name"],
            "records": [text.strip('"') if state["type"] in ("TXT", "SPF") else text for text in records] or None,
            "ttl": found.get("TTL"),
            "type": found["Type"],
            "zoneId": state["zoneId"],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if "type" in changed:
            self.delete(call, resource_id, old)
        self._change(call, "UPSERT", self._record_set(call, new), new["zoneId"])

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        found = self._find(call, state)
        if found is not None:
            with ignoring("InvalidChangeBatch", "NoSuchHostedZone"):
                self._change(call, "DELETE", found, state["zoneId"])
