# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""AWS Certificate Manager: certificates that it issues."""

from __future__ import annotations

from typing import Any

from local.providers.aws.resource import Call, Resource, Values, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import output, replacing, string, strings
from local.providers.server import ProviderError

ISSUE_SECONDS = 4500


def _found(call: Call, arn: str) -> Values | None:
    acm = call.client("acm")
    try:
        found: Values = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except acm.exceptions.ResourceNotFoundException:
        return None
    return found


def _time(value: Any) -> str | None:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else None


class Certificate(Resource):
    type_name = "aws:acm/certificate:Certificate"
    name_property = None
    properties = {
        "arn": output(),
        "domainName": string(required=True, replaces=True),
        "domainValidationOptions": output("list"),
        "keyAlgorithm": output(),
        "notAfter": output(),
        "notBefore": output(),
        "status": output(),
        "subjectAlternativeNames": output("set"),
        "type": output(),
        "validationMethod": string(required=True, replaces=True, forgotten=True, allowed=("DNS", "EMAIL")),
    }

    def create(self, call: Call, new: Values) -> str:
        request: Values = {"DomainName": new["domainName"], "ValidationMethod": new["validationMethod"]}
        if new["tagsAll"]:
            request["Tags"] = tag_list(new["tagsAll"])
        return str(call.client("acm").request_certificate(**request)["CertificateArn"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        def has_proofs() -> bool:
            options = (_found(call, resource_id) or {}).get("DomainValidationOptions") or ()
            return bool(options) and all(option.get("ResourceRecord") for option in options)

        if new["validationMethod"] == "DNS":
            call.wait(f"the validation records of {new['domainName']}", has_proofs, default_seconds=75)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = _found(call, resource_id)
        if found is None:
            return None
        options = found.get("DomainValidationOptions") or ()
        return {
            "arn": resource_id,
            "domainName": found["DomainName"],
            "domainValidationOptions": [
                {
                    "domainName": option["DomainName"],
                    "resourceRecordName": option["ResourceRecord"]["Name"],
                    "resourceRecordType": option["ResourceRecord"]["Type"],
                    "resourceRecordValue": option["ResourceRecord"]["Value"],
                }
                for option in options
                if option.get("ResourceRecord")
            ],
            "keyAlgorithm": (found.get("KeyAlgorithm") or "RSA_2048").replace("-", "_"),
            "notAfter": _time(found.get("NotAfter")),
            "notBefore": _time(found.get("NotBefore")),
            "status": found.get("Status"),
            "subjectAlternativeNames": found.get("SubjectAlternativeNames") or [found["DomainName"]],
            "tags": tag_map(call.client("acm").list_tags_for_certificate(CertificateArn=resource_id).get("Tags")),
            "type": found.get("Type"),
            "validationMethod": next((option.get("ValidationMethod") for option in options), None),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        put, removed = tag_changes(old, new)
        acm = call.client("acm")
        if removed:
            acm.remove_tags_from_certificate(CertificateArn=resource_id, Tags=[{"Key": key} for key in removed])
        if put:
            acm.add_tags_to_certificate(CertificateArn=resource_id, Tags=tag_list(put))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ResourceNotFoundException"):
            call.client("acm").delete_certificate(CertificateArn=resource_id)


class CertificateValidation(Resource):
    """No thing of AWS's: the wait until a certificate is issued."""

    type_name = "aws:acm/certificateValidation:CertificateValidation"
    name_property = None
    tagged = False
    properties = replacing(
        {"certificateArn": string(required=True), "validationRecordFqdns": strings(kept=True)},
    )

    def create(self, call: Call, new: Values) -> str:
        arn = new["certificateArn"]

        def is_issued() -> bool:
            found = _found(call, arn) or {}
            status = found.get("Status")
            if status not in ("ISSUED", "PENDING_VALIDATION"):
                raise ProviderError(f"certificate {arn} is {status}: {found.get('FailureReason', 'no reason given')}")
            return bool(status == "ISSUED")

        call.wait(f"certificate {arn} to be issued", is_issued, default_seconds=ISSUE_SECONDS)
        return _time((_found(call, arn) or {}).get("IssuedAt")) or str(arn)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = _found(call, state["certificateArn"])
        return {"certificateArn": state["certificateArn"]} if found and found.get("Status") == "ISSUED" else None

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        """Nothing is there to delete."""
