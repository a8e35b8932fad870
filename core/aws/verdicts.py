"""Verdicts on the pipeline: two items that lie in the record table beside the records.

Neither has a status or a lease, so no index of the table shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from core.aws.errors import aws_code, failing_as
from core.aws.items import attribute_value
from core.error_codes import ErrorCode
from core.verdicts import Archive, Board

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

_REFUSED = "ConditionalCheckFailedException"
_BOARD = {"analysis_id": {"S": "probe#board"}}
_ARCHIVE = {"analysis_id": {"S": "probe#archive"}}


class DynamoVerdicts:
    """core.ports.Verdicts."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    async def board(self) -> Board | None:
        text = await self._text(_BOARD)
        return None if text is None else Board.model_validate_json(text)

    async def swap(self, *, seen: Board | None, wanted: Board) -> Board | None:
        written = wanted.model_copy(update={"revision": 1 if seen is None else seen.revision + 1})
        condition = "attribute_not_exists(analysis_id)" if seen is None else "revision = :seen"
        values = {} if seen is None else {":seen": attribute_value(seen.revision)}
        fields = {"revision": attribute_value(written.revision), "body": attribute_value(written.model_dump_json())}
        put = await self._put(_BOARD | fields, condition, values)
        return written if put else None

    async def archive(self) -> Archive:
        text = await self._text(_ARCHIVE)
        return Archive() if text is None else Archive.model_validate_json(text)

    async def keep(self, archive: Archive, *, token: int) -> bool:
        fields = {"fence": attribute_value(token), "body": attribute_value(archive.model_dump_json())}
        condition = "attribute_not_exists(analysis_id) OR fence <= :token"
        return await self._put(_ARCHIVE | fields, condition, {":token": attribute_value(token)})

    async def _text(self, key: dict[str, Any]) -> str | None:
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            found = await self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return found["Item"]["body"]["S"] if "Item" in found else None

    async def _put(self, item: dict[str, Any], condition: str, values: dict[str, Any]) -> bool:
        """False where the condition does not hold, unless what lies there is this very write: its reply was lost, and
        the SDK asked again."""
        options: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
        with failing_as(ErrorCode.STORE_UNAVAILABLE):
            try:
                await self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=condition,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **options,
                )
            except ClientError as error:
                if aws_code(error) != _REFUSED:
                    raise
                found: Any = error.response.get("Item")
                return found is not None and found.get("body") == item["body"]
        return True
