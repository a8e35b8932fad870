"""What the dead-letter tools decide and print: plain values in, plain values out."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.error_codes import ErrorCode
from core.messages import Job, Kind
from core.ports import Delivery
from core.record import Record, Status
from ops.dead_letters.letter import Letter, Wish, described, read_letter
from ops.dead_letters.redriving import Reopen, Send, Skip, Step, next_step
from ops.dead_letters.showing import HEAD, age, full, page, row, seconds_in, table
from tests.fakes import AN_ID, MOMENT, a_record

ANOTHER = "1f8fad5b-d9cb-469f-a165-70867728950e"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NOW = MOMENT + timedelta(hours=3)


def a_letter(
    body: str | None = None, *, queue: Kind = "analysis", reason: str | None = "RETRIES_EXHAUSTED: try 3 of 3"
) -> Letter:
    job = Job(kind=queue, analysis_id=AN_ID, epoch=1, traceparent=TRACE, synthetic=True)
    attributes = job.attributes() | ({} if reason is None else {"reason": reason})
    delivery = Delivery(
        message_id="m-1",
        receipt="r-1",
        body=job.body() if body is None else body,
        receive_count=2,
        attributes=attributes,
        sent_at=MOMENT.timestamp(),
    )
    return read_letter(queue, delivery)


def an_event(*ids: str) -> str:
    return json.dumps({"Records": [{"s3": {"object": {"key": f"videos/2026/11/24/{one}.mp4"}}} for one in ids]})


def step_for(letter: Letter, *records: Record) -> Step:
    return next_step(letter, {record.analysis_id: record for record in records})


def test_a_failed_analysis_is_reopened_first() -> None:
    assert step_for(a_letter(), a_record(status=Status.FAILED, epoch=1)) == Reopen(analysis_id=AN_ID)


def test_a_new_epoch_begins_with_the_ingest_and_keeps_trace_and_attributes() -> None:
    step = step_for(a_letter(), a_record(status=Status.QUEUED, epoch=2))
    assert isinstance(step, Send)
    assert (step.queue, json.loads(step.body)) == (
        "ingest",
        {"v": 1, "kind": "ingest", "analysis_id": AN_ID, "epoch": 2},
    )
    assert step.attributes == {"traceparent": TRACE, "synthetic": "1"}


@pytest.mark.parametrize("queue", ["ingest", "analysis"])
def test_a_record_that_still_waits_gets_its_message_back(queue: Kind) -> None:
    letter = a_letter(queue=queue, reason=None)
    step = step_for(letter, a_record(status=Status.QUEUED, epoch=1, object_etag="e"))
    assert step == Send(queue=queue, body=letter.delivery.body, attributes={"traceparent": TRACE, "synthetic": "1"})


@pytest.mark.parametrize(
    ("letter", "records", "why"),
    [
        (a_letter(), [a_record(status=Status.COMPLETED, epoch=1)], "completed"),
        (a_letter(), [a_record(status=Status.PROCESSING, epoch=1)], "in work"),
        (a_letter(), [a_record(status=Status.EXPIRED)], "expired"),
        (a_letter(), [a_record(status=Status.QUEUED, epoch=2, object_etag="e")], "under way"),
        (a_letter(), [], "no record"),
        (a_letter("garbage"), [], "would come back: the body is not JSON"),
        (a_letter(an_event("x"), queue="ingest"), [], "no record"),
        (a_letter(an_event(AN_ID), queue="ingest"), [a_record(status=Status.COMPLETED)], "further on"),
    ],
)
def test_what_must_not_be_sent_stays_and_says_why(letter: Letter, records: list[Record], why: str) -> None:
    step = step_for(letter, *records)
    assert isinstance(step, Skip)
    assert why in step.why


def test_an_event_is_sent_as_it_is_once_none_of_its_uploads_has_failed() -> None:
    letter = a_letter(an_event(AN_ID, ANOTHER), queue="ingest")
    other = a_record(ANOTHER, status=Status.COMPLETED)
    assert step_for(letter, a_record(status=Status.FAILED), other) == Reopen(analysis_id=AN_ID)
    sent = step_for(letter, a_record(status=Status.QUEUED, epoch=1), other)
    assert isinstance(sent, Send)
    assert (sent.queue, sent.body) == ("ingest", letter.delivery.body)


@given(
    status=st.sampled_from(Status),
    record_epoch=st.integers(0, 3),
    job_epoch=st.integers(0, 3),
    etag=st.sampled_from([None, "e"]),
    queue=st.sampled_from(["ingest", "analysis"]),
)
def test_a_message_is_sent_only_for_a_record_that_waits(
    status: Status, record_epoch: int, job_epoch: int, etag: str | None, queue: Kind
) -> None:
    body = Job(kind=queue, analysis_id=AN_ID, epoch=job_epoch).body()
    step = step_for(a_letter(body, queue=queue), a_record(status=status, epoch=record_epoch, object_etag=etag))
    if isinstance(step, Send):
        assert status in (Status.QUEUED, Status.PENDING_UPLOAD)
        assert json.loads(step.body)["epoch"] == record_epoch
        assert "reason" not in step.attributes
    assert isinstance(step, Reopen) == (status is Status.FAILED)


@pytest.mark.parametrize(
    ("wish", "fits"),
    [
        (Wish(), True),
        (Wish(codes=frozenset({"retries_exhausted"})), True),
        (Wish(codes=frozenset({"POISON_MESSAGE"})), False),
        (Wish(ids=frozenset({"m-1"})), True),
        (Wish(ids=frozenset({AN_ID, "x"})), True),
        (Wish(ids=frozenset({"x"})), False),
        (Wish(older_s=3 * 3600), True),
        (Wish(older_s=3 * 3600 + 1), False),
        (Wish(newer_s=3 * 3600), False),
        (Wish(newer_s=3 * 3600 + 1, codes=frozenset({"RETRIES_EXHAUSTED"})), True),
    ],
)
def test_wishes(wish: Wish, fits: bool) -> None:
    assert wish.fits(a_letter(), NOW) is fits


def test_what_sqs_itself_moved_has_the_code_none() -> None:
    assert a_letter(reason=None).code == "none"
    assert Wish(codes=frozenset({"none"})).fits(a_letter(reason=None), NOW)


def test_a_letter_for_programs_and_for_people() -> None:
    letter = a_letter()
    told = described(letter, NOW)
    assert told["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (told["code"], told["age_s"], told["receives"], told["epoch"], told["synthetic"]) == (
        "RETRIES_EXHAUSTED",
        10800,
        2,
        1,
        True,
    )
    record = a_record(status=Status.FAILED, error_code=ErrorCode.RETRIES_EXHAUSTED, filename="Ann at home.mp4")
    records = {AN_ID: record}
    json.dumps(full(letter, records, NOW))
    for text in (page(letter, records, NOW), json.dumps(full(letter, records, NOW)), table([row(letter, NOW)], HEAD)):
        assert "Ann" not in text
        assert "RETRIES_EXHAUSTED" in text


def test_what_a_stranger_wrote_moves_no_cursor() -> None:
    letter = a_letter("\x1b[2Jsecret?X-Amz-Signature=abc", reason="UNDECODABLE: \x1b[31mred\nline\u202e")
    shown = page(letter, {}, NOW) + table([row(letter, NOW)], HEAD)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "secret" not in shown
    assert "secret" not in json.dumps(described(letter, NOW))


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259200), ("0.5h", 1800)])
def test_ages_are_read(text: str, seconds: float) -> None:
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "m", "-1h", "nand", "infd", "1w", "s"])
def test_ages_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        seconds_in(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.6, "1m"), (902, "15m 2s"), (273600, "3d 4h"), (86401, "1d 1s")]
)
def test_ages_are_said(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_columns_are_as_wide_as_they_must_be() -> None:
    assert table([["a", "bcd"], ["ef", "g"]], ["X", "Y"]) == "X   Y\na   bcd\nef  g"
