"""The analysis role: one lease, then the stages in order, then one terminal state."""

import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import structlog
from structlog.contextvars import bound_contextvars

from consumer.ending import log_failed, shortened
from consumer.engine.caught import caught
from consumer.engine.job import Later, Pulse
from consumer.engine.policy import Chance
from consumer.figures import Figures
from consumer.lease import Lease, Leases, Sightings
from consumer.message import expected, job_context, record_context
from consumer.progress import Progress
from consumer.stages.stage import Bench, Case, Stage, Tools
from consumer.stages.store import queued_at
from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Job, Undecodable, decode
from core.ports import Delivery, Records
from core.record import Record, Status
from core.transitions import failed, released

log = structlog.stdlib.get_logger(__name__)
STAGE_GRACE_S = 5.0
"""How long a stage may take to stop after its deadline before the heartbeat takes the job for hung."""
WAIT_SPREAD_S = 5.0
KEPT = frozenset({ErrorCode.RETRIES_EXHAUSTED, ErrorCode.POISON_MESSAGE})


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """consumer.engine.job.Handler of the analysis queue."""

    records: Records
    tools: Tools
    stages: Sequence[Stage]
    owner: str
    chance: Chance = random.random
    figures: Figures = field(default_factory=Figures)
    sightings: Sightings = field(default_factory=Sightings)
    kind: str = field(default="analysis", init=False)

    def accept(self, delivery: Delivery, pulse: Pulse) -> "AnalysisJob":
        envelope = decode(delivery.body, dict(delivery.attributes))
        return AnalysisJob(role=self, job=expected(envelope.job, "analysis"), delivery=delivery, pulse=pulse)

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None:
        try:
            job = self.accept(delivery, Pulse(until=0.0))
        except Undecodable:
            # no record to mark
            return
        with bound_contextvars(**job.context):
            await job.fail(failure)

    @property
    def leases(self) -> Leases:
        return Leases(
            records=self.records,
            clock=self.tools.clock,
            owner=self.owner,
            seconds=self.tools.settings.visibility_s,
            sightings=self.sightings,
        )

    async def claim(self, job: Job, delivery: Delivery) -> Lease | Record:
        return await self.leases.take(job.analysis_id, epoch=job.epoch, delivery=delivery)


class AnalysisJob:
    """consumer.engine.job.Job: one attempt at one analysis."""

    def __init__(self, *, role: Analysis, job: Job, delivery: Delivery, pulse: Pulse) -> None:
        self._role = role
        self._job = job
        self._delivery = delivery
        self._pulse = pulse
        # once: a bad header would start another trace each time
        self._asked = job_context(job)
        self._lease: Lease | None = None
        self._stage: str | None = None
        self._stage_ms: dict[str, int] = {}

    @property
    def context(self) -> Mapping[str, object]:
        attempt = self._lease.record.attempt if self._lease is not None else None
        known = record_context(self._lease.record) if self._lease is not None else self._asked
        return {**known, "attempt": attempt, "stage": self._stage}

    @property
    def facts(self) -> Mapping[str, object]:
        return {"stage_ms": dict(self._stage_ms)}

    @property
    def tries(self) -> int:
        return self._lease.record.attempt if self._lease is not None else self._delivery.receive_count

    async def run(self) -> Later | None:
        found = await self._role.claim(self._job, self._delivery)
        if isinstance(found, Record):
            return self._without_lease(found)
        self._lease = found
        with bound_contextvars(**record_context(found.record), attempt=found.record.attempt):
            if found.record.attempt > self._role.tools.settings.max_attempts:
                raise Failure(ErrorCode.RETRIES_EXHAUSTED, "the worker died during the last try")
            self._pulse.renew_with(found.renew)
            try:
                await self._attempt(found)
            except Failure as failure:
                if failure.code is ErrorCode.LEASE_LOST:
                    # what fails here is the janitor's: the loss itself counts
                    await caught(self._cleared(), doing="clearing what was deleted")
                raise
        return None

    async def fail(self, failure: Failure) -> None:
        """Where this job has no lease, it takes one first: nobody else's work is called failed."""
        lease = self._lease or await self._lease_to_fail()
        if lease is None:
            return
        await lease.write(failed(self._role.tools.clock.now(), shortened(failure), token=lease.token))
        log_failed(failure)
        self._role.figures.failed(failure.code, synthetic=lease.record.synthetic)

    async def release(self, failure: Failure | None, *, counts: bool) -> None:
        if self._lease is not None:
            await self._lease.write(released(self._role.tools.clock.now(), token=self._lease.token, counts=counts))

    def _without_lease(self, current: Record) -> Later | None:
        """What a message means whose analysis cannot be claimed. Raises Failure to send it to the dead letters."""
        if current.epoch != self._job.epoch:
            log.info("analysis.superseded", epoch=self._job.epoch, current=current.epoch)
            return None
        if current.error_code in KEPT and self._delivery.receive_count > 1:
            # the record was marked, and the process died before the message was kept
            raise Failure(current.error_code or ErrorCode.INTERNAL, current.error_detail or "")
        if current.status.is_final:
            log.info("analysis.already_ended", status=current.status)
            return None
        if current.status is not Status.PROCESSING:
            raise Failure(ErrorCode.INTERNAL, f"an analysis message for a record in {current.status}")
        wait = max(1.0, self._role.leases.left(current)) + WAIT_SPREAD_S * self._role.chance()
        return Later(seconds=wait, reason="another message has it")

    async def _cleared(self) -> None:
        """Nothing stays of an analysis that was deleted while it ran: who deleted it could not see what came after."""
        leavings, now = self._role.tools.leavings, self._role.tools.clock.now()
        record = await self._role.records.get(self._job.analysis_id)
        if leavings is None or record is None or not record.status.is_final or record.expires_at > now.timestamp():
            return
        log.info("analysis.cleared", objects=await leavings.remove_artifacts(record))

    async def _lease_to_fail(self) -> Lease | None:
        try:
            found = await self._role.claim(self._job, self._delivery)
        except Failure as failure:
            if failure.code is ErrorCode.ANALYSIS_NOT_FOUND:
                return None
            raise
        return found if isinstance(found, Lease) else None

    async def _attempt(self, lease: Lease) -> None:
        tools, stages = self._role.tools, self._role.stages
        progress = Progress(lease=lease, clock=tools.clock, stages=stages)
        case = Case(record=lease.record, claimed_at=tools.clock.now())
        async with AsyncExitStack() as exits:
            exits.push_async_callback(progress.close)
            bench = Bench(tools=tools, lease=lease, exits=exits, report=progress.report)
            for stage in stages:
                case = await self._through(stage, bench, case, progress)
            # said at once: closing the decoder and the folder is nobody's wait
            log.info("analysis.completed", stage_ms=dict(self._stage_ms))
            self._role.figures.completed(
                seconds=(tools.clock.now() - queued_at(lease.record, case.claimed_at)).total_seconds(),
                clip_s=case.probe.duration_s if case.probe is not None else None,
                synthetic=lease.record.synthetic,
            )

    async def _through(self, stage: Stage, bench: Bench, case: Case, progress: Progress) -> Case:
        """One stage within its deadline. Raises Failure(STAGE_TIMEOUT) past it."""
        clock, limit_s = bench.tools.clock, stage.limit_s(bench.tools.settings)
        self._stage = stage.name
        started = clock.monotonic()
        self._pulse.working_until(started + limit_s + STAGE_GRACE_S)
        timer = clock.timeout(limit_s)
        well = False
        with bound_contextvars(stage=stage.name):
            await progress.enter(stage)
            try:
                async with timer:
                    case = await stage.run(bench, case)
                well = True
            except TimeoutError:
                if not timer.expired():
                    raise
                raise Failure(ErrorCode.STAGE_TIMEOUT, f"{stage.name} took more than {limit_s} s") from None
            finally:
                took = clock.monotonic() - started
                self._stage_ms[stage.name] = round(took * 1000)
                self._role.figures.stage_ended(stage.name, seconds=took, well=well, synthetic=case.record.synthetic)
        return replace(case, stage_ms=dict(self._stage_ms))
