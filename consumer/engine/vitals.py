"""Signs that consuming goes on, and what they say: plain arithmetic on the engine's clock."""

from collections import Counter
from collections.abc import Callable, Collection

from consumer.engine.attempt import Attempt
from consumer.engine.setup import Setup
from consumer.engine.slots import Slots
from consumer.engine.worker import SETTLE_MARGIN_S

TICK_S = 1.0
LONGEST_LAG_S = 5.0
POLL_MARGIN_S = 5.0
"""What a poll may take besides its wait: to connect, to answer."""


class Vitals:
    """The engine tells what happens, whoever asks gets the verdict. `jobs` counts (outcome, synthetic); `dead_letters`
    is what the process knows of depths of dead-letter queues, by queue."""

    def __init__(self, setup: Setup, *, kind: str, slots: Slots, attempts: Callable[[], Collection[Attempt]]) -> None:
        self.kind = kind
        self.jobs: Counter[tuple[str, bool]] = Counter()
        self.receive_failures = 0
        self.dead_letters: dict[str, int] = {}
        self._clock = setup.clock
        self._limits = setup.limits
        self._slots = slots
        self._attempts = attempts
        self._started_at: float | None = None
        self._draining = False
        self._polled_at: float | None = None
        self._due_since: float | None = None
        self._ticked_at: float | None = None
        self._last_lag = 0.0

    def started(self) -> None:
        self._started_at = self._clock.monotonic()

    def draining(self) -> None:
        self._draining = True

    def poll_is_due(self, due: bool) -> None:
        """Whether there is a reason to poll now: a free slot, and no breaker that keeps it empty."""
        if not due:
            self._due_since = None
        elif self._due_since is None:
            self._due_since = self._clock.monotonic()

    def polled(self) -> None:
        """A poll has come to its end; one that failed has not."""
        self._due_since = None
        self._polled_at = self._clock.monotonic()

    def receive_failed(self) -> None:
        self.receive_failures += 1

    def ended(self, attempt: Attempt) -> None:
        self.jobs[attempt.outcome or "abandoned", attempt.synthetic] += 1

    async def watch(self) -> None:
        """Measures how late the event loop is, for ever."""
        while True:
            before = self._clock.monotonic()
            await self._clock.sleep(TICK_S)
            self._ticked_at = self._clock.monotonic()
            self._last_lag = self._ticked_at - before - TICK_S

    @property
    def ready(self) -> bool:
        return self._started_at is not None and not self._draining

    @property
    def in_flight(self) -> int:
        return len(self._attempts())

    @property
    def free_slots(self) -> int:
        """Those without a delivery; a poll that waits holds as many as it may bring messages."""
        return self._slots.limit - self.in_flight

    @property
    def poll_age_s(self) -> float:
        """Since the last poll that ended well, or since the start; 0.0 before it."""
        since = self._started_at if self._polled_at is None else self._polled_at
        return 0.0 if since is None else self._clock.monotonic() - since

    @property
    def loop_lag_s(self) -> float:
        """How late the last tick came, or how overdue the next one is. 0.0 while nobody watches."""
        if self._ticked_at is None:
            return 0.0
        return max(self._last_lag, self._clock.monotonic() - self._ticked_at - TICK_S, 0.0)

    def troubles(self) -> tuple[str, ...]:
        """Why this process is not alive as a consumer; empty when it is."""
        found = (self._not_polling(), self._lagging(), self._stuck())
        return tuple(trouble for trouble in found if trouble is not None)

    def _not_polling(self) -> str | None:
        if self._due_since is None or self._draining:
            return None
        overdue = self._clock.monotonic() - self._due_since
        if overdue <= 2 * self._limits.wait_s + POLL_MARGIN_S:
            return None
        return f"no poll has ended for {overdue:.0f} s"

    def _lagging(self) -> str | None:
        lag = self.loop_lag_s
        return f"the event loop is {lag:.1f} s late" if lag > LONGEST_LAG_S else None

    def _stuck(self) -> str | None:
        now = self._clock.monotonic()
        stuck = sum(1 for attempt in self._attempts() if now > self._last_moment(attempt))
        return f"{stuck} jobs hold their slots past every deadline" if stuck else None

    def _last_moment(self, attempt: Attempt) -> float:
        """By then the engine has ended it: past its deadline no beat keeps its message, and past the message's
        visibility its settlement is given up."""
        deadline = attempt.received_at if attempt.pulse is None else attempt.pulse.until
        return deadline + self._limits.visibility_s + SETTLE_MARGIN_S
