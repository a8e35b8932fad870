"""What Prometheus reads from a consumer: its figures, and its vitals at the moment of the scrape."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from consumer.engine.clock import Clock
from consumer.engine.vitals import Vitals
from consumer.figures import Figures, flag
from consumer.vision.spending import Tally, day_of

PREFIX = "performate_consumer"


class VitalsCollector(Collector):
    """`synthetic` keeps the prober's jobs out of the users' figures."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def collect(self) -> Iterator[Metric]:
        vitals = self._vitals
        jobs = CounterMetricFamily(f"{PREFIX}_jobs", "Deliveries that ended", labels=("kind", "outcome", "synthetic"))
        for (outcome, synthetic), count in sorted(vitals.jobs.items()):
            jobs.add_metric((vitals.kind, outcome, "true" if synthetic else "false"), count)
        yield jobs
        yield CounterMetricFamily(f"{PREFIX}_receive_failures", "Receives that failed", value=vitals.receive_failures)
        gauges = {
            "jobs_in_flight": ("Deliveries in work", vitals.in_flight),
            "slots_free": ("Slots without a delivery", vitals.free_slots),
            "alive": ("0 where /livez says that consuming has stopped", 0 if vitals.troubles() else 1),
            "poll_age_seconds": ("Since the last poll that ended well", vitals.poll_age_s),
            "loop_lag_seconds": ("How late the event loop is", vitals.loop_lag_s),
        }
        for name, (about, value) in gauges.items():
            yield GaugeMetricFamily(f"{PREFIX}_{name}", about, value=value)
        yield self._dead_letters()

    def _dead_letters(self) -> Metric:
        """Only the process that leads the reconcilers has samples: the fleet's figure comes once."""
        found = GaugeMetricFamily("performate_dead_letters", "Messages in a dead-letter queue", labels=("queue",))
        for queue, depth in sorted(self._vitals.dead_letters.items()):
            found.add_metric((queue,), depth)
        return found


class TallyCollector(Collector):
    """What the vision model was asked, and what it cost; nothing where none is configured."""

    def __init__(self, tally: Tally, clock: Clock) -> None:
        self._tally = tally
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        tally = self._tally
        answers = CounterMetricFamily(
            "performate_model_answers", "What became of questions to the model", labels=("outcome", "synthetic")
        )
        for (outcome, synthetic), count in sorted(tally.answers.items()):
            answers.add_metric((outcome, flag(synthetic)), count)
        tokens = CounterMetricFamily("performate_model_tokens", "Tokens", labels=("kind", "synthetic"))
        for (kind, synthetic), count in sorted(tally.tokens.items()):
            tokens.add_metric((kind, flag(synthetic)), count)
        usd = CounterMetricFamily("performate_model_cost_usd", "Where the price is known", labels=("synthetic",))
        for synthetic, spent in tally.usd.items():
            usd.add_metric((flag(synthetic),), spent)
        rejected = CounterMetricFamily(
            "performate_model_rejected_claims", "Claims that cited nothing that exists", value=tally.rejected
        )
        yield from (answers, tokens, usd, rejected)
        if tally.budget is not None:
            day, spent = tally.budget
            ratio = spent if day == day_of(self._clock.now()) else 0.0
            about = "Spent of VISION_BUDGET_USD today (UTC), as this process saw it last"
            yield GaugeMetricFamily("performate_model_budget_spent_ratio", about, value=ratio)


def registry_of(vitals: Vitals, figures: Figures) -> CollectorRegistry:
    registry = figures.registry
    ProcessCollector(registry=registry)
    registry.register(VitalsCollector(vitals))
    return registry


def exposition(registry: CollectorRegistry) -> bytes:
    return generate_latest(registry)
