"""Tests that mostly wait for real processes: all that are selected begin together, in a thread of their own.

`@side_by_side` makes a test of a scenario. It is run on a real queue of its own, and its test only takes the outcome.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from core.aws.clients import open_clients
from core.aws.queue import SqsQueue, dead_letter_name, open_queue
from core.settings import Settings
from ops.provision import provision
from tests.emulator import fresh_settings
from tests.promises.processes import Worker, started

AT_ONCE = 4
"""More would only wait for the processor."""
LONGEST_S = 120.0
"""Far longer than any takes; a machine with many others' work on it may need it."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A real queue, its dead letters, and worker processes on it; those that still run at the end are killed."""

    settings: Settings
    queue: SqsQueue
    dead: SqsQueue
    exits: AsyncExitStack

    async def start_worker(self, **limits: float) -> Worker:
        return await self.exits.enter_async_context(started(self.settings, **limits))


Scenario = Callable[[Place], Awaitable[None]]


class Ahead:
    """Runs scenarios before their tests ask for them."""

    def __init__(self, url: str, scenarios: Sequence[Scenario]) -> None:
        self._url = url
        self._outcomes: dict[Scenario, Future[None]] = {scenario: Future() for scenario in scenarios}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="side by side")
        self._thread.start()

    def result(self, scenario: Scenario) -> None:
        """Raises what the scenario raised."""
        self._outcomes[scenario].result()

    def join(self) -> None:
        self._thread.join()

    async def _run(self) -> None:
        turns = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._play(scenario, outcome, turns) for scenario, outcome in self._outcomes.items()))

    async def _play(self, scenario: Scenario, outcome: Future[None], turns: asyncio.Semaphore) -> None:
        try:
            async with turns, asyncio.timeout(LONGEST_S), AsyncExitStack() as exits:
                await scenario(await _place(fresh_settings(self._url), exits))
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is this test's
            outcome.set_exception(error)
        else:
            outcome.set_result(None)


async def _place(settings: Settings, exits: AsyncExitStack) -> Place:
    await provision(settings)
    clients = await exits.enter_async_context(open_clients(settings))
    name, dead = settings.analysis_queue, dead_letter_name(settings.analysis_queue)
    queue = await open_queue(clients, name, dead_letters=dead)
    return Place(settings=settings, queue=queue, dead=await open_queue(clients, dead), exits=exits)


def side_by_side(scenario: Scenario) -> Callable[[Ahead], None]:
    def test(ahead: Ahead) -> None:
        ahead.result(scenario)

    test.__doc__ = scenario.__doc__
    SCENARIOS[test] = scenario
    return pytest.mark.timeout(LONGEST_S + 30)(test)


SCENARIOS: dict[Callable[..., None], Scenario] = {}
"""Test function -> what it is about."""
