"""`python -m ops.provision`: makes bucket, queues and table as the settings name them. Safe to run again.

Each step looks first, so a second run changes nothing. Nothing is ever deleted.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from core.aws.clients import open_clients
from core.aws.errors import aws_code, failing_as
from core.aws.queue import dead_letter_name
from core.error_codes import ErrorCode
from core.failure import Failure
from core.settings import load_settings
from ops import desired

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.aws.clients import Clients
    from core.settings import Settings

_MISSING = frozenset({"404", "NoSuchBucket", "NotFound", "NonExistentQueue", "QueueDoesNotExist"})
_MISSING_TABLE = frozenset({"ResourceNotFoundException"})
_UNKNOWN_CALL = frozenset({"NotImplemented", "InvalidAction", "UnknownOperation", "UnknownOperationException", "501"})


async def provision(settings: Settings) -> Sequence[str]:
    """One line for each thing that was made, set or found.

    Raises Failure (STORAGE_, QUEUE_ or STORE_UNAVAILABLE) that names the call that was refused. A call that an emulator
    cannot take is named in a line that says NOT SET; AWS itself takes them all.
    """
    async with open_clients(settings) as clients:
        return await provisioned(clients, settings)


async def provisioned(clients: Clients, settings: Settings) -> Sequence[str]:
    """As provision()."""
    lines: list[str] = []
    with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
        lines.append(await _bucket(clients, settings))
        for step in (_privacy, _encryption, _ownership, _policy, _cors, _lifecycle):
            with _lenient(settings, lines):
                lines.append(await step(clients, settings))
    with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
        for name in (settings.ingest_queue, settings.analysis_queue):
            lines += await provision_queue(clients, settings, name)
        lines.append(await _queue_policy(clients, settings))
    with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
        lines.append(await _events(clients, settings))
    with failing_as(ErrorCode.STORE_UNAVAILABLE):
        lines += await _table(clients, settings)
    return lines


@contextmanager
def _lenient(settings: Settings, lines: list[str]) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if settings.aws_endpoint_url is None or aws_code(error) not in _UNKNOWN_CALL:
            raise
        lines.append(f"NOT SET: the emulator does not know {error.operation_name}")


async def _bucket(clients: Clients, settings: Settings) -> str:
    name = settings.bucket
    try:
        await clients.s3.head_bucket(Bucket=name)
    except ClientError as error:
        if aws_code(error) not in _MISSING:
            raise
        if settings.aws_region == "us-east-1":  # the one region that may not be named
            await clients.s3.create_bucket(Bucket=name)
        else:
            region = {"LocationConstraint": settings.aws_region}
            await clients.s3.create_bucket(Bucket=name, CreateBucketConfiguration=region)  # type: ignore[arg-type]  # a setting, not one of the literals
        await clients.s3.get_waiter("bucket_exists").wait(Bucket=name)
        return f"bucket {name}: made"
    return f"bucket {name}: found"


async def _privacy(clients: Clients, settings: Settings) -> str:
    await clients.s3.put_public_access_block(Bucket=settings.bucket, PublicAccessBlockConfiguration=desired.privacy())
    return "bucket: public access blocked"


async def _encryption(clients: Clients, settings: Settings) -> str:
    await clients.s3.put_bucket_encryption(
        Bucket=settings.bucket, ServerSideEncryptionConfiguration=desired.encryption()
    )
    return "bucket: encrypted at rest"


async def _ownership(clients: Clients, settings: Settings) -> str:
    await clients.s3.put_bucket_ownership_controls(Bucket=settings.bucket, OwnershipControls=desired.ownership())
    return "bucket: no access lists"


async def _policy(clients: Clients, settings: Settings) -> str:
    if desired.speaks_plain_http(settings):
        return "NOT SET: the bucket's policy, since this emulator speaks plain HTTP and would refuse everything"
    await clients.s3.put_bucket_policy(Bucket=settings.bucket, Policy=desired.bucket_policy(settings.bucket))
    return "bucket: TLS only; no clip is overwritten"


async def _cors(clients: Clients, settings: Settings) -> str:
    rules = desired.cors_rules(settings)
    if not rules:
        await clients.s3.delete_bucket_cors(Bucket=settings.bucket)
        return "bucket: no browser may upload (CORS_ORIGINS is empty)"
    await clients.s3.put_bucket_cors(Bucket=settings.bucket, CORSConfiguration={"CORSRules": rules})
    return f"bucket: browsers may upload from {', '.join(settings.cors_origins)}"


async def _lifecycle(clients: Clients, settings: Settings) -> str:
    await clients.s3.put_bucket_lifecycle_configuration(
        Bucket=settings.bucket, LifecycleConfiguration={"Rules": desired.lifecycle_rules(settings)}
    )
    return f"bucket: clips and results go after {settings.retention_days} days"


async def provision_queue(clients: Clients, settings: Settings, name: str) -> list[str]:
    """One queue and its DLQ."""
    dead = dead_letter_name(name)
    dead_url, dead_line = await _queue_url(clients, dead)
    await clients.sqs.set_queue_attributes(QueueUrl=dead_url, Attributes=desired.dead_letter_attributes())
    url, line = await _queue_url(clients, name)
    attributes = desired.queue_attributes(settings, dead_arn=await _arn(clients, dead_url))
    await clients.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return [dead_line, f"{line}, dead letters go to {dead}"]


async def _queue_url(clients: Clients, name: str) -> tuple[str, str]:
    try:
        return (await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"], f"queue {name}: found"
    except ClientError as error:
        if aws_code(error) not in _MISSING:
            raise
    return (await clients.sqs.create_queue(QueueName=name))["QueueUrl"], f"queue {name}: made"


async def _arn(clients: Clients, url: str) -> str:
    found = await clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return found["Attributes"]["QueueArn"]


async def _queue_policy(clients: Clients, settings: Settings) -> str:
    url = (await clients.sqs.get_queue_url(QueueName=settings.ingest_queue))["QueueUrl"]
    policy = desired.may_send_events(settings.bucket, queue_arn=await _arn(clients, url))
    await clients.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return f"queue {settings.ingest_queue}: takes the bucket's events"


async def _events(clients: Clients, settings: Settings) -> str:
    """Keeps what others have set. Looks first: S3 sends a test event at every change."""
    url = (await clients.sqs.get_queue_url(QueueName=settings.ingest_queue))["QueueUrl"]
    wanted = desired.upload_events(await _arn(clients, url))
    found = await clients.s3.get_bucket_notification_configuration(Bucket=settings.bucket)
    queues = found.get("QueueConfigurations", [])
    if any(queue["QueueArn"] == wanted["QueueArn"] and queue.get("Id") == wanted["Id"] for queue in queues):
        return "bucket: events go to the ingest queue already"
    kept = {name: value for name, value in found.items() if name != "ResponseMetadata"}
    kept["QueueConfigurations"] = [*(queue for queue in queues if queue.get("Id") != wanted["Id"]), wanted]
    await clients.s3.put_bucket_notification_configuration(Bucket=settings.bucket, NotificationConfiguration=kept)  # type: ignore[arg-type]  # what was read, and ours
    return "bucket: events go to the ingest queue"


async def _table(clients: Clients, settings: Settings) -> list[str]:
    name = settings.table
    lines = [f"table {name}: found"]
    try:
        await clients.dynamodb.describe_table(TableName=name)
    except ClientError as error:
        if aws_code(error) not in _MISSING_TABLE:
            raise
        await clients.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=desired.record_key(),
            AttributeDefinitions=desired.attribute_definitions(),
            GlobalSecondaryIndexes=desired.indexes(),
        )
        lines = [f"table {name}: made"]
    await clients.dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    await _check_indexes(clients, name)
    return [*lines, await _expiry(clients, name)]


async def _check_indexes(clients: Clients, name: str) -> None:
    table = (await clients.dynamodb.describe_table(TableName=name))["Table"]
    found = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])}
    if lacking := {index["IndexName"] for index in desired.indexes()} - found:
        raise Failure(ErrorCode.STORE_UNAVAILABLE, f"the table {name} exists, and lacks {', '.join(sorted(lacking))}")


async def _expiry(clients: Clients, name: str) -> str:
    """AWS refuses to switch on what is on."""
    found = await clients.dynamodb.describe_time_to_live(TableName=name)
    if found["TimeToLiveDescription"]["TimeToLiveStatus"] in ("ENABLED", "ENABLING"):
        return f"table {name}: records expire already"
    await clients.dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": desired.TTL_FIELD}
    )
    return f"table {name}: records expire"


def main() -> int:
    try:
        lines = asyncio.run(provision(load_settings()))
    except Failure as failure:
        sys.stderr.write(f"provision: {failure}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
