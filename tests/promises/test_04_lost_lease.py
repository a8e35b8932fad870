"""A lost lease stops the work: in under 1 s, and what it would have written is refused."""

import asyncio
import signal

from consumer.engine.job import Pulse
from consumer.stages.stage import Bench, Case, Stage
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from core.record import Status
from core.transitions import completed
from tests.consumer.rig import House
from tests.engine.rig import Slow, TinyHandler, make_engine, make_setup, running
from tests.fakes import MOMENT, FakeQueue, Faults
from tests.promises.processes import patience
from tests.promises.side_by_side import Place, side_by_side

VISIBILITY_S = 4
AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")


@side_by_side
async def test_a_process_that_was_frozen_stops_its_job_as_soon_as_it_wakes(place: Place) -> None:
    frozen = await place.start_worker(visibility_s=VISIBILITY_S)
    await place.queue.send("sleep 30", {})
    await frozen.says("began")
    frozen.signal(signal.SIGSTOP)
    other = await place.start_worker(visibility_s=VISIBILITY_S)
    assert (await other.says("began", within=60))["receives"] == 2
    woken_at = frozen.signal(signal.SIGCONT)
    stopped = await frozen.says("cancelled")
    assert stopped["at"] - woken_at < patience()
    ended = await frozen.says("job.completed")
    assert ended["outcome"] == "lost"
    # it did not touch the message either: it is still the other's, whose beat works
    beats = len(other.events("beat"))
    await other.says("beat", times=beats + 1)


async def test_expired_behind_its_back_the_second_workers_result_wins(house: House) -> None:
    """Three times ten seconds of decoding; the first worker loses its message in the middle of the third."""
    house.decoder.seconds = 10
    await house.ready()
    await house.ask()
    async with house.analysing("one"):
        await asyncio.sleep(25)
        await house.analysis_queue.change_visibility("analysis-1#1", 0)
        async with house.analysing("two"):
            await asyncio.sleep(1)
            assert (house.record.lease_owner, house.record.lease_token) == ("two", 2)
            await asyncio.sleep(1)
            # the first one's decoder is closed: one is open, and it has only begun
            assert (house.decoder.open, house.decoder.calls) == (1, ["probe", "extract", "measure", "probe"])
            await asyncio.sleep(60)
    assert (house.record.status, house.record.lease_token) == (Status.COMPLETED, 2)
    assert [change for _, change in house.records.applied].count("completed") == 1
    assert house.faults.count("objects.put") == 1
    assert house.analysis_queue.bodies == []


async def test_a_result_that_comes_too_late_is_refused_by_its_token(house: House) -> None:
    """The first worker gives no sign of progress, so it only learns at its last write that it is not the one."""
    told: list[str] = []

    async def quiet(bench: Bench, case: Case) -> Case:
        first = bench.lease.token == 1
        await asyncio.sleep(12 if first else 15)
        try:
            await bench.lease.write(completed(MOMENT, token=bench.lease.token))
        except Failure as failure:
            told.append(f"{bench.lease.token} {failure.code}")
            raise
        told.append(f"{bench.lease.token} completed")
        return case

    house.stages = (Stage(name="quiet", limit_s=lambda _: 100, share=1, run=quiet),)
    await house.ready()
    await house.ask()
    async with house.analysing("one"):
        await asyncio.sleep(5)
        await house.analysis_queue.change_visibility("analysis-1#1", 0)
        async with house.analysing("two"):
            await asyncio.sleep(30)
    assert told == ["1 LEASE_LOST", "2 completed"]
    assert (house.record.status, house.record.lease_token, house.analysis_queue.bodies) == (Status.COMPLETED, 2, [])


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


async def test_beats_that_never_work_stop_the_job_before_the_message_is_visible() -> None:
    queue, work = FakeQueue(faults=Faults().broken("queue.change_visibility", AWAY)), Slow(100)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=work))):
        await asyncio.sleep(59)
        assert len(work.stopped) == 1
        assert 57 < work.stopped[0] - work.began[0] < 60
