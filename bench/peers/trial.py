"""One contender, one queue: a backlog to work off, then single messages, then a kill."""

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
import psutil

from bench.peers.arrivals import KEY, RECORD, REGION, Order
from bench.peers.bare import client_of
from bench.peers.contenders import ROOT, Contender

LOOK_S = 0.02
SENDS = frozenset({"SendMessage", "SendMessageBatch", "GetQueueUrl", "GetQueueAttributes", "CreateQueue"})
MIB = 1024 * 1024


class Stuck(Exception):
    """It did not get there in time; the text says what it did instead."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`backlog` messages are there at the start; then `singles` come, `pace` a second."""

    endpoint: str
    backlog: int
    singles: int
    pace: float
    concurrency: int
    visibility_s: int
    wait_s: int
    limit_s: float


@dataclass(frozen=True, kw_only=True)
class Found:
    """Milliseconds from send to handler, MiB of the process and its children. `cpu_us`: what they needed for a message
    of the backlog, which tells more than the rate where others use the machine too."""

    per_second: float
    cpu_us: float
    requests: float
    p50_ms: float
    p99_ms: float
    rss_mib: float


class Trial:
    """`folder` takes what it writes."""

    def __init__(self, contender: Contender, python: Path, plan: Plan, folder: Path, order: Order) -> None:
        self._contender = contender
        self._python = python
        self._plan = plan
        self._folder = folder
        self._order = order

    async def measure(self, sqs: Any) -> Found:
        """Raises Stuck."""
        plan = self._plan
        await self.send(count=plan.backlog)
        await self._ask("POST")
        with self.working(self._order) as worker:
            try:
                await self._until("the first message", lambda: self._arrived(1))
                begun, early = _cpu_s(worker.pid), len(self.arrivals())
                await self._until("the backlog", lambda: self._handled(sqs, plan.backlog))
                used = _cpu_s(worker.pid) - begun
                state = await self._ask("GET")
                await self.send(count=plan.singles, pace=plan.pace)
                await self._until("the singles", lambda: self._handled(sqs, plan.backlog + plan.singles))
                rss = _rss(worker.pid)
            finally:
                _end(worker)
        waits = sorted((arrived - sent) * 1000 for sent, arrived in self.arrivals()[plan.backlog :])
        cuts = quantiles(waits, n=100)
        asked = sum(count for action, count in state["counts"].items() if action not in SENDS)
        return Found(
            per_second=plan.backlog / (state["last"] - state["first"]),
            cpu_us=used / (plan.backlog - early) * 1e6,
            requests=asked / plan.backlog,
            p50_ms=cuts[49],
            p99_ms=cuts[98],
            rss_mib=rss / MIB,
        )

    async def recover(self) -> float:
        """Seconds from a kill -9 in the handler until another process has the same message in its handler.
        Raises Stuck."""
        await self.send(count=10)
        hung = replace(self._order, hang_s=self._plan.limit_s)
        with self.working(hung) as first:
            try:
                await self._until("the first handler", lambda: self._arrived(1))
            finally:
                first.kill()
                first.wait()
        killed, seen = time.time(), len(self.arrivals())
        with self.working(self._order) as second:
            try:
                # the one that was killed in the handler comes back after the nine that only were received
                await self._until("all of them again", lambda: self._arrived(seen + 10))
            finally:
                _end(second)
        return max(arrived for _, arrived in self.arrivals()) - killed

    async def send(self, *, count: int, pace: float = 0) -> None:
        order = replace(self._order, count=count, pace=pace)
        with self._started("send", order) as sender:
            code = await asyncio.to_thread(sender.wait)
        if code:
            raise Stuck(f"its sender ended with {code}: {self._last_line()}")

    def working(self, order: Order) -> subprocess.Popen[bytes]:
        return self._started("work", order)

    def arrivals(self) -> list[tuple[float, float]]:
        """(sent, arrived) of every call of the handler, in that order."""
        path = Path(self._order.arrivals)
        data = path.read_bytes() if path.exists() else b""
        return [(sent, arrived) for sent, arrived in RECORD.iter_unpack(data[: len(data) // 16 * 16])]

    def _started(self, what: str, order: Order) -> subprocess.Popen[bytes]:
        argv = [str(self._python), "-m", f"bench.peers.{self._contender.module}", what, json.dumps(asdict(order))]
        with (self._folder / "out.log").open("ab") as out:
            return subprocess.Popen(argv, cwd=ROOT, env=_environment(order), stdout=out, stderr=out)

    async def _until(self, what: str, reached: Callable[[], Awaitable[bool]]) -> None:
        try:
            async with asyncio.timeout(self._plan.limit_s):
                while not await reached():  # noqa: ASYNC110  # other processes' work is no event
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise Stuck(f"not {what} in {self._plan.limit_s:g} s: {self._last_line()}") from None

    async def _arrived(self, count: int) -> bool:
        return len(self.arrivals()) >= count

    async def _handled(self, sqs: Any, count: int) -> bool:
        """So many came to the handler, and nothing is left on the queue."""
        if len(self.arrivals()) < count:
            return False
        reply = await sqs.get_queue_attributes(QueueUrl=self._order.url, AttributeNames=["All"])
        attributes = reply["Attributes"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(attributes[name]) for name in names) == 0

    async def _ask(self, method: str) -> Mapping[str, Any]:
        async with aiohttp.request(method, f"{self._plan.endpoint}/_bench") as answer:
            found: Mapping[str, Any] = await answer.json()
        return found

    def _last_line(self) -> str:
        lines = (self._folder / "out.log").read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"


@asynccontextmanager
async def trial(contender: Contender, python: Path, plan: Plan, folder: Path) -> AsyncIterator[tuple[Trial, Any]]:
    """On a new queue with a DLQ. Gives the trial and an SQS client for looking on."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    name = folder.name.replace(" ", "-")
    order = Order(
        endpoint=plan.endpoint,
        queue=name,
        url="",
        arrivals=str(folder / "arrivals"),
        concurrency=plan.concurrency,
        visibility_s=plan.visibility_s,
        wait_s=plan.wait_s,
    )
    async with client_of(order) as sqs:
        await sqs.create_queue(QueueName=f"{name}-dlq")
        made = await sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(plan.visibility_s)})
        yield Trial(contender, python, plan, folder, replace(order, url=made["QueueUrl"])), sqs


def _environment(order: Order) -> dict[str, str]:
    """Some contenders take an endpoint and keys from nowhere else."""
    return {
        "PATH": "/usr/bin:/bin",
        "AWS_ENDPOINT_URL_SQS": order.endpoint,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_DEFAULT_REGION": REGION,
    }


def _rss(pid: int) -> int:
    process = psutil.Process(pid)
    return sum(int(one.memory_info().rss) for one in [process, *process.children(recursive=True)])


def _cpu_s(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:2]) for one in [process, *process.children(recursive=True)])


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(15)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
