"""What every request gets: ids, one log line, a problem body for any error, CORS, headers of caution."""

import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.errors import catalogue
from core.failure import Failure
from service.answers import Catalogue
from tests.service.conftest import Lines
from tests.service.world import ORIGIN, TOKEN, UNKNOWN, WISH, World, refused

Client = TestClient[Any, Any]
TRACE = "a" * 32


def completed(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines() if line["event"] == "http.request.completed"]


@pytest.mark.parametrize(("given", "kept"), [("abc-1.2_Z", True), ("x" * 65, False), ("a b", False), ("", False)])
async def test_a_request_id_is_kept_or_made(http: Client, given: str, kept: bool) -> None:
    async with http.get("/sports", headers={"X-Request-Id": given}) as answer:
        told = answer.headers["X-Request-Id"]
    assert told
    assert (told == given) is kept


async def test_one_line_a_request(lines: Lines, http: Client, world: World) -> None:
    headers = {"X-Request-Id": "r1", "traceparent": f"00-{TRACE}-{'b' * 16}-01"}
    async with http.get(f"/analysis/{UNKNOWN}/status?token=geheim", headers=headers):
        pass
    (line,) = completed(lines)
    assert line["level"] == "info"
    assert (line["trace_id"], line["request_id"], line["analysis_id"]) == (TRACE, "r1", UNKNOWN)
    assert (line["method"], line["route"], line["status"]) == ("GET", "/analysis/{id}/status", 404)
    assert line["error_code"] == "ANALYSIS_NOT_FOUND"
    assert line["bytes"] > 100
    assert line["ms"] >= 0
    assert line["synthetic"] is False
    assert "geheim" not in json.dumps(lines())


async def test_a_connection_s_next_request_starts_clean(lines: Lines, http: Client) -> None:
    async with http.get(f"/analysis/{UNKNOWN}/status"):
        pass
    async with http.get("/sports", headers={"baggage": "user_agent.synthetic.type=test;x=y"}):
        pass
    first, second = completed(lines)
    assert (first["analysis_id"], second["analysis_id"]) == (UNKNOWN, None)
    assert first["trace_id"] != second["trace_id"]
    assert second["synthetic"] is True


async def test_the_platform_s_questions_make_no_noise(lines: Lines, http: Client) -> None:
    for path in ("/livez", "/metrics"):
        async with http.get(path):
            pass
    assert completed(lines) == []


async def test_an_unknown_error_is_logged_and_not_told(lines: Lines, world: World) -> None:
    async with world.serve() as http:
        world.faults.broken("records.get", RuntimeError("password=hunter2"))
        async with http.get(f"/analysis/{UNKNOWN}/status", headers={"Accept-Language": "de"}) as answer:
            problem = await refused(answer, ErrorCode.INTERNAL)
    assert problem.title == "Bei uns ist etwas kaputtgegangen"
    assert "hunter2" not in problem.model_dump_json()
    (crash,) = [line for line in lines() if line["event"] == "http.request.crashed"]
    assert crash["level"] == "error"
    assert crash["request_id"] == problem.request_id
    assert "RuntimeError" in str(crash["exception"])
    (line,) = completed(lines)
    assert (line["status"], line["level"], line["error_code"]) == (500, "warning", "INTERNAL")


async def test_a_failure_of_ours_is_logged_with_its_detail(lines: Lines, http: Client, world: World) -> None:
    world.faults.broken("records.get", Failure(ErrorCode.STORE_UNAVAILABLE, "throttled"))
    async with http.get(f"/videos/{UNKNOWN}") as answer:
        await refused(answer, ErrorCode.STORE_UNAVAILABLE)
    (line,) = [line for line in lines() if line["event"] == "http.request.failed"]
    assert (line["error_code"], line["detail"], line["level"]) == ("STORE_UNAVAILABLE", "throttled", "warning")


async def test_nothing_secret_is_logged(lines: Lines, http: Client, world: World) -> None:
    name = "Kanarienvogel.mp4"
    analysis_id = await world.queued(http, WISH | {"filename": name})
    await world.completes(analysis_id)
    for path in (f"/analysis/{analysis_id}", f"/videos/{analysis_id}", f"/upload/status/{analysis_id}"):
        async with http.get(path) as answer:
            assert answer.status == 200
    async with http.post(
        "/analysis/retry", json={"analysis_id": analysis_id}, headers={"Authorization": f"Bearer {TOKEN}"}
    ):
        pass
    written = json.dumps(lines())
    for secret in (name, "Kanarien", TOKEN, "X-Amz-Signature", "bucket.invalid"):
        assert secret not in written


async def test_addresses_and_methods_that_are_not(http: Client) -> None:
    for path in ("/nowhere", "/analysis", "/analysis/a/b/c", "/%ff"):
        async with http.get(path) as answer:
            problem = await refused(answer, ErrorCode.NOT_FOUND)
            assert problem.instance is None
    async with http.get("/upload/init") as answer:
        await refused(answer, ErrorCode.METHOD_NOT_ALLOWED)
        assert answer.headers["Allow"] == "POST"
    async with http.post("/sports") as answer:
        await refused(answer, ErrorCode.METHOD_NOT_ALLOWED)
        assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}


async def test_head_is_get_without_a_body(http: Client) -> None:
    async with http.head("/sports") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize(("status", "code"), [(404, "NOT_FOUND"), (400, "INVALID_REQUEST"), (503, "INTERNAL")])
async def test_aiohttp_s_own_errors_are_problems(world: World, status: int, code: str) -> None:
    class Raising:
        async def head(self, _: str) -> None:
            raise {404: web.HTTPNotFound, 400: web.HTTPBadRequest, 503: web.HTTPServiceUnavailable}[status](text="x")

    analysis_id = UNKNOWN
    async with world.serve() as http:
        analysis_id = await world.began(http)
    async with world.serve(objects=Raising()) as http, http.get(f"/videos/{analysis_id}") as answer:
        await refused(answer, ErrorCode(code))


async def test_headers_of_caution(http: Client) -> None:
    for path in ("/sports", "/nowhere", f"/videos/{UNKNOWN}"):
        async with http.get(path) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Server"] == "performate"
            assert "aiohttp" not in str(answer.headers)


async def test_pages_of_known_origins_may_read(http: Client) -> None:
    for path in ("/sports", f"/analysis/{UNKNOWN}"):
        async with http.get(path, headers={"Origin": ORIGIN}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
            assert {"Location", "Retry-After", "ETag", "X-Request-Id"} <= exposed
            assert {"Origin", "Accept-Language"} <= set(answer.headers.getall("Vary"))
            assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_a_preflight(http: Client) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "prefer"}
    async with http.options("/upload/init", headers=asked) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"prefer", "if-none-match", "authorization", "content-type"} <= set(allowed)


@pytest.mark.parametrize("origin", ["https://evil.example", f"{ORIGIN}.evil.example", "null", ORIGIN.upper(), "*"])
async def test_pages_of_other_origins_may_not(http: Client, origin: str) -> None:
    async with http.get("/sports", headers={"Origin": origin}) as answer:
        assert answer.status == 200
        assert "Access-Control-Allow-Origin" not in answer.headers
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    async with http.options("/upload/init", headers=preflight) as answer:
        await refused(answer, ErrorCode.METHOD_NOT_ALLOWED)
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_without_origins_there_is_no_cors(world: World) -> None:
    world.settings = world.settings.model_copy(update={"cors_origins": ()})
    async with world.serve() as http, http.get("/sports", headers={"Origin": ORIGIN}) as answer:
        assert answer.headers.getall("Vary") == ["Accept-Language"]
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_the_catalogue(http: Client) -> None:
    async with http.get("/errors") as answer:
        body = Catalogue.model_validate(await answer.json())
    assert {entry.code for entry in body.errors} == set(catalogue())


async def test_sports(http: Client) -> None:
    async with http.get("/sports") as answer:
        assert await answer.json() == ["climbing", "bouldering", "skiing", "motocross", "mountainbike"]
