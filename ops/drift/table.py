"""The table as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from core.aws.errors import aws_code
from ops import desired
from ops.drift.difference import Difference, differences, missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.aws.clients import Clients
    from core.settings import Settings

MISSING = frozenset({"ResourceNotFoundException"})


async def of_table(clients: Clients, settings: Settings) -> Sequence[Difference]:
    name = settings.table
    try:
        table = (await clients.dynamodb.describe_table(TableName=name))["Table"]
    except ClientError as error:
        if aws_code(error) in MISSING:
            return missing("table", f"table {name}")
        raise
    expiry = (await clients.dynamodb.describe_time_to_live(TableName=name))["TimeToLiveDescription"]
    on = expiry["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    keys = {one["IndexName"]: one["KeySchema"] for one in table.get("GlobalSecondaryIndexes", [])}
    wanted = {one["IndexName"]: one["KeySchema"] for one in desired.indexes()}
    return [
        *differences("table", f"table {name}, key", table["KeySchema"], desired.record_key()),
        *differences("table", f"table {name}, indexes", keys, wanted),
        *differences(
            "table", f"table {name}, records expire by", expiry.get("AttributeName") if on else None, desired.TTL_FIELD
        ),
    ]
