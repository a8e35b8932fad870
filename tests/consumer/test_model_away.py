"""The vision model is away, slow or empty-handed: what becomes of the queue. In virtual time."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Status
from tests.consumer.rig import House
from tests.fakes import AN_ID
from tests.fakes.model import FakeModel

WITH_MODEL = {"openai_base_url": "http://127.0.0.1:1"}


def now() -> float:
    return asyncio.get_running_loop().time()


def until(moment: float, *codes: ErrorCode) -> Callable[[], Failure | None]:
    """In turn these failures, until then."""
    turns = list(codes)

    def trouble() -> Failure | None:
        if now() >= moment:
            return None
        turns.append(turns.pop(0))
        return Failure(turns[-1], "test")

    return trouble


def an_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


async def filled(house: House, count: int) -> list[str]:
    ids = [an_id(number) for number in range(count)]
    for one in ids:
        await house.ready(analysis_id=one)
        await house.ask(analysis_id=one)
    return ids


def model_of(house: House, analysis_id: str = AN_ID) -> Any:
    return json.loads(house.objects.stored[f"artifacts/{analysis_id}/result.json"].body)["model"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "codes",
    [
        (ErrorCode.MODEL_UNAVAILABLE,),
        (ErrorCode.MODEL_RATE_LIMITED,),
        (ErrorCode.MODEL_UNAVAILABLE, ErrorCode.MODEL_TIMEOUT, ErrorCode.MODEL_RATE_LIMITED),
    ],
)
async def test_down_for_ten_minutes_with_two_hundred_queued_loses_nothing(
    house: House, codes: tuple[ErrorCode, ...]
) -> None:
    house.settings = house.settings.model_copy(update=WITH_MODEL)
    model = house.model = FakeModel(trouble=until(now() + 600, *codes))
    ids = await filled(house, 200)
    async with house.analysing():
        await asyncio.sleep(60)
        assert house.breakers.untils, "other processes are told"
        await asyncio.sleep(540)
        assert len(model.calls) <= 15
        assert house.analysis_queue.dead == []
        await asyncio.sleep(300 + 200 * 20)
        assert (house.analysis_queue.bodies, house.analysis_queue.dead) == ([], [])
    assert {house.records.stored[one].status for one in ids} == {Status.COMPLETED}
    assert all(model_of(house, one)["claims"] for one in ids)
    assert max(house.records.stored[one].attempt for one in ids) <= 2
    assert house.breakers.untils == {}


async def test_a_clip_whose_every_question_times_out_holds_nobody_up(house: House) -> None:
    house.settings = house.settings.model_copy(update=WITH_MODEL)
    house.model = FakeModel(trouble=until(float("inf"), ErrorCode.MODEL_TIMEOUT), takes_s=120)
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(1500)
        assert house.record.status is Status.COMPLETED
    assert house.breakers.untils == {}
    assert model_of(house) is None


async def test_a_lasting_outage_of_a_single_message_burns_no_tries(house: House) -> None:
    house.settings = house.settings.model_copy(update=WITH_MODEL)
    house.model = FakeModel(trouble=until(now() + 1200, ErrorCode.MODEL_UNAVAILABLE))
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(1200 + 900)
    assert house.record.status is Status.COMPLETED
    assert model_of(house)["claims"]


async def test_a_spent_budget_leaves_the_measurements(house: House) -> None:
    house.settings = house.settings.model_copy(update={**WITH_MODEL, "vision_budget_usd": 0.004})
    model = house.model = FakeModel()
    ids = await filled(house, 3)
    async with house.analysing():
        await asyncio.sleep(200)
    # 0.002475 each: the second is begun with something left
    assert [model_of(house, one) is not None for one in ids].count(True) == 2
    assert len(model.calls) == 2
    (without,) = [one for one in ids if model_of(house, one) is None]
    result = json.loads(house.objects.stored[f"artifacts/{without}/result.json"].body)
    assert [warning["code"] for warning in result["measurement"]["quality"]["warnings"]] == ["MODEL_QUOTA_EXHAUSTED"]
    (day,) = house.counters.held.values()
    assert day["micro_usd"] == 4950
    assert house.tally.budget is not None
    assert house.tally.budget[1] == pytest.approx(4950 / 4000)


async def test_the_probers_clips_cost_the_users_nothing(house: House) -> None:
    house.settings = house.settings.model_copy(update={**WITH_MODEL, "vision_budget_usd": 0.001})
    model = house.model = FakeModel()
    await house.ready(synthetic=True)
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(60)
    assert (model_of(house)["cost_usd"], len(model.calls), house.counters.held) == (0.002475, 1, {})


async def test_a_probe_that_may_spend_nothing_is_measured(house: House) -> None:
    house.settings = house.settings.model_copy(update=WITH_MODEL)
    model = house.model = FakeModel()
    await house.ready(synthetic=True, without_model=True)
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(60)
    assert (house.record.status, model_of(house), model.calls) == (Status.COMPLETED, None, [])


async def test_a_delivery_after_the_answer_was_kept_pays_nothing(house: House) -> None:
    house.settings = house.settings.model_copy(update=WITH_MODEL)
    model = house.model = FakeModel()
    # the first write is the answer's, the second the result's
    house.faults.at("objects.put", 2, Failure(ErrorCode.STORAGE_UNAVAILABLE, "test"))
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(200)
    assert (house.record.status, house.record.attempt, len(model.calls)) == (Status.COMPLETED, 2, 1)
    assert model_of(house)["usage"] == {"input_tokens": 3000, "output_tokens": 200}
