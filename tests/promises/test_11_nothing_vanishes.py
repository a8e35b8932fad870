"""A permanent error ends its analysis at once; what nobody understands goes to the dead letters whole, then away."""

import asyncio

import pytest

from consumer.engine.job import Pulse
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, make_engine, make_setup, nothing, running
from tests.fakes import FakeQueue, Faults
from tests.promises.side_by_side import Place, side_by_side

AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")


def failing(code: ErrorCode) -> TinyHandler:
    async def fail(delivery: Delivery, pulse: Pulse) -> None:
        raise Failure(code, "test")

    return TinyHandler(run=fail)


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.UNSUPPORTED_CODEC,
        ErrorCode.VIDEO_TOO_LONG,
        ErrorCode.CONTENT_MISMATCH,
        ErrorCode.NO_VALID_FRAMES,
        ErrorCode.UPLOAD_MISSING,
    ],
)
async def test_a_permanent_error_ends_it_at_the_first_try_with_its_code(code: ErrorCode) -> None:
    queue, handler = FakeQueue(), failing(code)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(1)
    assert handler.told == [("run", "a"), ("fail", f"{code}: test")]
    assert (queue.bodies, queue.dead) == ([], [])


async def test_the_last_try_is_marked_and_then_kept_in_the_dead_letter_queue() -> None:
    queue, handler = FakeQueue(), failing(ErrorCode.STORAGE_UNAVAILABLE)
    await queue.send("a", {"traceparent": "t"})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(120)
    exhausted = "RETRIES_EXHAUSTED: try 3 of 3: STORAGE_UNAVAILABLE: test"
    assert [what for what, _ in handler.told] == ["run", "release", "run", "release", "run", "fail"]
    assert handler.told[-1] == ("fail", exhausted)
    assert [(letter.attributes["traceparent"], letter.reason) for letter in queue.dead] == [("t", exhausted)]
    assert queue.bodies == []


async def test_an_undecodable_message_is_kept_before_it_is_deleted() -> None:
    faults = Faults().at("queue.dead_letter", 1, AWAY)
    queue, handler = FakeQueue(faults=faults), TinyHandler(run=nothing)
    await queue.send("garbage", {"from": "somebody"})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(5)
    assert handler.told == []
    assert [(letter.body, letter.reason, letter.attributes["from"]) for letter in queue.dead] == [
        ("garbage", "UNDECODABLE: it is garbage", "somebody")
    ]
    order = [call for call in faults.calls if call in ("queue.dead_letter", "queue.delete")]
    assert order == ["queue.dead_letter", "queue.dead_letter", "queue.delete"]


async def test_what_the_dead_letters_do_not_take_is_not_deleted() -> None:
    faults = Faults().broken("queue.dead_letter", AWAY)
    queue, handler = FakeQueue(faults=faults, redrive_after=None), TinyHandler(run=nothing)
    await queue.send("garbage", {"from": "somebody"})
    async with running(make_engine(make_setup(queue, max_receives=1000), handler)):
        await asyncio.sleep(3600)
        assert (queue.bodies, queue.deleted) == (["garbage"], [])
        faults.heal("queue.dead_letter")
        await asyncio.sleep(400)
    assert (queue.bodies, len(queue.dead)) == ([], 1)


@side_by_side
async def test_an_undecodable_message_arrives_in_the_real_dead_letters_with_all_that_it_had(place: Place) -> None:
    await place.queue.send("garbage", {"traceparent": "00-a-b-01", "from": "somebody"})
    worker = await place.start_worker()
    await worker.says("job.completed", outcome="dead_lettered")
    (letter,) = await place.dead.receive(limit=10, wait_s=5, visibility_s=60)
    assert letter.body == "garbage"
    assert letter.attributes == {
        "traceparent": "00-a-b-01",
        "from": "somebody",
        "reason": "UNDECODABLE: it is no order",
    }
    assert await place.queue.depth() == 0
