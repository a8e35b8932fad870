"""The one published index: only of a climb that is long enough, and sure enough."""

import math

import pytest

from consumer.kinematics.metrics import ECONOMY_MIN_CONFIDENCE, ECONOMY_MIN_S, economy
from core.result import Metric, MetricName


def measured(**changes: Metric) -> dict[MetricName, Metric]:
    found: dict[MetricName, Metric] = {"gie": of(0.7), "hesitation_s": of(2.0), "on_wall_s": of(10.0)}
    for name, metric in changes.items():
        found[name] = metric  # type: ignore[index]  # the names are the contract's
    return found


def of(value: float | None, confidence: float = 0.9) -> Metric:
    reason = None if value is not None else "HANDS_NOT_SEEN"
    return Metric(value=value, unit="1", method="pose", confidence=confidence, reason=reason)


def test_it_is_what_its_formula_says_of_its_inputs() -> None:
    found = economy(measured())
    assert found is not None
    assert found.inputs == {"gie": 0.7, "hesitation_s": 2.0, "on_wall_s": 10.0}
    assert found.value == pytest.approx(100 * math.exp(-0.7) * 0.8, abs=0.05)
    assert eval(found.formula, {"exp": math.exp}, dict(found.inputs)) == pytest.approx(found.value, abs=0.05)  # noqa: S307


def test_a_straight_climb_without_a_stop_has_all_of_it() -> None:
    found = economy(measured(gie=of(0.0), hesitation_s=of(0.0)))
    assert found is not None
    assert found.value == 100


@pytest.mark.parametrize("name", ["gie", "hesitation_s", "on_wall_s"])
def test_without_one_of_its_inputs_there_is_none(name: str) -> None:
    assert economy(measured(**{name: of(None, 0.0)})) is None


@pytest.mark.parametrize("name", ["gie", "hesitation_s", "on_wall_s"])
def test_an_input_that_is_not_sure_enough_is_no_input(name: str) -> None:
    value = {"gie": 0.7, "hesitation_s": 2.0, "on_wall_s": 10.0}[name]
    assert economy(measured(**{name: of(value, ECONOMY_MIN_CONFIDENCE)})) is not None
    assert economy(measured(**{name: of(value, ECONOMY_MIN_CONFIDENCE - 0.01)})) is None


def test_a_climb_that_is_too_short_has_none() -> None:
    assert economy(measured(on_wall_s=of(ECONOMY_MIN_S))) is not None
    assert economy(measured(on_wall_s=of(ECONOMY_MIN_S - 0.1))) is None
