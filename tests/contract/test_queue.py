"""core.ports.Queue, sentence by sentence, and what the consumer must know of SQS besides."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Job
from core.ports import Delivery, Queue
from tests.contract.backends import QueueUnderTest, new_id

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _one(queue: Queue, *, visibility_s: int = 60, wait_s: int = 0) -> Delivery:
    [delivery] = await queue.receive(limit=1, wait_s=wait_s, visibility_s=visibility_s)
    return delivery


async def _none(queue: Queue) -> bool:
    return not await queue.receive(limit=10, wait_s=0, visibility_s=60)


async def test_a_message_arrives_as_it_was_sent(under_test: QueueUnderTest) -> None:
    queue = under_test.queue
    job = Job(kind="analysis", analysis_id=new_id(), epoch=2, traceparent="00-ab-cd-01", synthetic=True)
    sent = await queue.send(job.body(), job.attributes())
    found = await _one(queue)
    assert (found.message_id, found.body, found.receive_count) == (sent, job.body(), 1)
    assert dict(found.attributes) == {"traceparent": "00-ab-cd-01", "synthetic": "1"}
    assert found.sent_at is not None


async def test_a_message_needs_no_attributes(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("ü ✓ \n", {})
    found = await _one(under_test.queue)
    assert (found.body, dict(found.attributes)) == ("ü ✓ \n", {})


async def test_a_delayed_message_comes_later(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("later", {}, delay_s=1)
    assert await _none(under_test.queue)
    await under_test.pass_time(1.2)
    assert (await _one(under_test.queue)).body == "later"


Call = Callable[[Queue], Awaitable[object]]
BEYOND: dict[str, Call] = {
    "delay 901": lambda q: q.send("x", {}, delay_s=901),
    "delay -1": lambda q: q.send("x", {}, delay_s=-1),
    "11 attributes": lambda q: q.send("x", {f"a{n}": "1" for n in range(11)}),
    "limit 0": lambda q: q.receive(limit=0, wait_s=0, visibility_s=1),
    "limit 11": lambda q: q.receive(limit=11, wait_s=0, visibility_s=1),
    "wait 21": lambda q: q.receive(limit=1, wait_s=21, visibility_s=1),
    "visibility 43201": lambda q: q.receive(limit=1, wait_s=0, visibility_s=43201),
    "no receipt": lambda q: q.delete([]),
    "11 receipts": lambda q: q.delete(["x"] * 11),
    "change to 43201": lambda q: q.change_visibility("x", 43201),
    "change to -1": lambda q: q.change_visibility("x", -1),
}


@pytest.mark.parametrize("call", BEYOND.values(), ids=BEYOND.keys())
async def test_the_limits_of_sqs_are_held(under_test: QueueUnderTest, call: Call) -> None:
    with pytest.raises(ValueError, match=r"must be \d+\.\.\d+"):
        await call(under_test.queue)


async def test_ten_attributes_and_ten_messages_fit(under_test: QueueUnderTest) -> None:
    for _ in range(11):
        await under_test.queue.send("x", {f"a{n}": "1" for n in range(10)})
    found = await under_test.queue.receive(limit=10, wait_s=0, visibility_s=43200)
    assert len(found) == 10
    assert await under_test.queue.delete([one.receipt for one in found]) in ([], ())


async def test_a_receive_gives_at_most_its_limit(under_test: QueueUnderTest) -> None:
    for _ in range(5):
        await under_test.queue.send("x", {})
    assert len(await under_test.queue.receive(limit=3, wait_s=0, visibility_s=60)) == 3


async def test_a_long_poll_of_an_empty_queue_ends_empty(under_test: QueueUnderTest) -> None:
    poll = asyncio.create_task(under_test.queue.receive(limit=1, wait_s=1, visibility_s=60))
    await under_test.pass_time(0.5)
    assert not poll.done()
    await under_test.pass_time(0.5)
    assert list(await poll) == []


async def test_a_long_poll_ends_when_a_message_comes(under_test: QueueUnderTest) -> None:
    poll = asyncio.create_task(under_test.queue.receive(limit=1, wait_s=20, visibility_s=60))
    await under_test.pass_time(0.3)
    await under_test.queue.send("now", {})
    async with asyncio.timeout(2):
        [found] = await poll
    assert found.body == "now"


async def test_an_unfinished_message_comes_again(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    first = await _one(under_test.queue, visibility_s=1)
    assert await _none(under_test.queue)
    await under_test.pass_time(1.2)
    second = await _one(under_test.queue)
    assert (second.receive_count, second.message_id) == (2, first.message_id)
    assert second.receipt != first.receipt


async def test_a_deleted_message_is_gone(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    await under_test.queue.send("kept", {})
    found = await _one(under_test.queue)
    assert list(await under_test.queue.delete([found.receipt])) == []
    await under_test.pass_time(0)
    assert (await _one(under_test.queue)).body == "kept"


async def test_deleting_twice_is_success(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    found = await _one(under_test.queue)
    for _ in range(2):
        assert list(await under_test.queue.delete([found.receipt])) == []


async def test_a_stale_receipt_deletes_nothing(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    stale = await _one(under_test.queue, visibility_s=0)
    await _one(under_test.queue, visibility_s=0)
    assert list(await under_test.queue.delete([stale.receipt])) == []
    assert (await _one(under_test.queue)).receive_count == 3


async def test_the_newest_receipt_of_a_duplicate_deletes(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    await _one(under_test.queue, visibility_s=0)
    newest = await _one(under_test.queue, visibility_s=0)
    assert list(await under_test.queue.delete([newest.receipt])) == []
    assert await _none(under_test.queue)


async def test_visibility_zero_gives_a_message_back(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    found = await _one(under_test.queue)
    await under_test.queue.change_visibility(found.receipt, 0)
    assert (await _one(under_test.queue, wait_s=1)).receive_count == 2


async def test_visibility_is_counted_from_its_change(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    found = await _one(under_test.queue, visibility_s=1)
    await under_test.pass_time(0.5)
    await under_test.queue.change_visibility(found.receipt, 1)
    await under_test.pass_time(0.7)
    assert await _none(under_test.queue)
    await under_test.pass_time(0.6)
    assert (await _one(under_test.queue)).receive_count == 2


async def test_a_stale_receipt_extends_nothing(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    stale = await _one(under_test.queue, visibility_s=0)
    await _one(under_test.queue)
    with pytest.raises(Failure) as caught:
        await under_test.queue.change_visibility(stale.receipt, 30)
    assert caught.value.code is ErrorCode.LEASE_LOST


async def test_a_deleted_message_cannot_be_extended(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    found = await _one(under_test.queue)
    await under_test.queue.delete([found.receipt])
    with pytest.raises(Failure) as caught:
        await under_test.queue.change_visibility(found.receipt, 30)
    assert caught.value.code is ErrorCode.LEASE_LOST


async def test_a_message_whose_time_is_up_cannot_be_extended(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("x", {})
    found = await _one(under_test.queue, visibility_s=0)
    with pytest.raises(Failure) as caught:
        await under_test.queue.change_visibility(found.receipt, 30)
    assert caught.value.code is ErrorCode.LEASE_LOST


async def test_a_dead_letter_is_a_copy_with_a_reason(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("bad", {"traceparent": "t"})
    found = await _one(under_test.queue, visibility_s=0)
    await under_test.queue.dead_letter(found, reason="POISON_MESSAGE: no JSON")
    [dead] = await under_test.dead()
    assert dead.body == "bad"
    assert dict(dead.attributes) == {"traceparent": "t", "reason": "POISON_MESSAGE: no JSON"}
    assert (await _one(under_test.queue)).body == "bad"


async def test_the_reason_fits_beside_ten_attributes(under_test: QueueUnderTest) -> None:
    await under_test.queue.send("bad", {f"a{n}": "1" for n in range(10)})
    await under_test.queue.dead_letter(await _one(under_test.queue), reason="why")
    [dead] = await under_test.dead()
    assert dict(dead.attributes) == {**{f"a{n}": "1" for n in range(9)}, "reason": "why"}


async def test_sqs_itself_dead_letters_what_came_too_often(under_test: QueueUnderTest) -> None:
    setup = await under_test.queue.setup()
    assert setup.max_receives == 8
    await under_test.queue.send("again", {"traceparent": "t"})
    for count in range(1, 9):
        found = await _one(under_test.queue)
        assert found.receive_count == count
        await under_test.queue.change_visibility(found.receipt, 0)
    assert await _none(under_test.queue)
    [dead] = await under_test.dead()
    assert (dead.body, dict(dead.attributes)) == ("again", {"traceparent": "t"})


async def test_depth_counts_what_waits(under_test: QueueUnderTest) -> None:
    for _ in range(3):
        await under_test.queue.send("x", {})
    await under_test.queue.send("later", {}, delay_s=60)
    await _one(under_test.queue)
    assert await under_test.queue.depth() == 2


async def test_setup_tells_how_the_queue_is_set_up(under_test: QueueUnderTest) -> None:
    setup = await under_test.queue.setup()
    assert (setup.visibility_s, setup.max_receives) == (60, 8)
    assert setup.dead_letters == f"{under_test.queue.name}-dlq"
    assert (setup.retention_s, setup.dead_retention_s) == (4 * 86400, 14 * 86400)


async def test_a_poll_that_is_cancelled_swallows_the_next_message(under_test: QueueUnderTest) -> None:
    """So a shutdown lets its last poll end. Real SQS does it too."""
    poll = asyncio.create_task(under_test.queue.receive(limit=1, wait_s=20, visibility_s=1))
    await under_test.pass_time(0.3)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    await under_test.queue.send("x", {})
    await under_test.pass_time(0.3)
    assert await _none(under_test.queue)
    await under_test.pass_time(1.2)
    assert (await _one(under_test.queue)).receive_count == 2
