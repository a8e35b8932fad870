"""One effect per analysis: however often its message comes, and from wherever, it is decoded and stored once."""

import asyncio

import pytest

from core.record import Status
from tests.consumer.rig import House
from tests.fakes import AN_ID, FakeQueue

ONE_DECODE = ["probe", "extract", "measure"]


def assert_one_effect(house: House) -> None:
    assert house.record.status is Status.COMPLETED
    assert house.decoder.calls == ONE_DECODE
    assert [change for _, change in house.records.applied].count("completed") == 1
    assert house.faults.count("objects.put") == 1
    assert (house.analysis_queue.bodies, house.analysis_queue.dead) == ([], [])


async def test_sent_twice_at_once_and_again_after_the_end(house: House) -> None:
    house.decoder.seconds = 10
    await house.ready()
    await house.ask()
    await house.ask()
    async with house.analysing("one"), house.analysing("two"):
        await asyncio.sleep(29)
        assert (house.decoder.open, house.decoder.calls) == (1, ONE_DECODE)
        await asyncio.sleep(100)
        await house.ask()
        await asyncio.sleep(10)
    assert_one_effect(house)
    # each with its own newest receipt, not when its time is up
    assert sorted(house.analysis_queue.deleted) == ["analysis-1", "analysis-2", "analysis-3"]


@pytest.mark.parametrize("after", [0.0, 1.0, 10.5, 19.9, 20.1, 29.9, 30.1, 300.0])
async def test_the_very_same_message_from_another_of_the_queues_servers(house: House, after: float) -> None:
    """SQS keeps a message on several servers, and one that missed a receive or a delete hands out its copy: the same
    message id, a receipt of its own that works, and a receive count that knows nothing of the other one."""
    house.decoder.seconds = 10
    await house.ready()
    server = house.analysis_queue
    await house.ask()
    async with house.analysing("one"):
        await asyncio.sleep(after)
        other = house.analysis_queue = FakeQueue("analysis", faults=house.faults)
        await house.ask()
        assert (other.sent[0].message_id, server.sent[0].message_id) == ("analysis-1", "analysis-1")
        async with house.analysing("two"):
            await asyncio.sleep(200)
    assert_one_effect(house)
    assert (server.bodies, other.deleted) == ([], ["analysis-1"])


async def test_a_duplicate_does_the_work_when_the_first_one_died(house: House) -> None:
    """Its own message is gone, too: the lease must not be held for ever by nobody."""
    await house.ready(
        status=Status.PROCESSING, attempt=1, lease_owner="dead", lease_message="gone", lease_receives=1,
        lease_until=9e9, lease_token=1,
    )  # fmt: skip
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(59)
        assert house.decoder.calls == []
        await asyncio.sleep(15)
    assert_one_effect(house)
    assert house.record.attempt == 2


async def test_twenty_workers_and_twenty_copies(house: House) -> None:
    house.decoder.seconds = 10
    await house.ready()
    for _ in range(20):
        await house.ask()
    contexts = [house.analysing(f"worker {number}") for number in range(20)]
    for context in contexts:
        await context.__aenter__()
    await asyncio.sleep(200)
    # all at once, or each would find the others' open decoders
    await asyncio.gather(*(context.__aexit__(None, None, None) for context in contexts))
    assert_one_effect(house)
    assert len(house.analysis_queue.deleted) == 20


async def test_taken_away_by_the_queue_it_is_begun_again_at_once_and_the_first_result_is_refused(house: House) -> None:
    """The one case of two decodes: SQS hands the message out anew because its visibility ended, and that the first
    worker still lives cannot be known. There is one effect all the same."""
    house.decoder.seconds = 10
    await house.ready()
    await house.ask()
    async with house.analysing("one"):
        await asyncio.sleep(15)
        await house.analysis_queue.change_visibility("analysis-1#1", 0)
        async with house.analysing("two"):
            await asyncio.sleep(2)
            assert house.record.lease_owner == "two"
            await asyncio.sleep(60)
    assert house.decoder.calls == ["probe", "extract", *ONE_DECODE]
    assert [change for change in house.records.applied if change == (AN_ID, "completed")] == [(AN_ID, "completed")]
    assert house.faults.count("objects.put") == 1
