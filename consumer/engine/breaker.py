"""A circuit breaker for one downstream: three states and a clock, nothing awaited.

closed --threshold failures in a row--> open --its pause is over--> half open --success--> closed
                                          ^-------------- failure ------------'
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

import structlog

from consumer.engine.clock import Clock
from consumer.engine.policy import Chance
from core.error_codes import ErrorCode
from core.failure import Failure

log = structlog.stdlib.get_logger(__name__)


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """`codes`: the failures that say that the downstream is away, and nothing about the work that met it; never ones
    that one bad message could cause. `threshold` must not be higher than the tries of a message, or a single one
    would be given up before the breaker opens. The pause doubles from `base_s` to `cap_s` with each failed probe."""

    def __init__(  # noqa: PLR0913  # each with a sensible default
        self,
        clock: Clock,
        *,
        name: str,
        codes: frozenset[ErrorCode],
        chance: Chance,
        threshold: int = 3,
        base_s: float = 10.0,
        cap_s: float = 300.0,
    ) -> None:
        self.name = name
        self.codes = codes
        self._clock = clock
        self._chance = chance
        self._threshold = threshold
        self._base_s = base_s
        self._cap_s = cap_s
        self._failures = 0
        self._openings = 0
        self._until: float | None = None
        self._hear: Callable[[], None] = _nobody

    def heard_by(self, hear: Callable[[], None]) -> None:
        """Called when it opens, again or for the first time, and when it closes."""
        self._hear = hear

    @property
    def state(self) -> State:
        if self._until is None:
            return State.CLOSED
        return State.OPEN if self._clock.monotonic() < self._until else State.HALF_OPEN

    @property
    def left_s(self) -> float:
        """Seconds until it is half open; 0.0 where it is not open."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock.monotonic())

    def admit(self, free: int, *, running: int) -> int:
        """How many of `free` may be taken while `running` are in hand: half open, one at a time."""
        if self.state is State.CLOSED:
            return free
        return min(free, 1) if self.state is State.HALF_OPEN and running == 0 else 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Around each call of the downstream: its outcome is noted. Raises what the call raises."""
        try:
            yield
        except Failure as failure:
            if failure.code in self.codes:
                self.failed(failure.retry_after)
            raise
        self.succeeded()

    def succeeded(self) -> None:
        self._failures = 0
        # a straggler's success, from before it opened, heals nothing
        if self.state is State.HALF_OPEN:
            self._until, self._openings = None, 0
            log.warning("breaker.closed", breaker=self.name)
            self._hear()

    def failed(self, retry_after: float | None = None) -> None:
        """`retry_after` (seconds): how long the downstream wants to be left alone; it lengthens the pause."""
        self._failures += 1
        if self.state is State.OPEN:
            self._until = max(self._until or 0.0, self._clock.monotonic() + (retry_after or 0.0))
        elif self.state is State.HALF_OPEN or self._failures >= self._threshold:
            self._open(retry_after or 0.0)

    def _open(self, at_least_s: float) -> None:
        # far above any cap, and 2.0 ** 5000 would be an OverflowError
        top = min(self._cap_s, self._base_s * 2.0 ** min(self._openings, 32))
        # half of it for certain, so that the downstream gets rest; the other half so that processes do not ask in step
        pause = max(at_least_s, top / 2 + self._chance() * top / 2)
        self._openings += 1
        self._until = self._clock.monotonic() + pause
        log.error("breaker.opened", breaker=self.name, failures=self._failures, pause_s=round(pause, 1))
        self._hear()


def _nobody() -> None:
    """Until somebody wants to know."""
