"""/health, /livez, /readyz, /metrics: never a call to the outside inside the request, unknown is never healthy."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families

from core.error_codes import ErrorCode
from core.failure import Failure
from service.answers import Health
from service.dependencies import DependencyCheck
from service.keys import DEPENDENCIES
from service.outside import Pace
from tests.service.conftest import Lines
from tests.service.world import UNKNOWN, World, refused

Client = TestClient[Any, Any]


async def health(http: Client) -> Health:
    async with http.get("/health") as answer:
        assert answer.status == 200
        return Health.model_validate(await answer.json())


def check(http: Client) -> DependencyCheck:
    assert http.app is not None
    found: DependencyCheck = http.app[DEPENDENCIES]
    return found


async def test_all_is_well(http: Client) -> None:
    await check(http).first_look()
    body = await health(http)
    assert body.model_dump(exclude={"checked_s_ago"}) == {
        "status": "healthy",
        "version": "9.9",
        "services": {
            "s3": "available",
            "sqs": "available",
            "store": "available",
            "redis": "not_configured",
            "video_cache": "not_configured",
        },
        "cache_stats": {"hits": 0, "misses": 0, "bytes": 0, "entries": 0},
        "waiting": {"ingest": 0, "analysis": 0, "oldest_s": 0.0},
        "check": "running",
    }
    assert body.checked_s_ago is not None


async def test_the_workers_cache_is_told_of(world: World) -> None:
    await world.counters.add("cache", {"hits": 3, "misses": 4, "bytes": 72, "entries": 2})
    async with world.serve() as http:
        await check(http).first_look()
        assert (await health(http)).cache_stats.model_dump() == {"hits": 3, "misses": 4, "bytes": 72, "entries": 2}


class Redis:
    """A shared cache that can be away."""

    def __init__(self) -> None:
        self.away = False

    async def ping(self) -> None:
        if self.away:
            raise Failure(ErrorCode.STORE_UNAVAILABLE, "redis://:s3cret@example")


@pytest.mark.parametrize("away", [True, False])
async def test_a_redis_that_is_configured_is_looked_at(world: World, *, away: bool) -> None:
    redis = Redis()
    redis.away = away
    async with world.serve(cache=redis) as http:
        await check(http).first_look()
        body = await health(http)
    assert body.services.redis == ("unavailable" if away else "available")
    assert body.status == ("degraded" if away else "healthy")


@pytest.mark.parametrize(
    ("method", "name", "code"),
    [
        ("objects.head", "s3", ErrorCode.STORAGE_UNAVAILABLE),
        ("ingest.depth", "sqs", ErrorCode.QUEUE_UNAVAILABLE),
        ("analysis.depth", "sqs", ErrorCode.QUEUE_UNAVAILABLE),
        ("records.get", "store", ErrorCode.STORE_UNAVAILABLE),
    ],
)
async def test_a_dependency_that_is_away(world: World, method: str, name: str, code: ErrorCode) -> None:
    world.faults.broken(method, Failure(code, "secret address"))
    async with world.serve() as http:
        await check(http).first_look()
        async with http.get("/health") as answer:
            text = await answer.text()
        body = Health.model_validate_json(text)
        assert body.status == "degraded"
        away = {name for name, found in body.services.model_dump().items() if found == "unavailable"}
        assert away == {name}
        assert "secret" not in text
        for path in ("/livez", "/readyz"):
            async with http.get(path) as answer:
                assert answer.status == 200, "a dependency is no reason to restart or unroute"
        world.faults.heal(method)
        await check(http).look()
        assert (await health(http)).status == "healthy"


async def test_what_waits(http: Client, world: World) -> None:
    await world.queued(http)
    await world.queued(http)
    world.clock.advance(seconds=90)
    await check(http).look()
    waiting = (await health(http)).waiting
    assert (waiting.ingest, waiting.analysis, waiting.oldest_s) == (2, 0, 90.0)
    world.faults.broken("ingest.depth", Failure(ErrorCode.QUEUE_UNAVAILABLE))
    world.faults.broken("records.waiting", Failure(ErrorCode.STORE_UNAVAILABLE))
    await check(http).look()
    assert set((await health(http)).waiting.model_dump().values()) == {None}


async def test_a_dependency_that_hangs_is_away() -> None:
    world = World(pace=Pace(check_limit_s=0.05))
    world.faults.hang("objects.head", 1)
    async with world.serve() as http:
        await check(http).first_look()
        assert (await health(http)).services.s3 == "unavailable"


async def test_before_the_first_look_nothing_is_known() -> None:
    world = World(pace=Pace(check_limit_s=30))
    world.faults.hang("records.get", 1)
    async with world.serve() as http:
        body = await health(http)
        assert (body.status, body.check, body.checked_s_ago) == ("degraded", "starting", None)
        assert body.services.s3 == "unavailable"
        async with http.get("/readyz") as answer:
            await refused(answer, ErrorCode.NOT_READY)
            assert answer.headers["Retry-After"] == "5"
        async with http.get("/livez") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "alive"})


async def test_asking_asks_nobody(http: Client, world: World) -> None:
    await check(http).first_look()
    calls = list(world.faults.calls)
    for path in ("/health", "/livez", "/readyz", "/metrics", "/sports", "/errors", "/openapi.json"):
        for _ in range(20):
            async with http.get(path) as answer:
                assert answer.status == 200
    assert world.faults.calls == calls


async def test_a_check_that_died_is_noticed(world: World, lines: Lines) -> None:
    world.faults.at("objects.head", 1, ZeroDivisionError("a bug"))
    async with world.serve() as http:
        while check(http).state != "stopped":
            await health(http)
        body = await health(http)
        assert (body.status, body.check) == ("degraded", "stopped")
        assert body.services.store == "unavailable"
    (told,) = [line for line in lines() if line["event"] == "dependency.check.died"]
    assert told["level"] == "error"
    assert "ZeroDivisionError" in str(told["exception"])


async def test_a_check_that_is_late_is_noticed(world: World) -> None:
    at = 1000.0
    lookout = DependencyCheck(world.outside, interval_s=15, limit_s=5, now=lambda: at)
    await lookout.look()
    at += 50
    assert (lookout.age_s, lookout.state, lookout.availability("s3")) == (50, "running", "available")
    at += 0.1
    assert lookout.state == "stale"
    assert lookout.availability("s3") == "unavailable"


async def test_a_flip_is_logged_once(world: World, lines: Lines) -> None:
    lookout = DependencyCheck(world.outside, interval_s=1, limit_s=1)
    await lookout.look()
    world.faults.broken("objects.head", Failure(ErrorCode.STORAGE_UNAVAILABLE))
    await lookout.look()
    await lookout.look()
    world.faults.heal("objects.head")
    await lookout.look()
    flips = [line["available"] for line in lines() if line["event"] == "dependency.changed"]
    assert flips == [False, True]


async def test_figures(http: Client, world: World) -> None:
    await world.began(http)
    for analysis_id in (UNKNOWN, "x"):
        async with http.get(f"/analysis/{analysis_id}/status?secret=1"):
            pass
    async with http.get("/nowhere/at/all"):
        pass
    async with http.request("PROPFIND", "/sports", headers={"baggage": "user_agent.synthetic.type=test"}):
        pass
    async with http.get("/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        text = await answer.text()
    found = {
        tuple(sample.labels[name] for name in ("method", "route", "status", "synthetic")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "performate_http_request_duration_seconds_count"
    }
    assert found == {
        ("POST", "/upload/init", "201", "false"): 1,
        ("GET", "/analysis/{id}/status", "404", "false"): 2,
        ("GET", "unmatched", "404", "false"): 1,
        ("other", "unmatched", "405", "true"): 1,
    }
    assert 'performate_http_problems_total{error_code="ANALYSIS_NOT_FOUND",synthetic="false"} 2.0' in text
    assert "process_resident_memory_bytes" in text
    assert "secret" not in text
