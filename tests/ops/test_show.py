"""`performate show`: where an analysis stands, told from its record, clip, messages and queues."""

import asyncio
import gzip
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.aws.clients import Clients
from core.aws.objects import S3Objects
from core.aws.queue import dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.error_codes import ErrorCode
from core.messages import Job
from core.ports import ObjectInfo
from core.record import Record, Status, rfc3339
from core.settings import Settings
from ops.story.diagnosis import Diagnosis, diagnose
from ops.story.evidence import Evidence
from ops.story.showing import full, page
from ops.story.timeline import in_order, of_evidence, of_log
from tests.emulator import fresh_settings
from tests.fakes import AN_ID, MOMENT, a_record
from tests.ops.commands import performate
from tests.service.sample import measured

SETTINGS = fresh_settings("http://127.0.0.1:1")
CLIP = ObjectInfo(etag="e", size=5_000_000, content_type="video/mp4")
LATER = timedelta(minutes=10)


def evidence(after: timedelta = LATER, *, clip: ObjectInfo | None = CLIP, **fields: Any) -> Evidence:
    """Of a record that was last written at MOMENT, `after` that."""
    outside = {name: fields.pop(name) for name in ("result", "letters", "breaker_until") if name in fields}
    waiting = {"ingest": fields.pop("ingest", 0), "analysis": fields.pop("analysis", 0)}
    return Evidence(now=MOMENT + after, record=a_record(**fields), clip=clip, waiting=waiting, **outside)


def held(**fields: Any) -> dict[str, Any]:
    until = (MOMENT + LATER).timestamp() + 30
    return {
        "status": Status.PROCESSING,
        "stage": "analyze",
        "progress": 40,
        "attempt": 1,
        "lease_owner": "worker-1",
        "lease_until": until,
        **fields,
    }


CASES: list[tuple[str, Evidence, str, str, str]] = [
    ("the address is still good", evidence(clip=None), "waiting", "upload", "another 20m"),
    ("nobody uploaded", evidence(timedelta(hours=1), clip=None), "stuck", "upload", "no clip came"),
    ("just uploaded", evidence(timedelta(seconds=5), ingest=1), "waiting", "ingest", "1 wait for ingest"),
    ("nobody was told of it", evidence(), "stuck", "ingest", "nobody has queued it for 10m"),
    ("ingest has a backlog", evidence(status=Status.QUEUED, ingest=80), "waiting", "ingest", "about 80 messages"),
    ("its message is lost", evidence(status=Status.QUEUED), "stuck", "ingest", "sends it again in 10m"),
    (
        "and no worker sends it again",
        evidence(timedelta(hours=2), status=Status.QUEUED),
        "stuck",
        "ingest",
        "no worker has sent it again",
    ),
    (
        "a backlog of analyses",
        evidence(status=Status.QUEUED, object_etag="e", analysis=7),
        "waiting",
        "analysis",
        "about 7 messages",
    ),
    ("its clip is gone", evidence(status=Status.QUEUED, clip=None), "stuck", "ingest", "not in the bucket any more"),
    (
        "the breaker is open",
        evidence(status=Status.QUEUED, object_etag="e", breaker_until=MOMENT + LATER + timedelta(seconds=9)),
        "waiting",
        "analysis",
        "breaker of the vision model is open until 12:10:09",
    ),
    (
        "the breaker was open",
        evidence(timedelta(seconds=9), status=Status.QUEUED, object_etag="e", breaker_until=MOMENT),
        "waiting",
        "analysis",
        "about 0 messages",
    ),
    ("at work", evidence(timedelta(seconds=9), **held()), "fine", "analyze", "try 1, stage analyze at 40 %"),
    (
        "the worker died",
        evidence(LATER + timedelta(minutes=1), **held()),
        "stuck",
        "analyze",
        "no sign of life for 30s",
    ),
    ("no progress", evidence(**held()), "stuck", "analyze", "without progress for 10m"),
    ("expired", evidence(clip=None, status=Status.EXPIRED), "ended", "upload", "its clip never came"),
    ("completed", evidence(status=Status.COMPLETED, result=measured(AN_ID)), "ended", "done", "measured by pose"),
    ("its result is gone", evidence(status=Status.COMPLETED), "stuck", "store", "no result of it can be read"),
]


@pytest.mark.parametrize(("seen", "verdict", "at", "why"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_where_it_stands(seen: Evidence, verdict: str, at: str, why: str) -> None:
    found = diagnose(seen, SETTINGS)
    assert (found.verdict, found.at) == (verdict, at)
    assert why in found.why
    assert found.advice or found.verdict != "stuck"


def _failed(code: ErrorCode, **fields: Any) -> Diagnosis:
    return diagnose(evidence(status=Status.FAILED, error_code=code, error_detail="why", **fields), SETTINGS)


def test_a_failure_of_ours_can_be_tried_again() -> None:
    found = _failed(ErrorCode.RETRIES_EXHAUSTED, stage="extract")
    assert (found.at, found.why) == ("extract", "RETRIES_EXHAUSTED: why")
    assert found.advice.endswith(f"performate retry {AN_ID}")


def test_a_failure_of_the_clip_cannot() -> None:
    assert "clip's owner" in _failed(ErrorCode.UNSUPPORTED_CODEC).advice
    assert "cannot be tried again" in _failed(ErrorCode.RETRIES_EXHAUSTED, clip=None).advice


def test_every_state_has_a_word() -> None:
    for status in Status:
        assert diagnose(evidence(status=status), SETTINGS).why


def _line(after_s: float, **fields: Any) -> str:
    at = (MOMENT + timedelta(seconds=after_s)).isoformat().replace("+00:00", "Z")
    return json.dumps({"timestamp": at, "level": "info", "analysis_id": AN_ID, "service": "worker", **fields})


def test_times_of_record_and_log_are_one_line_of_time() -> None:
    seen = evidence(
        status=Status.FAILED,
        attempt=3,
        queued_at=rfc3339(MOMENT + timedelta(seconds=2)),
        finished_at=rfc3339(MOMENT + timedelta(seconds=9)),
        error_code=ErrorCode.RETRIES_EXHAUSTED,
    )
    log = [
        _line(5.0000001, event="message.retried", level="warning", error_code="STAGE_TIMEOUT", stage=None),
        _line(3, event="analysis.queued", epoch=0).replace(AN_ID, "another"),
        "no JSON, but " + AN_ID,
        f'["{AN_ID}"]',
    ]
    moments = in_order([*of_evidence(seen), *of_log(log, AN_ID)])
    assert [(one.source, one.what) for one in moments] == [
        ("record", "an upload address was asked for"),
        ("record", "queued"),
        ("worker", "warning message.retried error_code=STAGE_TIMEOUT"),
        ("record", "failed: RETRIES_EXHAUSTED, after 3 tries"),
    ]


def test_a_log_line_cannot_move_the_terminal() -> None:
    [moment] = of_log([_line(1, event="x", detail="\x1b[2Jgone\r\n")], AN_ID)
    assert moment.what == "x detail=?[2Jgone??"


def test_the_file_name_is_shown_nowhere() -> None:
    seen = evidence(**held())
    found, moments = diagnose(seen, SETTINGS), in_order(of_evidence(seen))
    assert "climb.mp4" not in json.dumps(full(seen, found, moments)) + page(seen, found, moments)
    assert "worker-1, token 0, for another 30s" in page(seen, found, moments)


async def _store(clients: Clients, aws: Settings, records: Sequence[Record]) -> None:
    for record in records:
        await DynamoRecords(clients.dynamodb, aws.table).create(record)
        await S3Objects(clients.s3, aws.bucket).put(record.clip_key, b"clip", content_type="video/mp4")


@pytest.mark.timeout(120)
async def test_at_the_command_line(aws: Settings, clients: Clients, tmp_path: Path) -> None:
    failed = a_record(
        status=Status.FAILED, error_code=ErrorCode.RETRIES_EXHAUSTED, attempt=3, finished_at=rfc3339(MOMENT)
    )
    await _store(clients, aws, [failed])
    dead = await open_queue(clients, dead_letter_name(aws.analysis_queue))
    await dead.send(Job(kind="analysis", analysis_id=AN_ID).body(), {"reason": "RETRIES_EXHAUSTED: test"})
    log = tmp_path / "worker.log.gz"
    log.write_bytes(gzip.compress(_line(1, event="analysis.failed").encode()))
    shown, paged, missing = await asyncio.gather(
        performate(aws, "show", AN_ID, "--json", "--log", str(log)),
        performate(aws, "show", AN_ID, "--no-letters"),
        performate(aws, "show", AN_ID.replace("0", "1"), "--no-letters"),
    )
    assert (shown.code, paged.code, missing.code) == (0, 0, 1), shown.err
    told = shown.json
    assert told["diagnosis"]["verdict"] == "ended"
    assert [one["code"] for one in told["dead_letters"]] == ["RETRIES_EXHAUSTED"]
    assert {"record", "dlq", "worker"} == {one["source"] for one in told["timeline"]}
    assert "climb.mp4" not in shown.out + paged.out
    assert paged.out.splitlines()[1].startswith("state         failed, try 3, epoch 0")
    assert missing.err.startswith("ANALYSIS_NOT_FOUND")
    # looked at, not eaten
    assert await dead.depth() == 1
    assert datetime.fromisoformat(told["timeline"][0]["at"]) == MOMENT
