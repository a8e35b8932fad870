"""`python -m service` as a real process, on a real emulator, ended by a real signal."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import psutil
import pytest
from pydantic import SecretStr

from core.settings import Settings
from tests.emulator import ROOT, environment, fresh_settings
from tests.service.clip_bodies import BOUNDARY, END, FILE, HEADERS, MIB
from tests.service.world import CLIP, WISH


@dataclass(kw_only=True)
class Process:
    child: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def said(self, event: str) -> dict[str, Any]:
        """The next line with that event."""
        assert self.child.stdout is not None
        while raw := await self.child.stdout.readline():
            self.lines.append(json.loads(raw))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(f"it ended without {event}: {self.lines}")


def variables(settings: Settings) -> dict[str, str]:
    given = {name.upper(): value for name, value in settings if name in settings.model_fields_set}
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in given.items()
        if name != "CORS_ORIGINS"
    }


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "service",
        cwd=ROOT,
        env=environment() | variables(settings) | {"PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
        limit=MIB,
    )
    try:
        yield Process(child=child)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Process, aiohttp.ClientSession]]:
    async with running(settings) as process:
        started = await process.said("service.started")
        async with aiohttp.ClientSession(f"http://{started['host']}:{started['port']}") as http:
            yield process, http


async def test_from_upload_to_queue_and_its_end(aws: Settings) -> None:
    async with serving(aws) as (process, http):
        async with http.post("/upload/init", json=WISH) as answer:
            assert answer.status == 201, await answer.text()
            place = await answer.json()
        form = aiohttp.FormData()
        for name, value in place["upload_fields"].items():
            form.add_field(name, value)
        form.add_field("file", CLIP, filename="a.mp4", content_type="video/mp4")
        async with http.post(place["upload_url"], data=form) as answer:
            assert answer.status in (200, 201, 204), await answer.text()
        async with http.post("/upload/complete", json={"analysis_id": place["analysis_id"]}) as answer:
            assert (answer.status, (await answer.json())["status"]) == (202, "queued")
        async with http.get(f"/videos/{place['analysis_id']}") as answer:
            address = (await answer.json())["video_url"]
        async with http.get(address) as answer:
            assert await answer.read() == CLIP
        async with http.get("/health") as answer:
            body = await answer.json()
        assert (body["status"], body["check"]) == ("healthy", "running"), body
        held = asyncio.ensure_future(http.get(f"/analysis/{place['analysis_id']}"))
        while "requests_in_flight 2.0" not in await text(http, "/metrics"):
            pass
        process.child.send_signal(signal.SIGTERM)
        async with await held as answer:
            assert answer.status == 202
        await process.said("service.stopped")
        assert await asyncio.wait_for(process.child.wait(), 5) == 0
    assert [line for line in process.lines if line["level"] in ("error", "critical")] == []
    assert "service.draining" in [line["event"] for line in process.lines]


async def test_a_large_clip_goes_through_in_little_memory(aws: Settings, record_property: Any) -> None:
    size = 100

    async def clip() -> AsyncIterator[bytes]:
        yield FILE
        for _ in range(size):
            yield bytes(MIB)
            largest.append(service.memory_info().rss)
        yield f"\r\n--{BOUNDARY}--\r\n".encode()

    async with serving(aws) as (process, http):
        service = psutil.Process(process.child.pid)
        async with http.post("/upload", data=FILE + CLIP + b"\r\n" + END, headers=HEADERS) as answer:
            assert answer.status == 202, await answer.text()  # what the SDK loads once is loaded
        largest = [service.memory_info().rss]
        async with http.post("/upload", data=clip(), headers=HEADERS) as answer:
            assert answer.status == 202, await answer.text()
            assert (await answer.json())["file_size_mb"] == size
    grown = (max(largest) - largest[0]) / MIB
    record_property("rss_grown_mib", round(grown, 1))
    print(f"memory grew by {grown:.1f} MiB over {largest[0] / MIB:.0f} while {size} MiB went through")  # noqa: T201 - for the report
    assert grown < 48


async def text(http: aiohttp.ClientSession, path: str) -> str:
    async with http.get(path) as answer:
        return await answer.text()


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET /geheim HTTP/1.1\r\nHost: x\r\nBad Header: geheim\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"geheim" * 9000 + b"\r\n\r\n",
        b"POST /upload/init HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\ngeheim",
    ],
)
async def test_what_is_no_http_is_one_quiet_line(aws: Settings, garbage: bytes) -> None:
    async with serving(aws) as (process, http):
        url = http._base_url
        assert url is not None
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(garbage)
        async with asyncio.timeout(5):
            assert b" 400 " in await reader.read()
        writer.close()
        line = await process.said("http.request.malformed")
    assert line["level"] == "info"
    assert "geheim" not in json.dumps(process.lines)


async def test_without_its_queue_it_does_not_start(aws: Settings) -> None:
    async with running(fresh_settings(aws.aws_endpoint_url or "")) as process:
        line = await process.said("service.start.failed")
        assert await asyncio.wait_for(process.child.wait(), 5) == 1
    assert line["error_code"] == "QUEUE_UNAVAILABLE"
    assert "-ingest" in line["detail"]
