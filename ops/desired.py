"""What bucket, queues and table should be, as the plain values that AWS takes. Nothing here awaits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.aws.items import LEASE_STATE
from core.aws.records import BY_LEASE, BY_STATUS
from core.record import ARTIFACTS, CLIPS, UPLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_aiobotocore_dynamodb.type_defs import (
        AttributeDefinitionTypeDef,
        GlobalSecondaryIndexTypeDef,
        KeySchemaElementTypeDef,
    )
    from types_aiobotocore_s3.type_defs import (
        CORSRuleTypeDef,
        LifecycleRuleTypeDef,
        OwnershipControlsUnionTypeDef,
        PublicAccessBlockConfigurationTypeDef,
        QueueConfigurationTypeDef,
        ServerSideEncryptionConfigurationTypeDef,
    )
    from types_aiobotocore_sqs.literals import QueueAttributeNameType

    from core.settings import Settings

DAY_S = 24 * 3600
RETENTION_S = 4 * DAY_S
# Counted from the first send, not from the move: a dead letter must still be there after days on the queue.
DEAD_RETENTION_S = 14 * DAY_S
# The consumer dead-letters with a reason after max_attempts. SQS's own count must be higher, since a release at a
# shutdown or behind a duplicate's lease is a receive too; it is the net under a consumer that never gets that far.
SPARE_RECEIVES = 5
EVENT_ID = "uploads-to-ingest"
RECORD_KEY = "analysis_id"
TTL_FIELD = "expires_at"


def bucket_policy(bucket: str) -> str:
    tls_only = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    written_once = {
        "Sid": "NoClipIsOverwritten",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/{CLIPS}*",
        # the steps before the completion know no such condition
        "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    }
    return _policy(tls_only, written_once)


def privacy() -> PublicAccessBlockConfigurationTypeDef:
    return {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }


def ownership() -> OwnershipControlsUnionTypeDef:
    """No access lists."""
    return {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def speaks_plain_http(settings: Settings) -> bool:
    """An emulator that would refuse everything under a policy that takes TLS only."""
    return (settings.aws_endpoint_url or "").startswith("http://")


def encryption() -> ServerSideEncryptionConfigurationTypeDef:
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


def cors_rules(settings: Settings) -> list[CORSRuleTypeDef]:
    """Browsers' pages of these origins upload by POST and read by GET."""
    if not settings.cors_origins:
        return []
    return [
        {
            "AllowedOrigins": list(settings.cors_origins),
            "AllowedMethods": ["GET", "HEAD", "POST"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag", "Location", "Content-Length", "Content-Range", "Accept-Ranges"],
            "MaxAgeSeconds": 3600,
        }
    ]


def lifecycle_rules(settings: Settings) -> list[LifecycleRuleTypeDef]:
    kept: list[LifecycleRuleTypeDef] = [
        {
            "ID": f"expire-{prefix.rstrip('/')}",
            "Status": "Enabled",
            "Filter": {"Prefix": prefix},
            "Expiration": {"Days": settings.retention_days},
        }
        for prefix in (UPLOADS, CLIPS, ARTIFACTS)
    ]
    unfinished: LifecycleRuleTypeDef = {
        "ID": "drop-unfinished-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    return [*kept, unfinished]


def upload_events(queue_arn: str) -> QueueConfigurationTypeDef:
    return {
        "Id": EVENT_ID,
        "QueueArn": queue_arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": UPLOADS}]}},
    }


def dead_letter_attributes() -> dict[QueueAttributeNameType, str]:
    return {"MessageRetentionPeriod": str(DEAD_RETENTION_S)}


def queue_attributes(settings: Settings, *, dead_arn: str) -> dict[QueueAttributeNameType, str]:
    redrive = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": settings.max_attempts + SPARE_RECEIVES}
    return {
        "MessageRetentionPeriod": str(RETENTION_S),
        "VisibilityTimeout": str(settings.visibility_s),
        "ReceiveMessageWaitTimeSeconds": str(settings.poll_wait_s),
        "RedrivePolicy": json.dumps(redrive),
    }


def may_send_events(bucket: str, *, queue_arn: str) -> str:
    """The policy of a queue that S3 may send this one bucket's events to."""
    account = queue_arn.split(":")[4]
    statement = {
        "Sid": "EventsOfOurBucket",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
            "StringEquals": {"aws:SourceAccount": account},
        },
    }
    return _policy(statement)


def indexes() -> list[GlobalSecondaryIndexTypeDef]:
    return [
        {"IndexName": BY_STATUS, "KeySchema": _key("status", "updated_at"), "Projection": {"ProjectionType": "ALL"}},
        # sparse: only a record with a lease has a lease_state
        {"IndexName": BY_LEASE, "KeySchema": _key(LEASE_STATE, "lease_until"), "Projection": {"ProjectionType": "ALL"}},
    ]


def record_key() -> list[KeySchemaElementTypeDef]:
    return _key(RECORD_KEY)


def attribute_definitions() -> list[AttributeDefinitionTypeDef]:
    return [
        {"AttributeName": RECORD_KEY, "AttributeType": "S"},
        {"AttributeName": "status", "AttributeType": "S"},
        {"AttributeName": "updated_at", "AttributeType": "S"},
        {"AttributeName": LEASE_STATE, "AttributeType": "S"},
        {"AttributeName": "lease_until", "AttributeType": "N"},
    ]


def _key(partition: str, sort: str | None = None) -> list[KeySchemaElementTypeDef]:
    keys: list[KeySchemaElementTypeDef] = [{"AttributeName": partition, "KeyType": "HASH"}]
    if sort is not None:
        keys.append({"AttributeName": sort, "KeyType": "RANGE"})
    return keys


def _policy(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
