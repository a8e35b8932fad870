"""The conservation law finds what is planted, names it, and keeps quiet where all is well."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.error_codes import ErrorCode
from core.record import Status
from tests.chaos.conservation import balance, breaches, main
from tests.chaos.evidence import Evidence, Fact, Line, loaded
from tests.chaos.fleet import Life

GOOD, SPENT = "id-completed", "id-failed"
KILLED, CLEAN = -9, 0


def fact(analysis_id: str, status: Status, code: ErrorCode | None = None) -> Fact:
    return Fact(analysis_id=analysis_id, status=status, attempt=1, error_code=code)


def line(event: str, analysis_id: str = GOOD, number: int = 1, at: float = 0.0) -> Line:
    return Line(process="worker", number=number, at=at, event=event, analysis_id=analysis_id)


def life(number: int, code: int, asked_s: float | None = None) -> Life:
    return Life(process="worker", number=number, pid=1000 + number, code=code, asked_s=asked_s)


SOUND = Evidence(
    accepted=[GOOD, SPENT],
    records=[
        fact(GOOD, Status.COMPLETED),
        fact(SPENT, Status.FAILED, ErrorCode.RETRIES_EXHAUSTED),
        # began an upload, and thought better of it
        fact("id-left", Status.PENDING_UPLOAD),
    ],
    uploads=frozenset(),
    clips=frozenset({GOOD, SPENT}),
    results=frozenset({GOOD}),
    waiting={"ingest": 0, "analysis": 0},
    dead=[("analysis", SPENT, "RETRIES_EXHAUSTED: try 3 of 3")],
    lines=[
        line("video.download.started", number=0),
        line("video.download.started"),
        line("scratch.cleaned"),
        line("analysis.completed"),
        line("analysis.failed", SPENT),
    ],
    lives=[life(0, KILLED), life(1, CLEAN, asked_s=3.0)],
    files=[],
    children=[],
)


def test_a_sound_run_has_no_breach() -> None:
    assert breaches(SOUND) == []
    books = balance(SOUND)
    assert (books.accepted, books.completed, books.dead, books.failed, books.lost) == (2, 1, 1, 0, 0)
    assert books.holds


PLANTED: Mapping[str, tuple[dict[str, Any], str]] = {
    "a record is gone": ({"records": [fact(SPENT, Status.FAILED, ErrorCode.RETRIES_EXHAUSTED)]}, GOOD),
    "one never ends": (
        {"records": [fact(GOOD, Status.PROCESSING), SOUND.records[1]], "lines": [*SOUND.lines[:3], SOUND.lines[4]]},
        f"still processing after the quiet time: {GOOD}",
    ),
    "a clip without a client": ({"clips": frozenset({GOOD, SPENT, "id-x"})}, "id-x"),
    "a clip is gone": ({"clips": frozenset({GOOD})}, f"an accepted clip is not in the bucket: {SPENT}"),
    "an upload is left": ({"uploads": frozenset({GOOD})}, f"an upload lies beside its kept clip: {GOOD}"),
    "a message is left": ({"waiting": {"ingest": 0, "analysis": 2}}, "2 messages are left on analysis"),
    "a dead letter of a success": ({"dead": [("analysis", GOOD, None)]}, GOOD),
    "a dead letter of nobody": ({"dead": [("ingest", None, None)]}, "no record"),
    "completed twice": ({"lines": [*SOUND.lines, line("analysis.completed")]}, "said more than once"),
    "completed and failed": ({"lines": [*SOUND.lines, line("analysis.failed")]}, "completed and failed"),
    "said without a record's word": (
        {"lines": [*SOUND.lines, line("analysis.completed", "id-left")]},
        "the record says another thing: id-left",
    ),
    "no result": ({"results": frozenset()}, "without a result in the bucket: " + GOOD),
    "a good clip is blamed": (
        {"records": [SOUND.records[0], fact(SPENT, Status.FAILED, ErrorCode.NO_VALID_FRAMES)]},
        f"failed with NO_VALID_FRAMES: {SPENT}",
    ),
    "a folder is left by a living process": (
        {"lines": [*SOUND.lines, line("video.download.started")]},
        "worker number 1 began 2 downloads, cleaned 1",
    ),
    "a file is left": ({"files": ["/scratch/job-1/clip.mp4"]}, "/scratch/job-1/clip.mp4"),
    "a child is left": ({"children": ["python -m consumer.sandbox.child"]}, "consumer.sandbox.child"),
    "a bug was logged": ({"lines": [*SOUND.lines, line("consumer.bug")]}, "consumer.bug"),
    "a crash of its own": ({"lives": [*SOUND.lives, life(2, -11)]}, "worker number 2 ended with -11"),
    "SIGTERM that nobody sent": ({"lives": [*SOUND.lives, life(2, -15)]}, "worker number 2 ended with -15"),
    "a drain that is too long": (
        {"lines": [*SOUND.lines, line("consumer.stopping"), line("consumer.stopped", at=30.0)]},
        "worker number 1 took 30.0 s",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_every_breach_is_found_and_named(name: str) -> None:
    changes, said = PLANTED[name]
    found = [str(breach) for breach in breaches(replace(SOUND, **changes))]
    assert any(said in breach for breach in found), found


def test_it_is_usable_alone_on_what_a_run_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "evidence.json"
    kept.write_text(SOUND.dumped())
    assert loaded(kept.read_text()) == SOUND
    assert main([str(kept)]) == 0
    kept.write_text(replace(SOUND, waiting={"analysis": 1}).dumped())
    assert main([str(kept)]) == 1
    assert "BREACH queued = 0: 1 messages are left on analysis" in capsys.readouterr().out


def test_many_ids_are_named_in_part() -> None:
    lost = [f"id-{number}" for number in range(30)]
    (breach,) = breaches(replace(SOUND, accepted=[*SOUND.accepted, *lost], uploads=frozenset(lost)))
    assert "30 accepted without a record" in str(breach)
    assert str(breach).endswith("and 20 more")
