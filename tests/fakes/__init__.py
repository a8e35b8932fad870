"""The outside in memory: one fake a protocol of core/ports.py, held to it by tests/contract."""

from tests.fakes.clock import Clock, LoopClock, ManualClock
from tests.fakes.counters import FakeCounters
from tests.fakes.example import AN_ID, MOMENT, a_record
from tests.fakes.faults import Faults
from tests.fakes.objects import FakeObjects
from tests.fakes.posts import FakeBreakers, FakePosts
from tests.fakes.queue import DeadLetter, FakeQueue, Sent
from tests.fakes.records import FakeRecords, carried_out

__all__ = [
    "AN_ID",
    "MOMENT",
    "Clock",
    "DeadLetter",
    "FakeBreakers",
    "FakeCounters",
    "FakeObjects",
    "FakePosts",
    "FakeQueue",
    "FakeRecords",
    "Faults",
    "LoopClock",
    "ManualClock",
    "Sent",
    "a_record",
    "carried_out",
]
