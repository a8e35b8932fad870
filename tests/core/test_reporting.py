"""Errors go to Sentry once each, from what is logged; queues' messages are spans of their analysis's trace."""

import asyncio
import io
import json
import logging
import sys
import warnings

import pytest
import sentry_sdk
import structlog
from aiohttp import web
from structlog.contextvars import bound_contextvars

from consumer.traced import attributes_of, processed
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from core.reporting import error_reports
from core.settings import load_settings
from core.spans import published, queue_span
from tests.emulator import ROOT, Emulator, environment, fresh_settings
from tests.fakes import FakeQueue, a_record
from tests.loopback import serving
from tests.promises.processes import variables
from tests.security.canaries import SETTINGS, Heard, listening

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = a_record().traceparent


def log() -> structlog.stdlib.BoundLogger:
    found: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("test")
    return found


def events(heard: Heard) -> list[dict[str, object]]:
    return heard.sentry.items("event")


def test_an_error_is_one_event_and_a_warning_is_none() -> None:
    with listening() as heard:
        log().info("a.info")
        log().warning("a.warning", error_code="STAGE_TIMEOUT")
        log().error("analysis.failed", error_code="RETRIES_EXHAUSTED", stage="extract", detail="gave up")
    (event,) = events(heard)
    assert event["fingerprint"] == ["RETRIES_EXHAUSTED", "extract"]
    assert event["release"] == "performate@9.9"
    assert event["logentry"]["message"] == "analysis.failed: RETRIES_EXHAUSTED"  # type: ignore[index]
    tags = event["tags"]
    assert isinstance(tags, dict)
    assert tags | {"service": "web"} == tags
    assert (tags["error_code"], tags["stage"]) == ("RETRIES_EXHAUSTED", "extract")
    assert event["extra"]["detail"] == "gave up"  # type: ignore[index]


def test_it_belongs_to_the_traces_of_its_line() -> None:
    with listening() as heard, bound_contextvars(trace_id=TRACE, analysis_id="a", stage="store", synthetic=True):
        log().error("analysis.failed", error_code="INTERNAL")
        logging.getLogger("some.library").error("lost %s", "connection")
    ours, theirs = events(heard)
    for event in (ours, theirs):
        assert event["contexts"]["trace"]["trace_id"] == TRACE  # type: ignore[index]
        assert event["tags"]["synthetic"] == "True"  # type: ignore[index]
    assert theirs["fingerprint"] == ["library.log", "store"]
    assert theirs["extra"]["message"] == "lost connection"  # type: ignore[index]


def test_a_stack_goes_along_without_its_variables() -> None:
    with listening() as heard:
        try:
            hidden = "in a variable only"
            raise ValueError(f"{len(hidden)}")
        except ValueError:
            log().exception("consumer.bug", doing="working")
    (event,) = events(heard)
    (error,) = event["exception"]["values"]  # type: ignore[index]
    assert error["type"] == "ValueError"
    assert error["stacktrace"]["frames"][-1]["function"] == "test_a_stack_goes_along_without_its_variables"
    assert "vars" not in json.dumps(error)
    assert event["fingerprint"] == ["consumer.bug/ValueError", "-"]


def test_what_leaves_the_process_is_said_last() -> None:
    with pytest.raises(RuntimeError), listening() as heard:
        raise RuntimeError("nobody caught it")
    (event,) = events(heard)
    assert event["tags"]["event"] == "process.crashed"  # type: ignore[index]
    assert "process.crashed" in heard.log.getvalue()


def test_without_a_dsn_nothing_is_open() -> None:
    with warnings.catch_warnings(), error_reports(load_settings({"BUCKET": "b"}), service="web"):
        assert not sentry_sdk.get_client().is_active()
        queue = FakeQueue("ingest")
        assert published(queue) is queue
        handler = object()
        assert processed(handler, "q") is handler  # type: ignore[arg-type]


def test_afterwards_nothing_is_open() -> None:
    with listening():
        assert sentry_sdk.get_client().is_active()
    assert not sentry_sdk.get_client().is_active()


def test_a_report_that_fails_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with listening() as heard:
        logging.getLogger("some.library").error(Unspeakable())
        log().error("still.here")
    assert [event["tags"]["event"] for event in events(heard)] == ["still.here"]  # type: ignore[index]
    assert "no text" in capsys.readouterr().err


async def test_sending_is_a_span_of_the_messages_trace() -> None:
    with listening() as heard:
        queue = published(FakeQueue("ingest"))
        message_id = await queue.send("{}", {"traceparent": TRACEPARENT})
        await queue.send("{}", {"traceparent": "nonsense"})
    span, foreign = [one["contexts"]["trace"] for one in heard.sentry.items("transaction")]
    assert (span["op"], span["trace_id"], span["status"]) == ("queue.publish", TRACE, "ok")
    wanted = {
        "messaging.system": "aws_sqs",
        "messaging.destination.name": "ingest",
        "messaging.message.id": message_id,
        "messaging.message.body.size": 2,
    }
    assert span["data"] | wanted == span["data"]
    assert foreign["trace_id"] != TRACE


def test_what_fails_inside_is_said_of_the_span() -> None:
    span = queue_span("queue.process", queue="analysis", traceparent=TRACEPARENT)
    with listening() as heard, pytest.raises(Failure), span:
        raise Failure(ErrorCode.STAGE_TIMEOUT)
    (told,) = heard.sentry.items("transaction")
    assert told["contexts"]["trace"]["status"] == "internal_error"
    # a span tells of it; the error itself is told by the log, once
    assert events(heard) == []


def test_what_sentry_calls_the_facts_of_a_message() -> None:
    delivery = Delivery(message_id="m", receipt="r", body="äb", receive_count=3, sent_at=100.0)
    assert attributes_of(delivery, now=100.25) == {
        "messaging.message.id": "m",
        "messaging.message.body.size": 3,
        "messaging.message.retry.count": 2,
        "messaging.message.receive.latency": 250,
    }


@pytest.mark.timeout(120)
async def test_a_real_process_sends_its_last_word(emulator: Emulator) -> None:
    """A worker whose queue is not there: one line, one event, sent before it ends."""
    bodies: list[bytes] = []

    async def receive(request: web.BaseRequest) -> web.Response:
        bodies.append(await request.read())
        return web.json_response({})

    async with serving(receive) as url:
        settings = variables(fresh_settings(emulator.url))
        dsn = f"{url.replace('http://', 'http://hunter2key@')}/7"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "consumer", "analysis"),
            cwd=ROOT,
            env=environment() | settings | {"SENTRY_DSN": dsn, "VERSION": "1.2.3"},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
    assert process.returncode == 1
    assert [json.loads(line)["event"] for line in out.splitlines()][-1] == "consumer.start.failed"
    (body,) = bodies
    event = json.loads(body.splitlines()[2])
    assert (event["release"], event["tags"]["service"]) == ("performate@1.2.3", "worker")
    assert event["fingerprint"] == ["QUEUE_UNAVAILABLE", "-"]
    assert b"hunter2key" not in out
    assert "hunter2key" not in json.dumps(event)


def test_no_share_of_traces_is_no_span() -> None:
    quiet = SETTINGS.model_copy(update={"sentry_traces": 0.0})
    with listening(settings=quiet) as heard, queue_span("queue.process", queue="q", traceparent=TRACEPARENT):
        pass
    assert heard.sentry.items("transaction") == []
    assert isinstance(heard.log, io.StringIO)
