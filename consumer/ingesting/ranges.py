"""A stored object read by ranges: each byte once, all of one version, and never more than a header may have."""

from __future__ import annotations

from dataclasses import dataclass

from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import ObjectInfo, Objects

BLOCK = 64 * 1024
MOST_BYTES = 12 * 1024 * 1024


@dataclass(kw_only=True)
class _Segment:
    start: int
    data: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.data)


class Ranges:
    """`bytes_read` and `requests` count what was asked of the bucket."""

    def __init__(self, objects: Objects, key: str, info: ObjectInfo) -> None:
        self.size = info.size
        self.bytes_read = 0
        self.requests = 0
        self._objects = objects
        self._key = key
        self._etag = info.etag
        self._segments: list[_Segment] = []

    def moved_to(self, key: str, *, etag: str) -> None:
        """The same bytes lie there now; what was read stays read."""
        self._key, self._etag = key, etag

    async def at(self, start: int, length: int) -> bytes:
        """These bytes; fewer at the object's end. What was read before is not read again.

        Raises Failure: OBJECT_CHANGED, UPLOAD_MISSING (deleted meanwhile), INVALID_METADATA over MOST_BYTES."""
        end = min(start + length, self.size)
        if start >= end:
            return b""
        segment = next((one for one in self._segments if one.start <= start <= one.end), None)
        if segment is None:
            segment = _Segment(start=start, data=b"")
            self._segments.append(segment)
        if segment.end < end:
            wanted = max(end, min(segment.end + BLOCK, self.size)) if segment.end == start else end
            segment.data += await self._fetch(segment.end, wanted - segment.end)
        return segment.data[start - segment.start : end - segment.start]

    async def _fetch(self, start: int, length: int) -> bytes:
        if self.bytes_read + length > MOST_BYTES:
            raise Failure(ErrorCode.INVALID_METADATA, "a header that no clip needs")
        data = await self._objects.read(self._key, start=start, length=length, etag=self._etag)
        if data is None:
            raise Failure(ErrorCode.UPLOAD_MISSING, "it was deleted meanwhile")
        if len(data) != length:
            raise Failure(ErrorCode.STORAGE_UNAVAILABLE, f"{len(data)} bytes came of {length}")
        self.bytes_read += len(data)
        self.requests += 1
        return data
