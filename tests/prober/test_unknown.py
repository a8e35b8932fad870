"""Unknown is never healthy, whatever the clocks do."""

from datetime import timedelta

import pytest

from core.error_codes import ErrorCode
from core.probing import Cadence
from core.verdicts import Board
from service.pipeline import Pipeline
from service.standing import Sighting, judge
from tests.fakes import MOMENT, ManualClock
from tests.fakes.verdicts import FakeVerdicts
from tests.prober.examples import a_board, a_run

CADENCE = Cadence()
STALE = CADENCE.stale_after_s


async def test_never_any_is_a_warning_first_and_then_a_failure() -> None:
    young, old = Sighting(board=Board(), up_s=10), Sighting(board=None, up_s=STALE + 1)
    assert judge(young, now=MOMENT, cadence=CADENCE).status == "warn"
    assert not judge(young, now=MOMENT, cadence=CADENCE).known
    assert judge(old, now=MOMENT, cadence=CADENCE).code is ErrorCode.PROBE_STALE


async def test_a_clock_that_stands_still_hides_nothing() -> None:
    """The wall clock says "just now" for ever; the monotonic clock knows better."""
    verdicts, clock = FakeVerdicts(), ManualClock()
    verdicts.held = a_board()
    pipeline = Pipeline(verdicts, CADENCE, monotonic=clock.now)

    async def status() -> str:
        return judge(pipeline.fresh() or await pipeline.seen(), now=MOMENT, cadence=CADENCE).status

    assert await status() == "pass"
    await clock.advance(STALE - 20)
    assert await status() == "pass"
    await clock.advance(40)
    assert await status() == "fail"
    verdicts.held = a_board(a_run(at=MOMENT + timedelta(seconds=1)), revision=2)
    await clock.advance(CADENCE.cache_s + 1)
    assert await status() == "pass"


@pytest.mark.parametrize("step_s", [-3600.0, -60.0, 3600.0])
async def test_a_clock_that_is_set_is_not_healthy(step_s: float) -> None:
    """An hour either way is not known; it heals with the next verdict under the new time."""
    seen = Sighting(board=a_board())
    stepped = MOMENT + timedelta(seconds=step_s)
    assert judge(seen, now=stepped, cadence=CADENCE).status == "fail"
    assert judge(Sighting(board=a_board(a_run(at=stepped))), now=stepped, cadence=CADENCE).status == "pass"


def test_the_cache_is_at_most_a_quarter_of_an_interval() -> None:
    for interval in (4.0, 60.0, 300.0):
        assert Cadence(interval_s=interval, timeout_s=interval).cache_s <= interval / 4
