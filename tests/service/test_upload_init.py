"""POST /upload/init."""

import asyncio
import re
import uuid
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import analysis_id_of
from core.record import Status
from service.answers import UploadAddress
from service.outside import Pace
from tests.service.world import WISH, World, refused, settings

Client = TestClient[Any, Any]


async def test_init_gives_an_address(http: Client, world: World) -> None:
    async with http.post("/upload/init", json=WISH, headers={"Accept-Language": "de"}) as answer:
        body = UploadAddress.model_validate(await answer.json())
        assert answer.status == 201
        assert answer.headers["Location"] == f"/analysis/{body.analysis_id}/status"
    assert uuid.UUID(body.analysis_id).version == 4
    assert body.s3_key == f"videos/2026/11/24/{body.analysis_id}.mp4"
    assert analysis_id_of(body.s3_key) == body.analysis_id
    assert body.upload_fields["key"] == body.s3_key
    assert (body.expires_in, body.max_file_size) == (1800, 120 * 1024 * 1024)
    assert world.objects.posts[0].fields["policy"] == "1024-125829120 bytes, 1800 s"
    record = world.record(body.analysis_id)
    assert record.status is Status.PENDING_UPLOAD
    assert (record.sport_type, record.language, record.filename) == ("bouldering", "de", "project.mp4")
    assert record.created_at == "2026-11-24T12:00:00.000Z"
    assert record.expires_at == int(world.clock().timestamp()) + 90 * 86400
    assert world.jobs == []


@pytest.mark.parametrize(
    ("content_type", "extension", "kept"),
    [
        ("video/mp4", "mp4", "video/mp4"),
        ("VIDEO/MP4; codecs=avc1", "mp4", "video/mp4"),
        ("video/quicktime", "mov", "video/quicktime"),
        ("video/webm", "webm", "video/webm"),
        ("video/x-matroska", "mkv", "video/x-matroska"),
        ("video/avi", "avi", "video/avi"),
        ("video/x-msvideo", "avi", "video/x-msvideo"),
        ("video/3gpp", "3gp", "video/3gpp"),
    ],
)
async def test_types_that_are_taken(http: Client, world: World, content_type: str, extension: str, kept: str) -> None:
    analysis_id = await world.began(http, WISH | {"content_type": content_type, "filename": "a.exe"})
    record = world.record(analysis_id)
    assert record.key.endswith(f".{extension}")
    assert record.content_type == kept
    assert analysis_id_of(record.key) == analysis_id


@pytest.mark.parametrize("content_type", ["", "image/gif", "video/x-ms-wmv", "application/octet-stream", "video/mp4,x"])
async def test_types_that_are_not_taken(http: Client, world: World, content_type: str) -> None:
    async with http.post("/upload/init", json=WISH | {"content_type": content_type}) as answer:
        problem = await refused(answer, ErrorCode.UNSUPPORTED_CONTENT_TYPE)
    assert "video/mp4" in str(problem.technical_details["supported"])
    assert world.records.stored == {}


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (0, ErrorCode.FILE_TOO_SMALL),
        (1023, ErrorCode.FILE_TOO_SMALL),
        (120 * 1024 * 1024 + 1, ErrorCode.FILE_TOO_LARGE),
        (10**18, ErrorCode.FILE_TOO_LARGE),
    ],
)
async def test_sizes_that_are_not_taken(http: Client, size: int, code: ErrorCode) -> None:
    async with http.post("/upload/init", json=WISH | {"file_size": size}) as answer:
        problem = await refused(answer, code)
    assert problem.technical_details


@pytest.mark.parametrize("size", [1024, 120 * 1024 * 1024])
async def test_sizes_at_the_limits_are_taken(http: Client, world: World, size: int) -> None:
    await world.began(http, WISH | {"file_size": size})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"file_size": -1}, "file_size"),
        ({"file_size": "5000"}, "file_size"),
        ({"file_size": 1.5}, "file_size"),
        ({"file_size": None}, "file_size"),
        ({"filename": 7}, "filename"),
        ({"filename": "a" * 2000}, "filename"),
        ({"content_type": "v" * 200}, "content_type"),
        ({"sport_type": "golf"}, "sport_type"),
        ({"language": "fr"}, "language"),
    ],
)
async def test_a_wrong_field_is_named(http: Client, change: dict[str, object], field: str) -> None:
    async with http.post("/upload/init", json=WISH | change) as answer:
        problem = await refused(answer, ErrorCode.INVALID_REQUEST)
    assert [named["field"] for named in problem.model_dump()["technical_details"]["fields"]] == [field]
    assert "aaaa" not in problem.model_dump_json()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"filename":"\\ud800","content_type":"video/mp4","file_size":5000}',
        b'{"filename":"a","content_type":"video/mp4","file_size":' + b"9" * 10_000 + b"}",
        b'{"filename":"a","content_type":"video/mp4","file_size":NaN}',
    ],
)
async def test_broken_and_deep_json(http: Client, body: bytes) -> None:
    async with http.post("/upload/init", data=body, headers={"Content-Type": "application/json"}) as answer:
        await refused(answer, ErrorCode.INVALID_REQUEST)


async def test_huge_json_is_not_read(http: Client) -> None:
    async with http.post("/upload/init", json=WISH | {"filename": "a" * 70_000}) as answer:
        problem = await refused(answer, ErrorCode.REQUEST_TOO_LARGE)
    assert problem.technical_details == {"max_bytes": 64 * 1024}


async def test_a_dripped_json_body_ends() -> None:
    world = World(pace=Pace(body_s=0.05))
    left = asyncio.Event()

    async def drip() -> Any:
        yield b'{"filename":'
        await left.wait()

    async with world.serve() as http, http.post("/upload/init", data=drip()) as answer:
        await refused(answer, ErrorCode.REQUEST_TIMEOUT)
        left.set()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Übung März.mp4", "Übung März.mp4"),
        ("登山🧗.mp4", "登山🧗.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\clips\\a.mp4", "a.mp4"),
        ("a\r\nSet-Cookie: x=1\x00\x1b[31m.mp4", "aSet-Cookie: x=1[31m.mp4"),
        ("gpj\u202e4pm.exe", "gpj4pm.exe"),
        ("<img src=x onerror=alert(1)>.mp4", "<img src=x onerror=alert(1)>.mp4"),
        ("u\u0308.mp4", "ü.mp4"),
        ("a" * 900, "a" * 200),
        ("", "clip"),
        ("\x00\u2028", "clip"),
        ("x/", "clip"),
    ],
)
async def test_file_names_are_only_shown(http: Client, world: World, given: str, kept: str) -> None:
    analysis_id = await world.began(http, WISH | {"filename": given})
    assert re.fullmatch(rf"videos/2026/11/24/{analysis_id}\.mp4", world.record(analysis_id).key)
    async with http.get(f"/upload/status/{analysis_id}") as answer:
        assert (await answer.json())["filename"] == kept


async def test_no_address_no_record(http: Client, world: World) -> None:
    world.faults.broken("objects.presign_post", Failure(ErrorCode.PRESIGN_FAILED, "no credentials"))
    async with http.post("/upload/init", json=WISH) as answer:
        problem = await refused(answer, ErrorCode.PRESIGN_FAILED)
        assert answer.headers["Retry-After"] == "5"
    assert "credentials" not in problem.model_dump_json()
    assert world.records.stored == {}


async def test_limits_come_from_the_settings() -> None:
    world = World(settings=settings(MAX_UPLOAD_BYTES="5000"))
    async with world.serve() as http, http.post("/upload/init", json=WISH | {"file_size": 5001}) as answer:
        problem = await refused(answer, ErrorCode.FILE_TOO_LARGE)
    assert problem.technical_details == {"max_file_size": 5000}
