"""When the pipeline is probed, and from when on silence is an alarm: everything from one constant.

PROBE_EVERY_MIN is the default of the setting PROBE_INTERVAL_S, the schedule in render.yaml, the schedule that Sentry
is told, and what the limit of staleness is counted in. A test reads all four.
"""

from dataclasses import dataclass

PROBE_EVERY_MIN = 5
STALE_AFTER_INTERVALS = 2.5
TIMEOUT_SHARE = 0.3
"""A run may take so much of an interval: three failing runs in a row then end within two intervals of the fault."""
SLOW_SHARE = 0.5
"""A run that takes more than this part of its time-out is slow."""
MONITOR = "performate-pipeline"
"""The monitor's name in Sentry."""


@dataclass(frozen=True, kw_only=True)
class Cadence:
    """Seconds. Raises ValueError for a time-out longer than the interval."""

    interval_s: float = PROBE_EVERY_MIN * 60.0
    timeout_s: float = PROBE_EVERY_MIN * 60.0 * TIMEOUT_SHARE

    def __post_init__(self) -> None:
        if not 0 < self.timeout_s <= self.interval_s:
            raise ValueError("PROBE_TIMEOUT_S must be more than 0 and at most PROBE_INTERVAL_S")

    @property
    def stale_after_s(self) -> float:
        """A verdict that is older says nothing any more."""
        return STALE_AFTER_INTERVALS * self.interval_s

    @property
    def slow_after_s(self) -> float:
        return SLOW_SHARE * self.timeout_s

    @property
    def cache_s(self) -> float:
        """How long a reader may go without looking at the stored verdict again."""
        return min(self.interval_s / 4, 15.0)

    @property
    def monitor_config(self) -> dict[str, object]:
        """What Sentry is told: a run that is a whole interval late, or never ends, is an alarm there as well."""
        minutes = max(1, round(self.interval_s / 60))
        return {
            "schedule": {"type": "interval", "value": minutes, "unit": "minute"},
            "checkin_margin": max(1, round(minutes * (STALE_AFTER_INTERVALS - 1))),
            "max_runtime": max(1, round(self.timeout_s / 60 + 0.5)),
            "timezone": "UTC",
        }


def cadence(interval_s: float, timeout_s: float | None) -> Cadence:
    """Without a time-out of its own, TIMEOUT_SHARE of the interval. Raises ValueError."""
    return Cadence(interval_s=interval_s, timeout_s=TIMEOUT_SHARE * interval_s if timeout_s is None else timeout_s)


def crontab(interval_s: float = PROBE_EVERY_MIN * 60.0) -> str:
    """The same as a crontab's five fields; for intervals of whole minutes, at most an hour."""
    return f"*/{round(interval_s / 60)} * * * *"
