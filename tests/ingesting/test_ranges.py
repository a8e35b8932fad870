import pytest

from consumer.ingesting.ranges import BLOCK, MOST_BYTES, Ranges
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import ObjectInfo
from tests.fakes import FakeObjects
from tests.fakes.objects import StoredObject

BODY = bytes(range(256)) * 2000


async def opened(body: bytes = BODY) -> tuple[FakeObjects, Ranges]:
    objects = FakeObjects()
    objects.stored["k"] = StoredObject(body=body, content_type="video/mp4")
    info = await objects.head("k")
    assert info is not None
    return objects, Ranges(objects, "k", info)


async def test_any_range_is_the_objects_own() -> None:
    _, ranges = await opened()
    size = len(BODY)
    for start, length in [
        (0, 16),
        (10, 5),
        (BLOCK - 3, 7),
        (400_000, 16),
        (400_010, 90_000),
        (size - 5, 99),
        (0, size),
    ]:
        assert await ranges.at(start, length) == BODY[start : start + length]
    assert await ranges.at(size, 10) == b""
    assert await ranges.at(2**60, 10) == b""


async def test_what_was_read_is_not_read_again() -> None:
    _, ranges = await opened()
    for _ in range(5):
        await ranges.at(0, 16)
        await ranges.at(100, BLOCK - 100)
        await ranges.at(300_000, 30)
    assert (ranges.requests, ranges.bytes_read) == (2, 2 * BLOCK)
    await ranges.at(300_000, BLOCK + 1000)
    assert (ranges.requests, ranges.bytes_read) == (3, 2 * BLOCK + 1000)


async def test_only_one_version_is_read() -> None:
    objects, ranges = await opened()
    await ranges.at(0, 16)
    objects.stored["k"] = StoredObject(body=BODY[::-1], content_type="video/mp4")
    with pytest.raises(Failure) as caught:
        await ranges.at(300_000, 16)
    assert caught.value.code is ErrorCode.OBJECT_CHANGED
    objects.stored.clear()
    with pytest.raises(Failure) as caught:
        await ranges.at(300_000, 16)
    assert caught.value.code is ErrorCode.UPLOAD_MISSING


async def test_no_header_may_be_without_end() -> None:
    objects, _ = await opened(b"")
    ranges = Ranges(objects, "k", ObjectInfo(etag="e", size=10**12, content_type="video/mp4"))
    with pytest.raises(Failure) as caught:
        await ranges.at(0, MOST_BYTES + 1)
    assert caught.value.code is ErrorCode.INVALID_METADATA
    assert objects.faults.calls == ["objects.head"]


async def test_a_reply_that_is_too_short_is_no_reply() -> None:
    objects, _ = await opened(b"short")
    info = await objects.head("k")
    assert info is not None
    ranges = Ranges(objects, "k", ObjectInfo(etag=info.etag, size=500, content_type="video/mp4"))
    with pytest.raises(Failure) as caught:
        await ranges.at(0, 100)
    assert caught.value.code is ErrorCode.STORAGE_UNAVAILABLE
