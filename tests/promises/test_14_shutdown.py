"""SIGTERM: no new receive, what is not begun goes back, running jobs get the drain budget, no receive is wasted."""

import asyncio
import signal

from consumer.engine.job import Pulse
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, for_ever, make_engine, make_setup, nothing, running
from tests.fakes import FakeQueue, Faults
from tests.promises.processes import patience
from tests.promises.side_by_side import Place, side_by_side

DRAIN_S = 4


@side_by_side
async def test_a_real_sigterm_gives_a_job_its_budget_and_then_hands_it_back(place: Place) -> None:
    first = await place.start_worker(drain_s=DRAIN_S, concurrency=2)
    await place.queue.send("sleep 60", {})
    await place.queue.send("sleep 2", {})
    await first.says("began", body="sleep 2")
    asked_at = first.signal(signal.SIGTERM)
    await first.says("consumer.stopping")
    await place.queue.send("sleep 0.1", {})
    second = await place.start_worker()
    late = await second.says("began", body="sleep 0.1")
    # nothing swallowed it, and no receive was wasted on it
    assert late["receives"] == 1
    code, ended_at = await first.ended(within=60)
    assert code == 0
    assert DRAIN_S <= ended_at - asked_at <= DRAIN_S + 2 * patience()
    assert [line["body"] for line in first.events("done")] == ["sleep 2"]
    assert [line["counts"] for line in first.events("released", body="sleep 60")] == [False]
    again = await second.says("began", body="sleep 60", within=5)
    # visible at once, not when its visibility ends
    assert (again["receives"], again["at"] - ended_at < 2 * patience()) == (2, True)


@side_by_side
async def test_a_message_that_comes_to_the_last_poll_is_received_as_for_the_first_time(place: Place) -> None:
    first = await place.start_worker(wait_s=3)
    asked_at = first.signal(signal.SIGTERM)
    await first.says("consumer.stopping")
    await place.queue.send("sleep 0.1", {})
    code, ended_at = await first.ended(within=60)
    assert (code, ended_at - asked_at <= DRAIN_S + 2 * patience()) == (0, True)
    # it is this poll that brought it, and so it was not spared the case
    assert len(first.events("message.handed_back", failed=False)) == 1
    second = await place.start_worker()
    assert (await second.says("began"))["receives"] == 1


@side_by_side
async def test_a_second_signal_hurries_a_real_process(place: Place) -> None:
    worker = await place.start_worker(drain_s=20, concurrency=1)
    await place.queue.send("sleep 60", {})
    await worker.says("began")
    worker.signal(signal.SIGTERM)
    await worker.says("consumer.draining")
    hurried_at = worker.signal(signal.SIGTERM)
    code, ended_at = await worker.ended(within=60)
    assert (code, ended_at - hurried_at < 2 * patience()) == (0, True)
    assert len(worker.events("released")) == 1


def lasting(seconds: float) -> TinyHandler:
    async def work(delivery: Delivery, pulse: Pulse) -> None:
        await asyncio.sleep(seconds)

    return TinyHandler(run=work)


async def test_running_jobs_may_end_within_the_budget() -> None:
    queue, handler = FakeQueue(), lasting(22)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)) as controls:
        await asyncio.sleep(1)
        assert 20 < await controls.stopped() < 22
    assert (handler.told, queue.bodies) == ([("run", "a")], [])


async def test_what_does_not_end_is_handed_back_without_using_up_a_try() -> None:
    queue, handler = FakeQueue(), TinyHandler(run=for_ever)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)) as controls:
        await asyncio.sleep(1)
        assert await controls.stopped() <= 25 + 2
    assert handler.told == [("run", "a"), ("release", "None, counts=False")]
    # a beat on the way, and visible at once at the end
    assert queue.hidden == [("queue-1", 60), ("queue-1", 0)]
    (again,) = await queue.receive(limit=1, wait_s=0, visibility_s=60)
    assert again.body == "a"


async def test_a_second_signal_hurries() -> None:
    queue, handler = FakeQueue(), TinyHandler(run=for_ever)
    for body in "abc":
        await queue.send(body, {})
    async with running(make_engine(make_setup(queue), handler)) as controls:
        await asyncio.sleep(1)
        controls.hurry.set()
        assert await controls.stopped() < 1
    assert queue.hidden == [("queue-1", 0), ("queue-2", 0), ("queue-3", 0)]


async def test_the_poll_in_flight_ends_and_what_it_brings_is_visible_again() -> None:
    queue, handler = FakeQueue(), TinyHandler(run=nothing)
    async with running(make_engine(make_setup(queue), handler)) as controls:
        await asyncio.sleep(5)
        controls.stop.set()
        await asyncio.sleep(5)
        await queue.send("late", {})
        assert await controls.stopped() < 1
    assert handler.told == []
    # had the poll been aborted, its ghost would have swallowed this
    (again,) = await queue.receive(limit=1, wait_s=0, visibility_s=60)
    assert (again.body, again.receive_count) == ("late", 1)
    assert queue.bodies == ["late"]


async def test_an_idle_engine_ends_with_its_poll() -> None:
    queue = FakeQueue()
    async with running(make_engine(make_setup(queue), TinyHandler(run=nothing))) as controls:
        await asyncio.sleep(5)
        assert await controls.stopped() == 15


async def test_a_stop_during_a_back_off_ends_at_once() -> None:
    queue = FakeQueue(faults=Faults().broken("queue.receive", Failure(ErrorCode.QUEUE_UNAVAILABLE)))
    async with running(make_engine(make_setup(queue), TinyHandler(run=nothing))) as controls:
        await asyncio.sleep(100)
        assert await controls.stopped() == 0


async def test_a_queue_that_hangs_cannot_hold_the_process() -> None:
    faults = Faults().hang("queue.receive", 2).hang("queue.change_visibility", 2)
    queue, handler = FakeQueue(faults=faults), TinyHandler(run=for_ever)
    await queue.send("a", {})
    engine = make_engine(make_setup(queue), handler)
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run(stop))
    await asyncio.sleep(30)
    stop.set()
    started = asyncio.get_running_loop().time()
    await task
    assert asyncio.get_running_loop().time() - started <= 25 + 2
    assert queue.bodies == ["a"]


async def test_a_stubborn_job_cannot_hold_the_process() -> None:
    async def stubborn(delivery: Delivery, pulse: Pulse) -> None:
        for _ in range(20):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                await asyncio.sleep(10)

    queue, handler = FakeQueue(), TinyHandler(run=stubborn)
    await queue.send("a", {})
    engine = make_engine(make_setup(queue), handler)
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run(stop))
    await asyncio.sleep(1)
    stop.set()
    started = asyncio.get_running_loop().time()
    await task
    assert asyncio.get_running_loop().time() - started <= 25 + 2
