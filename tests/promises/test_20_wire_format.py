"""The wire format is versioned: this version and the one before are read, and what we write is what was promised.

tests/promises/golden holds a message of each kind and version as it was on the queue. None of them is ever changed; who
raises WIRE_VERSION adds that version's.
"""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.messages import WIRE_VERSION, Job, Undecodable, decode
from core.record import Status
from tests.consumer.rig import House
from tests.fakes import AN_ID, a_record

GOLDEN = Path(__file__).parent / "golden"
READ = [version for version in (WIRE_VERSION - 1, WIRE_VERSION) if version >= 1]
KINDS = ("ingest", "analysis")


def expected(kind: str) -> Job:
    job = Job(kind="ingest", analysis_id=AN_ID, epoch=0, traceparent=a_record().traceparent)
    return job if kind == "ingest" else replace(job, kind="analysis", epoch=2, synthetic=True)


def golden(version: int, kind: str) -> tuple[str, dict[str, str]]:
    found = json.loads((GOLDEN / f"v{version}_{kind}.json").read_text())
    return found["body"], found["attributes"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", READ)
def test_messages_of_this_version_and_the_one_before_are_read(version: int, kind: str) -> None:
    assert decode(*golden(version, kind)).job == expected(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_write_is_the_golden_message(kind: str) -> None:
    """A change of the format without a new version would strand what the other version's processes are sent."""
    assert (expected(kind).body(), expected(kind).attributes()) == golden(WIRE_VERSION, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", READ)
def test_fields_of_a_later_time_are_ignored(version: int, kind: str) -> None:
    body, attributes = golden(version, kind)
    later = json.dumps({**json.loads(body), "colour": "blue"})
    assert decode(later, {**attributes, "tracestate": "x"}).job == expected(kind)


@pytest.mark.parametrize("version", [0, WIRE_VERSION + 1, "1", None, True, 1.5])
def test_any_other_version_is_named_as_the_reason(version: object) -> None:
    body, attributes = golden(WIRE_VERSION, "analysis")
    with pytest.raises(Undecodable, match="version"):
        decode(json.dumps({**json.loads(body), "v": version}), attributes)


async def test_after_a_rollback_the_newer_versions_messages_are_kept_whole(house: House) -> None:
    """They are not lost and nothing is marked: redriven once the newer version is back, they are worked on."""
    await house.ready()
    body, attributes = golden(WIRE_VERSION, "analysis")
    newer = json.dumps({**json.loads(body), "v": WIRE_VERSION + 1})
    await house.analysis_queue.send(newer, attributes)
    async with house.analysing():
        await asyncio.sleep(10)
    (letter,) = house.analysis_queue.dead
    assert letter.body == newer
    assert attributes.items() <= letter.attributes.items()
    assert (letter.reason or "").startswith("UNDECODABLE: the message has an unknown version")
    assert (house.record.status, house.analysis_queue.bodies) == (Status.QUEUED, [])


async def test_a_golden_message_of_each_version_is_worked_on(house: House) -> None:
    for version in READ:
        fresh = House(scratch_dir=house.scratch_dir)
        await fresh.ready(epoch=2)
        await fresh.analysis_queue.send(*golden(version, "analysis"))
        async with fresh.analysing():
            await asyncio.sleep(10)
        assert fresh.record.status is Status.COMPLETED
