"""What the model may cost a day, counted by all workers together; and what this process used, for its metrics."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from consumer.engine.clock import Clock
from consumer.vision.answer import Tokens
from consumer.vision.money import MICRO
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Counters

log = structlog.stdlib.get_logger(__name__)


@dataclass(kw_only=True)
class Tally:
    """Since this process began. `answers` by (outcome or error code, synthetic), `tokens` by (kind, synthetic),
    `usd` by synthetic, `rejected` claims."""

    answers: Counter[tuple[str, bool]] = field(default_factory=Counter)
    tokens: Counter[tuple[str, bool]] = field(default_factory=Counter)
    usd: dict[bool, float] = field(default_factory=lambda: {False: 0.0, True: 0.0})
    rejected: int = 0
    budget: tuple[str, float] | None = None
    """The day (UTC) that was looked at last, and the share of its budget that is spent; None without a budget."""

    def used(self, tokens: Tokens, cost_usd: float | None, *, synthetic: bool) -> None:
        self.tokens["input", synthetic] += tokens.input - tokens.cached
        self.tokens["cached", synthetic] += tokens.cached
        self.tokens["output", synthetic] += tokens.output
        self.usd[synthetic] += cost_usd or 0.0


class Budget:
    """Of users' analyses: the prober has its own. Jobs that are in flight when the last of it is spent still end, so
    a day may cost as much more as there are jobs at once."""

    def __init__(self, counters: Counters, *, usd: float | None, clock: Clock, tally: Tally) -> None:
        self._counters = counters
        self._tally = tally
        self._usd = usd
        self._clock = clock

    async def refuse_spent(self) -> None:
        """Raises Failure: MODEL_QUOTA_EXHAUSTED, STORE_UNAVAILABLE."""
        if self._usd is None:
            return
        now = self._clock.now()
        spent = (await self._counters.read(_of_day(now))).get("micro_usd", 0) / MICRO
        self._tally.budget = day_of(now), spent / self._usd
        if spent >= self._usd:
            raise Failure(ErrorCode.MODEL_QUOTA_EXHAUSTED, f"{spent:.2f} of {self._usd:.2f} USD are spent today")

    async def spend(self, tokens: Tokens, cost_usd: float | None) -> None:
        """An answer that was paid for is not thrown away because it could not be counted."""
        amounts = {"answers": 1, "input_tokens": tokens.input, "output_tokens": tokens.output}
        if cost_usd is not None:
            amounts["micro_usd"] = round(cost_usd * MICRO)
        try:
            await self._counters.add(_of_day(self._clock.now()), amounts)
        except Failure as failure:
            log.error("vision.spending.not_counted", error=str(failure), cost_usd=cost_usd)


def _of_day(now: datetime) -> str:
    return f"vision#{day_of(now)}"


def day_of(now: datetime) -> str:
    return f"{now:%Y-%m-%d}"
