"""The consumer processes with a fault in them: `python -m tests.prober.faulty_consumer ingest | analysis`.

Which analysis has which fault is in its file's name, probe-STAGE-KIND-SECONDS.mp4: everything else runs as it always
does. SECONDS are for the kind `slow`.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from consumer.__main__ import work
from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.figures import Figures
from consumer.ingest import Ingest
from consumer.roles import engine_of, examiner_of
from consumer.sandbox.pool import Pool
from consumer.scratch import open_scratch
from consumer.stages import STAGES
from consumer.stages.stage import Bench, Case, Stage, given
from core.aws.clients import Clients, open_clients
from core.aws.objects import S3Objects
from core.aws.queue import SqsQueue, dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.error_codes import ErrorCode
from core.failure import Failure
from core.log import configure_logging
from core.record import Record
from core.result import TrackPoint
from core.settings import Settings, load_settings
from prober.clip import make_clip
from tests.analysis_engine import analysis_engine

ERRORS = {
    "download": ErrorCode.DOWNLOAD_FAILED,
    "extract": ErrorCode.DECODER_CRASHED,
    "analyze": ErrorCode.DECODER_TIMEOUT,
    "store": ErrorCode.STORAGE_UNAVAILABLE,
}
_NAME = re.compile(r"probe-([a-z]+)-([a-z]+)-(\d+)\.mp4")


def fault_in(record: Record, stage: str) -> tuple[str | None, int]:
    """The kind of fault that this analysis has in this stage, and its seconds."""
    match = _NAME.fullmatch(record.filename)
    return (match[2], int(match[3])) if match and match[1] == stage else (None, 0)


@dataclass(frozen=True, kw_only=True)
class FaultyIngest(Ingest):
    async def ingest(self, record: Record) -> None:
        kind, seconds = fault_in(record, "queue")
        if kind == "error":
            await self.refuse(record, Failure(ErrorCode.INTERNAL, "as it was told to"))
            return
        if kind == "corrupt":
            await self.analyses.send('{"v": 1, "kind": "ana', {"synthetic": "1"})
            return
        await _waited(kind, seconds)
        await super().ingest(record)


def faulty(stage: Stage) -> Stage:
    async def run(bench: Bench, case: Case) -> Case:
        kind, seconds = fault_in(case.record, stage.name)
        if kind == "error":
            raise Failure(ERRORS[stage.name], "as it was told to")
        await _waited(kind, seconds)
        if kind == "corrupt" and stage.name == "store":
            case = _no_pictures(case)
        case = await stage.run(bench, case)
        return CORRUPTIONS[stage.name](case) if kind == "corrupt" and stage.name in CORRUPTIONS else case

    return replace(stage, run=run)


async def _waited(kind: str | None, seconds: int) -> None:
    if kind == "hang":
        await asyncio.Event().wait()
    if kind == "slow":
        await asyncio.sleep(seconds)


def _yesterdays_clip(case: Case) -> Case:
    other = make_clip("DEADBEEF")
    given(case.clip).write_bytes(other.data)
    return replace(case, sha256=other.sha256)


def _swapped(case: Case) -> Case:
    paths = [picture.path for picture in case.pictures]
    bodies = [path.read_bytes() for path in paths]
    for path, body in zip(paths, bodies[1:] + bodies[:1], strict=True):
        path.write_bytes(body)
    return case


def _upside_down(case: Case) -> Case:
    measured = given(case.measurement)
    track = tuple(TrackPoint(**{**point.model_dump(), "y": 1 - point.y}) for point in measured.track)
    return replace(case, measurement=measured.model_copy(update={"track": track}))


def _no_pictures(case: Case) -> Case:
    for picture in case.pictures:
        Path(picture.path).write_bytes(b"<html>no picture</html>")
    return case


CORRUPTIONS = {"download": _yesterdays_clip, "extract": _swapped, "analyze": _upside_down}


async def _queue(clients: Clients, name: str) -> SqsQueue:
    return await open_queue(clients, name, dead_letters=dead_letter_name(name))


@asynccontextmanager
async def ingest_role(settings: Settings, figures: Figures) -> AsyncIterator[Engine]:
    async with open_clients(settings) as clients, Pool() as pool:
        with open_scratch(settings.scratch_dir, budget=settings.scratch_bytes) as scratch:
            objects = S3Objects(clients.s3, settings.bucket)
            handler = FaultyIngest(
                objects=objects,
                records=DynamoRecords(clients.dynamodb, settings.table),
                analyses=await _queue(clients, settings.analysis_queue),
                clock=SystemClock(),
                examiner=examiner_of(settings, objects, scratch, pool),
                figures=figures,
            )
            queue = await _queue(clients, settings.ingest_queue)
            yield await engine_of(settings, queue, handler, concurrency=settings.ingest_concurrency)


@asynccontextmanager
async def analysis_role(settings: Settings, figures: Figures) -> AsyncIterator[Engine]:
    async with open_clients(settings) as clients, Pool(reads=[settings.weights_dir]) as pool:
        with open_scratch(settings.scratch_dir, budget=settings.scratch_bytes) as scratch:
            stages = [faulty(stage) for stage in STAGES]
            yield await analysis_engine(settings, clients, scratch, pool, figures=figures, stages=stages)


def main(kind: str) -> None:
    settings = load_settings()
    configure_logging(settings, service=kind)
    asyncio.run(work(settings, kind, {"ingest": ingest_role, "analysis": analysis_role}[kind]))


if __name__ == "__main__":
    main(sys.argv[1])
