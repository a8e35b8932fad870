import asyncio

from consumer.engine.breaker import State
from tests.engine.rig import a_breaker
from tests.engine.virtual_time import VirtualLoop


def loop() -> VirtualLoop:
    running_loop = asyncio.get_running_loop()
    assert isinstance(running_loop, VirtualLoop)
    return running_loop


async def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = a_breaker()
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert (breaker.state, breaker.admit(7, running=3)) == (State.CLOSED, 7)
    for _ in range(3):
        breaker.failed()
    assert (breaker.state, breaker.admit(7, running=0), breaker.left_s) == (State.OPEN, 0, 7.5)


async def test_half_open_admits_one_and_its_outcome_decides() -> None:
    breaker = a_breaker(threshold=1)
    breaker.failed()
    loop().stall(7.5)
    assert breaker.state is State.HALF_OPEN
    assert (breaker.admit(7, running=0), breaker.admit(7, running=1)) == (1, 0)
    breaker.failed()
    assert (breaker.state, breaker.left_s) == (State.OPEN, 15.0)
    loop().stall(15)
    breaker.succeeded()
    assert (breaker.state, breaker.admit(7, running=0)) == (State.CLOSED, 7)
    breaker.failed()
    assert breaker.left_s == 7.5, "the next outage begins with a short pause again"


async def test_the_pause_grows_up_to_its_cap() -> None:
    breaker, pauses = a_breaker(threshold=1), []
    for _ in range(40):
        breaker.failed()
        pauses.append(breaker.left_s)
        loop().stall(breaker.left_s)
    assert pauses[:6] == [7.5, 15, 30, 60, 120, 225]
    assert set(pauses[6:]) == {225}


async def test_a_success_from_before_it_opened_closes_nothing() -> None:
    breaker = a_breaker(threshold=1)
    breaker.failed()
    breaker.succeeded()
    assert breaker.state is State.OPEN
