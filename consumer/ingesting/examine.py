"""One upload looked at: what it is, whether we take it, and its poster."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from consumer.engine.clock import Clock
from consumer.examination import refused_for_family, refused_for_size
from consumer.ingesting.header import Header, refused_for_header
from consumer.ingesting.look import family_of, read_header
from consumer.ingesting.poster import Posters
from consumer.ingesting.ranges import Ranges
from consumer.media.policy import MediaPolicy
from core.clip import ClipObject, find_clip
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import ObjectInfo, Objects
from core.record import Record

log = structlog.stdlib.get_logger(__name__)
LIMIT_S = 30.0
"""For the header, some four small reads. What takes longer is tried again later."""
MOST_CHANGES = 3


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was examined and is taken, as it lies at the record's `clip_key`; `upload_etag` of what was uploaded (None:
    an earlier look has kept it); and whether its poster is stored."""

    info: ObjectInfo
    upload_etag: str | None = None
    poster: bool = False


@dataclass(frozen=True, kw_only=True)
class Examiner:
    objects: Objects
    clock: Clock
    policy: MediaPolicy
    posters: Posters

    async def examine(self, record: Record) -> Seen:
        """Raises Failure: why it is not taken; UPLOAD_MISSING when nothing lies there; OBJECT_CHANGED when it is
        replaced again and again meanwhile; STORAGE_UNAVAILABLE."""
        for _ in range(MOST_CHANGES):
            clip = await find_clip(self.objects, record)
            if clip is None:
                raise Failure(ErrorCode.UPLOAD_MISSING, "nothing lies at its key")
            try:
                return await self._examine(record, clip)
            except Failure as failure:
                if failure.code is not ErrorCode.OBJECT_CHANGED and not await self._is_overtaken(record, clip):
                    raise
        raise Failure(ErrorCode.OBJECT_CHANGED, "it was replaced again and again")

    async def _is_overtaken(self, record: Record, clip: ClipObject) -> bool:
        """Whether another process has taken an upload since, so that what was found wrong is something else."""
        return clip.key != record.clip_key and await self.objects.head(record.clip_key) is not None

    async def _examine(self, record: Record, clip: ClipObject) -> Seen:
        started = self.clock.monotonic()
        ranges = Ranges(self.objects, clip.key, clip.info)
        header = await self._header(record, ranges)
        ms = round((self.clock.monotonic() - started) * 1000)
        seen = await self._kept(record, clip)
        ranges.moved_to(record.clip_key, etag=seen.info.etag)
        poster = await self.posters.store(record, ranges, header)
        _say(header, ranges, ms=ms, poster=poster)
        return replace(seen, poster=poster)

    async def _kept(self, record: Record, clip: ClipObject) -> Seen:
        """A form may write to its upload's key until it expires: what was seen goes where none can."""
        if clip.key == record.clip_key:
            return Seen(info=clip.info)
        etag = await self.objects.copy(clip.key, record.clip_key, of=clip.info)
        return Seen(info=replace(clip.info, etag=etag), upload_etag=clip.info.etag)

    async def _header(self, record: Record, ranges: Ranges) -> Header:
        refusal = refused_for_size(ranges.size, self.policy)
        if refusal is not None:
            raise refusal
        timer = self.clock.timeout(LIMIT_S)
        try:
            async with timer:
                family = await family_of(ranges)
                refusal = refused_for_family(
                    family, self.policy, declared=record.content_type, filename=record.filename
                )
                if refusal is not None:
                    raise refusal
                header = await read_header(ranges, family)
        except TimeoutError:
            if not timer.expired():
                raise
            raise Failure(ErrorCode.STORAGE_UNAVAILABLE, f"no header within {LIMIT_S:g} s") from None
        refusal = refused_for_header(header, self.policy)
        if refusal is not None:
            raise refusal
        return header


def _say(header: Header, ranges: Ranges, *, ms: int, poster: bool) -> None:
    log.info(
        "upload.examined",
        container=header.container,
        codec=header.codec,
        width=header.width,
        height=header.height,
        rotation=header.rotation,
        duration_s=header.duration_s,
        streams=header.streams,
        poster=poster,
        bytes_read=ranges.bytes_read,
        reads=ranges.requests,
        ms=ms,
    )
