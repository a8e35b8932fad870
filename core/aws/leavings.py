"""What an analysis leaves in bucket and table, and its removal: S3 and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from core.aws.errors import aws_code, failing_as
from core.aws.items import attribute_value
from core.aws.objects import S3Objects
from core.error_codes import ErrorCode
from core.record import artifacts_prefix

if TYPE_CHECKING:
    from core.aws.clients import Clients
    from core.record import Record
    from core.settings import Settings

_REFUSED = "ConditionalCheckFailedException"


class AwsLeavings:
    """core.ports.Leavings."""

    def __init__(self, clients: Clients, settings: Settings) -> None:
        self._s3 = clients.s3
        self._dynamodb = clients.dynamodb
        self._bucket = settings.bucket
        self._table = settings.table
        self._objects = S3Objects(clients.s3, settings.bucket)

    async def remove_objects(self, record: Record) -> int:
        places = (record.key, record.clip_key, artifacts_prefix(record.analysis_id))
        keys = [key for place in places for key in await self._under(place)]
        await self._objects.delete(keys)
        return len(keys)

    async def remove_artifacts(self, record: Record) -> int:
        keys = await self._under(artifacts_prefix(record.analysis_id))
        await self._objects.delete(keys)
        return len(keys)

    async def forget(self, record: Record) -> bool:
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            try:
                await self._dynamodb.delete_item(
                    TableName=self._table,
                    Key={"analysis_id": {"S": record.analysis_id}},
                    ConditionExpression="revision = :seen",
                    ExpressionAttributeValues={":seen": attribute_value(record.revision)},
                )
            except ClientError as error:
                if aws_code(error) != _REFUSED:
                    raise
                return False
        return True

    async def _under(self, prefix: str) -> list[str]:
        found: list[str] = []
        with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
            async for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                found += [item["Key"] for item in page.get("Contents", [])]
        return found
