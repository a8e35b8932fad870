"""Retries are exponential with full jitter, through the message's visibility, and leave its receive count as it is."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.engine.job import Pulse
from consumer.engine.policy import LONGEST_RETRY_S, jittered, policy_of_catalogue
from consumer.engine.setup import Setup
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import LIMITS, TinyHandler, half, make_engine, make_setup, running
from tests.fakes import FakeQueue

POLICY = policy_of_catalogue(max_tries=3)


@given(count=st.integers(-5, 10**6), chance=st.floats(0, 1, exclude_max=True), cap=st.floats(1, 1e4))
def test_jitter_stays_between_one_second_and_the_cap(count: int, chance: float, cap: float) -> None:
    assert 1 <= jittered(2.0, cap, count, lambda: chance) <= max(1, cap)


def test_the_range_doubles_with_each_receive_up_to_the_cap() -> None:
    longest = [round(POLICY.delay(receives, lambda: 1.0)) for receives in range(1, 9)]
    assert longest == [10, 20, 40, 80, 160, 300, 300, 300]
    assert {POLICY.delay(receives, lambda: 0.0) for receives in range(1, 9)} == {1.0}


def test_a_retry_after_is_the_least_and_is_bounded() -> None:
    def delay(wish: float) -> float:
        return POLICY.delay(1, half, wish)

    assert (delay(120), delay(0), delay(1e9)) == (120, 5.5, LONGEST_RETRY_S)


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


async def test_each_retry_is_the_same_message_one_receive_richer() -> None:
    """Neither a copy, which would begin to count anew, nor a receive of our own in between."""
    met: list[tuple[str, int, float]] = []

    async def fail(delivery: Delivery, pulse: Pulse) -> None:
        met.append((delivery.message_id, delivery.receive_count, asyncio.get_running_loop().time()))
        raise Failure(ErrorCode.STORAGE_UNAVAILABLE, "test")

    queue = FakeQueue()
    await queue.send("a", {})
    setup = Setup(queue=queue, clock=SystemClock(), chance=half, limits=LIMITS)
    async with running(Engine(setup, handler=TinyHandler(run=fail), policy=policy_of_catalogue(max_tries=5))):
        await asyncio.sleep(300)
    assert [(message_id, receives) for message_id, receives, _ in met] == [("queue-1", n) for n in range(1, 6)]
    assert queue.hidden == [("queue-1", 6), ("queue-1", 10), ("queue-1", 20), ("queue-1", 40)]
    assert len(queue.sent) == 1


async def test_a_whole_minute_asked_for_by_the_model_is_waited_for() -> None:
    async def limited(delivery: Delivery, pulse: Pulse) -> None:
        if delivery.receive_count == 1:
            raise Failure(ErrorCode.MODEL_RATE_LIMITED, "test", retry_after=77)

    queue, handler = FakeQueue(), TinyHandler(run=limited)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(76)
        assert [what for what, _ in handler.told] == ["run", "release"]
        await asyncio.sleep(2)
    assert (queue.bodies, len(queue.deleted)) == ([], 1)
