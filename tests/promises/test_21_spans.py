"""One trace for each analysis, as OpenTelemetry is told it: the log's ids, over requests, queues, tries and stages."""

import asyncio
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Job
from core.otel import OtelTracing, WantedIds
from core.record import Status, upload_key
from core.settings import load_settings
from core.trace import continue_trace, new_trace
from core.tracing import open_tracing
from tests.consumer.rig import House
from tests.fakes import MOMENT
from tests.service.world import World

JOBS = 100
STAGES = ("download", "extract", "analyze", "store")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> OtelTracing:
    provider = TracerProvider(id_generator=WantedIds())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return OtelTracing(provider)


def by_trace(spans: Sequence[ReadableSpan]) -> Mapping[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = defaultdict(list)
    for span in spans:
        found[f"{span.context.trace_id:032x}"].append(span)
    return found


def ids(span: ReadableSpan) -> tuple[str, str | None]:
    """Its own, and its parent's."""
    return f"{span.context.span_id:016x}", None if span.parent is None else f"{span.parent.span_id:016x}"


async def uploads(house: House, count: int) -> dict[str, str]:
    """That many uploads, and the messages about them: analysis id -> traceparent."""
    made = {}
    for _ in range(count):
        analysis_id, trace = str(uuid.uuid4()), new_trace()
        key = upload_key(analysis_id, "mp4", MOMENT)
        await house.upload(analysis_id=analysis_id, key=key, status=Status.QUEUED, traceparent=trace.traceparent)
        job = Job(kind="ingest", analysis_id=analysis_id, traceparent=trace.traceparent)
        await house.ingest_queue.send(job.body(), job.attributes())
        made[analysis_id] = trace.traceparent
    return made


async def test_a_hundred_analyses_are_a_hundred_traces(
    house: House, tracing: OtelTracing, exporter: InMemorySpanExporter
) -> None:
    house.tracing = tracing
    made = await uploads(house, JOBS)
    async with house.ingesting():
        await asyncio.sleep(60)
    async with house.analysing():
        await asyncio.sleep(600)
    assert Counter(record.status for record in house.records.stored.values()) == {Status.COMPLETED: JOBS}
    found = by_trace(exporter.get_finished_spans())
    assert set(found) == {continue_trace(parent).trace_id for parent in made.values()}
    for parent in made.values():
        request = continue_trace(parent)
        spans = {span.name: span for span in found[request.trace_id]}
        assert set(spans) == {"process ingest", "send analysis", "process analysis", *STAGES}
        assert len(found[request.trace_id]) == len(spans)
        # the request's own span is above all of it
        above = parent.split("-")[2]
        assert {ids(spans[name])[1] for name in ("process ingest", "send analysis", "process analysis")} == {above}
        assert {ids(spans[stage])[1] for stage in STAGES} == {ids(spans["process analysis"])[0]}


async def test_both_ends_of_a_queue_are_named_as_the_conventions_want(
    house: House, tracing: OtelTracing, exporter: InMemorySpanExporter
) -> None:
    house.tracing = tracing
    await uploads(house, 1)
    async with house.ingesting():
        await asyncio.sleep(10)
    async with house.analysing():
        await asyncio.sleep(20)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    sent, worked = spans["send analysis"], spans["process analysis"]
    assert (sent.kind, worked.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    for span, operation in ((sent, "send"), (worked, "process")):
        known = dict(span.attributes or {})
        assert known["messaging.system"] == "aws_sqs"
        assert known["messaging.destination.name"] == "analysis"
        assert known["messaging.operation.name"] == known["messaging.operation.type"] == operation
        assert known["messaging.message.id"]
    assert spans["download"].kind is SpanKind.INTERNAL


async def test_each_try_is_a_span_of_the_same_trace_and_a_failed_one_says_its_code(
    house: House, tracing: OtelTracing, exporter: InMemorySpanExporter
) -> None:
    house.tracing = tracing
    house.decoder.failures["measure"] = Failure(ErrorCode.STORAGE_UNAVAILABLE, "https://s3/x?sig=hunter2")
    await uploads(house, 1)
    async with house.ingesting():
        await asyncio.sleep(10)
    async with house.analysing():
        await asyncio.sleep(3)
        house.decoder.failures.clear()
        await asyncio.sleep(60)
    (spans,) = by_trace(exporter.get_finished_spans()).values()
    tries = [span for span in spans if span.name == "process analysis"]
    assert [span.status.status_code for span in tries] == [StatusCode.ERROR, StatusCode.UNSET]
    assert dict(tries[0].attributes or {})["error.type"] == "STORAGE_UNAVAILABLE"
    assert [dict(span.attributes or {})["performate.receive_count"] for span in tries] == [1, 2]
    # no exception's words: they may hold an address
    assert "hunter2" not in "".join(span.to_json() for span in spans)


@pytest.mark.real
async def test_a_request_s_span_is_called_as_its_log_lines_and_its_message_are(
    tracing: OtelTracing, exporter: InMemorySpanExporter
) -> None:
    world = World()
    caller = new_trace()
    async with world.serve(tracing=tracing) as http:
        analysis_id = await world.queued(http, headers={"traceparent": caller.traceparent})
        async with http.get("/analysis/x/status") as answer:
            assert answer.status == 404
        async with http.get("/livez"):
            pass
    spans = {span.name: span for span in exporter.get_finished_spans()}
    began, told = spans["POST /upload/init"], spans["POST /upload/complete"]
    assert began.kind is SpanKind.SERVER
    assert (f"{began.context.trace_id:032x}", ids(began)[1]) == (caller.trace_id, caller.span_id)
    own = continue_trace(world.record(analysis_id).traceparent)
    assert own.trace_id == caller.trace_id
    assert world.record(analysis_id).traceparent.split("-")[2] == ids(began)[0]
    assert dict(told.attributes or {})["http.response.status_code"] == 202
    assert dict(spans["GET /analysis/{id}/status"].attributes or {})["http.response.status_code"] == 404
    assert not [name for name in spans if "livez" in name]


async def test_without_a_collector_nothing_is_wrapped() -> None:
    async with open_tracing(load_settings({"BUCKET": "b"}), service="web") as tracing:
        assert tracing is None


async def test_a_collector_that_is_away_costs_the_spans_and_nothing_else() -> None:
    settings = load_settings({"BUCKET": "b", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    async with open_tracing(settings, service="web") as tracing:
        assert tracing is not None
        with tracing.span("a", kind="internal", attributes={}):
            pass
