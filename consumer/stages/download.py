"""The clip, from the bucket into a private folder: the very version that was examined, hashed on the way."""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

import structlog

from consumer.sandbox.protocol import MAX_PICTURES_BYTES
from consumer.scratch import NO_ROOM
from consumer.stages.stage import Bench, Case, Picture, Stage, given
from core.clip import find_version
from core.error_codes import ErrorCode
from core.failure import Failure

log = structlog.stdlib.get_logger(__name__)
MAX_RESUMES = 5
RESUME_PAUSE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Version:
    """What lies at this key as long as its ETag is this one."""

    key: str
    etag: str


class Sink:
    """A file being written: its SHA-256, and never more bytes than were announced."""

    def __init__(self, path: Path, *, size: int) -> None:
        self._size = size
        self._digest = hashlib.sha256()
        self._file = path.open("xb")
        self.written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Raises Failure: OBJECT_CHANGED past the announced size, SCRATCH_FULL."""
        if self.written + len(chunk) > self._size:
            raise Failure(ErrorCode.OBJECT_CHANGED, f"more than the {self._size} bytes that were examined")
        try:
            self._file.write(chunk)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise Failure(ErrorCode.SCRATCH_FULL, "the disk has no room for the clip") from error
            raise
        self._digest.update(chunk)
        self.written += len(chunk)

    def flush(self) -> None:
        """Raises Failure(SCRATCH_FULL): buffered bytes meet the full disk only now."""
        try:
            self._file.flush()
        except OSError as error:
            if error.errno in NO_ROOM:
                raise Failure(ErrorCode.SCRATCH_FULL, "the disk has no room for the clip") from error
            raise


def space_for(size: int) -> int:
    """The bytes of scratch that an analysis of a clip of this size may need."""
    return size + MAX_PICTURES_BYTES


async def download(bench: Bench, case: Case) -> Case:
    """Adds folder, clip and sha256. Raises Failure: SCRATCH_FULL, OBJECT_CHANGED, DOWNLOAD_FAILED after so many
    resumes, STORAGE_UNAVAILABLE."""
    tools, record = bench.tools, case.record
    size = given(record.object_bytes)
    # Between the folder and its log line nothing is awaited: for each download that starts, one folder is cleaned.
    folder = bench.exits.enter_context(tools.scratch.folder(space_for(size)))
    log.info("video.download.started", bytes=size)
    started = tools.clock.monotonic()
    etag = given(record.object_etag)
    key = await find_version(tools.objects, record, etag)
    if key is None:
        raise Failure(ErrorCode.OBJECT_CHANGED, "what was examined is not there any more")
    # the extension comes from a key of our own making, never from the user's file name
    clip = folder / f"clip{PurePosixPath(key).suffix}"
    with Sink(clip, size=size) as sink:
        await _fetch(bench, Version(key=key, etag=etag), sink, size)
    if record.object_sha256 not in (None, sink.sha256):
        # an ETag is an MD5, for which one can make two files
        raise Failure(ErrorCode.OBJECT_CHANGED, "the bytes are not those that were uploaded")
    ms = round((tools.clock.monotonic() - started) * 1000)
    log.info("video.download.completed", bytes=sink.written, ms=ms)
    return await recalled(bench, replace(case, folder=folder, clip=clip, sha256=sink.sha256))


async def recalled(bench: Bench, case: Case) -> Case:
    """With the measurement, pictures and model's block of an earlier analysis of this very clip, where there is one:
    the next two stages then have nothing to do."""
    if bench.tools.recall is None:
        return case
    kept = given(case.folder) / "kept"
    kept.mkdir()
    found = await bench.tools.recall.find(case.record, given(case.sha256), kept)
    if found is None:
        return case
    pictures = tuple(Picture(frame=frame, path=kept / f"{frame.id}.jpg") for frame in found.measurement.frames)
    return replace(case, measurement=found.measurement, model=found.model, pictures=pictures)


async def _fetch(bench: Bench, version: Version, sink: Sink, size: int) -> None:
    resumes = 0
    while sink.written < size:
        try:
            await _stream(bench, version, sink, size)
        except Failure as failure:
            if failure.code is not ErrorCode.DOWNLOAD_FAILED or resumes == MAX_RESUMES:
                raise
            resumes += 1
            log.warning("video.download.resumed", at=sink.written, resumes=resumes, error=str(failure))
            await bench.tools.clock.sleep(RESUME_PAUSE_S * resumes)
    await asyncio.to_thread(sink.flush)


async def _stream(bench: Bench, version: Version, sink: Sink, size: int) -> None:
    """From where the sink is to the end of the object, or of the connection: DOWNLOAD_FAILED."""
    opened = bench.tools.objects.stream(version.key, etag=version.etag, start=sink.written)
    async with opened as chunks:
        async for chunk in chunks:
            await asyncio.to_thread(sink.write, chunk)
            await bench.report(sink.written / size)
    if sink.written < size:
        raise Failure(ErrorCode.DOWNLOAD_FAILED, f"{size - sink.written} bytes are missing")


DOWNLOAD = Stage(name="download", limit_s=lambda settings: settings.download_limit_s, share=10, run=download)
