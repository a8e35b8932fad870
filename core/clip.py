"""Where the clip of an analysis lies: where ingest keeps what it has taken, before that where its upload came to."""

from dataclasses import dataclass

from core.ports import ObjectInfo, Objects
from core.record import Record


@dataclass(frozen=True, kw_only=True)
class ClipObject:
    key: str
    info: ObjectInfo


async def find_version(objects: Objects, record: Record, etag: str) -> str | None:
    """The key at which this very version lies: a release that kept no clips left it where it was uploaded to.
    Raises Failure(STORAGE_UNAVAILABLE)."""
    for key in (record.clip_key, record.key):
        info = await objects.head(key)
        if info is not None and info.etag == etag:
            return key
    return None


async def find_clip(objects: Objects, record: Record) -> ClipObject | None:
    """None where there is neither. Raises Failure(STORAGE_UNAVAILABLE)."""
    # once more at the end: it may be moved between two looks
    for key in (record.clip_key, record.key, record.clip_key):
        info = await objects.head(key)
        if info is not None:
            return ClipObject(key=key, info=info)
    return None
