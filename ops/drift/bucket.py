"""The bucket as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from core.aws.errors import aws_code
from ops import desired
from ops.drift.difference import Difference, differences, missing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from core.aws.clients import Clients
    from core.settings import Settings

    Ask = Callable[[], Awaitable[Any]]

MISSING = frozenset({"404", "NoSuchBucket", "NotFound"})
UNKNOWN_CALL = frozenset({"NotImplemented", "InvalidAction", "UnknownOperation", "UnknownOperationException", "501"})
_NOT_SET = frozenset(
    {
        "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
        "OwnershipControlsNotFoundError",
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "NoSuchLifecycleConfiguration",
    }
)


async def exists(clients: Clients, settings: Settings) -> bool:
    try:
        await clients.s3.head_bucket(Bucket=settings.bucket)
    except ClientError as error:
        if aws_code(error) in MISSING:
            return False
        raise
    return True


async def of_bucket(clients: Clients, settings: Settings) -> Sequence[Difference]:
    """Raises ClientError where one may not look."""
    name, s3 = settings.bucket, clients.s3
    if not await exists(clients, settings):
        return missing("bucket", f"bucket {name}")
    parts: list[tuple[str, str, Ask, object]] = [
        (
            "public access",
            "PublicAccessBlockConfiguration",
            lambda: s3.get_public_access_block(Bucket=name),
            desired.privacy(),
        ),
        (
            "encryption",
            "ServerSideEncryptionConfiguration",
            lambda: s3.get_bucket_encryption(Bucket=name),
            desired.encryption(),
        ),
        ("ownership", "OwnershipControls", lambda: s3.get_bucket_ownership_controls(Bucket=name), desired.ownership()),
        (
            "lifecycle",
            "Rules",
            lambda: s3.get_bucket_lifecycle_configuration(Bucket=name),
            desired.lifecycle_rules(settings),
        ),
    ]
    if not desired.speaks_plain_http(settings):
        parts.append(("policy", "Policy", lambda: _policy(clients, name), json.loads(desired.bucket_policy(name))))
    found: list[Difference] = []
    for what, field, ask, wanted in parts:
        is_so = await _part(settings, ask, field, wanted)
        found += differences("bucket", f"bucket {name}, {what}", is_so, wanted)
    return [*found, *await _cors(clients, settings)]


async def of_events(clients: Clients, settings: Settings, queue_arn: str | None) -> Sequence[Difference]:
    """`queue_arn` None: there is no ingest queue yet."""
    if queue_arn is None:
        return []
    found = await clients.s3.get_bucket_notification_configuration(Bucket=settings.bucket)
    wanted = desired.upload_events(queue_arn)
    ours = [one for one in found.get("QueueConfigurations", []) if one.get("Id") == wanted["Id"]]
    # the filter comes back in a spelling of AWS's own
    told = {"QueueArn": wanted["QueueArn"], "Events": list(wanted["Events"])}
    return differences("bucket", f"bucket {settings.bucket}, upload events", ours[0] if ours else None, told)


async def _cors(clients: Clients, settings: Settings) -> list[Difference]:
    wanted = desired.cors_rules(settings)
    found = await _part(settings, lambda: clients.s3.get_bucket_cors(Bucket=settings.bucket), "CORSRules", wanted)
    return differences("cors", f"bucket {settings.bucket}, CORS", found or [], wanted)


async def _policy(clients: Clients, name: str) -> dict[str, Any]:
    found = await clients.s3.get_bucket_policy(Bucket=name)
    return {"Policy": json.loads(found["Policy"])}


async def _part(settings: Settings, ask: Ask, field: str, wanted: object) -> object:
    """None where it is not set. What an emulator cannot tell counts as it should be: nobody could set it either."""
    try:
        return (await ask()).get(field)
    except ClientError as error:
        if aws_code(error) in _NOT_SET:
            return None
        if settings.aws_endpoint_url is not None and aws_code(error) in UNKNOWN_CALL:
            return wanted
        raise
