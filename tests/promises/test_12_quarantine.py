"""A message that kills the process is in the dead-letter queue after N receives; its neighbours all complete."""

import asyncio

from structlog.testing import capture_logs

from consumer.engine.job import Pulse
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, make_engine, make_setup, nothing, running
from tests.fakes import FakeQueue
from tests.promises.processes import Worker, until
from tests.promises.side_by_side import Place, side_by_side

N = 2
NEIGHBOURS = [f"sleep 0.{number}" for number in range(1, 5)]


@side_by_side
async def test_a_message_that_kills_its_process_is_put_aside_and_its_neighbours_complete(
    place: Place,
) -> None:
    """All five fit into one receive, so every death takes its neighbours' receives with it."""
    for body in ("exit", *NEIGHBOURS):
        await place.queue.send(body, {"traceparent": "t"})
    workers: list[Worker] = []

    async def supervise() -> None:
        while True:
            workers.append(await place.start_worker(concurrency=5, visibility_s=3, wait_s=1, max_receives=N))
            await workers[-1].process.wait()

    def said(event: str) -> list[str]:
        return sorted(line["body"] for worker in workers for line in worker.events(event))

    def all_ended() -> bool:
        return (said("quarantined"), said("done")) == (["exit"], NEIGHBOURS)

    supervising = asyncio.create_task(supervise())
    try:
        await until("its quarantine and all neighbours", all_ended, within=90)
    finally:
        supervising.cancel()
        await asyncio.wait({supervising})
    assert said("began").count("exit") == N
    assert [worker.process.returncode for worker in workers].count(1) == N
    (letter,) = await place.dead.receive(limit=10, wait_s=2, visibility_s=60)
    assert letter.body == "exit"
    assert letter.attributes["reason"] == f"POISON_MESSAGE: received {N + 1} times and never ended"
    assert letter.attributes["traceparent"] == "t"


async def received(queue: FakeQueue, times: int) -> None:
    """As workers do that die at once."""
    for _ in range(times):
        for delivery in await queue.receive(limit=10, wait_s=1, visibility_s=1):
            await queue.change_visibility(delivery.receipt, 0)


async def test_the_quarantine_comes_before_any_handler_code() -> None:
    queue, handler = FakeQueue(), TinyHandler(run=nothing)
    await queue.send("a", {})
    await queue.send("garbage", {})
    await received(queue, 5)
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(1)
    # what cannot be decoded is not even tried to be
    assert handler.told == [("quarantine", "a"), ("quarantine", "garbage")]
    assert {letter.reason for letter in queue.dead} == {"POISON_MESSAGE: received 6 times and never ended"}
    assert queue.bodies == []


async def test_the_last_receive_before_it_still_reaches_the_handler() -> None:
    queue, handler = FakeQueue(), TinyHandler(run=nothing)
    await queue.send("a", {})
    await received(queue, 4)
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(1)
    assert handler.told == [("run", "a")]


async def test_a_message_whose_quarantine_cannot_be_marked_is_kept_for_later() -> None:
    queue = FakeQueue()
    handler = TinyHandler(run=nothing, quarantine_error=Failure(ErrorCode.STORE_UNAVAILABLE, "test"))
    await queue.send("a", {})
    await received(queue, 5)
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(1)
        assert (queue.dead, queue.bodies) == ([], ["a"])
        handler.quarantine_error = None
        await asyncio.sleep(300)
    assert (len(queue.dead), queue.bodies) == (1, [])


async def test_the_last_receive_is_worked_on_alone() -> None:
    """Nothing else is in hand while the job runs that may be what kills workers, however long the others take."""
    hands: set[str] = set()
    company: set[str] = set()

    def look() -> None:
        if "suspect" in hands:
            company.update(hands)

    async def work(delivery: Delivery, pulse: Pulse) -> None:
        hands.add(delivery.body)
        look()
        await asyncio.sleep(400 if delivery.body == "slow" else 5)
        look()
        hands.discard(delivery.body)

    queue, handler = FakeQueue(), TinyHandler(run=work)
    await queue.send("suspect", {})
    await received(queue, 4)
    for body in ("slow", "b", "c"):
        await queue.send(body, {})
    async with running(make_engine(make_setup(queue, concurrency=3), handler)):
        await asyncio.sleep(450)
    assert company == {"suspect"}
    assert [body for what, body in handler.told if what == "run"].count("suspect") == 1
    assert (queue.bodies, queue.dead) == ([], [])


async def test_of_several_on_their_last_receive_one_is_tried_and_the_others_start_over() -> None:
    queue, handler = FakeQueue(), TinyHandler(run=nothing)
    for body in "abc":
        await queue.send(body, {})
    await received(queue, 4)
    with capture_logs() as logs:
        async with running(make_engine(make_setup(queue, concurrency=3), handler)):
            await asyncio.sleep(5)
    assert sorted(handler.told) == [("run", "a"), ("run", "b"), ("run", "c")]
    ended = [line["receive_count"] for line in logs if line["event"] == "job.completed"]
    assert ended == [5, 1, 1]
    assert (queue.bodies, queue.dead) == ([], [])
