"""The heartbeat is proof of life: it extends only while the event loop ticks and the job gets on."""

import asyncio

from consumer.engine.job import Pulse
from consumer.stages.stage import Bench, Case, Stage
from core.ports import Delivery
from core.record import Status
from core.transitions import completed
from tests.consumer.rig import House
from tests.engine.rig import Slow, TinyHandler, make_engine, make_setup, running
from tests.engine.virtual_time import VirtualLoop
from tests.fakes import MOMENT, FakeQueue
from tests.promises.processes import first_to_say, patience
from tests.promises.side_by_side import Place, side_by_side

VISIBILITY_S = 4
BLOCK_S = 8


@side_by_side
async def test_a_job_that_blocks_the_event_loop_loses_its_message_in_time(place: Place) -> None:
    workers = [await place.start_worker(visibility_s=VISIBILITY_S) for _ in range(2)]
    await place.queue.send(f"block {BLOCK_S}", {})
    blocked = await first_to_say(workers, "began")
    (other,) = [worker for worker in workers if worker is not blocked]
    (began,) = blocked.events("began")
    again = await other.says("began", within=60)
    assert again["receives"] == 2
    assert again["at"] - began["at"] <= VISIBILITY_S + 2 * patience()
    stopped = await blocked.says("cancelled", within=60)
    # as soon as its loop ran again
    assert stopped["at"] - began["at"] <= BLOCK_S + patience()
    assert blocked.events("beat") == []
    assert (await blocked.says("job.completed"))["outcome"] == "lost"


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
    # one slot: nobody else receives it, so that the queue would take the beat that comes too late
    async with running(make_engine(make_setup(queue, concurrency=1), TinyHandler(run=work))):
        await asyncio.sleep(1)
        loop.stall(70)
        await asyncio.sleep(4)
        assert (queue.hidden, len(work.stopped), len(work.began)) == ([], 1, 2)
        await asyncio.sleep(110)
    assert queue.bodies == []


async def test_each_new_deadline_keeps_it_going() -> None:
    async def steps(delivery: Delivery, pulse: Pulse) -> None:
        for _ in range(20):
            pulse.working_until(asyncio.get_running_loop().time() + 30)
            await asyncio.sleep(29)

    queue, handler = FakeQueue(), TinyHandler(run=steps)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue, job_limit_s=30), handler)):
        await asyncio.sleep(20 * 29 + 1)
    assert (handler.told, queue.bodies) == ([("run", "a")], [])


async def test_a_stage_that_hangs_and_cannot_be_stopped_does_not_keep_its_message(house: House) -> None:
    loop = asyncio.get_running_loop()
    began: list[float] = []

    async def hang(bench: Bench, case: Case) -> Case:
        began.append(loop.time())
        end = loop.time() + 200
        while len(began) == 1 and loop.time() < end:
            try:
                await asyncio.sleep(end - loop.time())
            except asyncio.CancelledError:
                continue
        await bench.lease.write(completed(MOMENT, token=bench.lease.token))
        return case

    house.stages = (Stage(name="analyze", limit_s=lambda settings: settings.analyze_limit_s, share=1, run=hang),)
    house.settings = house.settings.model_copy(update={"analyze_limit_s": 30})
    await house.ready()
    await house.ask()
    async with house.analysing("one"):
        await asyncio.sleep(10)
        async with house.analysing("two"):
            await asyncio.sleep(90)
            # its deadline with grace ended at 35 s; the beat at 20 s was the last one
            assert began[1] - began[0] <= 20 + 60 + 1
            assert house.record.status is Status.COMPLETED
            await asyncio.sleep(150)
    assert [change for _, change in house.records.applied].count("completed") == 1
