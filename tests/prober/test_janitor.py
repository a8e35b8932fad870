"""The janitor takes what is a probe's, and nothing of anybody else."""

import pytest

from core.notices import notice
from core.record import Status
from core.result import ModelBlock, Usage
from core.verdicts import Alarm, Spent, Swept
from ops.probing import seconds_of, set_quiet
from prober.janitor import is_of_a_probe
from prober.judging import due
from prober.report import notes_on_model
from tests.fakes import MOMENT, a_record
from tests.fakes.verdicts import FakeVerdicts
from tests.prober.examples import a_board

MODEL = ModelBlock(provider="p", snapshot="s", usage=Usage(input_tokens=1, output_tokens=1), cost_usd=0.1, refusal=None)


@pytest.mark.parametrize(
    ("name", "synthetic", "ours"),
    [
        ("probe-0af7651916cd43dd.mp4", True, True),
        ("probe-0af7651916cd43dd.mp4", False, False),
        ("load-test.mp4", True, False),
    ],
)
def test_whose_upload_it_is(name: str, synthetic: bool, ours: bool) -> None:
    record = a_record(filename=name, synthetic=synthetic, status=Status.PENDING_UPLOAD)
    assert is_of_a_probe(record) == ours


def test_what_was_swept() -> None:
    assert not Swept().anything
    assert Swept(messages=1).anything


@pytest.mark.parametrize(
    ("model", "paid", "before", "says"),
    [
        (None, True, None, "no model is configured"),
        (None, False, None, "no model is configured"),
        (MODEL, True, None, None),
        (MODEL, False, None, "PROBE_BUDGET_EXHAUSTED"),
        (None, False, Spent(day="2026-11-24", usd=0.5), "PROBE_BUDGET_EXHAUSTED"),
    ],
)
def test_the_word_about_the_paid_stage(
    model: ModelBlock | None, paid: bool, before: Spent | None, says: str | None
) -> None:
    notes = notes_on_model(model, paid=paid, before=before)
    assert len(notes) == (says is not None)
    assert all(says is not None and note.startswith(says) for note in notes)


@pytest.mark.parametrize("model", [None, MODEL])
def test_a_model_that_said_nothing_is_told_by_its_code(model: ModelBlock | None) -> None:
    warnings = (notice("SMALL_CLIMBER"), notice("MODEL_TIMEOUT"))
    assert notes_on_model(model, paid=True, before=None, warnings=warnings) == [
        "MODEL_TIMEOUT: the vision model said nothing"
    ]


async def test_a_maintenance_window_is_set_and_ended() -> None:
    verdicts = FakeVerdicts()
    alarm = Alarm(alarm_id="a", kind="down", at="2026-11-24T12:00:00.000Z")
    verdicts.held = a_board(alarm=alarm)
    await set_quiet(verdicts, MOMENT.timestamp() + 60)
    assert due(verdicts.held, now=MOMENT) is None
    await set_quiet(verdicts, None)
    assert due(verdicts.held, now=MOMENT) == alarm


@pytest.mark.parametrize(("span", "seconds"), [("45m", 2700), ("2h", 7200), ("1d", 86400), ("30s", 30)])
def test_spans_of_time(span: str, seconds: int) -> None:
    assert seconds_of(span) == seconds
