"""One prober at a time: a lease by beats that are seen, fenced by a token that grows."""

import asyncio

import pytest

from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Term
from core.verdicts import Archive
from prober.desk import Desk
from prober.lease import POST, LeaseLost, take
from tests.fakes import FakePosts, Faults
from tests.fakes.verdicts import FakeVerdicts
from tests.flow.product import wait_for
from tests.prober.examples import a_board, a_run

SHORT = 0.2


async def test_tokens_grow() -> None:
    posts = FakePosts()
    for token in (1, 2, 3):
        lease = await take(posts, "a", seconds=SHORT)
        assert lease is not None
        assert lease.token == token
        await lease.release()


async def test_of_many_at_once_one_gets_it() -> None:
    posts = FakePosts()
    leases = await asyncio.gather(*(take(posts, str(n), seconds=SHORT) for n in range(50)))
    assert sum(lease is not None for lease in leases) == 1


async def test_a_holder_that_beats_is_left_alone() -> None:
    posts = FakePosts()
    lease = await take(posts, "a", seconds=SHORT)
    assert lease is not None
    keeping = asyncio.create_task(lease.keep())
    assert await take(posts, "b", seconds=5) is None
    keeping.cancel()
    await asyncio.wait({keeping})
    assert not lease.lost.is_set()


async def test_a_silent_holder_is_replaced_and_finds_out() -> None:
    posts = FakePosts()
    silent = await take(posts, "a", seconds=SHORT)
    heir = await take(posts, "b", seconds=SHORT)
    assert silent is not None
    assert heir is not None
    assert heir.token == silent.token + 1
    async with asyncio.timeout(5):
        await silent.keep()
    assert silent.lost.is_set()
    await silent.release()
    assert posts.held[POST] == Term(holder="b", token=2, beat=0)


async def test_a_table_that_is_away_for_a_moment_costs_nothing() -> None:
    faults = Faults()
    posts = FakePosts(faults)
    lease = await take(posts, "a", seconds=1)
    assert lease is not None
    faults.at("posts.swap", 2, Failure(ErrorCode.STORE_UNAVAILABLE))
    keeping = asyncio.create_task(lease.keep())

    async def beaten() -> bool:
        return posts.held[POST].beat >= 2

    await wait_for("a beat after the one that failed", beaten, limit=5)
    assert not lease.lost.is_set()
    faults.broken("posts.swap", Failure(ErrorCode.STORE_UNAVAILABLE))
    async with asyncio.timeout(5):
        await keeping
    assert lease.lost.is_set()


async def test_a_desk_with_an_old_token_writes_nothing() -> None:
    verdicts = FakeVerdicts()
    old, new = Desk(verdicts, token=1), Desk(verdicts, token=2)
    await old.begin(lambda board: board)
    await new.begin(lambda board: board)
    before = verdicts.held
    with pytest.raises(LeaseLost):
        await old.write(lambda _: a_board())
    await new.file(a_run(), interval_s=300)
    with pytest.raises(LeaseLost):
        await old.file(a_run("fail"), interval_s=300)
    assert verdicts.held == before
    assert verdicts.kept != Archive()
    assert verdicts.kept.failures == ()


async def test_a_write_that_meets_another_is_done_again() -> None:
    """A wish comes in between: neither is lost."""
    verdicts = FakeVerdicts()
    desk = Desk(verdicts, token=1)
    await desk.begin(lambda board: board)

    async def wish() -> None:
        while True:
            seen = await verdicts.board()
            assert seen is not None
            if await verdicts.swap(seen=seen, wanted=seen.model_copy(update={"requested": "r"})):
                return

    await asyncio.gather(desk.write(lambda board: board.model_copy(update={"made": ("m",)})), wish())
    assert verdicts.held is not None
    assert (verdicts.held.requested, verdicts.held.made) == ("r", ("m",))
