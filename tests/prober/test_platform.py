"""Nobody else's trouble restarts the web service: a platform's rules, played over ten minutes of virtual time.

The rules are Render's: a health check that is not answered with 2xx or 3xx within 5 s has failed; after 15 s of
failures the instance gets no requests, after 60 s it is restarted.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from tests.prober.examples import a_board
from tests.service.world import World

TIMEOUT_S, UNROUTE_S, RESTART_S = 5.0, 15.0, 60.0
EVERY_S = 5.0
MINUTES = 10
CALLS = (
    "objects.head",
    "objects.read",
    "ingest.depth",
    "ingest.send",
    "analysis.depth",
    "records.get",
    "records.create",
    "records.apply",
    "verdicts.board",
    "verdicts.archive",
)


@dataclass(kw_only=True)
class Platform:
    """Counts what it would do; `failing_s` is for how long checks have failed by now."""

    unrouted: int = 0
    restarts: int = 0
    failing_s: float = 0.0

    async def check(self, http: TestClient[Any, Any], path: str) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S), http.get(path) as answer:
                good = answer.status < 400
        except TimeoutError:
            good = False
        self.failing_s = 0.0 if good else self.failing_s + EVERY_S
        self.unrouted += self.failing_s >= UNROUTE_S
        self.restarts += self.failing_s >= RESTART_S


async def test_ten_minutes_without_anybody_restart_nothing() -> None:
    world = World()
    world.verdicts.held = a_board()
    live, ready = Platform(), Platform()
    async with world.serve() as http:
        async with http.get("/readyz") as answer:
            assert answer.status in (200, 503)
        for call in CALLS:
            world.faults.broken(call, Failure(ErrorCode.STORE_UNAVAILABLE))
        for _ in range(round(60 * MINUTES / EVERY_S)):
            world.clock.advance(seconds=EVERY_S)
            await live.check(http, "/livez")
            await ready.check(http, "/readyz")
        async with http.get("/health") as answer:
            assert answer.status == 200
        async with http.get("/health/analysis-pipeline") as answer:
            assert answer.status == 503
    assert (live.unrouted, live.restarts) == (0, 0)
    assert (ready.unrouted, ready.restarts) == (0, 0)


async def test_dependencies_that_hang_are_no_better() -> None:
    world = World()
    for call in CALLS:
        for number in range(1, 200):
            world.faults.hang(call, number)
    platform = Platform()
    async with world.serve() as http:
        for _ in range(round(60 * MINUTES / EVERY_S)):
            await platform.check(http, "/livez")
    assert (platform.unrouted, platform.restarts) == (0, 0)


async def test_the_platform_would_restart_what_does_not_answer() -> None:
    """The rules above are worth nothing if nothing fails by them."""
    world, platform = World(), Platform()
    async with world.serve() as http:
        for _ in range(round(60 * MINUTES / EVERY_S)):
            await platform.check(http, "/no-such-address")
    assert platform.unrouted > platform.restarts > 0


def test_the_platform_s_path_is_the_shallow_one() -> None:
    assert "healthCheckPath: /livez\n" in (Path(__file__).parents[2] / "render.yaml").read_text()
