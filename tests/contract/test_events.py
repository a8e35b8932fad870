"""An upload whose browser never says "complete" is known all the same: S3's event is on the ingest queue."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.aws.queue import open_queue
from core.aws.uploads import PART_BYTES
from core.messages import Uploaded, analysis_id_of, decode
from core.ports import Objects, Queue
from core.record import result_key
from tests.contract.backends import Installation, new_id, new_key, only_clouds

pytestmark = [pytest.mark.asyncio(loop_scope="session"), only_clouds]


async def _events_until(queue: Queue, last_key: str) -> list[Uploaded]:
    """All that S3 tells up to the upload of `last_key`, and what comes at once after it."""
    seen: list[Uploaded] = []
    async with asyncio.timeout(10):
        while last_key not in [one.key for one in seen]:
            for delivery in await queue.receive(limit=10, wait_s=1, visibility_s=60):
                seen += decode(delivery.body, dict(delivery.attributes)).uploads
                await queue.delete([delivery.receipt])
    return seen


async def _ingest(cloud: Installation) -> Queue:
    return await open_queue(cloud.clients, cloud.settings.ingest_queue)


async def _parts(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * PART_BYTES


async def test_an_upload_is_told_to_ingest(cloud: Installation, objects: Objects) -> None:
    key = new_key()
    await objects.put(key, b"clip", content_type="video/mp4")
    events = await _events_until(await _ingest(cloud), key)
    assert [one for one in events if one.key == key] == [Uploaded(key=key, analysis_id=analysis_id_of(key))]


async def test_results_are_no_uploads(cloud: Installation, objects: Objects) -> None:
    result, key = result_key(new_id()), new_key()
    await objects.put(result, b"{}", content_type="application/json")
    await objects.put(key, b"clip", content_type="video/mp4")
    events = await _events_until(await _ingest(cloud), key)
    assert result not in [one.key for one in events]


async def test_a_big_upload_is_one_event(cloud: Installation, objects: Objects) -> None:
    big, last = new_key(), new_key()
    await objects.put_stream(big, _parts(2), content_type="video/mp4")
    await objects.put(last, b"clip", content_type="video/mp4")
    events = await _events_until(await _ingest(cloud), last)
    assert [one.key for one in events].count(big) == 1
