"""From an upload to a queued analysis. Every step bears being asked for again."""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from core.error_codes import ErrorCode
from core.messages import Job, is_analysis_id
from core.record import Record, Status
from core.result import Sport
from core.settings import Settings
from core.transitions import Change, Conflict, expired, reopened, uploaded
from service.admission import is_overdue, is_past
from service.outside import Outside
from service.refusal import Refusal

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Intake:
    settings: Settings
    outside: Outside

    async def find(self, analysis_id: str) -> Record:
        """The record as it is now. Raises Refusal(ANALYSIS_NOT_FOUND), also for what cannot be an id."""
        record = await self.outside.records.get(analysis_id) if is_analysis_id(analysis_id) else None
        return await self.current(record)

    async def current(self, record: Record | None) -> Record:
        """This record, expired if its upload is long overdue. Raises Refusal(ANALYSIS_NOT_FOUND) for none, and for one
        whose time is over. An upload that lies there is never given up, whoever forgot to tell of it."""
        now = self.outside.now()
        if record is None or is_past(record, now):
            raise Refusal(ErrorCode.ANALYSIS_NOT_FOUND)
        if is_overdue(record, now, self.settings) and await self.outside.objects.head(record.key) is None:
            return await self._applied(record, expired(now))
        return record

    async def complete(self, analysis_id: str, *, sport: Sport | None = None) -> Record:
        """The clip is there: queue its analysis. `sport` replaces what was said before, while nothing is queued.
        Raises Refusal: ANALYSIS_NOT_FOUND, UPLOAD_MISSING, UPLOAD_EXPIRED; Failure(QUEUE_UNAVAILABLE), after which
        asking again sends what is missing."""
        record = await self._awaited(analysis_id)
        if record.status is Status.PENDING_UPLOAD:
            if await self.outside.objects.head(record.key) is not None:
                record = await self._applied(record, _uploaded(self.outside.now(), sport))
            elif (record := await self._awaited(analysis_id)).status is Status.PENDING_UPLOAD:
                # looked at again: ingest may have taken it, and moved it, since
                raise Refusal(ErrorCode.UPLOAD_MISSING)
        await self._send_unless_examined(record)
        return record

    async def _awaited(self, analysis_id: str) -> Record:
        """Raises Refusal: ANALYSIS_NOT_FOUND, UPLOAD_EXPIRED."""
        record = await self.find(analysis_id)
        if record.status is Status.EXPIRED:
            raise Refusal(ErrorCode.UPLOAD_EXPIRED)
        return record

    async def reopen(self, analysis_id: str) -> Record:
        """An operator's retry. Raises Refusal: ANALYSIS_NOT_FOUND, NOT_RETRYABLE."""
        record = await self.find(analysis_id)
        if record.status is Status.FAILED:
            record = await self._applied(record, reopened(self.outside.now()))
        if record.status is not Status.QUEUED or record.epoch == 0:
            raise Refusal(ErrorCode.NOT_RETRYABLE, facts={"status": record.status})
        await self._send_unless_examined(record)
        return record

    async def _send_unless_examined(self, record: Record) -> None:
        """Until ingest has noted the object nobody knows whether a message arrived; a second one is harmless."""
        if record.status is Status.QUEUED and record.object_etag is None:
            job = Job(
                kind="ingest",
                analysis_id=record.analysis_id,
                epoch=record.epoch,
                traceparent=record.traceparent,
                synthetic=record.synthetic,
            )
            await self.outside.ingest.send(job.body(), job.attributes())
            _log.info("analysis.queued", epoch=record.epoch, sport=record.sport_type)

    async def _applied(self, record: Record, change: Change) -> Record:
        """After the change, or as somebody else (S3's own event, another request) has left it meanwhile."""
        try:
            return await self.outside.records.apply(record.analysis_id, change)
        except Conflict as conflict:
            return conflict.current


def _uploaded(now: datetime, sport: Sport | None) -> Change:
    change = uploaded(now)
    return change if sport is None else replace(change, sets={**change.sets, "sport_type": sport})
