import asyncio

from consumer.engine.job import Pulse
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, make_engine, make_setup, running
from tests.engine.virtual_time import VirtualLoop
from tests.fakes import FakeQueue, Faults

AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")


class Slow:
    """A handler's work that takes a while, and says when it began and when it was stopped."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began: list[float] = []
        self.stopped: list[float] = []

    async def __call__(self, delivery: Delivery, pulse: Pulse) -> None:
        loop = asyncio.get_running_loop()
        self.began.append(loop.time())
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.stopped.append(loop.time())
            raise


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


async def test_a_job_that_does_not_get_on_loses_its_message() -> None:
    queue, work = FakeQueue(), Slow(10_000)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue, job_limit_s=30), TinyHandler(run=work))):
        await asyncio.sleep(85)
        assert len(queue.hidden) == 1
        # the beat at 20 s was the last one: hidden until 80 s, let go 2 s before that
        assert work.stopped[0] - work.began[0] < 78.1
        assert len(work.began) == 2


async def test_a_blocked_loop_extends_nothing() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    queue, work = FakeQueue(), Slow(100)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(1)
        loop.stall(70)
        await asyncio.sleep(4)
        assert (queue.hidden, len(work.stopped), len(work.began)) == ([], 1, 2)
        await asyncio.sleep(110)
    assert queue.bodies == []


async def test_a_stale_receipt_stops_the_job_within_a_second() -> None:
    queue, work = FakeQueue(), Slow(100)
    handler = TinyHandler(run=work)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue, concurrency=1), handler)):
        await asyncio.sleep(1)
        await queue.change_visibility("queue-1#1", 0)
        (stolen,) = await queue.receive(limit=1, wait_s=0, visibility_s=43200)
        await asyncio.sleep(20)
        assert work.stopped[0] - work.began[0] <= 20 + 1
    # neither deleted, nor given back, nor marked: it is somebody else's
    assert handler.told == [("run", "a")]
    assert (queue.deleted, queue.bodies) == ([], ["a"])
    assert queue.hidden == [("queue-1", 0)]
    assert stolen.receive_count == 2


async def test_failed_beats_are_retried_with_time_to_spare() -> None:
    faults = Faults()
    for call in range(1, 15):
        faults.at("queue.change_visibility", call, AWAY)
    queue, work = FakeQueue(faults=faults), Slow(100)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(110)
    assert (len(work.began), work.stopped, queue.bodies) == (1, [], [])


async def test_beats_that_never_work_stop_the_job_before_the_message_is_visible() -> None:
    queue, work = FakeQueue(faults=Faults().broken("queue.change_visibility", AWAY)), Slow(100)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(59)
        assert len(work.stopped) == 1
        assert 57 < work.stopped[0] - work.began[0] < 60


async def test_a_hanging_beat_is_a_failed_beat() -> None:
    queue, work = FakeQueue(faults=Faults().hang("queue.change_visibility", 1)), Slow(100)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(110)
    assert (len(work.began), work.stopped, queue.bodies) == (1, [], [])


async def test_the_same_beat_renews_the_lease_and_its_loss_stops_the_job() -> None:
    renewals = 0
    slow = Slow(100)

    async def renew() -> None:
        nonlocal renewals
        renewals += 1
        await asyncio.sleep(0)
        if renewals == 2:
            raise Failure(ErrorCode.LEASE_LOST, "test")

    async def work(delivery: Delivery, pulse: Pulse) -> None:
        pulse.renew_with(renew)
        await slow(delivery, pulse)

    queue = FakeQueue()
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(42)
    assert renewals == 2
    assert slow.stopped[0] - slow.began[0] <= 41


async def test_a_beat_on_its_way_ends_before_the_back_off_is_written() -> None:
    async def fail_while_it_beats(delivery: Delivery, pulse: Pulse) -> None:
        slow_renewal = asyncio.Event()

        async def renew() -> None:
            slow_renewal.set()
            await asyncio.sleep(3)

        pulse.renew_with(renew)
        await slow_renewal.wait()
        raise Failure(ErrorCode.STORAGE_UNAVAILABLE, "test", retry_after=7)

    queue = FakeQueue()
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=fail_while_it_beats))):
        await asyncio.sleep(25)
    assert queue.hidden[:2] == [("queue-1", 60), ("queue-1", 7)]
