"""core.ports.Verdicts and Leavings, sentence by sentence."""

import asyncio

import pytest

from core.aws.leavings import AwsLeavings
from core.aws.verdicts import DynamoVerdicts
from core.ports import Leavings, Objects, Records, Verdicts
from core.record import frame_key
from core.verdicts import Archive, Board, Run
from ops.provision import provision
from tests.contract.backends import Installation, new_id
from tests.emulator import fresh_settings
from tests.fakes import FakeObjects, FakeRecords, a_record
from tests.fakes.leavings import FakeLeavings
from tests.fakes.verdicts import FakeVerdicts

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def verdicts(installation: Installation | None) -> Verdicts:
    """The two items have fixed names: a table that no other test writes to is not needed, since every test here takes
    what it finds as its beginning."""
    if installation is None:
        return FakeVerdicts()
    return DynamoVerdicts(installation.clients.dynamodb, installation.settings.table)


@pytest.fixture
def leavings(installation: Installation | None, objects: Objects, records: Records) -> Leavings:
    if installation is None:
        assert isinstance(objects, FakeObjects)
        assert isinstance(records, FakeRecords)
        return FakeLeavings(objects, records)
    return AwsLeavings(installation.clients, installation.settings)


def a_run(run_id: str = "r") -> Run:
    return Run(
        run_id=run_id,
        trigger="loop",
        result="pass",
        started_at="2026-11-24T12:00:00.000Z",
        finished_at="2026-11-24T12:00:02.000Z",
        wall_ms=2000,
        trace_id="0" * 32,
    )


async def test_a_table_without_a_run_has_no_board(installation: Installation | None) -> None:
    if installation is None:
        assert await FakeVerdicts().board() is None
        assert await FakeVerdicts().archive() == Archive()
        return
    fresh = fresh_settings(str(installation.settings.aws_endpoint_url))
    await provision(fresh)
    empty = DynamoVerdicts(installation.clients.dynamodb, fresh.table)
    assert await empty.board() is None
    assert await empty.archive() == Archive()


async def test_only_the_board_that_was_seen_is_replaced(verdicts: Verdicts) -> None:
    first = await verdicts.board()
    second = await verdicts.swap(seen=first, wanted=Board(token=3, made=("a",), last=a_run()))
    assert second is not None
    assert second.revision == (first.revision if first else 0) + 1
    assert await verdicts.board() == second
    assert await verdicts.swap(seen=first, wanted=Board(token=4)) is None
    assert await verdicts.board() == second
    third = await verdicts.swap(seen=second, wanted=second.model_copy(update={"token": 4}))
    assert third is not None
    assert (third.token, third.made, third.last) == (4, ("a",), a_run())


async def test_of_many_writers_one_wins(verdicts: Verdicts) -> None:
    seen = await verdicts.board()
    won = await asyncio.gather(*(verdicts.swap(seen=seen, wanted=Board(token=n)) for n in range(20)))
    assert sum(one is not None for one in won) == 1


async def test_a_stale_token_keeps_nothing(verdicts: Verdicts) -> None:
    assert await verdicts.keep(Archive(runs=(a_run("one"),)), token=5)
    assert await verdicts.keep(Archive(runs=(a_run("two"),)), token=5)
    assert not await verdicts.keep(Archive(runs=(a_run("stale"),)), token=4)
    assert await verdicts.keep(Archive(runs=(a_run("three"),)), token=6)
    assert [run.run_id for run in (await verdicts.archive()).runs] == ["three"]


async def test_everything_of_one_analysis_goes_and_nothing_else(
    leavings: Leavings, objects: Objects, records: Records
) -> None:
    one, other = a_record(new_id(), synthetic=True), a_record(new_id())
    for record in (one, other):
        await records.create(record)
        for key in (record.key, record.clip_key, record.result_key, frame_key(record.analysis_id, "e00")):
            await objects.put(key, b"x", content_type="image/jpeg")
    mine, theirs = await records.get(one.analysis_id), await records.get(other.analysis_id)
    assert mine is not None
    assert theirs is not None
    assert await leavings.remove_artifacts(mine) == 2
    assert await objects.head(mine.key) is not None
    assert await leavings.remove_objects(mine) == 2
    assert await leavings.remove_objects(mine) == 0
    assert [await objects.head(key) for key in (mine.key, mine.clip_key, mine.result_key)] == [None] * 3
    assert None not in [await objects.head(key) for key in (theirs.key, theirs.clip_key)]
    assert not await leavings.forget(mine.model_copy(update={"revision": 7}))
    assert await leavings.forget(mine)
    assert not await leavings.forget(mine)
    assert await records.get(mine.analysis_id) is None
    assert await records.get(theirs.analysis_id) == theirs
