"""Beats that fail are retried with time to spare; none comes after the delete or over a back-off."""

import asyncio

from consumer.engine.job import Pulse
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import Slow, TinyHandler, make_engine, make_setup, running
from tests.fakes import FakeQueue, Faults

AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")


async def test_the_first_beat_comes_after_a_third_and_keeps_the_message_hidden() -> None:
    queue, work = FakeQueue(), Slow(190)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(19)
        assert queue.hidden == []
        await asyncio.sleep(2)
        assert queue.hidden == [("queue-1", 60)]
        await asyncio.sleep(190)
    assert (len(work.began), len(queue.hidden), queue.bodies) == (1, 9, [])


async def test_failed_beats_are_retried_with_time_to_spare() -> None:
    faults = Faults()
    for call in range(1, 15):
        faults.at("queue.change_visibility", call, AWAY)
    queue, work = FakeQueue(faults=faults), Slow(100)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(110)
    assert (len(work.began), work.stopped, queue.bodies) == (1, [], [])


async def test_a_hanging_beat_is_a_failed_beat() -> None:
    queue, work = FakeQueue(faults=Faults().hang("queue.change_visibility", 1)), Slow(100)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(110)
    assert (len(work.began), work.stopped, queue.bodies) == (1, [], [])


class Wire(FakeQueue):
    """The first request takes its time, and arrives whether its sender still waits for the answer or not."""

    def __init__(self) -> None:
        super().__init__()
        self.arriving: list[asyncio.Task[None]] = []

    async def change_visibility(self, receipt: str, seconds: int) -> None:
        self.arriving.append(asyncio.create_task(self._arrive(receipt, seconds, after=0 if self.arriving else 3)))
        await asyncio.shield(self.arriving[-1])

    async def _arrive(self, receipt: str, seconds: int, *, after: float) -> None:
        await asyncio.sleep(after)
        await super().change_visibility(receipt, seconds)


async def test_a_beat_on_its_way_ends_before_the_back_off_is_written() -> None:
    async def fail_while_it_beats(delivery: Delivery, pulse: Pulse) -> None:
        await asyncio.sleep(21)
        raise Failure(ErrorCode.STORAGE_UNAVAILABLE, "test", retry_after=500)

    queue = Wire()
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=fail_while_it_beats))):
        await asyncio.sleep(100)
        assert queue.hidden == [("queue-1", 60), ("queue-1", 500)]


async def test_no_beat_comes_once_the_message_is_being_deleted() -> None:
    """The queue takes no delete for a minute: longer than two beats."""
    queue, work = FakeQueue(), Slow(1)
    queue.faults.broken("queue.delete", AWAY)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(57)
        assert queue.faults.count("queue.delete") > 10
        assert queue.faults.count("queue.change_visibility") == 0
        queue.faults.heal("queue.delete")
        await asyncio.sleep(10)
    assert queue.bodies == []


async def test_no_beat_comes_over_a_back_off() -> None:
    async def fail_after_a_beat(delivery: Delivery, pulse: Pulse) -> None:
        await asyncio.sleep(21)
        raise Failure(ErrorCode.STORAGE_UNAVAILABLE, "test", retry_after=500)

    queue = FakeQueue()
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=fail_after_a_beat))):
        await asyncio.sleep(400)
        assert queue.hidden == [("queue-1", 60), ("queue-1", 500)]
