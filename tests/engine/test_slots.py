import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.engine.slots import Slots
from tests.engine.virtual_time import VirtualLoop


@given(limit=st.integers(1, 12), steps=st.lists(st.tuples(st.booleans(), st.integers(0, 14))))
def test_free_and_busy_always_add_up_to_the_limit(limit: int, steps: list[tuple[bool, int]]) -> None:
    async def play() -> None:
        slots, busy = Slots(limit), 0
        for takes, count in steps:
            if takes and slots.free:
                taken = await slots.take(count)
                assert taken == min(count, limit - busy)
                busy += taken
            elif not takes and count <= busy:
                slots.give(count)
                busy -= count
            elif not takes:
                with pytest.raises(ValueError, match="given back"):
                    slots.give(count)
            assert (slots.busy, slots.free + slots.busy) == (busy, limit)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play())


async def test_take_waits_for_a_slot_and_takes_all_that_are_free() -> None:
    slots = Slots(3)
    await slots.take(3)
    waiting = asyncio.create_task(slots.take(10))
    await asyncio.sleep(1)
    assert not waiting.done()
    slots.give(2)
    assert await waiting == 2


async def test_closing_sends_those_away_who_wait() -> None:
    slots = Slots(1)
    await slots.take(1)
    waiting = asyncio.create_task(slots.take(1))
    await asyncio.sleep(1)
    slots.close()
    assert await waiting == 0
    slots.give()
    assert await slots.take(1) == 0
