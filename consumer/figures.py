"""What a consumer counts of analyses, beside the engine's vitals: how they end, how long that takes, what waits."""

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from consumer.engine.breaker import Breaker, State
from consumer.engine.clock import Clock
from consumer.scratch import Scratch
from core.error_codes import ErrorCode
from core.errors import catalogue

STAGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
ANALYSIS_BUCKETS = (1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800, 3600)
"""Seconds. 120 is what a clip of 30 s is promised in, and so it is an edge."""
SHORT_CLIP_S = 30.0
ELSEWHERE = frozenset({"request", "init", "upload", "read", "probe"})
"""Stages whose codes never end an analysis."""


@dataclass(kw_only=True)
class Fleet:
    """What is the same for all processes, as the one that leads the reconcilers sees it; empty in every other one.
    `waiting_since`: when the users' analysis that waits longest was queued."""

    depths: MutableMapping[str, int] = field(default_factory=dict)
    waiting_since: datetime | None = None
    leads: bool = False

    def resigned(self) -> None:
        self.depths.clear()
        self.waiting_since, self.leads = None, False


class Figures:
    """One a process, with a registry of its own. Labels are stages, codes of the catalogue and flags: their number is
    bounded, and each code has its zero from the start, so that its first case is an increase. `synthetic` keeps the
    prober's analyses out of the users' figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.fleet = Fleet()
        self._ends = Counter(
            "performate_analyses",
            "Analyses that ended: completed, failed by our fault, or refused for what the user sent",
            ("outcome", "synthetic"),
            registry=self.registry,
        )
        self._failures = Counter(
            "performate_analysis_failures",
            "Analyses that ended without a result, by their code in the catalogue",
            ("error_code", "synthetic"),
            registry=self.registry,
        )
        self._durations = Histogram(
            "performate_analysis_duration_seconds",
            "From the moment an upload was queued to its stored result; clip: up to 30 s, or longer",
            ("clip", "synthetic"),
            buckets=ANALYSIS_BUCKETS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "performate_stage_duration_seconds",
            "Stages of analyses that ended, well or not",
            ("stage", "outcome", "synthetic"),
            buckets=STAGE_BUCKETS,
            registry=self.registry,
        )
        for synthetic in (False, True):
            for outcome in ("completed", "failed", "refused"):
                self._ends.labels(outcome, flag(synthetic))
            for code, entry in catalogue().items():
                if entry.stage not in ELSEWHERE:
                    self._failures.labels(code, flag(synthetic))

    def completed(self, *, seconds: float, clip_s: float | None, synthetic: bool) -> None:
        """`seconds` since it was queued; `clip_s` None where the clip's duration is not known."""
        clip = "unknown" if clip_s is None else "up_to_30s" if clip_s <= SHORT_CLIP_S else "longer"
        self._ends.labels("completed", flag(synthetic)).inc()
        self._durations.labels(clip, flag(synthetic)).observe(max(0.0, seconds))

    def failed(self, code: ErrorCode, *, synthetic: bool) -> None:
        ours = catalogue()[code].counts_against_slo
        self._ends.labels("failed" if ours else "refused", flag(synthetic)).inc()
        self._failures.labels(code, flag(synthetic)).inc()

    def stage_ended(self, stage: str, *, seconds: float, well: bool, synthetic: bool) -> None:
        self._stages.labels(stage, "ok" if well else "failed", flag(synthetic)).observe(seconds)

    def watch_scratch(self, scratch: Scratch, *, largest: int) -> None:
        """`largest`: the bytes that the largest clip needs."""
        self.registry.register(_ScratchCollector(scratch, largest))

    def watch_breaker(self, breaker: Breaker) -> None:
        """Leaves out one that nothing can open."""
        if breaker.codes:
            self.registry.register(_BreakerCollector(breaker))

    def watch_fleet(self, clock: Clock) -> None:
        self.registry.register(_FleetCollector(self.fleet, clock))


class _ScratchCollector(Collector):
    def __init__(self, scratch: Scratch, largest: int) -> None:
        self._scratch = scratch
        self._largest = largest

    def collect(self) -> Iterator[Metric]:
        scratch = self._scratch
        yield _gauge("performate_scratch_reserved_bytes", "Scratch that running jobs may fill", scratch.reserved)
        yield _gauge("performate_scratch_budget_bytes", "Scratch that this process may use", scratch.budget)
        yield _gauge("performate_scratch_free_bytes", "Room for more jobs, by budget and by disk", scratch.free)
        yield _gauge("performate_scratch_largest_bytes", "What one job with the largest clip needs", self._largest)


class _BreakerCollector(Collector):
    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    def collect(self) -> Iterator[Metric]:
        found = GaugeMetricFamily("performate_breaker_open", "1 unless the breaker is closed", labels=("breaker",))
        found.add_metric((self._breaker.name,), 0.0 if self._breaker.state is State.CLOSED else 1.0)
        yield found


class _FleetCollector(Collector):
    """Only the process that leads the reconcilers has samples: the fleet's figures come once."""

    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self._fleet = fleet
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        depths = GaugeMetricFamily("performate_queue_depth", "Visible messages of a queue", labels=("queue",))
        oldest = GaugeMetricFamily("performate_oldest_waiting_seconds", "The users' analysis that waits longest")
        if self._fleet.leads:
            for queue, depth in sorted(self._fleet.depths.items()):
                depths.add_metric((queue,), depth)
            since = self._fleet.waiting_since
            age = 0.0 if since is None else (self._clock.now() - since).total_seconds()
            oldest.add_metric((), max(0.0, age))
        yield depths
        yield oldest


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def flag(value: bool) -> str:
    return "true" if value else "false"
