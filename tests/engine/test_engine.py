import asyncio

import pytest

from consumer.engine.breaker import Breaker
from consumer.engine.clock import SystemClock
from consumer.engine.job import Later, Pulse
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, half, make_engine, make_setup, nothing, running
from tests.fakes import FakeQueue, Faults

AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")


def failing(code: ErrorCode) -> TinyHandler:
    async def fail(delivery: Delivery, pulse: Pulse) -> None:
        raise Failure(code, "test")

    return TinyHandler(run=fail)


async def test_what_is_done_is_deleted_in_batches() -> None:
    queue, handler = FakeQueue(), TinyHandler(run=nothing)
    for number in range(30):
        await queue.send(str(number), {})
    async with running(make_engine(make_setup(queue, concurrency=10), handler)):
        await asyncio.sleep(5)
    assert sorted(handler.told) == sorted(("run", str(n)) for n in range(30))
    assert len(queue.deleted) == 30
    assert queue.faults.count("queue.delete") == 3
    assert queue.faults.count("queue.receive") == 4


async def test_a_passing_failure_backs_off_and_is_tried_again() -> None:
    async def second_time(delivery: Delivery, pulse: Pulse) -> None:
        if delivery.receive_count == 1:
            raise Failure(ErrorCode.STORAGE_UNAVAILABLE, "test", retry_after=40)

    queue, handler = FakeQueue(), TinyHandler(run=second_time)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(39)
        assert handler.told == [("run", "a"), ("release", "STORAGE_UNAVAILABLE: test, counts=True")]
        await asyncio.sleep(2)
    assert handler.told[2:] == [("run", "a")]
    assert queue.hidden == [("queue-1", 40)]
    assert queue.bodies == []


async def test_a_permanent_failure_is_marked_at_once_and_the_message_goes() -> None:
    queue, handler = FakeQueue(), failing(ErrorCode.UNSUPPORTED_CODEC)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(1)
    assert handler.told == [("run", "a"), ("fail", "UNSUPPORTED_CODEC: test")]
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


async def test_a_bug_is_a_failure_of_its_message_alone() -> None:
    async def bug(delivery: Delivery, pulse: Pulse) -> None:
        if delivery.body == "bad":
            raise KeyError("test")

    queue, handler = FakeQueue(), TinyHandler(run=bug)
    await queue.send("bad", {})
    await queue.send("good", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(1)
    assert ("release", "INTERNAL: KeyError while working, counts=True") in handler.told
    assert queue.bodies == ["bad"]


async def test_a_postponed_message_comes_back_without_a_release() -> None:
    async def later(delivery: Delivery, pulse: Pulse) -> Later | None:
        return Later(seconds=30, reason="test") if delivery.receive_count == 1 else None

    queue, handler = FakeQueue(), TinyHandler(run=later)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(35)
    assert (handler.told, queue.hidden, queue.bodies) == ([("run", "a")] * 2, [("queue-1", 30)], [])


async def test_a_message_that_only_waits_is_never_quarantined() -> None:
    async def later(delivery: Delivery, pulse: Pulse) -> Later:
        return Later(seconds=10, reason="test")

    queue, handler = FakeQueue(), TinyHandler(run=later)
    await queue.send("a", {"traceparent": "t"})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(100)
    assert handler.told == [("run", "a")] * 10
    assert queue.dead == []
    # one more at the end: it came to the last poll, too late to be begun
    assert [(sent.attributes, sent.delay_s) for sent in queue.sent[:3]] == [({"traceparent": "t"}, 0)] + [
        ({"traceparent": "t"}, 10)
    ] * 2


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


async def test_a_failed_delete_is_retried_and_leaks_no_slot() -> None:
    faults = Faults().at("queue.delete", 1, AWAY).after("queue.delete", 2, AWAY)
    queue, handler = FakeQueue(faults=faults), TinyHandler(run=nothing)
    for number in range(7):
        await queue.send(str(number), {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(30)
    assert len(handler.told) == 7
    assert len(queue.deleted) == 7


async def test_deletes_that_never_work_give_up_when_the_message_is_about_to_come_back() -> None:
    queue, handler = FakeQueue(faults=Faults().broken("queue.delete", AWAY)), TinyHandler(run=nothing)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)) as controls:
        await asyncio.sleep(59)
        assert handler.told == [("run", "a")]
        await asyncio.sleep(5)
        assert handler.told == [("run", "a")] * 2
        queue.faults.heal("queue.delete")
        await asyncio.sleep(6)
        assert await controls.stopped() <= 20
    assert queue.bodies == []


async def test_never_more_in_hand_than_the_limit() -> None:
    hands, most = 0, 0

    async def count(delivery: Delivery, pulse: Pulse) -> None:
        nonlocal hands, most
        hands += 1
        most = max(most, hands)
        await asyncio.sleep(1 + int(delivery.body) % 3)
        hands -= 1
        if int(delivery.body) % 4 == 0:
            raise Failure(ErrorCode.UNSUPPORTED_CODEC, "test")
        if int(delivery.body) % 4 == 1:
            raise RuntimeError("test")

    queue, handler = FakeQueue(), TinyHandler(run=count)
    for number in range(40):
        await queue.send(str(number), {})
    engine = make_engine(make_setup(queue), handler)
    async with running(engine):
        await asyncio.sleep(15)
        assert engine.slots.busy == 3
    assert most == 3


async def test_a_poller_that_dies_is_not_hidden() -> None:
    class Broken(Breaker):
        def admit(self, free: int, *, running: int) -> int:
            raise RuntimeError("test")

    queue = FakeQueue()
    broken = Broken(SystemClock(), name="broken", codes=frozenset(), chance=half)
    engine = make_engine(make_setup(queue), TinyHandler(run=nothing), breaker=broken)
    with pytest.raises(RuntimeError, match="test"):
        await engine.run(asyncio.Event())
