"""One constant: the setting, render.yaml's schedule, what Sentry is told, and the limit of staleness."""

import re
from pathlib import Path

import pytest
import yaml

from core.probing import PROBE_EVERY_MIN, STALE_AFTER_INTERVALS, Cadence, cadence, crontab
from core.settings import load_settings
from core.verdicts import Archive, Board, archived, uptime
from prober.schedule import pause_s
from service.pipeline import Pipeline
from tests.fakes import MOMENT
from tests.fakes.verdicts import FakeVerdicts
from tests.prober.examples import a_board, a_run

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = load_settings({"BUCKET": "b"})


def test_all_four_are_one() -> None:
    seconds = 60.0 * PROBE_EVERY_MIN
    services = yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
    (cron,) = [service for service in services if service["type"] == "cron"]
    assert cron["schedule"] == crontab() == f"*/{PROBE_EVERY_MIN} * * * *"
    assert re.search(r"-m prober --once\b", cron["startCommand"])
    assert SETTINGS.probe_interval_s == seconds
    schedule = SETTINGS.cadence.monitor_config["schedule"]
    assert schedule == {"type": "interval", "value": PROBE_EVERY_MIN, "unit": "minute"}
    pipeline = Pipeline(FakeVerdicts(), SETTINGS.cadence)
    assert pipeline.cadence.stale_after_s == STALE_AFTER_INTERVALS * seconds == 2.5 * seconds


def test_the_procfile_has_the_loop() -> None:
    assert "prober: python -m prober\n" in (ROOT / "Procfile").read_text()


@pytest.mark.parametrize(("interval", "timeout"), [(60.0, 61.0), (60.0, 0.0), (60.0, -1.0)])
def test_a_time_out_is_at_most_the_interval(interval: float, timeout: float) -> None:
    with pytest.raises(ValueError, match="PROBE_TIMEOUT_S"):
        cadence(interval, timeout)


def test_settings_that_cannot_be_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load_settings({"BUCKET": "b", "PROBE_INTERVAL_S": "60", "PROBE_TIMEOUT_S": "90"})
    with pytest.raises(SystemExit):
        load_settings({"BUCKET": "b", "PROBE_FAILURES": "6"})
    assert "PROBE_TIMEOUT_S" in capsys.readouterr().err


def test_three_failures_in_a_row_are_within_two_intervals() -> None:
    """From the worst moment for an outage: right after a run began well, which ends at once."""
    times = Cadence()
    longest = pause_s(a_board(), a_run(), times, chance=1.0)
    failed = pause_s(a_board(state="up"), a_run("fail"), times, chance=1.0)
    assert longest + 2 * failed + times.timeout_s <= 2 * times.interval_s


@pytest.mark.parametrize(
    ("state", "result", "soon"),
    [
        ("up", "pass", False),
        ("up", "warn", False),
        ("up", "fail", True),
        ("down", "fail", False),
        ("down", "pass", True),
        ("unknown", "fail", True),
        ("up", "cancelled", False),
    ],
)
def test_what_surprises_is_looked_at_again_soon(state: str, result: str, soon: bool) -> None:
    pause = pause_s(Board.model_validate({"state": state}), a_run(result), Cadence(), chance=0.5)
    assert pause == (90.0 if soon else 300.0)


def test_unknown_is_counted_apart_from_up_and_down() -> None:
    archive = Archive()
    for minute in (0, 5, 10, 40, 45, 50, 55):
        at = MOMENT.replace(minute=minute)
        archive = archived(archive, a_run("fail" if minute == 10 else "pass", at=at), interval_s=300)
    seen = uptime(archive, now=MOMENT.replace(minute=59), hours=24)
    assert seen.share == pytest.approx(6 / 7, abs=1e-4)
    assert seen.unknown_share == pytest.approx(4 / 11, abs=1e-4)
    assert seen.runs == 7


def test_a_cancelled_run_counts_nowhere() -> None:
    archive = archived(Archive(), a_run("cancelled"), interval_s=300)
    assert [run.result for run in archive.runs] == ["cancelled"]
    assert archive.hours == ()
    assert uptime(archive, now=MOMENT, hours=24).share is None


def test_failures_are_kept_longer_and_hours_for_a_month() -> None:
    archive = archived(Archive(), a_run("fail", run_id="the one"), interval_s=300)
    for number in range(31 * 24 * 2):
        at = MOMENT.fromtimestamp(MOMENT.timestamp() + 1800 * number, MOMENT.tzinfo)
        archive = archived(archive, a_run(at=at), interval_s=1800)
    assert "the one" not in {run.run_id for run in archive.runs}
    assert [run.run_id for run in archive.failures] == ["the one"]
    assert len(archive.hours) == 30 * 24
    assert len(archive.model_dump_json()) < 200_000
