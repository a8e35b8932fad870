"""An engine over fakes, with handlers of one function."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from consumer.engine.breaker import Breaker
from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.engine.job import Job, Later, Pulse
from consumer.engine.limits import Limits
from consumer.engine.policy import policy_of_catalogue
from consumer.engine.setup import Setup
from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Undecodable
from core.ports import Delivery
from tests.fakes import FakeQueue

LIMITS = Limits(concurrency=3, visibility_s=60, wait_s=20, max_receives=5, drain_s=25, job_limit_s=600)

Run = Callable[[Delivery, Pulse], Awaitable[Later | None]]


@dataclass(kw_only=True)
class TinyHandler:
    """`run` is every job's work; `told` keeps what the engine asked for, in order."""

    run: Run
    told: list[tuple[str, str]] = field(default_factory=list)
    tries: int | None = None
    quarantine_error: Failure | None = None
    kind: str = "tiny"

    def accept(self, delivery: Delivery, pulse: Pulse) -> Job:
        if delivery.body == "garbage":
            raise Undecodable("it is garbage")
        return TinyJob(handler=self, delivery=delivery, pulse=pulse)

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None:
        await asyncio.sleep(0)
        if self.quarantine_error:
            raise self.quarantine_error
        self.told.append(("quarantine", delivery.body))


@dataclass(kw_only=True)
class TinyJob:
    handler: TinyHandler
    delivery: Delivery
    pulse: Pulse

    @property
    def context(self) -> Mapping[str, object]:
        return {"body": self.delivery.body}

    @property
    def facts(self) -> Mapping[str, object]:
        return {}

    @property
    def tries(self) -> int:
        return self.handler.tries or self.delivery.receive_count

    async def run(self) -> Later | None:
        self.handler.told.append(("run", self.delivery.body))
        return await self.handler.run(self.delivery, self.pulse)

    async def fail(self, failure: Failure) -> None:
        await asyncio.sleep(0)
        self.handler.told.append(("fail", f"{failure}"))

    async def release(self, failure: Failure | None, *, counts: bool) -> None:
        await asyncio.sleep(0)
        self.handler.told.append(("release", f"{failure}, {counts=}"))


async def nothing(delivery: Delivery, pulse: Pulse) -> None:
    await asyncio.sleep(0)


async def for_ever(delivery: Delivery, pulse: Pulse) -> None:
    await asyncio.Event().wait()


class Slow:
    """A handler's work that takes a while, and says when it began and when it was stopped."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began: list[float] = []
        self.stopped: list[float] = []

    async def __call__(self, delivery: Delivery, pulse: Pulse) -> None:
        loop = asyncio.get_running_loop()
        self.began.append(loop.time())
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.stopped.append(loop.time())
            raise


def half() -> float:
    """The middle of every jitter."""
    return 0.5


def make_setup(queue: FakeQueue, limits: Limits = LIMITS, **changes: float) -> Setup:
    return Setup(queue=queue, clock=SystemClock(), chance=half, limits=replace(limits, **changes))  # type: ignore[arg-type]  # whole numbers stay whole


def make_engine(setup: Setup, handler: TinyHandler, *, breaker: Breaker | None = None) -> Engine:
    return Engine(setup, handler=handler, policy=policy_of_catalogue(max_tries=3), breaker=breaker)


def a_breaker(**changes: float) -> Breaker:
    """Of a model that can be away; with its own thresholds and pauses unless told otherwise."""
    codes = frozenset({ErrorCode.MODEL_UNAVAILABLE, ErrorCode.MODEL_RATE_LIMITED})
    return Breaker(SystemClock(), name="model", codes=codes, chance=half, **changes)  # type: ignore[arg-type]  # whole numbers stay whole


@dataclass(kw_only=True)
class Controls:
    stop: asyncio.Event
    hurry: asyncio.Event
    ended: asyncio.Task[None]

    async def stopped(self) -> float:
        """Sets `stop`; returns how long it took to end."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        self.stop.set()
        await self.ended
        return loop.time() - started


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[Controls]:
    """The engine at work; it is stopped, and must end well, at the end of the block."""
    stop, hurry = asyncio.Event(), asyncio.Event()
    controls = Controls(stop=stop, hurry=hurry, ended=asyncio.create_task(engine.run(stop, hurry)))
    try:
        yield controls
    finally:
        await controls.stopped()
    assert engine.slots.busy == 0
