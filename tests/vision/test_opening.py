"""Whether there is a model at all, and what is said at the start."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from consumer.engine.clock import SystemClock
from consumer.vision.opening import model_breaker, open_vision
from consumer.vision.spending import Tally
from core.error_codes import ErrorCode
from core.ports import VISION_MODEL
from core.settings import Settings
from tests.fakes import FakeCounters, FakeObjects


async def opened(**given: Any) -> tuple[bool, list[str]]:
    """Whether there is one, and the events that were logged."""
    settings, clock = Settings(bucket="b", _env_file=None, **given), SystemClock()
    breaker = model_breaker(clock) if settings.vision_on else None
    outside = {"objects": FakeObjects(), "counters": FakeCounters(), "breaker": breaker, "clock": clock}
    with capture_logs() as logs:
        async with open_vision(settings, **outside, tally=Tally()) as vision:
            return vision is not None, [line["event"] for line in logs]


@pytest.mark.parametrize(
    ("given", "there", "warned"),
    [
        ({}, False, False),
        ({"openai_api_key": "sk"}, True, False),
        ({"openai_api_key": "sk", "vision_model": "gpt-5.4"}, True, True),
        ({"openai_base_url": "http://127.0.0.1:1/v1", "vision_model": "qwen3-vl"}, True, False),
    ],
)
async def test_a_model_is_there_where_it_is_configured_and_an_alias_is_warned_about(
    given: dict[str, Any], *, there: bool, warned: bool
) -> None:
    assert await opened(**given) == (there, ["vision.model.alias"] if warned else [])


async def test_the_breaker_is_the_one_that_others_ask_about() -> None:
    breaker = model_breaker(SystemClock())
    assert breaker.name == VISION_MODEL
    assert breaker.codes == {ErrorCode.MODEL_UNAVAILABLE, ErrorCode.MODEL_RATE_LIMITED, ErrorCode.MODEL_TIMEOUT}
