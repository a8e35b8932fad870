"""One trace for each analysis, from the request to the result, over retries and dead letters; a bad one starts anew."""

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import decode
from core.record import Status
from core.trace import continue_trace
from tests.consumer.rig import House
from tests.fakes import AN_ID, a_record
from tests.service.world import World

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
BAD = [
    "garbage",
    PARENT.upper(),
    f"00-{'0' * 32}-b7ad6b7169203331-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"ff-{TRACE}-b7ad6b7169203331-01",
    "00-" + "a" * 5000,
    "\u00e9\u4e2d",
]
Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    with capture_logs(processors=(merge_contextvars,)) as found:
        yield found


def traces(lines: Lines) -> set[str]:
    """Of the lines that are about the analysis."""
    return {line["trace_id"] for line in lines if line.get("analysis_id") == AN_ID}


@pytest.mark.real
async def test_the_header_of_a_request_reaches_the_record_and_the_message() -> None:
    world = World()
    async with world.serve() as http:
        analysis_id = await world.queued(http, headers={"traceparent": PARENT})
    record, (sent,) = world.record(analysis_id), world.ingest.sent
    assert continue_trace(record.traceparent).trace_id == TRACE
    assert continue_trace(sent.attributes["traceparent"]).trace_id == TRACE
    # a span of its own, not the caller's again
    assert record.traceparent != PARENT


@pytest.mark.real
@pytest.mark.parametrize("header", BAD[:-1])
async def test_a_bad_header_of_a_request_starts_a_new_trace(header: str) -> None:
    world = World()
    async with world.serve() as http:
        analysis_id = await world.queued(http, headers={"traceparent": header})
    trace = continue_trace(world.record(analysis_id).traceparent).trace_id
    assert len(trace) == 32
    assert trace not in (TRACE, "0" * 32)
    assert continue_trace(world.ingest.sent[0].attributes["traceparent"]).trace_id == trace


async def test_from_the_upload_to_the_result_and_over_a_retry(house: House, lines: Lines) -> None:
    record = await house.upload(status=Status.QUEUED, traceparent=PARENT)
    await house.ingest_queue.send(
        '{"v": 1, "kind": "ingest", "analysis_id": "' + AN_ID + '"}', {"traceparent": record.traceparent}
    )
    async with house.ingesting():
        await asyncio.sleep(10)
    job = decode(house.analysis_queue.sent[0].body, dict(house.analysis_queue.sent[0].attributes)).job
    assert job is not None
    assert continue_trace(job.traceparent).trace_id == TRACE
    house.decoder.failures["measure"] = Failure(ErrorCode.STORAGE_UNAVAILABLE, "test")
    async with house.analysing():
        await asyncio.sleep(3)
        house.decoder.failures.clear()
        await asyncio.sleep(60)
    assert (house.record.status, house.record.attempt) == (Status.COMPLETED, 2)
    assert traces(lines) == {TRACE}
    for event in ("upload.accepted", "video.download.started", "message.retried", "analysis.completed"):
        assert next(line["trace_id"] for line in lines if line["event"] == event) == TRACE
    ended = [line["trace_id"] for line in lines if line["event"] == "job.completed"]
    assert ended == [TRACE] * 3


async def test_into_the_dead_letters(house: House, lines: Lines) -> None:
    house.decoder.failures["measure"] = Failure(ErrorCode.STORAGE_UNAVAILABLE, "test")
    await house.ready(traceparent=PARENT)
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(300)
    (letter,) = house.analysis_queue.dead
    assert continue_trace(letter.attributes["traceparent"]).trace_id == TRACE
    assert traces(lines) == {TRACE}
    # sent back by an operator, it is the same story
    await house.analysis_queue.send(letter.body, {"traceparent": letter.attributes["traceparent"]})
    async with house.analysing():
        await asyncio.sleep(10)
    assert traces(lines) == {TRACE}


async def test_over_an_event_of_the_bucket_which_knows_no_trace(house: House, lines: Lines) -> None:
    record = await house.upload(traceparent=PARENT)
    await house.ingest_queue.send('{"Records": [{"s3": {"object": {"key": "' + record.key + '"}}}]}', {})
    async with house.ingesting():
        await asyncio.sleep(10)
    assert house.record.sent_at is not None
    assert traces(lines) == {TRACE}


@pytest.mark.parametrize("header", [None, *BAD])
async def test_a_bad_header_of_a_message_costs_no_more_than_the_way_to_the_record(
    house: House, lines: Lines, header: str | None
) -> None:
    await house.ready(traceparent=PARENT)
    body = a_record().analysis_id
    await house.analysis_queue.send(
        '{"v": 1, "kind": "analysis", "analysis_id": "' + body + '"}', {} if header is None else {"traceparent": header}
    )
    async with house.analysing():
        await asyncio.sleep(10)
    assert house.record.status is Status.COMPLETED
    assert {line["trace_id"] for line in lines if line["event"] in ("analysis.completed", "job.completed")} == {TRACE}
    assert all(len(trace) == 32 for trace in traces(lines))
