"""The ingest role: looks at a new upload and, if it is a clip that we take, asks for its analysis.

It starts from S3's event or from the client's "complete", from both, in either order and any number of times: each
step finds out whether it has happened, and a crash between two of them is made up for by the next delivery.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import structlog
from structlog.contextvars import bound_contextvars

from consumer.ending import log_failed, shortened
from consumer.engine.clock import Clock
from consumer.engine.job import Pulse
from consumer.figures import Figures
from consumer.ingesting.examine import Examiner
from consumer.ingesting.turns import Turns
from consumer.message import expected, job_context
from core.error_codes import ErrorCode
from core.errors import catalogue
from core.failure import Failure
from core.messages import Envelope, Job, Undecodable, decode
from core.ports import Delivery, Objects, Queue, Records
from core.record import Record, Status
from core.trace import continue_trace
from core.transitions import Change, Conflict, examined, failed, sent, uploaded

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """consumer.engine.job.Handler of the ingest queue. `analyses` is where accepted uploads go on to."""

    objects: Objects
    records: Records
    analyses: Queue
    clock: Clock
    examiner: Examiner
    figures: Figures = field(default_factory=Figures)
    turns: Turns = field(default_factory=Turns, init=False)
    kind: str = field(default="ingest", init=False)

    def accept(self, delivery: Delivery, pulse: Pulse) -> "IngestJob":
        envelope = decode(delivery.body, dict(delivery.attributes))
        if envelope.job is not None:
            expected(envelope.job, "ingest")
        return IngestJob(role=self, envelope=envelope, tries=delivery.receive_count)

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None:
        try:
            envelope = decode(delivery.body, dict(delivery.attributes))
        except Undecodable:
            # no record to mark
            return
        await IngestJob(role=self, envelope=envelope, tries=delivery.receive_count).fail(failure)

    async def ingest(self, record: Record) -> None:
        """From wherever this upload stands to the analysis on its queue, or to its refusal.
        Raises Failure when the outside does not answer."""
        if record.status is Status.PENDING_UPLOAD:
            if await self.objects.head(record.key) is None:
                log.warning("upload.dropped", reason="nothing lies at its key")
                return
            record = await self._applied(record, uploaded(self.clock.now()))
        if record.status is not Status.QUEUED or (record.object_etag and record.sent_at):
            log.info("upload.already_ingested", status=record.status)
            await self._clear(record)
            return
        if record.object_etag is None:
            change = await self._examined(record)
            if isinstance(change, Failure):
                # what is wrong is the upload, which another process may have taken, and moved, meanwhile
                await self.refuse(record, change, unless="object_etag")
                return
            record = await self._applied(record, change)
        await self._send(record)
        await self._clear(record)

    async def refuse(self, record: Record, failure: Failure, *, unless: Literal["object_etag", "sent_at"]) -> None:
        """Marks an upload that no worker holds as failed, unless that field is set by now: it is further on then."""
        change = failed(self.clock.now(), shortened(failure), epoch=record.epoch, absent=frozenset({unless}))
        try:
            record = await self.records.apply(record.analysis_id, change)
        except Conflict as conflict:
            record = conflict.current
            log.info("upload.already_ingested", status=record.status)
        else:
            log_failed(failure, stage="ingest")
            self.figures.failed(failure.code, synthetic=record.synthetic)
        await self._clear(record)

    async def _examined(self, record: Record) -> Change | Failure:
        """What to note of an upload that is taken, or why it is not. Raises Failure when it could not be looked at."""
        try:
            seen = await self.examiner.examine(record)
        except Failure as failure:
            if catalogue()[failure.code].retryable == "same_request":
                raise
            return failure
        return examined(
            self.clock.now(),
            etag=seen.info.etag,
            size=seen.info.size,
            epoch=record.epoch,
            sha256=seen.info.sha256,
            poster=seen.poster,
            upload_etag=seen.upload_etag,
        )

    async def _send(self, record: Record) -> None:
        if record.status is not Status.QUEUED or record.object_etag is None or record.sent_at is not None:
            return
        job = Job(
            kind="analysis",
            analysis_id=record.analysis_id,
            epoch=record.epoch,
            traceparent=record.traceparent,
            synthetic=record.synthetic,
        )
        # sent first, noted second: a crash in between makes a duplicate, which the analysis lease absorbs
        await self.analyses.send(job.body(), job.attributes())
        await self._applied(record, sent(self.clock.now(), epoch=record.epoch))
        log.info("upload.accepted", bytes=record.object_bytes)

    async def _clear(self, record: Record) -> None:
        """Removes an upload whose clip is kept elsewhere by now, and what was sent after it. Where that does not work
        the bucket's lifecycle does it: the analysis itself is on its way."""
        try:
            await self._remove_upload(record)
        except Failure as failure:
            log.warning("upload.not_cleared", error_code=failure.code, detail=failure.detail)

    async def _remove_upload(self, record: Record) -> None:
        left = await self.objects.head(record.key)
        kept = None if left is None else await self.objects.head(record.clip_key)
        # refused or expired: the upload is all that there is. Noted by an older release: the upload is what is meant
        if left is None or kept is None or record.object_etag not in (None, kept.etag):
            return
        if record.upload_etag not in (None, left.etag):
            log.warning("upload.replaced", status=record.status)
        await self.objects.delete([record.key])

    async def _applied(self, record: Record, change: Change) -> Record:
        """The record after the change, or as somebody else has left it meanwhile."""
        try:
            return await self.records.apply(record.analysis_id, change)
        except Conflict as conflict:
            return conflict.current


@dataclass(frozen=True, kw_only=True)
class IngestJob:
    """consumer.engine.job.Job: one ingest job of ours, or the uploads of one S3 event."""

    role: Ingest
    envelope: Envelope
    tries: int

    @cached_property
    def context(self) -> Mapping[str, object]:
        # once: a bad header would start another trace each time
        return job_context(self.envelope.job) if self.envelope.job is not None else {}

    @property
    def facts(self) -> Mapping[str, object]:
        return {"uploads": len(self.envelope.uploads)}

    async def run(self) -> None:
        if self.envelope.job is not None:
            async with self.role.turns.of(self.envelope.job.analysis_id):
                record = await self.role.records.get(self.envelope.job.analysis_id)
                if record is None:
                    raise Failure(ErrorCode.ANALYSIS_NOT_FOUND, "an ingest job without a record")
                await self._ingest(record)
        for upload in self.envelope.uploads:
            async with self.role.turns.of(upload.analysis_id or ""):
                record = await self._record_at(upload.analysis_id, upload.key)
                if record is not None:
                    await self._ingest(record)

    async def fail(self, failure: Failure) -> None:
        for analysis_id in self._analysis_ids():
            async with self.role.turns.of(analysis_id):
                record = await self.role.records.get(analysis_id)
                # what is sent already has got through, and is the worker's
                if record is not None and record.sent_at is None and not record.status.is_final:
                    with _bound(record):
                        await self.role.refuse(record, failure, unless="sent_at")

    async def release(self, failure: Failure | None, *, counts: bool) -> None:
        """Ingest holds nothing."""

    async def _ingest(self, record: Record) -> None:
        with _bound(record):
            await self.role.ingest(record)

    async def _record_at(self, analysis_id: str | None, key: str) -> Record | None:
        """The record of the upload at this key; None for what is not ours, which is only logged: anybody who may
        write to the bucket can cause such an event."""
        record = await self.role.records.get(analysis_id) if analysis_id is not None else None
        if record is None or record.key != key:
            log.warning("upload.dropped", reason="no analysis waits for this key", analysis_id=analysis_id)
            return None
        return record

    def _analysis_ids(self) -> list[str]:
        job = self.envelope.job
        found = [upload.analysis_id for upload in self.envelope.uploads if upload.analysis_id is not None]
        return found if job is None else [job.analysis_id, *found]


def _bound(record: Record) -> AbstractContextManager[None]:
    """The log context of one analysis: an S3 event has none of its own."""
    return bound_contextvars(
        trace_id=continue_trace(record.traceparent).trace_id,
        analysis_id=record.analysis_id,
        synthetic=record.synthetic,
    )
