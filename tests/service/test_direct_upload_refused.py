"""POST /upload by broken and hostile clients: refused early, in little memory, and nothing is left."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from service.outside import Pace
from tests.fakes import FakeObjects
from tests.service.clip_bodies import END, FILE, HEADERS, MIB, SPORT, nothing_is_left
from tests.service.conftest import Lines
from tests.service.world import CLIP, World, refused, settings

Client = TestClient[Any, Any]


class DrainingObjects(FakeObjects):
    """Keeps no byte; tells how much came, how large the process got meanwhile, and that the stream ended."""

    def __init__(self) -> None:
        super().__init__()
        self.came = 0
        self.largest_rss = 0
        self.ended = asyncio.Event()
        self.started = asyncio.Event()

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> int:
        process = psutil.Process()
        self.started.set()
        try:
            async for chunk in chunks:
                self.came += len(chunk)
                self.largest_rss = max(self.largest_rss, process.memory_info().rss)
        finally:
            self.ended.set()
        await self.put(key, b"kept", content_type=content_type)
        return self.came


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", ErrorCode.INVALID_REQUEST),
        (END, ErrorCode.INVALID_REQUEST),
        (b"no form at all", ErrorCode.INVALID_REQUEST),
        (SPORT + END, ErrorCode.INVALID_REQUEST),
        (FILE + CLIP, ErrorCode.INVALID_REQUEST),  # no closing boundary
        (FILE + CLIP + b"\r\n" + FILE + CLIP + b"\r\n" + END, ErrorCode.INVALID_REQUEST),  # two files
        (FILE + CLIP + b"\r\n" + SPORT.replace(b"bouldering", b"golf") + END, ErrorCode.INVALID_REQUEST),
        (FILE + CLIP + b"\r\n" + SPORT.replace(b"bouldering", b"g" * 5000) + END, ErrorCode.INVALID_REQUEST),
        (FILE + CLIP + b"\r\n" + SPORT * 20 + END, ErrorCode.INVALID_REQUEST),
        (FILE.replace(b"video/mp4", b"multipart/mixed; boundary=x") + CLIP + b"\r\n" + END, ErrorCode.INVALID_REQUEST),
        (FILE.replace(b"video/mp4", b"text/html") + CLIP + b"\r\n" + END, ErrorCode.UNSUPPORTED_CONTENT_TYPE),
        (
            FILE.replace(b"Content-Type: video/mp4\r\n", b"").replace(b"a.mp4", b"a.gif") + CLIP + b"\r\n" + END,
            ErrorCode.UNSUPPORTED_CONTENT_TYPE,
        ),
        (FILE + b"\r\n" + END, ErrorCode.FILE_TOO_SMALL),
        (FILE + b"tiny\r\n" + END, ErrorCode.FILE_TOO_SMALL),
    ],
)
async def test_refused_bodies_leave_nothing(http: Client, world: World, body: bytes, code: ErrorCode) -> None:
    async with http.post("/upload", data=body, headers=HEADERS) as answer:
        await refused(answer, code)
    assert nothing_is_left(world)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "multipart/form-data",
        f"multipart/form-data; boundary={'b' * 200}",
        "multipart/mixed; boundary=x",
    ],
)
async def test_bodies_that_are_no_forms(http: Client, world: World, content_type: str) -> None:
    async with http.post("/upload", data=FILE + CLIP, headers={"Content-Type": content_type}) as answer:
        await refused(answer, ErrorCode.INVALID_REQUEST)
    assert nothing_is_left(world)


async def test_a_declared_length_over_the_limit_is_not_read(world: World) -> None:
    reader, writer = await _raw(world_client := world.serve(), length=10**12)
    assert b" 413 " in await reader.readline()
    writer.close()
    await world_client.close()
    assert nothing_is_left(world)


async def test_130_mib_are_refused_with_flat_memory(world: World, record_property: Any) -> None:
    objects = DrainingObjects()
    before = psutil.Process().memory_info().rss
    sent = 0

    async def large() -> AsyncIterator[bytes]:
        nonlocal sent
        yield FILE
        for _ in range(130):
            sent += MIB
            yield bytes(MIB)
        yield b"\r\n" + END

    async with world.serve(objects=objects) as http, http.post("/upload", data=large(), headers=HEADERS) as answer:
        await refused(answer, ErrorCode.FILE_TOO_LARGE)
    assert objects.came <= 120 * MIB < sent
    assert not objects.stored
    assert nothing_is_left(world)
    grown = (objects.largest_rss - before) / MIB
    record_property("rss_grown_mib", round(grown, 1))
    print(f"memory grew by {grown:.1f} MiB while {objects.came / MIB:.0f} MiB came")  # noqa: T201 - for the report
    assert grown < 24


async def _raw(client: Client, *, length: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of its own, on which the head of an upload was sent."""
    await client.start_server()
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = ("POST /upload HTTP/1.1", "Host: x", f"Content-Type: {HEADERS['Content-Type']}", f"Content-Length: {length}")
    writer.write("\r\n".join((*head, "", "")).encode())
    return reader, writer


async def test_a_client_that_leaves_leaves_nothing(world: World, lines: Lines) -> None:
    objects = DrainingObjects()
    client = world.serve(objects=objects)
    _, writer = await _raw(client, length=50_000)
    writer.write(FILE + CLIP)
    await objects.started.wait()
    writer.close()
    await objects.ended.wait()
    await client.close()
    (line,) = [line for line in lines() if line["event"] == "http.request.completed"]
    assert (line["status"], line["error_code"]) == (499, "UPLOAD_INTERRUPTED")
    assert not objects.stored
    assert nothing_is_left(world)


async def test_a_client_that_stands_still_is_sent_away() -> None:
    world = World(pace=Pace(idle_s=0.1))
    client = world.serve()
    reader, writer = await _raw(client, length=50_000)
    writer.write(FILE + CLIP)
    assert b" 408 " in await reader.readline()
    writer.close()
    await client.close()
    assert nothing_is_left(world)


async def test_a_client_that_drips_for_ever_is_sent_away() -> None:
    world = World(settings=settings(UPLOAD_EXPIRES_S="1"))
    client = world.serve()
    reader, writer = await _raw(client, length=50_000)
    writer.write(FILE)
    answered = asyncio.ensure_future(reader.readline())
    while not answered.done():
        writer.write(b"x")
        await asyncio.wait({answered}, timeout=0.05)
    assert b" 408 " in answered.result()
    writer.close()
    await client.close()
    assert nothing_is_left(world)
