"""What `verify` asks besides the clip: the service as it is passes, and each way of being ill is named."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from prober.doors import CHECKS, Answered, Doors, checked
from tests.flow.product import wait_for
from tests.loopback import serving
from tests.prober.examples import a_board
from tests.service.world import World

Spoil = Callable[[str, web.Response], web.Response]


async def ask(url: str, *, version: str | None = None) -> Mapping[str, Answered]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
        doors = Doors(http=http, url=url.rstrip("/"), version=version)
        return {name: await checked(name, check, doors) for name, check in CHECKS}


@asynccontextmanager
async def deployment(spoil: Spoil | None = None) -> AsyncIterator[str]:
    """The service with a proxy before it that spoils its answers."""
    world = World()
    world.verdicts.held = a_board()
    async with world.serve() as service, aiohttp.ClientSession(auto_decompress=False) as http:

        async def ready() -> bool:
            return (await service.get("/readyz")).status == 200

        await wait_for("readiness", ready)

        async def forward(request: web.BaseRequest) -> web.StreamResponse:
            body = await request.read()
            async with http.request(
                request.method, service.make_url(request.raw_path), headers=request.headers, data=body
            ) as answer:
                raw = await answer.read()
                headers = {k: v for k, v in answer.headers.items() if k not in ("Content-Length", "Transfer-Encoding")}
                passed = web.Response(status=answer.status, body=raw, headers=headers)
                return spoil(request.path, passed) if spoil else passed

        async with serving(forward) as url:
            yield url


def answering(path: str, status: int, text: str = "{}", kind: str = "application/json") -> Spoil:
    def spoil(asked: str, answer: web.Response) -> web.Response:
        return web.Response(status=status, text=text, content_type=kind) if asked == path else answer

    return spoil


def without_header(name: str) -> Spoil:
    def spoil(_: str, answer: web.Response) -> web.Response:
        answer.headers.popall(name, None)
        return answer

    return spoil


async def test_the_service_as_it_is() -> None:
    async with deployment() as url:
        found = await ask(url, version="9.9")
    ill = {name: one.told for name, one in found.items() if one.level == "fail"}
    assert ill == {}
    assert found["health"].told.startswith("version 9.9")
    assert found["transport"].told == "plain HTTP on loopback"


ILL: list[tuple[str, str, Spoil]] = [
    ("alive", "fail", answering("/livez", 502)),
    ("alive", "fail", answering("/readyz", 503)),
    ("health", "fail", answering("/health", 200, '{"version": "9.8", "status": "healthy"}')),
    ("health", "warn", answering("/health", 200, '{"version": "9.9", "status": "degraded"}')),
    ("documents", "fail", answering("/errors", 200, "[]")),
    ("documents", "fail", answering("/openapi.json", 200, "<html>", "text/html")),
    ("refusals", "fail", answering("/upload/init", 200, '{"score": 7}')),
    ("refusals", "fail", answering("/upload/init", 500, "Traceback", "text/plain")),
    ("operators only", "fail", answering("/analysis/retry", 202)),
    ("page", "fail", answering("/", 404)),
    ("page", "fail", without_header("Content-Security-Policy")),
    ("verdict", "warn", answering("/health/analysis-pipeline", 503, '{"status": "fail", "notes": ["x"]}')),
]


@pytest.mark.parametrize(("check", "level", "spoil"), ILL, ids=[f"{c[0]}-{n}" for n, c in enumerate(ILL)])
async def test_an_ill_one_is_named(check: str, level: str, spoil: Spoil) -> None:
    async with deployment(spoil) as url:
        found = await ask(url, version="9.9")
    assert found[check].level == level
    others = {name for name, one in found.items() if one.level == "fail"} - {check}
    assert others == set()


async def test_plain_http_in_the_open_is_a_warning() -> None:
    async with aiohttp.ClientSession() as http:
        found = await checked("transport", Doors.transport, Doors(http=http, url="http://performate.example"))
    assert found.level == "warn"


async def test_nobody_there() -> None:
    found = await ask("http://127.0.0.1:1")
    assert {one.level for name, one in found.items() if name != "transport"} == {"fail"}


def slow() -> Callable[[Doors], Awaitable[str]]:
    async def wait(_: Doors) -> str:
        raise TimeoutError

    return wait


async def test_no_answer_in_time_is_no_answer() -> None:
    async with aiohttp.ClientSession() as http:
        assert (await checked("x", slow(), Doors(http=http, url=""))).told == "no answer in time"
