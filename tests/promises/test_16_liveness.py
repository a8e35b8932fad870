"""16: /livez fails when no poll has ended in twice the wait, when the loop is late, when a slot is stuck past its
deadline; not for a breaker that is open, not during a drain, not while every slot is busy."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from consumer.engine.breaker import Breaker
from consumer.engine.engine import Engine
from consumer.engine.job import Pulse
from consumer.engine.policy import policy_of_catalogue
from consumer.figures import Figures
from consumer.metrics import exposition, registry_of
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, half, make_engine, make_setup, running
from tests.engine.virtual_time import VirtualLoop
from tests.fakes import FakeQueue, Faults

AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")
LIMIT_S = 2 * 20 + 5
"""Twice the wait, and what a call may take besides."""


async def nothing(delivery: Delivery, pulse: Pulse) -> None:
    await asyncio.sleep(0)


def lasting(seconds: float) -> TinyHandler:
    async def work(delivery: Delivery, pulse: Pulse) -> None:
        await asyncio.sleep(seconds)

    return TinyHandler(run=work)


def reasons(engine: Engine) -> str:
    return "; ".join(engine.vitals.troubles())


async def test_an_idle_consumer_is_alive() -> None:
    engine = make_engine(make_setup(FakeQueue()), TinyHandler(run=nothing))
    assert not engine.vitals.ready
    async with running(engine):
        for _ in range(300):
            await asyncio.sleep(1)
            assert (reasons(engine), engine.vitals.ready) == ("", True)
            assert engine.vitals.poll_age_s <= 20


async def test_polls_that_never_end_are_not_alive() -> None:
    engine = make_engine(make_setup(FakeQueue(faults=Faults().hang("queue.receive", 2))), TinyHandler(run=nothing))
    async with running(engine):
        # the second poll begins at 20 s; it is given up at 60 s, and the next one ends well at 81 s
        await asyncio.sleep(20 + LIMIT_S - 1)
        assert reasons(engine) == ""
        await asyncio.sleep(2)
        assert reasons(engine) == "no poll has ended for 46 s"
        await asyncio.sleep(20)
        assert reasons(engine) == ""


async def test_polls_that_always_fail_are_not_alive_and_one_that_ends_is() -> None:
    faults = Faults().broken("queue.receive", AWAY)
    engine = make_engine(make_setup(FakeQueue(faults=faults)), TinyHandler(run=nothing))
    async with running(engine):
        await asyncio.sleep(LIMIT_S - 1)
        assert reasons(engine) == ""
        await asyncio.sleep(2)
        assert reasons(engine) == "no poll has ended for 46 s"
        faults.heal("queue.receive")
        await asyncio.sleep(31 + 20)
        assert reasons(engine) == ""


async def test_full_slots_are_a_reason_not_to_poll() -> None:
    queue, handler = FakeQueue(), lasting(500)
    for body in "abc":
        await queue.send(body, {})
    engine = make_engine(make_setup(queue), handler)
    async with running(engine):
        await asyncio.sleep(450)
        assert (reasons(engine), engine.vitals.in_flight, engine.vitals.free_slots) == ("", 3, 0)
        assert engine.vitals.poll_age_s > 440


async def test_an_open_breaker_is_a_reason_not_to_poll() -> None:
    queue = FakeQueue()
    setup = make_setup(queue)
    codes = frozenset({ErrorCode.MODEL_UNAVAILABLE})
    breaker = Breaker(setup.clock, name="test", codes=codes, chance=half, threshold=1, base_s=600, cap_s=600)
    engine = Engine(setup, handler=TinyHandler(run=nothing), policy=policy_of_catalogue(max_tries=3), breaker=breaker)
    async with running(engine):
        await asyncio.sleep(1)
        breaker.failed()
        await asyncio.sleep(400)
        assert (reasons(engine), queue.faults.count("queue.receive")) == ("", 1)


async def test_a_drain_is_a_reason_not_to_poll() -> None:
    """It comes when polls have failed for a while already: from now on there will be none."""
    faults = Faults()
    queue, handler = FakeQueue(faults=faults), lasting(1000)
    engine = make_engine(make_setup(queue, drain_s=100), handler)
    stop = asyncio.Event()
    await queue.send("a", {})
    ended = asyncio.create_task(engine.run(stop))
    await asyncio.sleep(1)
    faults.broken("queue.receive", AWAY)
    await asyncio.sleep(30)
    stop.set()
    await asyncio.sleep(90)
    assert (reasons(engine), engine.vitals.ready) == ("", False)
    await ended


async def test_a_late_loop_is_not_alive() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    engine = make_engine(make_setup(FakeQueue()), TinyHandler(run=nothing))
    async with running(engine):
        watching = asyncio.create_task(engine.vitals.watch())
        await asyncio.sleep(10.5)
        assert (reasons(engine), round(engine.vitals.loop_lag_s, 3)) == ("", 0.0)
        loop.stall(4)
        await asyncio.sleep(0.1)
        assert reasons(engine) == ""
        await asyncio.sleep(1)
        # whoever asks right after the stall, before the tick has come, is told as well
        loop.stall(8)
        assert reasons(engine).startswith("the event loop is ")
        await asyncio.sleep(0.5)
        assert reasons(engine).startswith("the event loop is 7")
        await asyncio.sleep(1.5)
        assert reasons(engine) == ""
        watching.cancel()


async def test_a_slot_that_is_stuck_past_its_deadline_is_not_alive() -> None:
    """A job that swallows its cancellation: its message is somebody else's since long."""

    async def stubborn(delivery: Delivery, pulse: Pulse) -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    released = asyncio.Event()
    queue = FakeQueue()
    await queue.send("a", {})
    engine = make_engine(make_setup(queue, job_limit_s=100, concurrency=1), TinyHandler(run=stubborn))
    async with running(engine):
        await asyncio.sleep(100 + 60 + 19)
        assert reasons(engine) == ""
        await asyncio.sleep(2)
        assert reasons(engine) == "1 jobs hold their slots past every deadline"
        released.set()
        await asyncio.sleep(1)
        assert "slots" not in reasons(engine)


async def test_the_figures_are_those_of_the_moment() -> None:
    async def by_name(delivery: Delivery, pulse: Pulse) -> None:
        await asyncio.sleep(1)
        if delivery.body == "bad":
            raise Failure(ErrorCode.UNSUPPORTED_CODEC, "test")

    queue = FakeQueue(faults=Faults().at("queue.receive", 1, AWAY))
    for body in ("good", "good", "bad", "garbage"):
        await queue.send(body, {})
    engine = make_engine(make_setup(queue), TinyHandler(run=by_name))
    registry = registry_of(engine.vitals, Figures())
    engine.vitals.dead_letters["x-dlq"] = 2
    async with running(engine):
        await asyncio.sleep(30)
        found = samples(exposition(registry).decode())
    jobs = {labels["outcome"]: value for labels, value in found["performate_consumer_jobs_total"]}
    assert jobs == {"done": 2, "failed": 1, "dead_lettered": 1}
    assert {labels["kind"] for labels, _ in found["performate_consumer_jobs_total"]} == {"tiny"}
    assert found["performate_consumer_receive_failures_total"] == [({}, 1)]
    assert found["performate_consumer_jobs_in_flight"] == [({}, 0)]
    assert found["performate_consumer_slots_free"] == [({}, 3)]
    assert found["performate_dead_letters"] == [({"queue": "x-dlq"}, 2)]
    assert found["performate_consumer_poll_age_seconds"][0][1] < 30


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found
