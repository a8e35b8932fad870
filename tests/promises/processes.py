"""Real worker processes, as a test sees them: what they said and when, and the signals that one can send them."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from core.settings import Settings
from tests.emulator import ROOT, environment

Line = Mapping[str, Any]
SPIN_S = 0.05


class Worker:
    """`lines` is what it said so far: its log, and tests.promises.worker's own lines. Each has `at`, time.monotonic of
    this machine, when it was read."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[Line] = []
        self._said = asyncio.Condition()

    async def listen(self) -> None:
        """Until the process ends."""
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            async with self._said:
                self.lines.append({"at": time.monotonic(), **json.loads(raw)})
                self._said.notify_all()

    def events(self, event: str, **fields: object) -> list[Line]:
        wanted = {"event": event, **fields}.items()
        return [line for line in self.lines if wanted <= line.items()]

    async def says(self, event: str, *, within: float = 60, times: int = 1, **fields: object) -> Line:
        """The line once it was said so many times. Raises AssertionError with all that was said instead."""
        try:
            async with asyncio.timeout(within), self._said:
                await self._said.wait_for(lambda: len(self.events(event, **fields)) >= times)
        except TimeoutError:
            raise AssertionError(f"not within {within} s: {event} {fields}; but {self.lines}") from None
        return self.events(event, **fields)[times - 1]

    def signal(self, number: signal.Signals) -> float:
        """Returns when it was sent."""
        self.process.send_signal(number)
        return time.monotonic()

    async def ended(self, *, within: float) -> tuple[int, float]:
        """Exit code, and when."""
        async with asyncio.timeout(within):
            return await self.process.wait(), time.monotonic()


async def first_to_say(workers: Sequence[Worker], event: str) -> Worker:
    tasks = {asyncio.create_task(worker.says(event)): worker for worker in workers}
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return tasks[done.pop()]


@asynccontextmanager
async def started(settings: Settings, **limits: float) -> AsyncIterator[Worker]:
    """A worker that works on the analysis queue of these settings; ready when this is entered."""
    argv = [sys.executable, "-m", "tests.promises.worker", json.dumps(limits)]
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=ROOT, env=environment() | variables(settings), stdout=asyncio.subprocess.PIPE
    )
    worker = Worker(process)
    listening = asyncio.create_task(worker.listen())
    try:
        await worker.says("consumer.started")
        yield worker
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening


def variables(settings: Settings) -> dict[str, str]:
    """What a process of this installation has in its environment."""
    assert settings.aws_endpoint_url is not None
    return {
        "AWS_ENDPOINT_URL": settings.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "BUCKET": settings.bucket,
        "INGEST_QUEUE": settings.ingest_queue,
        "ANALYSIS_QUEUE": settings.analysis_queue,
        "TABLE": settings.table,
    }


async def until(what: str, look: Callable[[], bool], *, within: float = 10) -> None:
    """Raises AssertionError naming `what`."""
    end = time.monotonic() + within
    while not look():
        assert time.monotonic() < end, f"not within {within} s: {what}"
        await asyncio.sleep(0.02)


def patience() -> float:
    """How many times longer things take now than on a machine that nobody else uses, 1 to 3: wall time by processor
    time of a loop that does nothing. Limits that are promised for an idle machine are multiplied by it."""
    began, used = time.monotonic(), time.thread_time()
    while time.thread_time() - used < SPIN_S:
        pass
    return min(3.0, max(1.0, (time.monotonic() - began) / SPIN_S))
