"""`doctor` on the vision model: asked whether it is there, never anything that costs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from core.settings import Settings
from ops.checkup.model import of_model
from tests.emulator import fresh_settings
from tests.loopback import serving

NOWHERE = "http://127.0.0.1:1"
KEY = "sk-proj-hunter2hunter2"


@asynccontextmanager
async def provider(status: int, asked: list[str]) -> AsyncIterator[str]:
    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(f"{request.method} {request.path} {request.headers.get('Authorization')}")
        return web.json_response({}, status=status)

    async with serving(answer) as url:
        yield f"{url}/v1"


def settings(**given: str) -> Settings:
    return fresh_settings(NOWHERE, **given)


@pytest.mark.parametrize(
    ("status", "level", "required"),
    [(200, "ok", "ok"), (401, "warn", "fail"), (404, "warn", "warn"), (500, "warn", "fail")],
)
async def test_what_the_provider_says(status: int, level: str, required: str) -> None:
    asked: list[str] = []
    async with provider(status, asked) as url:
        given = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY, "VISION_MODEL": "a/model"}
        [mild] = await of_model(settings(**given))
        [strict] = await of_model(settings(**given, REQUIRE_MODEL="1"))
    assert (mild.level, strict.level) == (level, required)
    assert asked == [f"GET /v1/models/a/model Bearer {KEY}"] * 2
    assert "hunter2" not in f"{mild}{strict}"


async def test_nobody_answers() -> None:
    [found] = await of_model(settings(OPENAI_BASE_URL=f"http://user:hunter2@{NOWHERE.removeprefix('http://')}"))
    assert found.level == "warn"
    assert "hunter2" not in f"{found}"


async def test_without_one() -> None:
    [found] = await of_model(settings())
    assert found.level == "ok"
    [found] = await of_model(settings(REQUIRE_MODEL="1"))
    assert found.level == "fail"
