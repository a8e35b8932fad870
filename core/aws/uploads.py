"""Storing a stream whose size is not known: one PUT while it fits into one part, else a multipart upload."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from core.aws.errors import failing_as
from core.error_codes import ErrorCode
from core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef, CopyPartResultTypeDef, UploadPartOutputTypeDef

    from core.ports import ObjectInfo

PART_BYTES = 5 * 1024 * 1024  # S3 takes no smaller part but the last, and 10,000 of them: 48 GiB are enough


async def put_chunks(
    client: S3Client, bucket: str, key: str, chunks: AsyncIterator[bytes], *, content_type: str
) -> int:
    """Holds one part at a time. Returns the bytes stored. When `chunks` raises, or the task is cancelled, nothing is
    left in the bucket."""
    async with aclosing(parts_of(chunks, PART_BYTES)) as parts:
        first = await anext(parts, b"")
        if len(first) < PART_BYTES:
            with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
                await client.put_object(Bucket=bucket, Key=key, Body=first, ContentType=content_type)
            return len(first)
        async with _begun(client, bucket, key, content_type=content_type) as upload:
            await upload.add(first)
            del first  # a part held here would be one more in memory until the end
            async for part in parts:
                await upload.add(part)
            with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
                await upload.complete()
        return upload.stored


async def copy_once(client: S3Client, bucket: str, key: str, target: str, *, of: ObjectInfo) -> str:
    """A copy of this version, at most 5 GB, that overwrites nothing; returns its ETag. Made as an upload of one part:
    its completion takes If-None-Match wherever S3 is spoken, CopyObject only since October 2025. Raises ClientError;
    Failure(STORAGE_UNAVAILABLE) when it cannot begin."""
    async with _begun(client, bucket, target, content_type=of.content_type) as upload:
        await upload.add_copy(key, etag=of.etag)
        return await upload.complete(only_new=True)


@asynccontextmanager
async def _begun(client: S3Client, bucket: str, key: str, *, content_type: str) -> AsyncIterator[_Upload]:
    """A multipart upload, aborted where the block does not come to its end."""
    with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
        begun = await client.create_multipart_upload(Bucket=bucket, Key=key, ContentType=content_type)
    upload = _Upload(client, bucket, key, begun["UploadId"])
    try:
        yield upload
    except BaseException as error:  # cancellation too: parts that nobody completes cost money
        await upload.abort(error)
        raise


async def parts_of(chunks: AsyncIterator[bytes], size: int) -> AsyncGenerator[bytes]:
    """The same bytes in pieces of exactly `size`; the last may be shorter, and is never empty."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= size:
            with memoryview(held) as view:
                part = bytes(view[:size])
            del held[:size]
            yield part
            del part
    if held:
        yield bytes(held)


class _Upload:
    def __init__(self, client: S3Client, bucket: str, key: str, upload_id: str) -> None:
        self.stored = 0
        self._client = client
        self._bucket = bucket
        self._key = key
        self._id = upload_id
        self._parts: list[CompletedPartTypeDef] = []

    async def add(self, part: bytes) -> None:
        number = len(self._parts) + 1
        with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
            reply = await self._client.upload_part(
                Bucket=self._bucket, Key=self._key, UploadId=self._id, PartNumber=number, Body=part
            )
        self._note(reply)
        self.stored += len(part)

    async def add_copy(self, key: str, *, etag: str) -> None:
        """The whole of another object as the next part. Raises ClientError."""
        reply = await self._client.upload_part_copy(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._id,
            PartNumber=len(self._parts) + 1,
            CopySource={"Bucket": self._bucket, "Key": key},
            CopySourceIfMatch=f'"{etag}"',
        )
        self._note(reply["CopyPartResult"])

    def _note(self, part: UploadPartOutputTypeDef | CopyPartResultTypeDef) -> None:
        done: CompletedPartTypeDef = {"PartNumber": len(self._parts) + 1, "ETag": part["ETag"]}
        if checksum := part.get("ChecksumCRC32"):
            done["ChecksumCRC32"] = checksum
        self._parts.append(done)

    async def complete(self, *, only_new: bool = False) -> str:
        """The object's ETag. Raises ClientError, also where something lies at its key and it is `only_new`."""
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if only_new else {}
        reply = await self._client.complete_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._id,
            MultipartUpload={"Parts": self._parts},
            **condition,
        )
        return reply["ETag"].strip('"')

    async def abort(self, cause: BaseException) -> None:
        """Notes on `cause`, which is on its way up, when S3 took no abort; the bucket's lifecycle does it then."""
        try:
            with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
                await self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._id)
        except Failure as failure:
            cause.add_note(f"the multipart upload was not aborted: {failure}")
