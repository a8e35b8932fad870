"""The service over the fakes, and the moves that users, S3 and workers make in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import BaseRunner

from core.error_codes import ErrorCode
from core.errors import Problem, catalogue
from core.failure import Failure
from core.messages import decode
from core.record import Record
from core.result import StoredResult
from core.settings import Settings, load_settings
from core.transitions import claimed, completed, examined, failed, progressed
from service.app import make_app
from service.outside import Outside, Pace
from tests.fakes import FakeCounters, FakeObjects, FakeQueue, FakeRecords, Faults
from tests.fakes.leavings import FakeLeavings
from tests.fakes.verdicts import FakeVerdicts
from tests.service.sample import measured

ORIGIN = "https://page.example"
TOKEN = "s3cret-operator"
UNKNOWN = "9b2f6f6e-0000-4000-8000-000000000000"
CLIP = b"\0\0\0\x18ftypmp42" + b"x" * 4000
WISH = {"filename": "project.mp4", "content_type": "video/mp4", "file_size": len(CLIP), "sport_type": "bouldering"}
QUICK = Pace(watch_s=0.01, check_s=60, check_limit_s=1, body_s=5, idle_s=5, presence_s=0.02)


@dataclass(kw_only=True)
class Hands:
    """A clock that a test sets."""

    at: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **span: float) -> None:
        self.at += timedelta(**span)


def settings(**changes: str) -> Settings:
    return load_settings({"BUCKET": "clips", "ADMIN_TOKEN": TOKEN, "CORS_ORIGINS": ORIGIN, "VERSION": "9.9"} | changes)


class ServerAsRun(TestServer):
    """aiohttp's own test server cancels the handler of a client that left; the server that we run does not. Only how
    long it goes on reading what a refused client still sends is shorter (10 s)."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return await super()._make_runner(**{**options, "handler_cancellation": False, "lingering_time": 0.5})


@dataclass(kw_only=True)
class World:
    faults: Faults = field(default_factory=Faults)
    clock: Hands = field(default_factory=Hands)
    settings: Settings = field(default_factory=settings)
    pace: Pace = QUICK

    def __post_init__(self) -> None:
        self.objects = FakeObjects(self.faults)
        self.records = FakeRecords(self.faults)
        self.verdicts = FakeVerdicts(self.faults)
        self.counters = FakeCounters(self.faults)
        self.ingest = FakeQueue("ingest", faults=self.faults)
        self.analysis = FakeQueue("analysis", faults=self.faults)
        self.outside = Outside(
            objects=self.objects,
            ingest=self.ingest,
            analysis=self.analysis,
            records=self.records,
            verdicts=self.verdicts,
            leavings=FakeLeavings(self.objects, self.records, self.faults),
            counters=self.counters,
            now=self.clock,
        )

    def serve(self, **objects: Any) -> TestClient[Any, Any]:
        """Not yet started: use it with `async with`. `objects` may replace the bucket."""
        outside = replace(self.outside, **objects)
        return TestClient(ServerAsRun(make_app(self.settings, outside, pace=self.pace)))

    def record(self, analysis_id: str) -> Record:
        return self.records.stored[analysis_id]

    @property
    def jobs(self) -> list[tuple[str, str, int]]:
        """(kind, analysis id, epoch) of every message ever sent to ingest."""
        found = [decode(sent.body, dict(sent.attributes)).job for sent in self.ingest.sent]
        return [(job.kind, job.analysis_id, job.epoch) for job in found if job]

    async def began(self, http: TestClient[Any, Any], wish: Mapping[str, object] = WISH, **options: Any) -> str:
        async with http.post("/upload/init", json=wish, **options) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["analysis_id"])

    async def queued(self, http: TestClient[Any, Any], wish: Mapping[str, object] = WISH, **options: Any) -> str:
        analysis_id = await self.began(http, wish, **options)
        await self.arrives(analysis_id)
        async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
            assert answer.status == 202, await answer.text()
        return analysis_id

    async def arrives(self, analysis_id: str) -> None:
        """The browser's upload."""
        record = self.record(analysis_id)
        await self.objects.put(record.key, CLIP, content_type=record.content_type)

    async def works(self, analysis_id: str, *, stage: str = "extract", progress: int = 40) -> None:
        """Ingest has looked, a worker is at it."""
        now = self.clock()
        await self.records.apply(
            analysis_id, examined(now, etag="e", size=len(CLIP), epoch=self.record(analysis_id).epoch)
        )
        record = self.record(analysis_id)
        until = now.timestamp() + 60
        await self.records.apply(analysis_id, claimed(now, owner="w", message="m", until=until, epoch=record.epoch))
        token = self.record(analysis_id).lease_token
        await self.records.apply(analysis_id, progressed(now, token=token, stage=stage, progress=progress))

    async def completes(self, analysis_id: str, stored: StoredResult | None = None) -> None:
        await self.works(analysis_id)
        stored = stored or measured(analysis_id)
        body = stored.model_dump_json().encode()
        await self.objects.put(self.record(analysis_id).result_key, body, content_type="application/json")
        token = self.record(analysis_id).lease_token
        await self.records.apply(analysis_id, completed(self.clock(), token=token))

    async def fails(self, analysis_id: str, code: ErrorCode, detail: str = "") -> None:
        await self.records.apply(analysis_id, failed(self.clock(), Failure(code, detail)))


async def refused(answer: ClientResponse, code: ErrorCode) -> Problem:
    """The problem body of this code, checked for everything that every problem body has."""
    raw = await answer.json(content_type="application/problem+json")
    assert raw["code"] == code, raw
    assert answer.status == catalogue()[code].http_status == raw["status"]
    problem = Problem.model_validate(raw)
    assert problem.request_id == answer.headers["X-Request-Id"]
    assert raw["type"] == f"/errors#{code}"
    assert raw["error_code"] == code
    assert raw["message"] == raw["detail"]
    assert answer.headers["Content-Language"] in ("en", "de")
    return problem
