"""The vision model as a worker has it: opened from the settings, or not there at all."""

import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from consumer.engine.breaker import Breaker
from consumer.engine.clock import Clock
from consumer.vision.describe import PASSING, Vision
from consumer.vision.pace import Pace
from consumer.vision.spending import Budget, Tally
from consumer.vision.stored import Answers
from core.ports import VISION_MODEL, Counters, Objects
from core.settings import Settings

log = structlog.stdlib.get_logger(__name__)
SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def model_breaker(clock: Clock) -> Breaker:
    """The one that all jobs of a process report to."""
    return Breaker(clock, name=VISION_MODEL, codes=PASSING, chance=random.random)


@asynccontextmanager
async def open_vision(
    settings: Settings, *, objects: Objects, counters: Counters, breaker: Breaker | None, clock: Clock, tally: Tally
) -> AsyncIterator[Vision | None]:
    """None without OPENAI_API_KEY and OPENAI_BASE_URL: nothing is sent anywhere then, and there is no `breaker`."""
    if not settings.vision_on or breaker is None:
        yield None
        return
    if settings.openai_base_url is None and not SNAPSHOT.search(settings.vision_model):
        log.warning("vision.model.alias", model=settings.vision_model, detail="it changes under its name")
    # half a second and 30 MB that a worker without a model does not need
    from consumer.vision.client import open_client  # noqa: PLC0415

    async with open_client(settings, Pace(clock)) as client:
        yield Vision(
            client=client,
            answers=Answers(objects),
            breaker=breaker,
            budget=Budget(counters, usd=settings.vision_budget_usd, clock=clock, tally=tally),
            tally=tally,
            settings=settings,
        )
