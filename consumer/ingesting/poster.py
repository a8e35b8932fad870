"""The clip's first picture as a JPEG, stored for those who wait. Without one nothing fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from consumer.engine.clock import Clock
from consumer.ingesting.header import Header
from consumer.ingesting.ranges import Ranges
from consumer.ingesting.still import BEGINNING, small_clip
from consumer.media.facts import Jpeg, Moment
from consumer.scratch import Scratch
from consumer.stages.stage import OpenDecoder
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Objects
from core.record import Record, poster_key

log = structlog.stdlib.get_logger(__name__)
POSTER = Jpeg(long_side=640)
LIMIT_S = 10.0
SIDE_BY_SIDE = 2
"""Decoders at once in one ingest process: cores are for analyses."""
SUFFIXES = {"mp4": ".mp4", "matroska": ".mkv", "avi": ".avi"}
SPACE = 4 * BEGINNING


@dataclass(frozen=True, kw_only=True)
class Posters:
    """`open_decoder`: a stranger's bytes are decoded in a child only."""

    objects: Objects
    clock: Clock
    scratch: Scratch
    open_decoder: OpenDecoder
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))

    async def store(self, record: Record, ranges: Ranges, header: Header) -> bool:
        """Whether the poster lies at its key now. Takes LIMIT_S at most, and raises no Failure."""
        timer = self.clock.timeout(LIMIT_S)
        try:
            async with timer, self.turns:
                return await self._store(record, ranges, header)
        except TimeoutError:
            if not timer.expired():
                raise
            failure = Failure(ErrorCode.STAGE_TIMEOUT, f"no picture within {LIMIT_S:g} s")
        except OSError as error:
            failure = Failure(ErrorCode.SCRATCH_FULL, type(error).__name__)
        except Failure as found:
            failure = found
        log.info("poster.failed", error_code=failure.code, detail=failure.detail)
        return False

    async def _store(self, record: Record, ranges: Ranges, header: Header) -> bool:
        clip = await small_clip(ranges, header)
        if clip is None:
            log.info("poster.failed", error_code=None, detail="the first picture is too large, or not in the file")
            return False
        with self.scratch.folder(SPACE, cleaned=None) as folder:
            path = folder / f"clip{SUFFIXES[header.container]}"
            await asyncio.to_thread(path.write_bytes, clip)
            picture = await self._picture(path, folder)
            await self.objects.put_file(poster_key(record.analysis_id), picture, content_type="image/jpeg")
        return True

    async def _picture(self, path: Path, folder: Path) -> Path:
        async with self.open_decoder() as decoder:
            probe = await decoder.probe(path, limit_s=LIMIT_S)
            first = (Moment(t=0.0, why="start"),)
            (frame,) = await decoder.extract(path, probe, first, out=folder, limit_s=LIMIT_S, jpeg=POSTER)
        return folder / f"{frame.id}.jpg"
