"""The record table: DynamoDB."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from core.aws.errors import aws_code, failing_as
from core.aws.items import HELD, LAST_WRITE, LEASE_STATE, attribute_value, item_of, record_of, update_of
from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Record, Status
from core.transitions import Conflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_aiobotocore_dynamodb.client import DynamoDBClient

    from core.transitions import Change, Value

BY_STATUS = "by_status"
BY_LEASE = "by_lease"
_REFUSED = "ConditionalCheckFailedException"


@dataclass(frozen=True, kw_only=True)
class _Query:
    """What an index is asked for: `key` is `value` and `below` lies under `end`."""

    index: str
    key: str
    value: str
    below: str
    end: Value


class DynamoRecords:
    """core.ports.Records over one table. `get` is consistent; `stale` and `waiting` read indexes that lag a little:
    what they find is confirmed by the change that follows."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    async def create(self, record: Record) -> None:
        write = _name_of_write()
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            try:
                await self._client.put_item(
                    TableName=self._table,
                    Item=item_of(record, write),
                    ConditionExpression="attribute_not_exists(analysis_id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                found = _found_instead(error)
                if found is None or not _is_ours(found, write):
                    raise ValueError(f"{record.analysis_id} exists") from error

    async def get(self, analysis_id: str) -> Record | None:
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            found = await self._client.get_item(
                TableName=self._table, Key={"analysis_id": {"S": analysis_id}}, ConsistentRead=True
            )
        return record_of(found["Item"]) if "Item" in found else None

    async def apply(self, analysis_id: str, change: Change) -> Record:
        write = _name_of_write()
        wanted = update_of(change, write)
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            try:
                reply = await self._client.update_item(
                    TableName=self._table,
                    Key={"analysis_id": {"S": analysis_id}},
                    UpdateExpression=wanted.update,
                    ConditionExpression=wanted.condition,
                    ExpressionAttributeNames=wanted.names,
                    ExpressionAttributeValues=wanted.values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                found = _found_instead(error)
                if found is None:
                    raise Failure(ErrorCode.ANALYSIS_NOT_FOUND, f"{change.name} refused") from error
                if not _is_ours(found, write):
                    raise Conflict(change.name, record_of(found)) from error
                return record_of(found)
        return record_of(reply["Attributes"])

    async def stale(self, *, before: float, limit: int) -> Sequence[Record]:
        query = _Query(index=BY_LEASE, key=LEASE_STATE, value=HELD, below="lease_until", end=before)
        return await self._found(query, Limit=limit)

    async def waiting(
        self, *, before: str, limit: int, status: Status = Status.QUEUED, after: Record | None = None
    ) -> Sequence[Record]:
        query = _Query(index=BY_STATUS, key="status", value=status, below="updated_at", end=before)
        start = {} if after is None else {"ExclusiveStartKey": _place(after)}
        return await self._found(query, Limit=limit, **start)

    async def _found(self, query: _Query, **options: Any) -> Sequence[Record]:
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            reply = await self._client.query(
                TableName=self._table,
                IndexName=query.index,
                KeyConditionExpression="#key = :key AND #below < :end",
                ExpressionAttributeNames={"#key": query.key, "#below": query.below},
                ExpressionAttributeValues={":key": attribute_value(query.value), ":end": attribute_value(query.end)},
                **options,
            )
        return [record_of(item) for item in reply["Items"]]


def _place(record: Record) -> dict[str, Any]:
    """Where a record lies in the index by status."""
    fields = {"analysis_id": record.analysis_id, "status": record.status, "updated_at": record.updated_at}
    return {name: attribute_value(value) for name, value in fields.items()}


def _name_of_write() -> str:
    return secrets.token_hex(8)


def _found_instead(error: ClientError) -> dict[str, Any] | None:
    """The item that a condition refused, or None where there is none. Raises any other error again."""
    if aws_code(error) != _REFUSED:
        raise error
    return cast("dict[str, Any] | None", error.response.get("Item"))


def _is_ours(item: dict[str, Any], write: str) -> bool:
    """True when this very write was carried out before and only its reply was lost."""
    return bool(item.get(LAST_WRITE) == {"S": write})
