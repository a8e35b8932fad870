"""16, with real processes: a queue that stops answering, a loop that is blocked, a port that is taken."""

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

from core.aws.clients import open_clients
from core.aws.queue import dead_letter_name, open_queue
from core.settings import Settings
from ops.provision import provision
from tests.emulator import ROOT, environment, fresh_settings, running_emulator
from tests.promises.processes import Worker, variables
from tests.promises.test_16_liveness import samples


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
            await becomes(http, "/livez", 200, within=20)
            assert (await ask(http, "/readyz"))[0] == 200
            emulator.process.send_signal(signal.SIGSTOP)
            try:
                told = await becomes(http, "/livez", 503, within=30)
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
        await becomes(http, "/livez", 200, within=20)
        worker.signal(signal.SIGTERM)
        await worker.says("consumer.draining")
        told = await becomes(http, "/readyz", 503, within=20)
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
        await becomes(http, "/livez", 200, within=20)
        async with http.get("/metrics") as answer:
            found = samples(await answer.text())
        assert found["performate_consumer_slots_free"]
        async with process(aws, port, "consumer", role) as second:
            refused = await second.says("consumer.start.refused")
            assert refused["detail"] == f"HEALTH_PORT {port} at 127.0.0.1 is taken"
            assert (await second.ended(within=20))[0] == 2
