"""Clips that kill or hang the decoder, through the real queue, worker and walls, with good ones between them."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.figures import Figures
from consumer.sandbox.pool import Pool
from consumer.scratch import open_scratch
from core.aws.clients import Clients, open_clients
from core.aws.objects import S3Objects
from core.aws.queue import dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.error_codes import ErrorCode
from core.messages import Job
from core.record import Record, Status
from core.settings import Settings
from ops.provision import provision
from tests.analysis_engine import analysis_engine
from tests.clips import barcodes, write_clip
from tests.emulator import Emulator, fresh_settings
from tests.engine.rig import running
from tests.fakes.example import a_record
from tests.sandbox.conftest import nothing_left, taken_over
from tests.security.site import soon

pytestmark = [pytest.mark.usefixtures(nothing_left.__name__), pytest.mark.timeout(300)]

EXPLOITED = (
    "text = request.path.read_bytes()\nif not text.startswith(b'import'): return decode(request, outbox)\nexec(text)"
)
DECODES = "from consumer.sandbox import serve\ndecode = serve._handle"
DEATHS = {
    b"import ctypes; ctypes.string_at(0)": ErrorCode.DECODER_CRASHED,
    b"import os; os.kill(os.getpid(), 9)": ErrorCode.DECODER_CRASHED,
    b"import time\nwhile True: pass": ErrorCode.DECODER_TIMEOUT,
}


@asynccontextmanager
async def worker(settings: Settings, clients: Clients, pool: Pool) -> AsyncIterator[None]:
    with open_scratch(settings.scratch_dir, budget=settings.scratch_bytes) as scratch:
        async with running(await analysis_engine(settings, clients, scratch, pool, figures=Figures())):
            yield
        assert scratch.reserved == 0


async def accepted(settings: Settings, clients: Clients, clip: bytes) -> str:
    """As ingest leaves an upload behind; what it would refuse is let through. Returns the id."""
    objects = S3Objects(clients.s3, settings.bucket)
    record = a_record(str(uuid.uuid4()))
    await objects.put(record.clip_key, clip, content_type="video/mp4")
    info = await objects.head(record.clip_key)
    assert info is not None
    noted = {"status": Status.QUEUED, "object_etag": info.etag, "object_bytes": info.size, "sent_at": record.created_at}
    await DynamoRecords(clients.dynamodb, settings.table).create(record.model_copy(update=noted))
    job = Job(kind="analysis", analysis_id=record.analysis_id, traceparent=record.traceparent)
    queue = await open_queue(clients, settings.analysis_queue)
    await queue.send(job.body(), job.attributes())
    return record.analysis_id


async def ended(settings: Settings, clients: Clients, ids: Mapping[str, ErrorCode | None]) -> dict[str, Record]:
    records = DynamoRecords(clients.dynamodb, settings.table)

    async def look() -> dict[str, Record] | None:
        found = [await records.get(one) for one in ids]
        done = {one.analysis_id: one for one in found if one is not None and one.status.is_final}
        return done if len(done) == len(ids) else None

    return await soon(look, limit_s=200)


async def test_each_is_tried_once_more_and_its_neighbours_complete(emulator: Emulator, tmp_path: Path) -> None:
    settings = fresh_settings(
        emulator.url, SCRATCH_DIR=str(tmp_path / "scratch"), EXTRACT_LIMIT_S="12", WORKER_CONCURRENCY="3"
    )
    await provision(settings)
    good = write_clip(tmp_path / "good.mp4", barcodes(30)).read_bytes()
    async with open_clients(settings) as clients:
        expected: dict[str, ErrorCode | None] = {}
        for exploit, code in DEATHS.items():
            expected[await accepted(settings, clients, exploit)] = code
            expected[await accepted(settings, clients, good)] = None
        with capture_logs() as logs:
            async with (
                Pool(reads=[settings.weights_dir], command=taken_over(EXPLOITED, before=DECODES)) as pool,
                worker(settings, clients, pool),
            ):
                found = await ended(settings, clients, expected)
        left = await open_queue(clients, settings.analysis_queue)
        dead = await open_queue(clients, dead_letter_name(settings.analysis_queue))
        assert (await left.depth(), await dead.depth()) == (0, 0)
    assert {one: record.error_code for one, record in found.items()} == expected
    assert {one: record.attempt for one, record in found.items()} == {
        one: 1 if code is None else 2 for one, code in expected.items()
    }
    events = [line["event"] for line in logs]
    assert events.count("video.download.started") == events.count("scratch.cleaned") == 3 * len(DEATHS)
    assert list((tmp_path / "scratch").rglob("clip.*")) == []
