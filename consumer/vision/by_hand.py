"""A file of this machine, described by the model once and for nobody else: nothing is kept, no budget is counted."""

from collections.abc import Mapping
from pathlib import Path

from consumer.engine.breaker import Breaker
from consumer.engine.clock import SystemClock
from consumer.media.facts import Probe
from consumer.vision import money
from consumer.vision.describe import PASSING, Asked, Cutter, Described, Vision, pictures, wanted
from consumer.vision.pace import Pace
from consumer.vision.prompt import request_body
from consumer.vision.shots import shown
from consumer.vision.spending import Budget, Tally
from consumer.vision.stored import Kept
from core.prices import prices_of
from core.record import Language, Record, Status
from core.result import Measurement, Sport
from core.settings import Settings
from core.trace import new_trace


class NoAnswers:
    """consumer.vision.stored.Answers that keeps none."""

    async def get(self, analysis_id: str, key: str) -> Kept | None:
        return None

    async def put(self, analysis_id: str, kept: Kept) -> None:
        return None


class NoCounters:
    """core.ports.Counters that counts nothing."""

    async def add(self, name: str, amounts: Mapping[str, int]) -> None:
        return None

    async def read(self, name: str) -> Mapping[str, int]:
        return {}


def asked_of(  # noqa: PLR0913  # one question, spelt out
    clip: Path, probe: Probe, measured: Measurement, decoder: Cutter, *, sport: Sport, language: Language, out: Path
) -> Asked:
    """`out` is an empty folder. The record is of no installation, on its last try: a model that is away is no reason
    to wait."""
    record = Record(
        analysis_id="by-hand",
        status=Status.PROCESSING,
        sport_type=sport,
        language=language,
        filename="clip",
        content_type="video/mp4",
        declared_bytes=0,
        key="clip",
        created_at="",
        updated_at="",
        expires_at=0,
        traceparent=new_trace().traceparent,
        attempt=1_000,
    )
    sha256 = measured.video.sha256
    return Asked(record=record, sha256=sha256, measured=measured, clip=clip, probe=probe, decoder=decoder, out=out)


async def estimated(asked: Asked, settings: Settings) -> money.Estimate:
    """What `described` would cost. Nothing is sent."""
    sheets = await pictures(asked, shown(asked.measured, blur=settings.vision_blur_faces))
    sport, language = asked.record.sport_type, asked.record.language
    body = request_body(asked.measured, sheets, sport=sport, language=language, wanted=wanted(settings))
    return money.estimate(body, sheets, prices_of(settings.vision_prices).get(settings.vision_model))


async def described(asked: Asked, settings: Settings) -> Described:
    """Raises Failure as consumer.vision.describe does."""
    # as in consumer.vision.opening
    from consumer.vision.client import open_client  # noqa: PLC0415

    clock = SystemClock()
    async with open_client(settings, Pace(clock)) as client:
        tally = Tally()
        vision = Vision(
            client=client,
            answers=NoAnswers(),
            breaker=Breaker(clock, name="by hand", codes=PASSING, chance=lambda: 0.5),
            budget=Budget(NoCounters(), usd=None, clock=clock, tally=tally),
            tally=tally,
            settings=settings,
        )
        return await vision.describe(asked)
