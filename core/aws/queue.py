"""One queue and its dead-letter queue: SQS."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from core.aws.errors import aws_code, failing_as
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery, QueueSetup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_sqs.type_defs import (
        MessageAttributeValueOutputTypeDef,
        MessageAttributeValueTypeDef,
        MessageTypeDef,
    )

    from core.aws.clients import Clients

MAX_ATTRIBUTES = 10
_STALE = frozenset({"ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidParameterValue"})
_GONE = frozenset({"ReceiptHandleIsInvalid"})
_MISSING = frozenset({"NonExistentQueue", "QueueDoesNotExist"})


def dead_letter_name(queue: str) -> str:
    return f"{queue}-dlq"


async def open_queue(clients: Clients, name: str, *, dead_letters: str | None = None) -> SqsQueue:
    """The queue of this name; `dead_letters` names its DLQ (None for a DLQ itself).

    Raises Failure(QUEUE_UNAVAILABLE) that names the queue when there is none.
    """
    url = await _url(clients.sqs, name)
    dead_url = await _url(clients.sqs, dead_letters) if dead_letters else None
    return SqsQueue(name, clients.sqs, clients.polls, url=url, dead_url=dead_url)


class SqsQueue:
    """core.ports.Queue. SQS's limits are held here, since emulators do not: ValueError."""

    def __init__(self, name: str, client: SQSClient, polls: SQSClient, *, url: str, dead_url: str | None) -> None:
        self._name = name
        self._client = client
        self._polls = polls
        self._url = url
        self._dead_url = dead_url

    @property
    def name(self) -> str:
        return self._name

    async def send(self, body: str, attributes: Mapping[str, str], *, delay_s: int = 0) -> str:
        _check("delay_s", delay_s, 0, 900)
        _check("the number of attributes", len(attributes), 0, MAX_ATTRIBUTES)
        with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
            sent = await self._client.send_message(
                QueueUrl=self._url, MessageBody=body, MessageAttributes=_wire(attributes), DelaySeconds=delay_s
            )
        return sent["MessageId"]

    async def receive(self, *, limit: int, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        _check("limit", limit, 1, 10)
        _check("wait_s", wait_s, 0, 20)
        _check("visibility_s", visibility_s, 0, 43200)
        with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
            reply = await self._polls.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait_s,
                VisibilityTimeout=visibility_s,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            )
        return [_delivery(message) for message in reply.get("Messages", [])]

    async def delete(self, receipts: Sequence[str]) -> Sequence[str]:
        _check("the number of receipts", len(receipts), 1, 10)
        with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
            reply = await self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(at), "ReceiptHandle": receipt} for at, receipt in enumerate(receipts)],
            )
        failed = [entry for entry in reply.get("Failed", []) if entry["Code"].rsplit(".", 1)[-1] not in _GONE]
        return [receipts[int(entry["Id"])] for entry in failed]

    async def change_visibility(self, receipt: str, seconds: int) -> None:
        _check("seconds", seconds, 0, 43200)
        with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
            try:
                await self._client.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
                )
            except ClientError as error:
                if aws_code(error) in _STALE:
                    raise Failure(ErrorCode.LEASE_LOST, aws_code(error)) from error
                raise

    async def dead_letter(self, delivery: Delivery, *, reason: str) -> None:
        if self._dead_url is None:
            raise ValueError(f"{self._name} was opened without a dead-letter queue")
        with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
            await self._client.send_message(
                QueueUrl=self._dead_url,
                MessageBody=delivery.body,
                MessageAttributes=_wire(with_reason(delivery.attributes, reason)),
            )

    async def depth(self) -> int:
        return int((await self._attributes(self._url))["ApproximateNumberOfMessages"])

    async def setup(self) -> QueueSetup:
        found = await self._attributes(self._url)
        redrive = json.loads(found.get("RedrivePolicy", "{}"))
        arn = redrive.get("deadLetterTargetArn")
        dead = await self._attributes(self._dead_url) if arn and self._dead_url else {}
        retention = dead.get("MessageRetentionPeriod")
        return QueueSetup(
            visibility_s=int(found["VisibilityTimeout"]),
            retention_s=int(found["MessageRetentionPeriod"]),
            max_receives=int(redrive["maxReceiveCount"]) if arn else None,
            dead_letters=arn.rsplit(":", 1)[-1] if arn else None,
            dead_retention_s=int(retention) if retention else None,
        )

    async def _attributes(self, url: str) -> Mapping[str, str]:
        with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
            reply = await self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return {str(name): value for name, value in reply["Attributes"].items()}


def with_reason(attributes: Mapping[str, str], reason: str) -> dict[str, str]:
    """The attributes of the DLQ's copy. SQS takes ten: where a foreign message has ten, its last by name gives way."""
    kept = sorted(name for name in attributes if name != "reason")[: MAX_ATTRIBUTES - 1]
    return {name: attributes[name] for name in kept} | {"reason": reason}


async def _url(client: SQSClient, name: str) -> str:
    with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
        try:
            return (await client.get_queue_url(QueueName=name))["QueueUrl"]
        except ClientError as error:
            if aws_code(error) in _MISSING:
                raise Failure(ErrorCode.QUEUE_UNAVAILABLE, f"there is no queue {name}") from error
            raise


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low}..{high}, is {value}")


def _wire(attributes: Mapping[str, str]) -> dict[str, MessageAttributeValueTypeDef]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}


def _delivery(message: MessageTypeDef) -> Delivery:
    attributes = message.get("MessageAttributes", {})
    return Delivery(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        receive_count=int(message["Attributes"]["ApproximateReceiveCount"]),
        attributes={name: _text(value) for name, value in attributes.items()},
        sent_at=int(message["Attributes"]["SentTimestamp"]) / 1000,
    )


def _text(value: MessageAttributeValueOutputTypeDef) -> str:
    """A binary attribute, which no message of ours has, is kept as base64."""
    return value["StringValue"] if "StringValue" in value else base64.b64encode(value["BinaryValue"]).decode()
