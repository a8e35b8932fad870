import pytest

from core.clip import find_clip
from core.ports import ObjectInfo
from tests.fakes import FakeObjects, a_record
from tests.fakes.objects import StoredObject

RECORD = a_record()
OBJECT = StoredObject(body=b"clip", content_type="video/mp4")


class Moving(FakeObjects):
    """What lies at its upload's key is moved after the first look."""

    async def head(self, key: str) -> ObjectInfo | None:
        found = await super().head(key)
        if RECORD.key in self.stored:
            self.stored[RECORD.clip_key] = self.stored.pop(RECORD.key)
        return found


async def found(objects: FakeObjects) -> str | None:
    clip = await find_clip(objects, RECORD)
    return None if clip is None else clip.key


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ((), None),
        ((RECORD.key,), RECORD.key),
        ((RECORD.clip_key,), RECORD.clip_key),
        ((RECORD.key, RECORD.clip_key), RECORD.clip_key),
    ],
)
async def test_what_ingest_keeps_goes_before_what_was_uploaded(keys: tuple[str, ...], where: str | None) -> None:
    objects = FakeObjects()
    objects.stored = dict.fromkeys(keys, OBJECT)
    assert await found(objects) == where


async def test_what_is_moved_between_two_looks_is_found() -> None:
    objects = Moving()
    objects.stored = {RECORD.key: OBJECT}
    assert await found(objects) == RECORD.clip_key
