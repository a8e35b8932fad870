"""All of it: what `performate provision` would make or change now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.aws.errors import failing_as
from core.error_codes import ErrorCode
from ops.drift.bucket import of_bucket, of_events
from ops.drift.queues import of_queues
from ops.drift.table import of_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.aws.clients import Clients
    from core.settings import Settings
    from ops.drift.difference import Difference


async def drift(clients: Clients, settings: Settings) -> Sequence[Difference]:
    """None when everything is as it should be. Raises Failure (STORAGE_, QUEUE_ or STORE_UNAVAILABLE) that names the
    call that was refused."""
    with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
        bucket = list(await of_bucket(clients, settings))
    with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
        queues, arn = await of_queues(clients, settings)
    if not any(one.makes for one in bucket):
        with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
            bucket += await of_events(clients, settings, arn)
    with failing_as(ErrorCode.STORE_UNAVAILABLE):
        return [*bucket, *queues, *await of_table(clients, settings)]
