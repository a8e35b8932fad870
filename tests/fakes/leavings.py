"""Removal from the fake bucket and the fake table."""

from core.record import Record, artifacts_prefix
from tests.fakes.faults import Faults
from tests.fakes.objects import FakeObjects
from tests.fakes.records import FakeRecords


class FakeLeavings:
    def __init__(self, objects: FakeObjects, records: FakeRecords, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self._objects = objects
        self._records = records

    async def remove_objects(self, record: Record) -> int:
        async with self.faults.around("leavings.remove_objects"):
            return self._removed(record.key, record.clip_key, artifacts_prefix(record.analysis_id))

    async def remove_artifacts(self, record: Record) -> int:
        async with self.faults.around("leavings.remove_artifacts"):
            return self._removed(artifacts_prefix(record.analysis_id))

    def _removed(self, *prefixes: str) -> int:
        keys = [key for key in self._objects.stored if key.startswith(prefixes)]
        for key in keys:
            del self._objects.stored[key]
        return len(keys)

    async def forget(self, record: Record) -> bool:
        async with self.faults.around("leavings.forget"):
            found = self._records.stored.get(record.analysis_id)
            if found is None or found.revision != record.revision:
                return False
            del self._records.stored[record.analysis_id]
            return True
