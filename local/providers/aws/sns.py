# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Simple Notification Service: topics, who may publish, and who listens."""

from __future__ import annotations

from local.providers.aws import schema
from local.providers.aws.resource import Call, Resource, Values, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import output, policy, string


def _attributes(call: Call, arn: str) -> Values | None:
    sns = call.client("sns")
    try:
        found: Values = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    except sns.exceptions.NotFoundException:
        return None
    return found


class Topic(Resource):
    type_name = "aws:sns/topic:Topic"
    name_limit = 256
    properties = {
        "arn": output(),
        "name": string(computed=True, replaces=True, pattern=r"[\w-]{1,256}"),
        "owner": output(),
        "policy": output(),
    }

    def create(self, call: Call, new: Values) -> str:
        created = call.client("sns").create_topic(Name=new["name"], Tags=tag_list(new["tagsAll"]))
        return str(created["TopicArn"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = _attributes(call, resource_id)
        if found is None:
            return None
        return {
            "arn": resource_id,
            "name": resource_id.rsplit(":", 1)[-1],
            "owner": found.get("Owner"),
            "policy": found.get("Policy"),
            "tags": tag_map(call.client("sns").list_tags_for_resource(ResourceArn=resource_id).get("Tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        sns = call.client("sns")
        put, removed = tag_changes(old, new)
        if removed:
            sns.untag_resource(ResourceArn=resource_id, TagKeys=removed)
        if put:
            sns.tag_resource(ResourceArn=resource_id, Tags=tag_list(put))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("NotFound", "NotFoundException"):
            call.client("sns").delete_topic(TopicArn=resource_id)


class TopicPolicy(Resource):
    """Every topic has a policy: without this one, that of SNS, which is for the account."""

    type_name = "aws:sns/topicPolicy:TopicPolicy"
    name_property = None
    tagged = False
    properties = {"arn": string(required=True, replaces=True), "owner": output(), "policy": policy(required=True)}

    def create(self, call: Call, new: Values) -> str:
        call.client("sns").set_topic_attributes(
            TopicArn=new["arn"], AttributeName="Policy", AttributeValue=new["policy"]
        )
        return str(new["arn"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = _attributes(call, resource_id)
        if found is None:
            return None
        known, text = state.get("policy"), found.get("Policy")
        return {
            "arn": resource_id,
            "owner": found.get("Owner"),
            "policy": known if known and text and schema.same_policy(known, text) else text,
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self.create(call, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        account = (
            '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:Publish",'
            f'"SNS:Subscribe"],"Resource":"{resource_id}",'
            f'"Condition":{{"StringEquals":{{"AWS:SourceOwner":"{call.account}"}}}}}}]}}'
        )
        with ignoring("NotFound", "NotFoundException"):
            call.client("sns").set_topic_attributes(
                TopicArn=resource_id, AttributeName="Policy", AttributeValue=account
            )


class TopicSubscription(Resource):
    type_name = "aws:sns/topicSubscription:TopicSubscription"
    name_property = None
    tagged = False
    properties = {
        "arn": output(),
        "confirmationWasAuthenticated": output("boolean"),
        "endpoint": string(required=True, replaces=True),
        "ownerId": output(),
        "pendingConfirmation": output("boolean"),
        "protocol": string(
            required=True,
            replaces=True,
            allowed=("application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"),
        ),
        "topic": string(required=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        made = call.client("sns").subscribe(
            TopicArn=new["topic"],
            Protocol=new["protocol"],
            Endpoint=new["endpoint"],
            ReturnSubscriptionArn=True,
        )
        return str(made["SubscriptionArn"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        sns = call.client("sns")
        try:
            found = sns.get_subscription_attributes(SubscriptionArn=resource_id)["Attributes"]
        except sns.exceptions.NotFoundException:
            return None
        return {
            "arn": resource_id,
            "confirmationWasAuthenticated": found.get("ConfirmationWasAuthenticated") == "true",
            "endpoint": found["Endpoint"],
            "ownerId": found.get("Owner"),
            "pendingConfirmation": found.get("PendingConfirmation") == "true",
            "protocol": found["Protocol"],
            "topic": found["TopicArn"],
        }

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        # One that nobody has confirmed cannot be deleted; SNS forgets it after two days.
        with ignoring("NotFound", "NotFoundException", "InvalidParameter"):
            call.client("sns").unsubscribe(SubscriptionArn=resource_id)
