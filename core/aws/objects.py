"""The bucket: S3."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, FlexibleChecksumError

from core.aws.errors import NETWORK_ERRORS, aws_code, failing_as
from core.aws.uploads import copy_once, put_chunks
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import ObjectInfo, PresignedPost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import GetObjectOutputTypeDef

CHUNK = 256 * 1024
MAX_KEYS = 1000
_GONE = frozenset({"404", "NoSuchKey", "NotFound"})
_CHANGED = _GONE | {"412", "PreconditionFailed"}
_TAKEN = _CHANGED | {"409", "ConditionalRequestConflict"}
_PAST_THE_END = frozenset({"416", "InvalidRange"})


class S3Objects:
    """core.ports.Objects over one bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def head(self, key: str) -> ObjectInfo | None:
        with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
            try:
                found = await self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if aws_code(error) in _GONE:
                    return None
                raise
        return ObjectInfo(
            etag=found["ETag"].strip('"'),
            size=found["ContentLength"],
            content_type=found.get("ContentType", "application/octet-stream"),
            sha256=_sha256(found.get("ChecksumSHA256")),
        )

    async def read(
        self, key: str, *, start: int = 0, length: int | None = None, etag: str | None = None
    ) -> bytes | None:
        if start < 0 or (length is not None and length < 1):
            raise ValueError("start must be at least 0 and length at least 1")
        last = "" if length is None else start + length - 1
        only = {} if etag is None else {"IfMatch": f'"{etag}"'}
        with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
            try:
                found = await self._get(key, start=start, last=last, **only)
            except ClientError as error:
                if aws_code(error) in _GONE:
                    return None
                if aws_code(error) in _CHANGED:
                    raise Failure(ErrorCode.OBJECT_CHANGED, aws_code(error)) from error
                if aws_code(error) in _PAST_THE_END:
                    return b""
                raise
            async with found["Body"] as body:
                return await body.read()

    @asynccontextmanager
    async def stream(self, key: str, *, etag: str, start: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
            try:
                found = await self._get(key, start=start, IfMatch=f'"{etag}"')
            except ClientError as error:
                if aws_code(error) in _CHANGED:
                    raise Failure(ErrorCode.OBJECT_CHANGED, aws_code(error)) from error
                if aws_code(error) not in _PAST_THE_END:
                    raise
                found = None
        if found is None:
            yield _nothing()
            return
        async with found["Body"] as body:
            yield _chunks(body)

    async def copy(self, key: str, target: str, *, of: ObjectInfo) -> str:
        with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
            try:
                return await copy_once(self._client, self._bucket, key, target, of=of)
            except ClientError as error:
                if aws_code(error) in _TAKEN:
                    raise Failure(ErrorCode.OBJECT_CHANGED, aws_code(error)) from error
                raise

    async def put(self, key: str, body: bytes, *, content_type: str) -> None:
        with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
            await self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None:
        await self.put_stream(key, _file_chunks(path), content_type=content_type)

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> int:
        return await put_chunks(self._client, self._bucket, key, chunks, content_type=content_type)

    async def delete(self, keys: Sequence[str]) -> None:
        for at in range(0, len(keys), MAX_KEYS):
            some = [{"Key": key} for key in keys[at : at + MAX_KEYS]]
            with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
                reply = await self._client.delete_objects(
                    Bucket=self._bucket,
                    Delete={"Objects": some, "Quiet": True},  # type: ignore[typeddict-item]  # a plain dict is what it takes
                )
            if refused := reply.get("Errors"):
                raise Failure(ErrorCode.STORAGE_UNAVAILABLE, f"{len(refused)} objects were not deleted")

    async def presign_post(
        self, key: str, *, content_type: str, min_bytes: int, max_bytes: int, expires_s: int
    ) -> PresignedPost:
        with failing_as(ErrorCode.PRESIGN_FAILED):
            made = await self._client.generate_presigned_post(
                Bucket=self._bucket,
                Key=key,
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", min_bytes, max_bytes]],
                ExpiresIn=expires_s,
            )
        return PresignedPost(url=made["url"], fields=made["fields"])

    async def presign_get(self, key: str, *, expires_s: int) -> str:
        with failing_as(ErrorCode.PRESIGN_FAILED):
            return await self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=expires_s
            )

    async def _get(self, key: str, *, start: int, last: int | str = "", **options: Any) -> GetObjectOutputTypeDef:
        if start or last != "":
            options["Range"] = f"bytes={start}-{last}"
        return await self._client.get_object(Bucket=self._bucket, Key=key, **options)


def _sha256(checksum: str | None) -> str | None:
    """Hex, of a checksum as S3 gives it: base64. One that ends in -N is of the parts' checksums, not of the object."""
    return None if checksum is None or "-" in checksum else base64.b64decode(checksum).hex()


async def _nothing() -> AsyncIterator[bytes]:
    for chunk in list[bytes]():
        yield chunk


async def _chunks(body: Any) -> AsyncIterator[bytes]:
    try:
        async for chunk in body.iter_chunks(CHUNK):
            yield chunk
    except FlexibleChecksumError as error:  # all of it came, and it is wrong: asking for the rest would not help
        raise Failure(ErrorCode.STORAGE_UNAVAILABLE, type(error).__name__) from error
    except NETWORK_ERRORS as error:
        raise Failure(ErrorCode.DOWNLOAD_FAILED, type(error).__name__) from error


async def _file_chunks(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
