"""The queues as they are, with their dead-letter queues."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from core.aws.errors import aws_code
from core.aws.queue import dead_letter_name
from ops import desired
from ops.drift.difference import Difference, differences, missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.aws.clients import Clients
    from core.settings import Settings

MISSING = frozenset({"NonExistentQueue", "QueueDoesNotExist"})
_JSON = frozenset({"RedrivePolicy", "Policy"})
Attributes = dict[str, Any]


async def attributes_of(clients: Clients, name: str) -> Attributes | None:
    """All of them, policies decoded; None when there is no such queue."""
    try:
        url = (await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]
    except ClientError as error:
        if aws_code(error) in MISSING:
            return None
        raise
    found = await clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return {str(key): _decoded(str(key), value) for key, value in found["Attributes"].items()}


async def of_queues(clients: Clients, settings: Settings) -> tuple[Sequence[Difference], str | None]:
    """The differences, and the ingest queue's ARN where there is one."""
    found: list[Difference] = []
    for name in (settings.ingest_queue, settings.analysis_queue):
        found += await _of_queue(clients, settings, name)
    ingest = await attributes_of(clients, settings.ingest_queue)
    if ingest is None:
        return found, None
    arn: str = ingest["QueueArn"]
    wanted = json.loads(desired.may_send_events(settings.bucket, queue_arn=arn))
    what = f"queue {settings.ingest_queue}, who may send"
    return [*found, *differences("queues", what, ingest.get("Policy"), wanted)], arn


async def _of_queue(clients: Clients, settings: Settings, name: str) -> Sequence[Difference]:
    dead_name = dead_letter_name(name)
    dead, queue = await attributes_of(clients, dead_name), await attributes_of(clients, name)
    found = _compared(dead_name, dead, desired.dead_letter_attributes())
    # of a DLQ that is not there, nothing can be said to be its address
    dead_arn = "" if dead is None else dead["QueueArn"]
    return [*found, *_compared(name, queue, desired.queue_attributes(settings, dead_arn=dead_arn))]


def _compared(name: str, found: Attributes | None, wanted: Mapping[Any, str]) -> Sequence[Difference]:
    if found is None:
        return missing("queues", f"queue {name}")
    return [
        one
        for key, value in wanted.items()
        for one in differences("queues", f"queue {name}, {key}", found.get(key), _decoded(key, value))
    ]


def _decoded(name: str, value: str) -> Any:
    if name not in _JSON:
        return value
    decoded = json.loads(value)
    if name == "RedrivePolicy":
        # AWS says it as a number, emulators as they were told
        decoded["maxReceiveCount"] = int(decoded["maxReceiveCount"])
    return decoded
