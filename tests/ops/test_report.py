"""`performate report`: the figures are those of the lines, however many there are and whatever lies among them."""

import asyncio
import gzip
import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report import lines_of, measure, write
from ops.report import html, text
from ops.report.figures import figures, work
from ops.report.history import BUCKETS, History
from ops.report.lines import LONGEST_LINE
from ops.report.sketch import ACCURACY, MOST, Sketch
from ops.report.tally import MOST_NAMES, OTHERS, Tally
from tests.ops.commands import performate


def line(event: str, **fields: Any) -> bytes:
    return json.dumps({"timestamp": "2026-11-24T12:00:00.000000Z", "event": event, **fields}).encode() + b"\n"


def told(*lines: bytes) -> dict[str, Any]:
    tally = Tally()
    tally.read(lines)
    return figures(tally)


DAY = [
    *[line("video.download.started", bytes=1)] * 4,
    *[line("video.download.completed", bytes=size) for size in (1_000_000, 2_000_000, 6_000_000)],
    *[line("frames.extracted", count=5)] * 2,
    *[line("scratch.cleaned")] * 3,
    line("analysis.completed", stage_ms={"download": 100, "analyze": 5000}),
    line("analysis.completed", stage_ms={"download": 300, "analyze": 7000, "novel": 1}),
    line("analysis.failed", error_code="UNSUPPORTED_CODEC"),
    line("analysis.failed", error_code="STAGE_TIMEOUT"),
    line("analysis.failed", error_code="STAGE_TIMEOUT"),
    line("message.retried", error_code="STORAGE_UNAVAILABLE"),
    line("message.dead_lettered", reason="RETRIES_EXHAUSTED"),
    line("job.completed", kind="analysis", outcome="done", ms=5200),
    line("job.completed", kind="ingest", outcome="done", ms=9),
    line("http.request.completed", status=200, ms=5),
    line("http.request.completed", status=503, ms=7),
    line("vision.completed", input_tokens=1000, output_tokens=50, cost_usd=0.0125, bought=True),
    line("vision.completed", input_tokens=500, output_tokens=50, cost_usd=0.0025),
    line("vision.completed", input_tokens=500, output_tokens=50, cost_usd=0.0025, bought=False),
]


def test_the_guides_questions_are_answered() -> None:
    users = told(*DAY)["users"]
    assert users["analyses"] == {
        "completed": 2,
        "failed": 3,
        "failed_by_us": 2,
        "success_rate": 0.4,
        "slo_success_rate": 0.5,
    }
    assert users["failures"] == [
        {"code": "STAGE_TIMEOUT", "count": 2, "counts_against_slo": True},
        {"code": "UNSUPPORTED_CODEC", "count": 1, "counts_against_slo": False},
    ]
    assert users["extraction"] == {"downloaded": 3, "extracted": 2, "success_rate": 0.66667}
    assert users["downloads"] == {"started": 4, "cleaned": 3, "all_cleaned": False, "average_mb": 3.0}
    assert list(users["stages_ms"]) == ["download", "analyze", "in worker", "novel"]
    assert users["stages_ms"]["analyze"]["count"] == 2
    assert users["http"]["error_rate"] == 0.5
    assert users["model"] == {
        "calls": 2,
        "input_tokens": 1500,
        "output_tokens": 100,
        "unpriced_calls": 0,
        "cost_usd": 0.015,
    }
    assert (users["dead_lettered"], users["retries"][0]["code"]) == (1, "STORAGE_UNAVAILABLE")


def test_a_call_without_a_price_is_not_free() -> None:
    unpriced = line("vision.completed", input_tokens=10, output_tokens=1, cost_usd=None, bought=True)
    assert told(unpriced)["users"]["model"]["cost_usd"] is None
    both = told(*DAY, unpriced)
    assert (both["users"]["model"]["cost_usd"], both["users"]["model"]["unpriced_calls"]) == (0.015, 1)
    assert "0.0150 USD, and 1 calls of unknown price" in text.page(both)


def test_probes_change_no_figure_of_users() -> None:
    with_probes = told(*DAY, *(raw.replace(b'{"', b'{"synthetic": true, "', 1) for raw in DAY))
    assert with_probes["users"] == told(*DAY)["users"]
    assert with_probes["probes"]["analyses"]["completed"] == 2


def test_of_nothing_there_is_no_rate() -> None:
    found = told()
    assert found["users"]["analyses"]["success_rate"] is None
    assert found["users"]["downloads"] == {"started": 0, "cleaned": 0, "all_cleaned": True, "average_mb": None}
    assert "100" not in text.page(found)
    assert "no analysis ended" in html.page(found)


@pytest.mark.parametrize(
    ("raw", "unreadable"),
    [
        (b"not JSON\n", 1),
        (b"[1, 2]\n", 0),
        (b'"analysis.failed"\n', 0),
        (b"{}\n", 0),
        (b"\n", 0),
        (b'{"event": "analysis.failed", "error_code": 5}\n', 1),
        (b'{"event": "library.log", "bytes": "many"}\n', 0),
        (b'{"event": "analysis.completed", "stage_ms": {"download": "fast"}}\n', 1),
        (b'{"event": "x", "nested": ' + b"[" * 5000 + b"]" * 5000 + b"}\n", 1),
        (b'{"event": "\xff\xfe"}\n', 1),
        (b'{"event": "analysis.fai', 1),
    ],
)
def test_what_is_none_of_our_lines(raw: bytes, unreadable: int) -> None:
    found = told(raw, *DAY)
    assert found["unreadable"] == unreadable
    assert found["users"] == told(*DAY)["users"]


def test_names_from_anywhere_take_no_more_room() -> None:
    tally = Tally()
    for number in range(3 * MOST_NAMES):
        tally.add(line("analysis.failed", error_code=f"CODE_{number}"))
        tally.add(line("analysis.completed", stage_ms={f"stage{number}": 1.0}))
    assert len(tally.users.failures) == len(tally.users.stages) == MOST_NAMES + 1
    assert tally.users.failures[OTHERS] == 2 * MOST_NAMES
    assert work(tally.users)["analyses"]["failed"] == 3 * MOST_NAMES


@given(st.lists(st.floats(min_value=1e-3, max_value=MOST), min_size=1), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_a_percentile_is_right_within_its_accuracy(values: list[float], share: float) -> None:
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    true = sorted(values)[int(share * (len(values) - 1))]
    found = sketch.percentile(share)
    assert found is not None
    assert abs(found - true) <= ACCURACY * true * 1.0001


def test_values_out_of_reach_are_held() -> None:
    sketch = Sketch()
    for value in (0.0, -5.0, 1e300):
        sketch.add(value)
    low, high = sketch.percentile(0), sketch.percentile(1)
    assert low == pytest.approx(1e-3, rel=ACCURACY)
    assert high == pytest.approx(MOST, rel=ACCURACY)


def test_history_covers_any_time_in_so_many_parts() -> None:
    history, chance = History(), random.Random(5)
    for _ in range(5000):
        day = chance.randrange(1, 29)
        history.add(f"2026-{chance.randrange(1, 13):02d}-{day:02d}T{chance.randrange(24):02d}:00:00Z", "completed")
    history.add("yesterday", "completed")
    parts = history.parts()
    assert len(parts) <= BUCKETS
    assert sum(counts["completed"] for _, counts in parts) == 5000
    begins = [at for at, _ in parts]
    assert {later - earlier for earlier, later in itertools.pairwise(begins)} == {history.width_s}


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    shown = html.page(told(*DAY, line("analysis.failed", error_code="<script>alert(1)</script>")))
    assert "<script" not in shown
    assert "src=" not in shown
    assert "href=" not in shown
    assert "url(" not in shown
    assert shown.count("<svg") == 3
    assert "66.67%" in shown


def test_a_table_cannot_move_the_terminal() -> None:
    shown = text.page(told(line("analysis.failed", error_code="\x1b[2J")))
    assert "\x1b" not in shown


@pytest.mark.timeout(120)
def test_memory_does_not_grow_and_time_is_that_of_reading(tmp_path: Path) -> None:
    """A hundredth of the issue's million lines, and a tenth: bench/report.py does the whole."""
    write(tmp_path / "few.log", 10_000)
    write(tmp_path / "many.log", 100_000)
    few, many = measure(tmp_path / "few.log"), measure(tmp_path / "many.log")
    assert many["figures"]["lines"] >= 100_000
    assert many["mib"] - few["mib"] < 4
    assert many["s"] < 20


def _analyses(count: int) -> Sequence[str]:
    return [json.dumps(one) for number in range(count) for one in lines_of(number)]


@pytest.mark.timeout(120)
async def test_at_the_command_line(tmp_path: Path) -> None:
    plain, packed, cut, page = (tmp_path / name for name in ("a.log", "b", "c.gz", "page.html"))
    raw = "\n".join(_analyses(100)).encode()
    plain.write_bytes(raw)
    packed.write_bytes(gzip.compress(raw))
    cut.write_bytes(gzip.compress(raw)[:-20])
    both, piped, zipped, written, missing, broken, long = await asyncio.gather(
        performate(None, "report", "--json", str(plain), str(packed)),
        performate(None, "report", typed=raw),
        performate(None, "report", "--json", "-", typed=gzip.compress(raw)),
        performate(None, "report", "--format", "html", "--out", str(page), str(plain)),
        performate(None, "report", str(tmp_path / "none.log")),
        performate(None, "report", str(cut)),
        performate(None, "report", "--json", typed=b"x" * (3 * LONGEST_LINE)),
    )
    assert (both.code, piped.code, zipped.code, written.code) == (0, 0, 0, 0), both.err + piped.err
    assert both.json["users"]["analyses"]["completed"] == 2 * zipped.json["users"]["analyses"]["completed"] > 0
    assert "downloads = cleanups    95 = 95" in piped.out
    assert "<svg" in page.read_text()
    assert (missing.code, missing.err) == (1, f"{tmp_path}/none.log: No such file or directory\n")
    assert broken.code == 1
    assert long.json["unreadable"] == 3
