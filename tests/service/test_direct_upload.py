"""POST /upload: streamed to the bucket with flat memory; whatever is refused or breaks off leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Status
from service.answers import UploadedClip
from service.outside import Pace
from tests.fakes import FakeObjects
from tests.service.conftest import Lines
from tests.service.world import CLIP, World, refused, settings

Client = TestClient[Any, Any]
MIB = 1024 * 1024
BOUNDARY = "----clip"
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
FILE = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
).encode()
SPORT = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="sport_type"\r\n\r\nbouldering\r\n'.encode()
END = f"--{BOUNDARY}--\r\n".encode()


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


def form(**changes: Any) -> FormData:
    made = FormData(quote_fields=False)  # as browsers write names
    given = {"value": CLIP, "filename": "a.mp4", "content_type": "video/mp4"} | changes
    made.add_field("file", given["value"], filename=given["filename"], content_type=given["content_type"])
    return made


def nothing_is_left(world: World) -> bool:
    return not world.objects.stored and not world.records.stored and not world.ingest.sent


async def test_a_clip_is_stored_and_queued(http: Client, world: World) -> None:
    data = form(filename="Übung \U0001f9d7.mp4")
    data.add_field("sport_type", "bouldering")  # after the file, as the old page sends it
    async with http.post("/upload", data=data, headers={"Accept-Language": "de"}) as answer:
        assert answer.status == 202, await answer.text()
        body = UploadedClip.model_validate(await answer.json())
        assert answer.headers["Location"] == f"/analysis/{body.analysis_id}/status"
        assert int(answer.headers["Retry-After"]) > 0
    assert body.model_dump(mode="json") == {
        "analysis_id": body.analysis_id,
        "status": "queued",
        "sport_detected": "bouldering",
        "video_url": f"/videos/{body.analysis_id}",
        "filename": "Übung \U0001f9d7.mp4",
        "content_type": "video/mp4",
        "file_size_mb": round(len(CLIP) / MIB, 2),
    }
    record = world.record(body.analysis_id)
    assert (record.status, record.declared_bytes, record.language) == (Status.QUEUED, len(CLIP), "de")
    assert world.objects.stored[record.key].body == CLIP
    assert world.jobs == [("ingest", body.analysis_id, 0)]


async def test_the_record_is_there_before_the_object(world: World) -> None:
    """S3's event follows the object at once; it must find the record."""
    known_at_the_end: list[bool] = []

    class Looking(FakeObjects):
        async def put(self, key: str, body: bytes, *, content_type: str) -> None:
            known_at_the_end.append(bool(world.records.stored))

        async def put_stream(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> int:
            async for _ in chunks:
                known_at_the_end.append(bool(world.records.stored))
            await self.put(key, b"", content_type=content_type)
            return await world.objects.put_stream(key, _one(CLIP), content_type=content_type)

    looking = Looking()
    looking.stored = world.objects.stored
    async with world.serve(objects=looking) as http, http.post("/upload", data=form()) as answer:
        assert answer.status == 202
    assert known_at_the_end[0] is False
    assert known_at_the_end[-1] is True


async def _one(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk


@pytest.mark.parametrize("sport_first", [True, False])
async def test_fields_come_in_any_order(http: Client, world: World, sport_first: bool) -> None:
    file = FILE + CLIP + b"\r\n"
    body = (SPORT + file if sport_first else file + SPORT) + END
    async with http.post("/upload", data=body, headers=HEADERS) as answer:
        assert answer.status == 202
        assert (await answer.json())["sport_detected"] == "bouldering"


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
        (FILE.replace(b"Content-Type: video/mp4\r\n", b"") + CLIP + b"\r\n" + END, ErrorCode.UNSUPPORTED_CONTENT_TYPE),
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


async def test_a_file_over_the_limit_is_refused_while_it_comes() -> None:
    world = World(settings=settings(MAX_UPLOAD_BYTES="5000"))
    async with world.serve() as http:
        async with http.post("/upload", data=form(value=b"x" * 5001)) as answer:
            await refused(answer, ErrorCode.FILE_TOO_LARGE)
        assert nothing_is_left(world)
        async with http.post("/upload", data=form(value=b"x" * 5000)) as answer:
            assert answer.status == 202


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


async def test_a_bucket_that_is_away(http: Client, world: World) -> None:
    world.faults.broken("objects.put_stream", Failure(ErrorCode.STORAGE_UNAVAILABLE))
    async with http.post("/upload", data=form()) as answer:
        await refused(answer, ErrorCode.STORAGE_UNAVAILABLE)
    assert nothing_is_left(world)


async def test_a_store_that_is_away_leaves_no_object(http: Client, world: World) -> None:
    world.faults.broken("records.create", Failure(ErrorCode.STORE_UNAVAILABLE))
    async with http.post("/upload", data=form()) as answer:
        await refused(answer, ErrorCode.STORE_UNAVAILABLE)
    assert nothing_is_left(world)


async def test_a_queue_that_is_away_costs_no_second_upload(http: Client, world: World) -> None:
    world.faults.broken("ingest.send", Failure(ErrorCode.QUEUE_UNAVAILABLE))
    async with http.post("/upload", data=form()) as answer:
        problem = await refused(answer, ErrorCode.QUEUE_UNAVAILABLE)
    world.faults.heal("ingest.send")
    analysis_id = problem.technical_details["analysis_id"]
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        assert answer.status == 202
    assert [job[1] for job in world.jobs] == [analysis_id]
