"""GET /health/analysis-pipeline says what is known, and calls what is not known by its name."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.probing import Cadence
from core.verdicts import Archive, Board, archived
from tests.fakes import MOMENT
from tests.prober.examples import a_board, a_run
from tests.service.world import TOKEN, World, refused

PATH = "/health/analysis-pipeline"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
CADENCE = Cadence()
STALE = CADENCE.stale_after_s


async def get(http: TestClient[Any, Any], query: str = "", **options: Any) -> tuple[int, dict[str, Any]]:
    async with http.get(f"{PATH}{query}", **options) as answer:
        return answer.status, json.loads(await answer.read())


async def test_a_good_verdict_is_pass(world: World, http: TestClient[Any, Any]) -> None:
    world.verdicts.held = a_board()
    world.verdicts.kept = archived(Archive(), a_run(), interval_s=300)
    status, body = await get(http)
    assert (status, body["status"], body["error_code"], body["age_s"]) == (200, "pass", None, 0)
    assert body["checks"]["analyze:duration"] == [
        {
            "componentType": "component",
            "observedValue": 1700,
            "observedUnit": "ms",
            "status": "pass",
            "time": "2026-11-24T12:00:00.000Z",
        }
    ]
    assert body["uptime"]["24h"] == {"share": 1.0, "unknown_share": 0.0, "runs": 1}
    assert body["method"] == "pose"


@pytest.mark.parametrize(
    ("board", "advance_s", "code"),
    [
        (a_board(), STALE + 1, "PROBE_STALE"),
        (a_board(), -31, "PROBE_STALE"),
        (a_board(a_run("fail"), state="down", recent=()), 0, "STAGE_TIMEOUT"),
        (a_board(a_run("fail"), state="unknown"), 0, "STAGE_TIMEOUT"),
    ],
    ids=["too old", "from the future", "down", "never good"],
)
async def test_what_is_failing_or_not_known_is_503(
    world: World, http: TestClient[Any, Any], board: Board, advance_s: float, code: str
) -> None:
    world.verdicts.held = board
    world.clock.advance(seconds=advance_s)
    async with http.get(PATH) as answer:
        body = await answer.json()
        assert (answer.status, body["status"], body["error_code"]) == (503, "fail", code)
        assert int(answer.headers["Retry-After"]) >= 5
        assert body["notes"] or code == "STAGE_TIMEOUT"
        assert body["failed_stage"] == ("queue" if code == "STAGE_TIMEOUT" else None)


async def test_a_store_that_cannot_be_read_is_503(world: World, http: TestClient[Any, Any]) -> None:
    world.verdicts.held = a_board()
    world.faults.broken("verdicts.board", Failure(ErrorCode.STORE_UNAVAILABLE))
    status, body = await get(http)
    assert (status, body["error_code"], body["uptime"]["24h"]["share"]) == (503, "STORE_UNAVAILABLE", None)
    async with http.get(f"{PATH}/history") as answer:
        await refused(answer, ErrorCode.STORE_UNAVAILABLE)


async def test_a_store_that_hangs_is_503(world: World, http: TestClient[Any, Any]) -> None:
    world.faults.hang("verdicts.board", 1)
    status, body = await get(http)
    assert (status, body["error_code"]) == (503, "STORE_UNAVAILABLE")


@pytest.mark.parametrize(
    ("board", "stage"),
    [
        (a_board(a_run("fail"), recent=("pass", "fail")), ("queue", None)),
        (a_board(a_run("warn", slow_stage="analyze", wall_ms=50_000)), (None, "analyze")),
    ],
    ids=["one of n failed", "slow"],
)
async def test_the_degraded_tier(
    world: World, http: TestClient[Any, Any], board: Board, stage: tuple[str | None, str | None]
) -> None:
    world.verdicts.held = board
    status, body = await get(http)
    assert (status, body["status"]) == (200, "warn")
    assert (body["failed_stage"], body["slow_stage"]) == stage
    assert body["notes"]
    status, body = await get(http, "?fail_on=warn")
    assert (status, body["status"]) == (503, "warn")


async def test_health_json_when_it_is_asked_for(world: World, http: TestClient[Any, Any]) -> None:
    world.verdicts.held = a_board()
    async with http.get(PATH) as answer:
        assert answer.content_type == "application/json"
        tag = answer.headers["ETag"]
        assert answer.headers["Cache-Control"] == "max-age=5"
    async with http.get(PATH, headers={"Accept": "application/health+json"}) as answer:
        assert answer.content_type == "application/health+json"
    async with http.get(PATH, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304


async def test_only_operators_see_details(world: World, http: TestClient[Any, Any]) -> None:
    hidden = a_run("fail", detail="GetObject refused: the bucket climbs-prod")
    world.verdicts.held = a_board(hidden, state="down")
    world.verdicts.kept = archived(Archive(), hidden, interval_s=300)
    for path in (PATH, f"{PATH}/history"):
        async with http.get(path) as answer:
            text = await answer.text()
            assert "climbs-prod" not in text
            assert hidden.analysis_id not in text
    _, body = await get(http, headers=ADMIN)
    assert body["last_failure"]["detail"] == hidden.detail
    assert body["last_failure"]["runbook"]
    assert body["last_failure"]["trace_id"] == hidden.trace_id


@pytest.mark.parametrize(
    ("board", "word", "colour"),
    [
        (a_board(), "passing", "#2e7d32"),
        (a_board(a_run("warn", slow_stage="queue")), "degraded", "#b26a00"),
        (a_board(a_run("fail"), state="down"), "failing", "#c62828"),
        (None, "unknown", "#6b6b6b"),
    ],
)
async def test_the_badge(world: World, http: TestClient[Any, Any], board: Board | None, word: str, colour: str) -> None:
    world.verdicts.held = board
    async with http.get(f"{PATH}?format=badge") as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "image/svg+xml")
        assert f"<title>pipeline: {word}</title>" in text
        assert colour in text


async def test_5000_requests_ask_nothing_of_anybody(world: World, http: TestClient[Any, Any]) -> None:
    """The verdict is read once in a quarter of an interval at most; nothing else is called at all."""
    world.verdicts.held = a_board()
    await get(http)
    before = list(world.faults.calls)

    async def many() -> None:
        for _ in range(100):
            async with http.get(PATH) as answer:
                assert answer.status == 200

    await asyncio.gather(*(many() for _ in range(50)))
    during = world.faults.calls[len(before) :]
    assert set(during) <= {"verdicts.board", "verdicts.archive"}
    assert len(during) <= 4


async def test_the_history_is_for_charts(world: World, http: TestClient[Any, Any]) -> None:
    archive = Archive()
    for minute in range(0, 60, 5):
        run = a_run("fail" if minute == 30 else "pass", at=MOMENT - timedelta(minutes=60 - minute))
        archive = archived(archive, run, interval_s=300)
    world.verdicts.kept = archive
    async with http.get(f"{PATH}/history") as answer:
        body = await answer.json()
    assert [len(body[name]) for name in ("runs", "failures", "hours")] == [12, 1, 1]
    assert body["uptime"]["24h"]["share"] == pytest.approx(11 / 12, abs=1e-4)
    assert body["runs"][0]["stages"][0] == {"stage": "init", "ms": 20}


async def test_the_second_request_in_a_second_is_answered_at_once(world: World, http: TestClient[Any, Any]) -> None:
    """With the same body and headers, an id of its own, and in the figures as any other."""
    world.verdicts.held = a_board()
    answers = []
    for _ in range(3):
        async with http.get(PATH) as answer:
            answers.append((answer.status, await answer.read(), {k.lower(): v for k, v in answer.headers.items()}))
    (_, first, made), *_, (status, last, held) = answers
    assert (status, last) == (200, first)
    own = {"x-request-id", "date", "vary"}
    assert {name: held.get(name) for name in made if name not in own} == {
        name: value for name, value in made.items() if name not in own
    }
    assert len({headers["x-request-id"] for _, _, headers in answers}) == 3
    async with http.get("/metrics") as answer:
        line = f'{{method="GET",route="{PATH}",status="200",synthetic="false"}} 3.0'
        assert line in await answer.text()


async def test_what_is_held_is_for_plain_requests_only(world: World, http: TestClient[Any, Any]) -> None:
    hidden = a_run("fail", detail="for operators")
    world.verdicts.held = a_board(hidden, state="down")
    for options in ({"headers": ADMIN}, {}, {"headers": ADMIN}):
        _, body = await get(http, **options)
        assert body["last_failure"]["detail"] == ("for operators" if options else None)
    async with http.get(f"{PATH}?format=badge") as answer:
        assert answer.content_type == "image/svg+xml"
