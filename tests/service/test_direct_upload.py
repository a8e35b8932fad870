"""POST /upload: streamed to the bucket with flat memory; whatever is refused or breaks off leaves nothing behind."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Status
from service.answers import UploadedClip
from tests.fakes import FakeObjects
from tests.service.clip_bodies import END, FILE, HEADERS, MIB, SPORT, form, nothing_is_left
from tests.service.world import CLIP, World, refused, settings

Client = TestClient[Any, Any]


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


async def test_a_file_over_the_limit_is_refused_while_it_comes() -> None:
    world = World(settings=settings(MAX_UPLOAD_BYTES="5000"))
    async with world.serve() as http:
        async with http.post("/upload", data=form(value=b"x" * 5001)) as answer:
            await refused(answer, ErrorCode.FILE_TOO_LARGE)
        assert nothing_is_left(world)
        async with http.post("/upload", data=form(value=b"x" * 5000)) as answer:
            assert answer.status == 202


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


@pytest.mark.parametrize(
    ("declared", "name", "taken_as"),
    [
        ("application/octet-stream", "climb.mp4", "video/mp4"),
        ("application/octet-stream", "CLIMB.MOV", "video/quicktime"),
        ("application/octet-stream", "climb", None),
        ("application/octet-stream", "climb.exe", None),
        ("image/gif", "climb.mp4", None),
    ],
)
async def test_a_client_that_does_not_know_the_type(
    http: Client, declared: str, name: str, taken_as: str | None
) -> None:
    async with http.post("/upload", data=form(filename=name, content_type=declared)) as answer:
        body = await answer.json()
    if taken_as is None:
        assert (answer.status, body["code"]) == (400, "UNSUPPORTED_CONTENT_TYPE")
    else:
        assert (answer.status, body["content_type"]) == (202, taken_as)
