"""The bucket in memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import ObjectInfo, PresignedPost
from tests.fakes.faults import Faults

CHUNK = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """`parts`: of how many it was put together, which its ETag shows; 0 for one that was stored at once."""

    body: bytes
    content_type: str
    parts: int = 0

    @property
    def etag(self) -> str:
        whole = hashlib.md5(self.body, usedforsecurity=False).hexdigest()
        return f"{whole}-{self.parts}" if self.parts else whole


class FakeObjects:
    """`stored` is the bucket. `cuts`: each stream that is opened takes the first number off and breaks off after so
    many bytes. `posts` and `gets` keep the keys that were presigned."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.stored: dict[str, StoredObject] = {}
        self.cuts: list[int] = []
        self.posts: list[PresignedPost] = []
        self.gets: list[str] = []

    async def head(self, key: str) -> ObjectInfo | None:
        async with self.faults.around("objects.head"):
            found = self.stored.get(key)
            if found is None:
                return None
            return ObjectInfo(etag=found.etag, size=len(found.body), content_type=found.content_type)

    async def read(
        self, key: str, *, start: int = 0, length: int | None = None, etag: str | None = None
    ) -> bytes | None:
        if start < 0 or (length is not None and length < 1):
            raise ValueError("start must be at least 0 and length at least 1")
        async with self.faults.around("objects.read"):
            found = self.stored.get(key)
            if found is None:
                return None
            if etag not in (None, found.etag):
                raise Failure(ErrorCode.OBJECT_CHANGED)
            return found.body[start:] if length is None else found.body[start : start + length]

    @asynccontextmanager
    async def stream(self, key: str, *, etag: str, start: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self.faults.around("objects.stream"):
            found = self.stored.get(key)
            if found is None or found.etag != etag:
                raise Failure(ErrorCode.OBJECT_CHANGED)
        cut = self.cuts.pop(0) if self.cuts else None
        yield self._chunks(found.body[start:], cut)

    async def _chunks(self, body: bytes, cut: int | None) -> AsyncIterator[bytes]:
        whole = body if cut is None else body[:cut]
        for at in range(0, len(whole), CHUNK):
            async with self.faults.around("objects.chunk"):
                chunk = whole[at : at + CHUNK]
            yield chunk
        if cut is not None:
            raise Failure(ErrorCode.DOWNLOAD_FAILED, "the connection ended early")

    async def copy(self, key: str, target: str, *, of: ObjectInfo) -> str:
        async with self.faults.around("objects.copy"):
            found = self.stored.get(key)
            if found is None or found.etag != of.etag or target in self.stored:
                raise Failure(ErrorCode.OBJECT_CHANGED)
            self.stored[target] = StoredObject(body=found.body, content_type=of.content_type, parts=1)
            return self.stored[target].etag

    async def put(self, key: str, body: bytes, *, content_type: str) -> None:
        async with self.faults.around("objects.put"):
            self.stored[key] = StoredObject(body=body, content_type=content_type)

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None:
        async with self.faults.around("objects.put_file"):
            body = await asyncio.to_thread(path.read_bytes)
            self.stored[key] = StoredObject(body=body, content_type=content_type)

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> int:
        async with self.faults.around("objects.put_stream"):
            body = b"".join([chunk async for chunk in chunks])
            self.stored[key] = StoredObject(body=body, content_type=content_type)
            return len(body)

    async def delete(self, keys: Sequence[str]) -> None:
        async with self.faults.around("objects.delete"):
            for key in keys:
                self.stored.pop(key, None)

    async def presign_post(
        self, key: str, *, content_type: str, min_bytes: int, max_bytes: int, expires_s: int
    ) -> PresignedPost:
        async with self.faults.around("objects.presign_post"):
            policy = f"{min_bytes}-{max_bytes} bytes, {expires_s} s"
            fields = {"key": key, "Content-Type": content_type, "policy": policy}
            post = PresignedPost(url="https://bucket.invalid/", fields=fields)
            self.posts.append(post)
            return post

    async def presign_get(self, key: str, *, expires_s: int) -> str:
        async with self.faults.around("objects.presign_get"):
            self.gets.append(key)
            return f"https://bucket.invalid/{key}?X-Amz-Expires={expires_s}&X-Amz-Signature=fake"
