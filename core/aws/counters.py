"""Numbers that many processes add to, as items in the record table beside the records: DynamoDB.

None of them has a status or a lease, so no index of the table shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.aws.errors import failing_as
from core.aws.items import attribute_value
from core.error_codes import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_aiobotocore_dynamodb.client import DynamoDBClient

_PREFIX = "n_"


class DynamoCounters:
    """core.ports.Counters."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    async def add(self, name: str, amounts: Mapping[str, int]) -> None:
        fields = sorted(amounts)
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            await self._client.update_item(
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="ADD " + ", ".join(f"#{number} :{number}" for number in range(len(fields))),
                ExpressionAttributeNames={f"#{number}": _PREFIX + field for number, field in enumerate(fields)},
                ExpressionAttributeValues={
                    f":{number}": attribute_value(amounts[field]) for number, field in enumerate(fields)
                },
            )

    async def read(self, name: str) -> Mapping[str, int]:
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            found = await self._client.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        item = found.get("Item", {})
        return {key.removeprefix(_PREFIX): int(value["N"]) for key, value in item.items() if key.startswith(_PREFIX)}


def _key(name: str) -> dict[str, Any]:
    return {"analysis_id": {"S": f"counters#{name}"}}
