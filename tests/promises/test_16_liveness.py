"""16: /livez fails when no poll has ended in twice the wait, when the loop is late, when a slot is stuck past its
deadline; not for a breaker that is open, not during a drain, not while every slot is busy."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumer.engine.breaker import Breaker
from consumer.engine.engine import Engine
from consumer.engine.job import Pulse
from consumer.engine.policy import policy_of_catalogue
from consumer.metrics import exposition, registry_of
from core.aws.clients import open_clients
from core.aws.queue import dead_letter_name, open_queue
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from core.settings import Settings
from ops.provision import provision
from tests.emulator import ROOT, environment, fresh_settings, running_emulator
from tests.engine.rig import TinyHandler, half, make_engine, make_setup, running
from tests.engine.virtual_time import VirtualLoop
from tests.fakes import FakeQueue, Faults
from tests.promises.processes import Worker, variables

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
    faults = Faults().broken("queue.receive", AWAY)
    queue, handler = FakeQueue(faults=faults), lasting(1000)
    engine = make_engine(make_setup(queue, drain_s=100), handler)
    stop = asyncio.Event()
    faults.heal("queue.receive")
    await queue.send("a", {})
    ended = asyncio.create_task(engine.run(stop))
    await asyncio.sleep(1)
    faults.broken("queue.receive", AWAY)
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
    registry = registry_of(engine.vitals)
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


# --- real processes ---------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def process(settings: Settings, port: int, *argv: str) -> AsyncIterator[Worker]:
    """A consumer with that health port; it is killed at the end, if it still runs."""
    env = environment() | variables(settings) | {"HEALTH_PORT": str(port), "POLL_WAIT_S": "1"}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *argv, cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE
    )
    worker = Worker(child)
    listening = asyncio.create_task(worker.listen())
    try:
        yield worker
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
        await listening


async def ask(http: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, Any]]:
    async with http.get(path) as answer:
        return answer.status, await answer.json()


async def becomes(http: aiohttp.ClientSession, path: str, wanted: int, *, within: float) -> dict[str, Any]:
    """The body, once the path answers that status."""
    async with asyncio.timeout(within):
        while True:
            status, body = await ask(http, path)
            if status == wanted:
                return body
            await asyncio.sleep(0.1)


@pytest.mark.real
async def test_a_worker_whose_queue_has_stopped_answering_is_not_alive(tmp_path: Path) -> None:
    port = free_port()
    with running_emulator(tmp_path) as emulator:
        settings = fresh_settings(emulator.url)
        await provision(settings)
        limits = json.dumps({"wait_s": 1})
        async with (
            process(settings, port, "tests.promises.worker", limits) as worker,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
        ):
            await worker.says("consumer.started")
            await becomes(http, "/livez", 200, within=5)
            assert (await ask(http, "/readyz"))[0] == 200
            emulator.process.send_signal(signal.SIGSTOP)
            try:
                told = await becomes(http, "/livez", 503, within=12)
            finally:
                emulator.process.send_signal(signal.SIGCONT)
            assert told["status"] == "not alive"
            assert told["reasons"][0].startswith("no poll has ended")
            await becomes(http, "/livez", 200, within=20)


@pytest.mark.real
async def test_a_worker_whose_loop_was_blocked_says_so(aws: Settings) -> None:
    port = free_port()
    async with open_clients(aws) as clients:
        queue = await open_queue(clients, aws.analysis_queue, dead_letters=dead_letter_name(aws.analysis_queue))
        await queue.send("block 6", {})
    async with (
        process(aws, port, "tests.promises.worker", "{}") as worker,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        await worker.says("began")
        # asked while it is blocked, answered as soon as it is not
        status, told = await ask(http, "/livez")
        assert (status, told["reasons"][0][:18]) == (503, "the event loop is ")
        await becomes(http, "/livez", 200, within=5)
        worker.signal(signal.SIGTERM)
        await worker.says("consumer.draining")
        told = await becomes(http, "/readyz", 503, within=3)
        assert (await ask(http, "/livez"))[0] == 200


@pytest.mark.real
@pytest.mark.parametrize("role", ["ingest", "analysis"])
async def test_each_role_has_its_port_and_refuses_one_that_is_taken(aws: Settings, role: str) -> None:
    port = free_port()
    async with (
        process(aws, port, "consumer", role) as first,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        await first.says("consumer.started")
        await becomes(http, "/livez", 200, within=5)
        async with http.get("/metrics") as answer:
            found = samples(await answer.text())
        assert found["performate_consumer_slots_free"]
        async with process(aws, port, "consumer", role) as second:
            refused = await second.says("consumer.start.refused")
            assert refused["detail"] == f"HEALTH_PORT {port} at 127.0.0.1 is taken"
            assert (await second.ended(within=5))[0] == 2
