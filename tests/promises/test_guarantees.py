"""docs/guarantees.md says what is true: every promise with its test, the drawing of the code, switches that fit."""

import re
from itertools import product
from pathlib import Path

import pytest

from core.record import Status
from tests.core.test_transitions import TABLE
from tests.promises.switch_off import ROOT, Switch, switches

PAGE = ROOT / "docs/guarantees.md"


def test_every_test_of_a_promise_is_named_and_no_other() -> None:
    named = set(re.findall(r"\((\.\./tests/promises/test_\d\d_\w+\.py)\)", PAGE.read_text()))
    there = {f"../tests/promises/{path.name}" for path in Path(__file__).parent.glob("test_[0-9]*.py")}
    assert named == there


def test_the_drawing_is_the_state_machine() -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+): (\w+)$", PAGE.read_text(), re.MULTILINE)
    real = {
        (str(source), str(row.leads[source]), row.change.name)
        for row, source in product(TABLE.values(), Status)
        if source in row.leads
    }
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == real


@pytest.mark.parametrize("switch", list(switches()), ids=lambda switch: switch.off)
def test_every_switch_still_fits(switch: Switch) -> None:
    """Where this fails, the code has moved on: mend the switch, and see its test fail again."""
    switch.applied((ROOT / switch.file).read_text())


def test_every_switch_was_tried_and_noticed() -> None:
    """Of each promise one at least. Where this fails: run it, and write its row down."""
    rows = re.findall(r"^\| (\d+) \| `[^|]*` \| ([^|]*) \| [1-9]\d* fail \|$", PAGE.read_text(), re.MULTILINE)
    assert {(int(promise), off) for promise, off in rows} == {(switch.promise, switch.off) for switch in switches()}
    assert {int(promise) for promise, _ in rows} == set(range(1, 23))
