"""Deletes go in batches and are retried one by one until the message is about to come back; none leaks a slot."""

import asyncio
from collections.abc import Sequence

import pytest

from consumer.engine.job import Pulse
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, make_engine, make_setup, nothing, running
from tests.fakes import FakeQueue, Faults

AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")


class Picky(FakeQueue):
    """Refuses every entry of a batch so many times before it deletes it, each on its own."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.asked: dict[str, int] = {}
        self._refusals = refusals

    async def delete(self, receipts: Sequence[str]) -> Sequence[str]:
        for receipt in receipts:
            self.asked[receipt] = self.asked.get(receipt, 0) + 1
        refused = [receipt for receipt in receipts if self.asked[receipt] <= self._refusals * (hash_of(receipt) % 2)]
        await super().delete([receipt for receipt in receipts if receipt not in refused] or ["nobody's"])
        return refused


def hash_of(receipt: str) -> int:
    return int(receipt.split("#", maxsplit=1)[0].rsplit("-", maxsplit=1)[-1])


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


async def test_ten_that_end_together_cost_two_requests() -> None:
    queue = FakeQueue()
    for number in range(200):
        await queue.send(str(number), {})
    async with running(make_engine(make_setup(queue, concurrency=20), TinyHandler(run=nothing))):
        await asyncio.sleep(3)
        requests = queue.faults.count("queue.receive") + queue.faults.count("queue.delete")
        assert requests / len(queue.deleted) <= 0.25


async def test_what_a_batch_refuses_is_asked_for_again_and_only_that() -> None:
    queue, handler = Picky(refusals=3), TinyHandler(run=nothing)
    for number in range(10):
        await queue.send(str(number), {})
    engine = make_engine(make_setup(queue, concurrency=10), handler)
    async with running(engine):
        await asyncio.sleep(30)
        assert engine.vitals.in_flight == 0
    assert (len(handler.told), queue.bodies) == (10, [])
    assert {receipt: count for receipt, count in queue.asked.items() if hash_of(receipt) % 2} == {
        f"queue-{number}#1": 4 for number in range(1, 11, 2)
    }
    assert {count for receipt, count in queue.asked.items() if hash_of(receipt) % 2 == 0} == {1}


@pytest.mark.parametrize("first", ["at", "after"])
async def test_a_failed_delete_is_retried_and_leaks_no_slot(first: str) -> None:
    faults = Faults().hang("queue.delete", 3)
    getattr(faults, first)("queue.delete", 1, AWAY)
    getattr(faults, first)("queue.delete", 2, AWAY)
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


async def test_an_adapter_with_a_bug_leaks_no_slot() -> None:
    queue = FakeQueue(faults=Faults().at("queue.delete", 1, KeyError("test")))
    handler = TinyHandler(run=nothing)
    for number in range(7):
        await queue.send(str(number), {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(30)
    assert (len(handler.told), queue.bodies) == (7, [])


async def test_a_job_whose_delete_is_on_its_way_at_a_shutdown_is_still_deleted() -> None:
    async def slow(delivery: Delivery, pulse: Pulse) -> None:
        await asyncio.sleep(1)

    queue = FakeQueue(faults=Faults().at("queue.delete", 1, AWAY))
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=slow))) as controls:
        await asyncio.sleep(1.01)
        await controls.stopped()
    assert queue.bodies == []
