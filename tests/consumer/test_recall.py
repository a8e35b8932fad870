"""A clip that comes again is given the result that is there: the same bytes, sport and language, nothing else."""

import asyncio
import json
from typing import Any

import pytest

from consumer import recall
from consumer.kinematics import analyze
from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Status
from core.result import Sport
from core.shelf import Change, LocalShelf
from tests.consumer.rig import House
from tests.consumer.test_model_away import WITH_MODEL, an_id
from tests.fakes.model import FakeModel


def test_one_name_of_the_analyzer() -> None:
    assert recall.ANALYZER == analyze.ANALYZER


@pytest.fixture
def remembering(house: House) -> House:
    house.shelf = LocalShelf(10)
    house.settings = house.settings.model_copy(update=WITH_MODEL)
    house.model = FakeModel()
    return house


async def analysed(house: House, number: int, **fields: Any) -> dict[str, Any]:
    """The stored result of one more analysis."""
    one = an_id(number)
    await house.ready(analysis_id=one, **fields)
    await house.ask(analysis_id=one)
    async with house.analysing():
        await asyncio.sleep(30)
    assert house.records.stored[one].status is Status.COMPLETED
    found: dict[str, Any] = json.loads(house.objects.stored[f"artifacts/{one}/result.json"].body)
    return found


def decoded(house: House) -> int:
    return house.decoder.calls.count("measure")


async def test_the_same_clip_again_is_neither_decoded_nor_paid(remembering: House) -> None:
    first, second = await analysed(remembering, 1), await analysed(remembering, 2)
    assert decoded(remembering) == 1
    assert second["measurement"] == first["measurement"]
    assert second["model"]["claims"] == first["model"]["claims"]
    assert (first["model"]["cost_usd"], second["model"]["cost_usd"]) == (0.002475, 0.0)
    assert second["model"]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    stored = remembering.objects.stored
    for frame in second["measurement"]["frames"]:
        pictures = [stored[f"artifacts/{an_id(number)}/frames/{frame['id']}.jpg"].body for number in (1, 2)]
        assert pictures[0] == pictures[1]
    cache = remembering.counters.held["cache"]
    # the second result has taken the first one's place
    assert cache == {"hits": 1, "misses": 1, "entries": 1, "bytes": len(an_id(1))}


@pytest.mark.parametrize(
    "other",
    [{"sport_type": Sport.SKIING}, {"language": "de"}, {"synthetic": True}],
    ids=["sport", "language", "synthetic"],
)
async def test_another_question_is_another_analysis(remembering: House, other: dict[str, Any]) -> None:
    await analysed(remembering, 1)
    await analysed(remembering, 2, **other)
    assert decoded(remembering) == 2


async def test_a_probes_result_is_given_to_nobody(remembering: House) -> None:
    await analysed(remembering, 1, synthetic=True)
    await analysed(remembering, 2)
    assert decoded(remembering) == 2
    assert remembering.counters.held["cache"]["misses"] == 1


async def test_a_result_that_was_deleted_is_forgotten(remembering: House) -> None:
    await analysed(remembering, 1)
    del remembering.objects.stored[f"artifacts/{an_id(1)}/frames/f00.jpg"]
    await analysed(remembering, 2)
    assert decoded(remembering) == 2
    await analysed(remembering, 3)
    assert decoded(remembering) == 2
    assert remembering.counters.held["cache"] == {"hits": 1, "misses": 2, "entries": 1, "bytes": len(an_id(1))}


async def test_a_result_without_the_models_word_is_not_kept(remembering: House) -> None:
    quota = Failure(ErrorCode.MODEL_QUOTA_EXHAUSTED, "test")
    remembering.model = FakeModel(trouble=lambda: quota)
    await analysed(remembering, 1)
    await analysed(remembering, 2)
    assert decoded(remembering) == 2


async def test_without_a_model_the_measurement_is_what_is_given(house: House) -> None:
    house.shelf = LocalShelf(10)
    first, second = await analysed(house, 1), await analysed(house, 2)
    assert decoded(house) == 1
    assert (second["measurement"], second["model"]) == (first["measurement"], None)


class Broken:
    """A shelf that is away."""

    async def get(self, key: str) -> str | None:
        raise Failure(ErrorCode.STORE_UNAVAILABLE, "test")

    async def put(self, key: str, value: str) -> Change:
        raise Failure(ErrorCode.STORE_UNAVAILABLE, "test")

    async def drop(self, key: str) -> Change:
        raise Failure(ErrorCode.STORE_UNAVAILABLE, "test")


async def test_a_cache_that_is_away_costs_nothing_but_the_work(remembering: House) -> None:
    remembering.shelf = Broken()
    await analysed(remembering, 1)
    await analysed(remembering, 2)
    assert decoded(remembering) == 2
