"""What the ports promise only in AWS's company: no leftovers, flat memory, writes that the SDK repeats."""

import tracemalloc
from collections.abc import AsyncIterator

import pytest
from botocore.exceptions import ClientError

from core.aws.items import update_of
from core.aws.objects import S3Objects
from core.aws.queue import open_queue
from core.aws.uploads import PART_BYTES
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery, Objects, Records
from core.record import Status
from core.transitions import claimed
from tests.contract.backends import Installation, new_id, new_key, only_clouds
from tests.fakes import MOMENT, a_record

pytestmark = [pytest.mark.asyncio(loop_scope="session"), only_clouds]


class BrokenSource(Exception):
    pass


async def _breaking(parts: int) -> AsyncIterator[bytes]:
    for _ in range(parts):
        yield b"x" * PART_BYTES
    raise BrokenSource


async def _parts(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(PART_BYTES)


async def test_a_broken_upload_leaves_no_parts(cloud: Installation, objects: Objects) -> None:
    key = new_key()
    with pytest.raises(BrokenSource) as caught:
        await objects.put_stream(key, _breaking(2), content_type="video/mp4")
    assert not hasattr(caught.value, "__notes__")
    unfinished = await cloud.clients.s3.list_multipart_uploads(Bucket=cloud.settings.bucket)
    assert key not in [upload["Key"] for upload in unfinished.get("Uploads", [])]


async def test_memory_does_not_grow_with_the_upload(objects: Objects, backend: str) -> None:
    if backend == "moto":
        pytest.skip("moto keeps the objects in this very process")
    key = new_key()
    tracemalloc.start()
    try:
        assert await objects.put_stream(key, _parts(12), content_type="video/mp4") == 12 * PART_BYTES
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * PART_BYTES
    await objects.delete([key])


async def test_a_change_that_the_sdk_repeats_happens_once(cloud: Installation, records: Records) -> None:
    """The reply of the first try is lost: the second finds its own name on the record and answers with that."""
    record = a_record(new_id(), status=Status.QUEUED)
    await records.create(record)
    until = MOMENT.timestamp() + 60
    wanted = update_of(claimed(MOMENT, owner="w", message="m", until=until, epoch=0), "this-write")

    async def send_it() -> None:
        await cloud.clients.dynamodb.update_item(
            TableName=cloud.settings.table,
            Key={"analysis_id": {"S": record.analysis_id}},
            UpdateExpression=wanted.update,
            ConditionExpression=wanted.condition,
            ExpressionAttributeNames=wanted.names,
            ExpressionAttributeValues=wanted.values,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    await send_it()
    with pytest.raises(ClientError) as caught:
        await send_it()
    found = caught.value.response.get("Item")
    assert isinstance(found, dict)
    assert found["last_write"] == {"S": "this-write"}
    after = await records.get(record.analysis_id)
    assert after is not None
    assert (after.attempt, after.lease_token, after.revision) == (1, 1, 2)


async def test_a_queue_that_is_missing_is_named(cloud: Installation) -> None:
    with pytest.raises(Failure, match="there is no queue nowhere") as caught:
        await open_queue(cloud.clients, "nowhere")
    assert caught.value.code is ErrorCode.QUEUE_UNAVAILABLE


async def test_a_missing_bucket_is_no_missing_object(cloud: Installation) -> None:
    nowhere = S3Objects(cloud.clients.s3, "there-is-no-such-bucket")
    with pytest.raises(Failure) as caught:
        await nowhere.put("a", b"x", content_type="text/plain")
    assert caught.value.code is ErrorCode.STORAGE_UNAVAILABLE
    with pytest.raises(Failure):
        await nowhere.read("a")


async def test_a_dlq_can_be_worked_with_as_a_queue(cloud: Installation) -> None:
    queue = await open_queue(
        cloud.clients, cloud.settings.analysis_queue, dead_letters=f"{cloud.settings.analysis_queue}-dlq"
    )
    dead = await open_queue(cloud.clients, f"{cloud.settings.analysis_queue}-dlq")
    await queue.dead_letter(
        Delivery(message_id="m", receipt="r", body="bad", receive_count=1, attributes={"traceparent": "t"}),
        reason="why",
    )
    [found] = await dead.receive(limit=10, wait_s=1, visibility_s=60)
    assert (found.body, dict(found.attributes)) == ("bad", {"traceparent": "t", "reason": "why"})
    assert await dead.delete([found.receipt]) == []
    with pytest.raises(ValueError, match="without a dead-letter queue"):
        await dead.dead_letter(found, reason="again")
