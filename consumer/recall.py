"""Clips that come again: the result that was stored for the same bytes, sport and language is given once more.

A shelf keeps the id of the analysis that has it, by a key of all that decides what a result holds. It is only a help:
where it does not answer, or the earlier result is gone, the clip is analysed.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import ValidationError

from consumer.engine.caught import caught
from consumer.vision.prompt import PROMPT_VERSION, asked_with
from core.failure import Failure
from core.ports import CACHE, Counters, Objects
from core.record import Record, frame_key, result_key
from core.result import Measurement, ModelBlock, StoredResult, Usage
from core.settings import Settings
from core.shelf import Change, LocalShelf, Shelf, open_redis_shelf

log = structlog.stdlib.get_logger(__name__)
ANALYZER = "kinematics-v1"
"""As in a measurement of the present version: another one's result is not given."""


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """What an earlier analysis of the same clip found; its pictures lie in the folder that was given, as {id}.jpg.
    The model's block costs nothing this time."""

    measurement: Measurement
    model: ModelBlock | None


class Recall:
    """Of one process. Nothing here raises but for a full disk: a cache that fails is a miss."""

    def __init__(self, shelf: Shelf, *, objects: Objects, counters: Counters, settings: Settings) -> None:
        self._shelf = shelf
        self._objects = objects
        self._counters = counters
        self._settings = settings

    async def find(self, record: Record, sha256: str, folder: Path) -> Recalled | None:
        """`folder` exists. The prober's clips are always analysed: theirs is the question whether that works."""
        if record.synthetic:
            return None
        key = self._key(record, sha256)
        try:
            source = await self._shelf.get(key)
            found = None if source is None else await self._fetched(source, sha256, folder)
        except Failure as failure:
            log.warning("recall.failed", error=str(failure))
            return None
        if source is not None and found is None:
            await caught(self._drop(key), doing="forgetting a result")
        await self._count({"hits": 1} if found is not None else {"misses": 1})
        if found is not None:
            log.info("recall.hit", source=source)
        return found

    async def keep(self, record: Record, measurement: Measurement, model: ModelBlock | None) -> None:
        """After the result is stored. Not where the model was asked and said nothing: the next one may be luckier."""
        said = model is not None and (model.refusal is not None or bool(model.claims))
        if record.synthetic or record.without_model or measurement.analyzer != ANALYZER:
            return
        if said or not self._settings.vision_on:
            key = self._key(record, measurement.video.sha256)
            await caught(self._put(key, record.analysis_id), doing="keeping a result")

    def _key(self, record: Record, sha256: str) -> str:
        settings = self._settings
        parts = [sha256, record.sport_type, record.language, ANALYZER, settings.version, settings.pose_model]
        parts += [str(settings.frame_count), str(settings.frame_long_side)]
        if settings.vision_on:
            parts += [str(PROMPT_VERSION), *asked_with(settings)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    async def _fetched(self, source: str, sha256: str, folder: Path) -> Recalled | None:
        body = await self._objects.read(result_key(source))
        if body is None:
            return None
        try:
            stored = StoredResult.model_validate_json(body)
        except ValidationError:
            return None
        if stored.analysis_id != source or stored.measurement.video.sha256 != sha256:
            return None
        for frame in stored.measurement.frames:
            picture = await self._objects.read(frame_key(source, frame.id))
            if picture is None:
                return None
            await asyncio.to_thread((folder / f"{frame.id}.jpg").write_bytes, picture)
        return Recalled(measurement=stored.measurement, model=_paid_before(stored.model))

    async def _put(self, key: str, analysis_id: str) -> None:
        await self._changed(await self._shelf.put(key, analysis_id))

    async def _drop(self, key: str) -> None:
        await self._changed(await self._shelf.drop(key))

    async def _changed(self, change: Change) -> None:
        if change.entries or change.bytes:
            await self._count({"entries": change.entries, "bytes": change.bytes})

    async def _count(self, amounts: dict[str, int]) -> None:
        failure = await caught(self._counters.add(CACHE, amounts), doing="counting")
        if failure is not None:
            log.warning("recall.not_counted", error=str(failure))


def _paid_before(model: ModelBlock | None) -> ModelBlock | None:
    if model is None:
        return None
    return model.model_copy(update={"usage": Usage(input_tokens=0, output_tokens=0), "cost_usd": 0.0})


@asynccontextmanager
async def open_recall(settings: Settings, *, objects: Objects, counters: Counters) -> AsyncIterator[Recall | None]:
    """None where CACHE_ENTRIES is 0."""
    if settings.cache_entries == 0:
        yield None
    elif settings.redis_url is not None:
        async with open_redis_shelf(settings.redis_url, settings.cache_entries) as shelf:
            yield Recall(shelf, objects=objects, counters=counters, settings=settings)
    else:
        local = LocalShelf(settings.cache_entries)
        try:
            yield Recall(local, objects=objects, counters=counters, settings=settings)
        finally:
            gone = await local.clear()
            if gone.entries:
                amounts = {"entries": gone.entries, "bytes": gone.bytes}
                await caught(counters.add(CACHE, amounts), doing="counting")
