"""Two small kinds of item that lie in the record table beside the records: who holds a post, which breaker is open.

None of them has a status or a lease, so no index of the table shows them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from core.aws.errors import aws_code, failing_as
from core.aws.items import attribute_value
from core.error_codes import ErrorCode
from core.ports import Term

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

_REFUSED = "ConditionalCheckFailedException"
_FIELDS = ("holder", "token", "beat")
_NAMES = {f"#{name}": name for name in _FIELDS}


class DynamoPosts:
    """core.ports.Posts."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    async def term(self, post: str) -> Term | None:
        item = await _item(self._client, self._table, _post_key(post))
        return None if item is None else _term(item)

    async def swap(self, post: str, *, seen: Term | None, wanted: Term) -> bool:
        expected = "attribute_not_exists(analysis_id)" if seen is None else _each(" AND ", "s")
        values = _values(wanted, "w") | ({} if seen is None else _values(seen, "s"))
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            try:
                await self._client.update_item(
                    TableName=self._table,
                    Key=_post_key(post),
                    UpdateExpression="SET " + _each(", ", "w"),
                    ConditionExpression=expected,
                    ExpressionAttributeNames=_NAMES,
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if aws_code(error) != _REFUSED:
                    raise
                found: dict[str, Any] | None = error.response.get("Item")  # type: ignore[assignment]  # not in its stubs
                # our own, where the SDK asked again because the first reply was lost
                return found is not None and _term(found) == wanted
        return True


class DynamoBreakers:
    """core.ports.Breakers."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    async def opened(self, name: str, *, until: datetime) -> None:
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            await self._client.update_item(
                TableName=self._table,
                Key=_breaker_key(name),
                UpdateExpression="SET open_until = :until",
                ExpressionAttributeValues={":until": attribute_value(until.timestamp())},
            )

    async def closed(self, name: str) -> None:
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            await self._client.update_item(
                TableName=self._table, Key=_breaker_key(name), UpdateExpression="REMOVE open_until"
            )

    async def open_until(self, name: str) -> datetime | None:
        item = await _item(self._client, self._table, _breaker_key(name))
        if item is None or "open_until" not in item:
            return None
        return datetime.fromtimestamp(float(item["open_until"]["N"]), UTC)


async def _item(client: DynamoDBClient, table: str, key: dict[str, Any]) -> dict[str, Any] | None:
    with failing_as(ErrorCode.STORE_UNAVAILABLE):
        return (await client.get_item(TableName=table, Key=key, ConsistentRead=True)).get("Item")


def _post_key(post: str) -> dict[str, Any]:
    return {"analysis_id": {"S": f"post#{post}"}}


def _breaker_key(name: str) -> dict[str, Any]:
    return {"analysis_id": {"S": f"breaker#{name}"}}


def _term(item: dict[str, Any]) -> Term:
    return Term(holder=item["holder"]["S"], token=int(item["token"]["N"]), beat=int(item["beat"]["N"]))


def _each(between: str, prefix: str) -> str:
    return between.join(f"#{name} = :{prefix}_{name}" for name in _FIELDS)


def _values(term: Term, prefix: str) -> dict[str, Any]:
    return {f":{prefix}_{name}": attribute_value(getattr(term, name)) for name in _FIELDS}
