"""core.ports.Objects, sentence by sentence."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.aws.uploads import PART_BYTES
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import ObjectInfo, Objects
from tests.contract.backends import new_key

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = bytes(range(256)) * 4


async def _stored(objects: Objects, body: bytes = BODY) -> tuple[str, str]:
    """Key and ETag."""
    key = new_key()
    await objects.put(key, body, content_type="video/mp4")
    info = await objects.head(key)
    assert info is not None
    return key, info.etag


async def _read_stream(objects: Objects, key: str, *, etag: str, start: int = 0) -> list[bytes]:
    async with objects.stream(key, etag=etag, start=start) as chunks:
        return [chunk async for chunk in chunks]


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class BrokenSource(Exception):
    pass


async def _breaking(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 2**20):
        yield b"x" * 2**20
    raise BrokenSource


async def test_head_tells_size_type_and_a_bare_etag(objects: Objects) -> None:
    key, _ = await _stored(objects)
    info = await objects.head(key)
    assert info is not None
    assert (info.size, info.content_type) == (len(BODY), "video/mp4")
    assert info.etag == hashlib.md5(BODY, usedforsecurity=False).hexdigest()


async def test_head_of_nothing_is_none(objects: Objects) -> None:
    assert await objects.head(new_key()) is None


async def test_read_of_nothing_is_none(objects: Objects) -> None:
    assert await objects.read(new_key()) is None
    assert await objects.read(new_key(), start=5, length=5) is None


@pytest.mark.parametrize(
    ("start", "length"), [(0, None), (0, 12), (100, None), (100, 24), (1000, 4000), (1023, 1), (0, len(BODY))]
)
async def test_read_gives_a_piece(objects: Objects, start: int, length: int | None) -> None:
    key, _ = await _stored(objects)
    end = None if length is None else start + length
    assert await objects.read(key, start=start, length=length) == BODY[start:end]


async def test_read_past_the_end_is_empty(objects: Objects) -> None:
    key, _ = await _stored(objects)
    assert await objects.read(key, start=len(BODY)) == b""
    assert await objects.read(key, start=len(BODY) + 5, length=5) == b""


async def test_read_of_less_than_a_byte_is_a_mistake(objects: Objects) -> None:
    with pytest.raises(ValueError, match="length"):
        await objects.read(new_key(), length=0)
    with pytest.raises(ValueError, match="start"):
        await objects.read(new_key(), start=-1)


async def test_read_of_a_changed_object_is_refused(objects: Objects) -> None:
    key, etag = await _stored(objects)
    assert await objects.read(key, start=5, length=5, etag=etag) == BODY[5:10]
    await objects.put(key, b"another", content_type="video/mp4")
    for start, length in ((0, 3), (3, None)):
        with pytest.raises(Failure) as caught:
            await objects.read(key, start=start, length=length, etag=etag)
        assert caught.value.code is ErrorCode.OBJECT_CHANGED
    assert await objects.read(new_key(), etag=etag) is None


@pytest.mark.parametrize("start", [0, 1, 700_000, 1_000_000])
async def test_stream_gives_the_chunks_from_a_byte_on(objects: Objects, start: int) -> None:
    body = os.urandom(1_000_000)
    key, etag = await _stored(objects, body)
    chunks = await _read_stream(objects, key, etag=etag, start=start)
    assert b"".join(chunks) == body[start:]
    assert all(len(chunk) <= 256 * 1024 for chunk in chunks)


async def test_stream_of_a_changed_object_is_refused(objects: Objects) -> None:
    key, etag = await _stored(objects)
    await objects.put(key, b"another", content_type="video/mp4")
    for start in (0, 3):
        with pytest.raises(Failure) as caught:
            await _read_stream(objects, key, etag=etag, start=start)
        assert caught.value.code is ErrorCode.OBJECT_CHANGED


async def test_stream_of_an_object_that_is_gone_is_refused(objects: Objects) -> None:
    key, etag = await _stored(objects)
    await objects.delete([key])
    with pytest.raises(Failure) as caught:
        await _read_stream(objects, key, etag=etag)
    assert caught.value.code is ErrorCode.OBJECT_CHANGED


async def test_a_stream_may_be_left_early(objects: Objects) -> None:
    key, etag = await _stored(objects, os.urandom(2_000_000))
    async with objects.stream(key, etag=etag) as chunks:
        await anext(aiter(chunks))
    assert await objects.head(key) is not None


async def test_put_replaces(objects: Objects) -> None:
    key, _ = await _stored(objects)
    await objects.put(key, b"new", content_type="image/jpeg")
    info = await objects.head(key)
    assert info is not None
    assert (await objects.read(key), info.content_type) == (b"new", "image/jpeg")


@pytest.mark.parametrize("size", [0, 5000, PART_BYTES + 5])
async def test_put_file_stores_a_file(objects: Objects, tmp_path: Path, size: int) -> None:
    path = tmp_path / "clip"
    path.write_bytes(os.urandom(size))
    key = new_key()
    await objects.put_file(key, path, content_type="video/mp4")
    info = await objects.head(key)
    assert info is not None
    assert (info.size, info.content_type) == (size, "video/mp4")
    assert await objects.read(key) == path.read_bytes()


@pytest.mark.parametrize("size", [0, 3, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 7])
async def test_put_stream_stores_what_comes_and_counts_it(objects: Objects, size: int) -> None:
    body, key = os.urandom(size), new_key()
    step = 3_000_000
    stored = await objects.put_stream(
        key, _pieces(*(body[at : at + step] for at in range(0, size, step))), content_type="video/mp4"
    )
    info = await objects.head(key)
    assert info is not None
    assert (stored, info.size, info.content_type) == (size, size, "video/mp4")
    assert await objects.read(key) == body
    [*chunks] = await _read_stream(objects, key, etag=info.etag)
    assert b"".join(chunks) == body


@pytest.mark.parametrize("size", [0, PART_BYTES - 2**20, PART_BYTES, 3 * PART_BYTES])
async def test_put_stream_of_a_breaking_source_leaves_nothing(objects: Objects, size: int) -> None:
    key = new_key()
    with pytest.raises(BrokenSource):
        await objects.put_stream(key, _breaking(size), content_type="video/mp4")
    assert await objects.head(key) is None


async def test_delete_takes_many_and_minds_no_absence(objects: Objects) -> None:
    key, _ = await _stored(objects)
    await objects.delete([key, *(new_key() for _ in range(1100))])
    assert await objects.head(key) is None
    await objects.delete([key])
    await objects.delete([])


async def test_presign_get_names_the_object_and_its_time(objects: Objects) -> None:
    address = await objects.presign_get("videos/2026/11/24/a.mp4", expires_s=77)
    assert "videos/2026/11/24/a.mp4?" in address
    assert "X-Amz-Expires=77" in address
    assert "X-Amz-Signature=" in address


async def test_presign_post_gives_address_and_fields(objects: Objects) -> None:
    post = await objects.presign_post("videos/a.mp4", content_type="video/mp4", min_bytes=1, max_bytes=9, expires_s=60)
    assert post.url.startswith("http")
    assert post.fields["key"] == "videos/a.mp4"
    assert post.fields["Content-Type"] == "video/mp4"
    assert post.fields["policy"]


async def _described(objects: Objects, key: str) -> ObjectInfo:
    info = await objects.head(key)
    assert info is not None
    return info


async def test_a_copy_is_the_version_that_was_meant(objects: Objects) -> None:
    (key, _), target = await _stored(objects), new_key()
    made = await objects.copy(key, target, of=await _described(objects, key))
    info = await _described(objects, target)
    assert (info.etag, info.size, info.content_type) == (made, len(BODY), "video/mp4")
    assert await objects.read(target) == await objects.read(key) == BODY


async def test_what_was_uploaded_in_parts_is_copied_too(objects: Objects) -> None:
    key, target, body = new_key(), new_key(), b"x" * (PART_BYTES + 1)
    await objects.put_stream(key, _pieces(body), content_type="video/mp4")
    made = await objects.copy(key, target, of=await _described(objects, key))
    assert b"".join(await _read_stream(objects, target, etag=made)) == body


async def test_nothing_is_copied_over_an_object(objects: Objects) -> None:
    key, _ = await _stored(objects)
    target, kept = await _stored(objects, b"the first")
    with pytest.raises(Failure) as caught:
        await objects.copy(key, target, of=await _described(objects, key))
    assert caught.value.code is ErrorCode.OBJECT_CHANGED
    assert await objects.read(target, etag=kept) == b"the first"


async def test_another_version_is_not_copied(objects: Objects) -> None:
    (key, _), target = await _stored(objects), new_key()
    before = await _described(objects, key)
    await objects.put(key, b"another", content_type="video/mp4")
    with pytest.raises(Failure) as caught:
        await objects.copy(key, target, of=before)
    assert caught.value.code is ErrorCode.OBJECT_CHANGED
    assert await objects.head(target) is None


async def test_what_is_gone_is_not_copied(objects: Objects) -> None:
    (key, _), target = await _stored(objects), new_key()
    before = await _described(objects, key)
    await objects.delete([key])
    with pytest.raises(Failure) as caught:
        await objects.copy(key, target, of=before)
    assert caught.value.code is ErrorCode.OBJECT_CHANGED
    assert await objects.head(target) is None
