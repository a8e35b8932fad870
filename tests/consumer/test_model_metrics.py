"""What Prometheus reads of the vision model."""

from prometheus_client import CollectorRegistry, generate_latest

from consumer.engine.clock import SystemClock
from consumer.metrics import TallyCollector
from consumer.vision.answer import Tokens
from consumer.vision.spending import Tally, day_of


def test_tokens_money_and_rejected_claims_are_counted_and_the_probers_apart() -> None:
    tally, registry = Tally(), CollectorRegistry()
    registry.register(TallyCollector(tally, SystemClock()))
    tally.used(Tokens(input=3000, cached=1000, output=200), 0.0025, synthetic=False)
    tally.used(Tokens(input=100, output=20), None, synthetic=True)
    tally.answers["ok", False] += 1
    tally.rejected += 2
    lines = generate_latest(registry).decode().splitlines()
    assert {line for line in lines if not line.startswith("#")} == {
        'performate_model_answers_total{outcome="ok",synthetic="false"} 1.0',
        'performate_model_tokens_total{kind="input",synthetic="false"} 2000.0',
        'performate_model_tokens_total{kind="cached",synthetic="false"} 1000.0',
        'performate_model_tokens_total{kind="output",synthetic="false"} 200.0',
        'performate_model_tokens_total{kind="input",synthetic="true"} 100.0',
        'performate_model_tokens_total{kind="cached",synthetic="true"} 0.0',
        'performate_model_tokens_total{kind="output",synthetic="true"} 20.0',
        'performate_model_cost_usd_total{synthetic="false"} 0.0025',
        'performate_model_cost_usd_total{synthetic="true"} 0.0',
        "performate_model_rejected_claims_total 2.0",
    }


def test_the_share_of_the_budget_is_todays_and_there_is_none_without_a_budget() -> None:
    tally, registry = Tally(), CollectorRegistry()
    registry.register(TallyCollector(tally, SystemClock()))
    assert registry.get_sample_value("performate_model_budget_spent_ratio") is None
    tally.budget = day_of(SystemClock().now()), 0.8
    assert registry.get_sample_value("performate_model_budget_spent_ratio") in (0.8, 0.0), "or midnight is now"
    tally.budget = "2020-01-01", 1.0
    assert registry.get_sample_value("performate_model_budget_spent_ratio") == 0.0
