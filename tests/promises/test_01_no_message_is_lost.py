"""Nothing is deleted before its effect is stored: a fault at every call between receive and delete, one at a time.

For each way that a message can end: a clean run lists its calls, those of the handler's store included. Then each of
them fails before or after its effect, never answers, or is where the process ends; and the books must balance.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from consumer.engine.engine import Engine
from consumer.engine.job import Job, Later, Pulse
from consumer.engine.policy import policy_of_catalogue
from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Undecodable
from core.ports import Delivery
from tests.engine.rig import make_setup
from tests.fakes import FakeQueue, Faults

AWAY = Failure(ErrorCode.STORE_UNAVAILABLE, "test")
LONG_ENOUGH_S = 3000
STORED, FAILED, DEAD = "stored", "failed", "dead"


@dataclass(kw_only=True)
class Books:
    """consumer.engine.job.Handler whose store is only written through calls that can fail. A message is one of ENDS.
    `marked` is what is written as failed, and why."""

    faults: Faults
    stored: list[str] = field(default_factory=list)
    marked: dict[str, Failure] = field(default_factory=dict)
    begun: int = 0
    kind: str = "books"

    def accept(self, delivery: Delivery, pulse: Pulse) -> Job:
        if delivery.body == "undecodable":
            raise Undecodable("test")
        return Entry(books=self, delivery=delivery)

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None:
        async with self.faults.around("books.mark"):
            self.marked[delivery.body] = failure


@dataclass(kw_only=True)
class Entry:
    books: Books
    delivery: Delivery

    @property
    def context(self) -> Mapping[str, object]:
        return {}

    @property
    def facts(self) -> Mapping[str, object]:
        return {}

    @property
    def tries(self) -> int:
        return self.books.begun

    async def run(self) -> Later | None:
        body = self.delivery.body
        # as the analysis role does: a duplicate finds its work done, or what is still to be put aside
        if body in self.books.stored or body in self.books.marked:
            if body in self.books.marked and ENDS[body] == {FAILED, DEAD}:
                raise self.books.marked[body]
            return None
        self.books.begun += 1
        if body == "waits" and self.books.begun == 1:
            return Later(seconds=30, reason="test")
        if body == "permanent":
            raise Failure(ErrorCode.UNSUPPORTED_CODEC, "test")
        if body == "hopeless" or (body == "second time" and self.books.begun == 1):
            raise Failure(ErrorCode.STORAGE_UNAVAILABLE, "test")
        await asyncio.sleep(25)
        async with self.books.faults.around("books.store"):
            self.books.stored.append(body)
        return None

    async def fail(self, failure: Failure) -> None:
        async with self.books.faults.around("books.mark"):
            self.books.marked[self.delivery.body] = failure

    async def release(self, failure: Failure | None, *, counts: bool) -> None:
        async with self.books.faults.around("books.release"):
            return


ENDS = {
    "done": {STORED},
    "second time": {STORED},
    "waits": {STORED},
    "permanent": {FAILED},
    "hopeless": {FAILED, DEAD},
    "undecodable": {DEAD},
    "poison": {FAILED, DEAD},
}
"""What a message leaves behind."""


@dataclass(kw_only=True)
class World:
    body: str
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.queue = FakeQueue(faults=self.faults)
        self.books = Books(faults=self.faults)

    async def arrives(self) -> None:
        await self.queue.send(self.body, {"traceparent": "t"})
        for _ in range(5 if self.body == "poison" else 0):
            (delivery,) = await self.queue.receive(limit=1, wait_s=0, visibility_s=1)
            await self.queue.change_visibility(delivery.receipt, 0)

    def start(self) -> asyncio.Task[None]:
        setup = make_setup(self.queue, job_limit_s=60)
        return asyncio.create_task(
            Engine(setup, handler=self.books, policy=policy_of_catalogue(max_tries=3)).run(asyncio.Event())
        )

    @property
    def left_behind(self) -> set[str]:
        found = {STORED: self.books.stored, FAILED: self.books.marked, DEAD: [one.body for one in self.queue.dead]}
        return {name for name, bodies in found.items() if self.body in bodies}

    def assert_not_lost(self) -> None:
        """At any moment: it is still there, or what it was for has happened."""
        assert self.queue.bodies or self.left_behind >= ENDS[self.body]

    async def ends(self) -> None:
        """Works on it until it is gone; every moment of it, nothing is lost."""
        task, loop = self.start(), asyncio.get_running_loop()
        deadline = loop.time() + LONG_ENOUGH_S
        while self.queue.bodies and loop.time() < deadline:
            await asyncio.sleep(1)
            self.assert_not_lost()
        await killed(task)
        assert self.queue.bodies == []
        assert self.left_behind == ENDS[self.body]
        assert {one.attributes["traceparent"] for one in self.queue.dead} <= {"t"}


async def killed(task: asyncio.Task[None]) -> None:
    """As a process ends: nothing of it goes on."""
    task.cancel()
    await asyncio.wait({task})


async def clean_calls(body: str) -> list[str]:
    """From the first receive of the engine on."""
    world = World(body=body)
    await world.arrives()
    before = len(world.faults.calls)
    await world.ends()
    return world.faults.calls[before:]


@pytest.mark.parametrize("body", ENDS)
@pytest.mark.parametrize("fault", ["at", "after", "hang", "killed"])
async def test_a_fault_at_any_call_loses_nothing(body: str, fault: str) -> None:
    calls = await clean_calls(body)
    assert len(calls) >= 3
    for number, call in enumerate(calls):
        world = World(body=body)
        await world.arrives()
        nth = world.faults.count(call) + calls[: number + 1].count(call)
        if fault in ("at", "after"):
            getattr(world.faults, fault)(call, nth, AWAY)
        else:
            world.faults.hang(call, nth)
        if fault == "killed":
            task = world.start()
            while world.faults.count(call) < nth:  # noqa: ASYNC110  # the faults only count
                await asyncio.sleep(0.5)
            await killed(task)
            world.assert_not_lost()
        await world.ends()


@pytest.mark.parametrize("body", ENDS)
async def test_the_effect_comes_before_the_delete(body: str) -> None:
    calls = await clean_calls(body)
    effects = {STORED: "books.store", FAILED: "books.mark", DEAD: "queue.dead_letter"}
    order = [calls.index(effects[end]) for end in (STORED, FAILED, DEAD) if end in ENDS[body]]
    # marked before it is put aside, so that no dead letter's analysis looks alive
    assert order == sorted(order)
    assert order[-1] < calls.index("queue.delete")
