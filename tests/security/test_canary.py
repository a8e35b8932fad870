"""No secret gets out: twelve kinds of them at more than twenty points of failure, looked for in the log, in Sentry's
envelopes and spans, in metrics and in problem bodies. With the scrubber off they are found, so the looking works."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from consumer.engine.engine import Engine
from consumer.engine.job import Handler
from consumer.traced import TracedHandler
from core.error_codes import ErrorCode
from core.failure import Failure
from core.scrubbing import Scrubber
from core.spans import PublishedQueue
from tests.consumer.rig import House
from tests.engine.virtual_time import VirtualLoop
from tests.fakes.queue import FakeQueue
from tests.security.canaries import NEEDLES, SETTINGS, TEXT, Heard, Open, listening
from tests.service.world import CLIP, UNKNOWN, WISH, World

LONG_S = 60
"""Of virtual time: each job has met its trouble at least once by then."""
HEADERS = {
    "Authorization": "Bearer canary03-operators-token-and-more",
    "Cookie": "session=canary09session",
    "X-Request-Id": "canary07signature?",
    "User-Agent": TEXT.encode("ascii", "replace").decode(),
    "traceparent": TEXT.encode("ascii", "replace").decode(),
}
QUERY = {"X-Amz-Signature": "canary07signature", "token": "canary03-operators-token"}
HIS_FILE = {**WISH, "filename": "canary12 Anna Müller am Fels.mp4"}
Http = TestClient[Any, Any]
Ask = Callable[[World, Http], Awaitable[aiohttp.ClientResponse]]


class Trouble(Exception):
    """What a library might raise: everything it knows in its text."""


def trouble() -> Exception:
    """With a cause that says the same."""
    raised = Trouble(TEXT)
    raised.__cause__ = ValueError(TEXT)
    return raised


async def ask(http: Http, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
    headers = {**HEADERS, **options.pop("headers", {})}
    return await http.request(method, path, headers=headers, params=QUERY, **options)


async def init(_: World, http: Http) -> aiohttp.ClientResponse:
    return await ask(http, "POST", "/upload/init", json=HIS_FILE)


async def invalid(_: World, http: Http) -> aiohttp.ClientResponse:
    return await ask(http, "POST", "/upload/init", json=dict.fromkeys(WISH, TEXT) | {TEXT: TEXT})


async def no_json(_: World, http: Http) -> aiohttp.ClientResponse:
    return await ask(http, "POST", "/upload/init", data=TEXT.encode(), headers={"Content-Type": "application/json"})


async def nowhere(_: World, http: Http) -> aiohttp.ClientResponse:
    return await ask(http, "GET", "/canary12 Anna Müller/canary07signature")


async def status(_: World, http: Http) -> aiohttp.ClientResponse:
    return await ask(http, "GET", f"/analysis/{UNKNOWN}/status")


async def complete(world: World, http: Http) -> aiohttp.ClientResponse:
    (analysis_id,) = world.records.stored
    return await ask(http, "POST", "/upload/complete", json={"analysis_id": analysis_id})


async def result(world: World, http: Http) -> aiohttp.ClientResponse:
    (analysis_id,) = world.records.stored
    return await ask(http, "GET", f"/analysis/{analysis_id}")


async def video(world: World, http: Http) -> aiohttp.ClientResponse:
    (analysis_id,) = world.records.stored
    return await ask(http, "GET", f"/videos/{analysis_id}")


async def streamed(_: World, http: Http) -> aiohttp.ClientResponse:
    form = aiohttp.FormData()
    form.add_field("sport_type", "bouldering")
    form.add_field("file", CLIP, filename=HIS_FILE["filename"], content_type="video/mp4")
    return await ask(http, "POST", "/upload", data=form)


async def again(world: World, http: Http) -> aiohttp.ClientResponse:
    (analysis_id,) = world.records.stored
    token = {"Authorization": "Bearer canary03-operators-token"}
    return await ask(http, "POST", "/analysis/retry", json={"analysis_id": analysis_id}, headers=token)


async def removed(world: World, http: Http) -> aiohttp.ClientResponse:
    (analysis_id,) = world.records.stored
    token = {"Authorization": "Bearer canary03-operators-token"}
    return await ask(http, "DELETE", f"/analysis/{analysis_id}", headers=token)


NOTHING, BEGUN, ENDED, FAILED = "nothing", "begun", "ended", "failed"
REQUESTS: list[tuple[str, str, str | None, Ask]] = [
    ("a body of wrong fields", NOTHING, None, invalid),
    ("a body that is no JSON", NOTHING, None, no_json),
    ("a path that is not there", NOTHING, None, nowhere),
    ("creating the record", NOTHING, "records.create", init),
    ("signing the upload", NOTHING, "objects.presign_post", init),
    ("reading the state", NOTHING, "records.get", status),
    ("looking for the clip", BEGUN, "objects.head", complete),
    ("queueing it", BEGUN, "records.apply", complete),
    ("sending its message", BEGUN, "ingest.send", complete),
    ("storing a stream", NOTHING, "objects.put_stream", streamed),
    ("reading the result", ENDED, "objects.read", result),
    ("signing the pictures", ENDED, "objects.presign_get", result),
    ("signing the clip", ENDED, "objects.presign_get", video),
    ("reopening it", FAILED, "records.apply", again),
    ("removing it", ENDED, "leavings.remove_objects", removed),
]


async def prepared(world: World, http: Http, state: str) -> None:
    if state == NOTHING:
        return
    headers = {"baggage": "user_agent.synthetic.type=test"}
    analysis_id = await world.began(http, HIS_FILE, headers=headers)
    await world.arrives(analysis_id)
    if state == BEGUN:
        return
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        assert answer.status == 202
    if state == ENDED:
        await world.completes(analysis_id)
    else:
        await world.fails(analysis_id, ErrorCode.RETRIES_EXHAUSTED)


async def of_request(heard: Heard, state: str, call: str | None, asked: Ask) -> None:
    """One request that meets the trouble, and what the metrics say after it."""
    world = World(settings=SETTINGS)
    async with world.serve(ingest=PublishedQueue(world.ingest)) as http:
        await prepared(world, http, state)
        if call is not None:
            world.faults.broken(call, trouble())
        answer = await asked(world, http)
        assert answer.status >= 400, answer.status
        heard.bodies.append(await answer.text())
        async with http.get("/metrics") as metrics:
            heard.metrics.append(await metrics.text())


class Traced(House):
    def _engine(self, queue: FakeQueue, handler: Handler, *, concurrency: int) -> Engine:
        return super()._engine(queue, TracedHandler(handler, queue.name), concurrency=concurrency)


async def of_analysis(house: House) -> None:
    await house.ready(filename=HIS_FILE["filename"])
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(LONG_S)


async def of_ingest(house: House) -> None:
    record = await house.upload(filename=HIS_FILE["filename"])
    body = {"v": 1, "kind": "ingest", "analysis_id": record.analysis_id, "epoch": 0}
    await house.ingest_queue.send(json.dumps(body), {"traceparent": TEXT, "canary": TEXT})
    async with house.ingesting():
        await asyncio.sleep(LONG_S)


async def of_nonsense(house: House) -> None:
    await house.analysis_queue.send(TEXT, {"traceparent": TEXT})
    async with house.analysing():
        await asyncio.sleep(LONG_S)


Run = Callable[[House], Awaitable[None]]
JOBS: list[tuple[str, str, Run]] = [
    ("claiming", "records.apply", of_analysis),
    ("downloading", "objects.stream", of_analysis),
    ("probing", "decoder.probe", of_analysis),
    ("extracting", "decoder.extract", of_analysis),
    ("measuring", "decoder.measure", of_analysis),
    ("storing pictures", "objects.put_file", of_analysis),
    ("storing the result", "objects.put", of_analysis),
    ("deleting the message", "analysis.delete", of_analysis),
    ("keeping a letter", "analysis.dead_letter", of_nonsense),
    ("looking at an upload", "objects.head", of_ingest),
    ("reading its header", "objects.read", of_ingest),
    ("asking for its analysis", "analysis.send", of_ingest),
]


def of_job(folder: Path, call: str, run: Run, error: Exception) -> None:
    house = Traced(scratch_dir=folder)
    part, _, name = call.partition(".")
    if part == "decoder":
        house.decoder.failures[name] = error
    else:
        house.faults.broken(call, error)

    async def inside() -> None:
        await run(house)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(inside())


def test_there_are_enough_of_them() -> None:
    assert len(NEEDLES) == 12
    assert len(REQUESTS) + len(JOBS) >= 20


@pytest.mark.parametrize(("state", "call", "asked"), [one[1:] for one in REQUESTS], ids=[one[0] for one in REQUESTS])
async def test_a_failing_request_tells_no_secret(state: str, call: str | None, asked: Ask) -> None:
    with listening() as heard:
        await of_request(heard, state, call, asked)
    assert heard.hits() == []
    assert heard.log.getvalue()
    assert all(json.loads(line) for line in heard.log.getvalue().splitlines())
    if call is not None:
        told = [event["tags"]["event"] for event in heard.sentry.items("event")]
        # once; the look at the dependencies may meet the same trouble
        assert [event for event in told if event != "dependency.check.died"] == ["http.request.crashed"]


@pytest.mark.parametrize(("call", "run"), [one[1:] for one in JOBS], ids=[one[0] for one in JOBS])
def test_a_failing_job_tells_no_secret(tmp_path: Path, call: str, run: Run) -> None:
    with listening() as heard:
        of_job(tmp_path, call, run, trouble())
    assert heard.hits() == []
    assert heard.sentry.items("event")
    if run is not of_nonsense:
        assert heard.sentry.items("transaction")


@pytest.mark.parametrize(("call", "run"), [one[1:] for one in JOBS], ids=[one[0] for one in JOBS])
def test_nor_does_one_that_fails_as_the_catalogue_knows(tmp_path: Path, call: str, run: Run) -> None:
    """A careless detail, which goes to the log and to the record."""
    with listening() as heard:
        of_job(tmp_path, call, run, Failure(ErrorCode.STORAGE_UNAVAILABLE, TEXT))
    assert heard.hits() == []


async def test_the_control_finds_them_all() -> None:
    with listening(scrubber=Open()) as heard:
        await of_request(heard, NOTHING, "records.create", init)
    found = heard.hits()
    for way in ("log", "envelopes"):
        assert {kind for where, kind in found if where == way} == set(NEEDLES), way
    # no scrubber stands before these: they are made of what holds no secret
    assert not [where for where, _ in found if where in ("metrics", "problem bodies")]


def test_the_control_finds_them_in_a_job_and_its_span(tmp_path: Path) -> None:
    with listening(scrubber=Open()) as heard:
        of_job(tmp_path, "decoder.extract", of_analysis, trouble())
    assert {kind for where, kind in heard.hits() if where == "envelopes"} == set(NEEDLES)


def test_a_scrubber_without_known_secrets_misses_those_that_look_like_nothing() -> None:
    """Why the settings' own secrets are told to it."""
    assert "canary02" in Scrubber().text(TEXT)
