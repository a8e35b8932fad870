"""Both roles over the fakes, with a decoder that decodes nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consumer.analysis import Analysis
from consumer.engine.breaker import Breaker
from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.engine.job import Handler
from consumer.engine.limits import Limits
from consumer.engine.policy import policy_of_catalogue
from consumer.engine.setup import Setup
from consumer.figures import Figures
from consumer.ingest import Ingest
from consumer.ingesting.examine import Examiner
from consumer.ingesting.poster import Posters
from consumer.media.facts import JPEG, Jpeg, Moment, Probe, Shot
from consumer.media.policy import MediaPolicy
from consumer.recall import Recall
from consumer.sandbox.protocol import Progress
from consumer.scratch import Scratch, open_scratch
from consumer.stages import STAGES
from consumer.stages.decoder import OnProgress
from consumer.stages.stage import Stage, Tools
from consumer.tracing import traced, traced_stages
from consumer.vision.describe import PASSING, Model, Vision
from consumer.vision.spending import Budget, Tally
from consumer.vision.stored import Answers
from core.messages import Job
from core.record import Record, Status, rfc3339
from core.result import Frame, FrameReason, Measurement, Quality, Sport, Video
from core.settings import Settings
from core.shelf import Shelf
from core.telemetry import Tracing, traced_queue
from tests.consumer.headers import an_mp4
from tests.engine.rig import Controls, half, running
from tests.fakes import FakeBreakers, FakeCounters, FakeObjects, FakeQueue, FakeRecords, Faults
from tests.fakes.example import AN_ID, MOMENT, a_record
from tests.fakes.leavings import FakeLeavings
from tests.fakes.objects import StoredObject

CLIP = an_mp4(bytes(range(256)) * 1024)
PROBE = Probe(container="mp4", codec="h264", width=640, height=360, rotation=0, duration_s=10, fps=30, bytes=len(CLIP))


@dataclass(kw_only=True)
class FakeDecoder:
    """`failures`: what the named call raises; `seconds`: how long each call takes; `calls` are their names."""

    failures: dict[str, Exception] = field(default_factory=dict)
    seconds: float = 0
    calls: list[str] = field(default_factory=list)
    open: int = 0

    @asynccontextmanager
    async def enter(self) -> AsyncIterator["FakeDecoder"]:
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    async def probe(self, path: Path, *, limit_s: float, on_progress: OnProgress | None = None) -> Probe:
        await self._work("probe")
        assert path.is_file()
        return PROBE

    async def extract(
        self,
        path: Path,
        probe: Probe,
        moments: Sequence[Moment],
        *,
        out: Path,
        limit_s: float,
        jpeg: Jpeg = JPEG,
        on_progress: OnProgress | None = None,
    ) -> tuple[Frame, ...]:
        await self._work("extract")
        return self._frames(out, [(moment.t, moment.why) for moment in moments])

    async def measure(
        self,
        path: Path,
        probe: Probe,
        sport: Sport,
        *,
        out: Path,
        weights: Path,
        limit_s: float,
        on_progress: OnProgress | None = None,
    ) -> Measurement:
        if on_progress is not None:
            on_progress(Progress(stage="measure", share=0.5))
        await self._work("measure")
        return measurement(self._frames(out, [(0.5, "start"), (9.0, "end")]))

    async def close_ups(
        self, path: Path, probe: Probe, shots: Sequence[Shot], *, out: Path, limit_s: float, jpeg: Jpeg
    ) -> tuple[Frame, ...]:
        await self._work("close_ups")
        return self._frames(out, [(shot.t, "even") for shot in shots])

    async def _work(self, call: str) -> None:
        self.calls.append(call)
        await asyncio.sleep(self.seconds)
        if call in self.failures:
            raise self.failures[call]

    def _frames(self, out: Path, wanted: Sequence[tuple[float, FrameReason]]) -> tuple[Frame, ...]:
        frames = tuple(
            Frame(id=f"f{at:02d}", t=t, frame_index=int(t * 30), why=why, width=640, height=360)
            for at, (t, why) in enumerate(wanted)
        )
        for frame in frames:
            (out / f"{frame.id}.jpg").write_bytes(b"jpeg at " + str(frame.t).encode())
        return frames


def measurement(frames: tuple[Frame, ...]) -> Measurement:
    return Measurement(
        analyzer="kinematics-v1",
        quality=Quality(
            method="insufficient", confidence=0, pose_rate=0, camera="static", fps=30, climber_height_px=None
        ),
        video=Video(
            duration_s=10, fps=30, width=640, height=360, codec="h264", container="mp4", bytes=1, sha256="unknown"
        ),
        frames=frames,
        phases=(),
        metrics={},
        track=(),
        events=(),
        segments=(),
    )


@dataclass(kw_only=True)
class House:
    """The outside, and what works on it. With a `model` its workers ask it; with a `shelf` they recall results."""

    scratch_dir: Path
    faults: Faults = field(default_factory=Faults)
    decoder: FakeDecoder = field(default_factory=FakeDecoder)
    stages: Sequence[Stage] = STAGES
    settings_changes: dict[str, Any] = field(default_factory=dict)
    model: Model | None = None
    shelf: Shelf | None = None
    tracing: Tracing | None = None

    def __post_init__(self) -> None:
        self.objects = FakeObjects(self.faults)
        self.records = FakeRecords(self.faults)
        self.ingest_queue = FakeQueue("ingest", faults=self.faults)
        self.analysis_queue = FakeQueue("analysis", faults=self.faults)
        self.counters = FakeCounters(self.faults)
        self.tally = Tally()
        self.breakers = FakeBreakers(self.faults)
        self.clock = SystemClock()
        self.figures = Figures()
        self.breaker = Breaker(self.clock, name="test", codes=PASSING, chance=half)
        self.settings = Settings(bucket="b", scratch_dir=self.scratch_dir, _env_file=None, **self.settings_changes)

    @property
    def record(self) -> Record:
        return self.records.stored[AN_ID]

    async def upload(self, body: bytes = CLIP, **fields: Any) -> Record:
        """A record, and its clip in the bucket."""
        record = a_record(**fields)
        await self.records.create(record)
        self.objects.stored[record.key] = StoredObject(body=body, content_type="video/mp4")
        return record

    async def ready(self, **fields: Any) -> Record:
        """As ingest leaves an upload behind, without the message."""
        kept = StoredObject(body=CLIP, content_type="video/mp4", parts=1)
        record = await self.upload(
            **{
                "status": Status.QUEUED,
                "queued_at": rfc3339(MOMENT),
                "upload_etag": StoredObject(body=CLIP, content_type="").etag,
                "object_etag": kept.etag,
                "object_bytes": len(CLIP),
                "sent_at": rfc3339(MOMENT),
                **fields,
            }
        )
        del self.objects.stored[record.key]
        self.objects.stored[record.clip_key] = kept
        return record

    async def ask(self, epoch: int = 0, analysis_id: str = AN_ID) -> None:
        """One analysis message."""
        job = Job(kind="analysis", analysis_id=analysis_id, epoch=epoch, traceparent=a_record().traceparent)
        await self.analysis_queue.send(job.body(), job.attributes())

    def ingest(self, scratch: Scratch) -> Ingest:
        posters = Posters(objects=self.objects, clock=self.clock, scratch=scratch, open_decoder=self.decoder.enter)
        policy = MediaPolicy.from_settings(self.settings)
        return Ingest(
            objects=self.objects,
            records=self.records,
            analyses=traced_queue(self.analysis_queue, self.tracing),
            clock=self.clock,
            examiner=Examiner(objects=self.objects, clock=self.clock, policy=policy, posters=posters),
            figures=self.figures,
        )

    @asynccontextmanager
    async def ingesting(self) -> AsyncIterator[Controls]:
        with open_scratch(self.scratch_dir, budget=self.settings.scratch_bytes) as scratch:
            engine = self._engine(self.ingest_queue, self.ingest(scratch), concurrency=8)
            async with running(engine) as controls:
                yield controls
            assert scratch.reserved == 0
        assert self.decoder.open == 0

    @asynccontextmanager
    async def analysing(self, owner: str = "worker") -> AsyncIterator[Controls]:
        with open_scratch(self.scratch_dir, budget=self.settings.scratch_bytes) as scratch:
            tools = Tools(
                objects=self.objects,
                clock=self.clock,
                scratch=scratch,
                open_decoder=self.decoder.enter,
                settings=self.settings,
                vision=self._vision(),
                recall=self._recall(),
                leavings=FakeLeavings(self.objects, self.records, self.faults),
            )
            role = Analysis(
                records=self.records,
                tools=tools,
                stages=traced_stages(self.stages, self.tracing),
                owner=owner,
                chance=half,
                figures=self.figures,
            )
            async with running(self._engine(self.analysis_queue, role, concurrency=1)) as controls:
                yield controls
            assert scratch.reserved == 0
        assert self.decoder.open == 0
        assert not [path for path in self.scratch_dir.rglob("*") if path.is_file() and path.suffix != ".lock"]

    def _vision(self) -> Vision | None:
        if self.model is None:
            return None
        return Vision(
            client=self.model,
            answers=Answers(self.objects),
            breaker=self.breaker,
            budget=Budget(self.counters, usd=self.settings.vision_budget_usd, clock=self.clock, tally=self.tally),
            tally=self.tally,
            settings=self.settings,
        )

    def _recall(self) -> Recall | None:
        if self.shelf is None:
            return None
        return Recall(self.shelf, objects=self.objects, counters=self.counters, settings=self.settings)

    def _engine(self, queue: FakeQueue, handler: Handler, *, concurrency: int) -> Engine:
        limits = Limits(
            concurrency=concurrency,
            visibility_s=60,
            wait_s=20,
            max_receives=self.settings.max_attempts + 3,
            drain_s=25,
            job_limit_s=60,
        )
        setup = Setup(queue=queue, clock=self.clock, chance=half, limits=limits)
        policy = policy_of_catalogue(max_tries=self.settings.max_attempts)
        seen = traced(handler, self.tracing, queue=queue.name)
        return Engine(setup, handler=seen, policy=policy, breaker=self.breaker, breakers=self.breakers)
