"""One delivery from receive to end: quarantine, read, run beside a heartbeat, settle. Nothing is deleted before its
effect is stored."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars

from consumer.engine.attempt import Attempt, Interruption, Result
from consumer.engine.caught import caught
from consumer.engine.heartbeat import Heartbeat
from consumer.engine.job import Handler, Job, Later, Pulse
from consumer.engine.settle import Settle
from consumer.engine.setup import Setup
from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Undecodable

log = structlog.stdlib.get_logger(__name__)
SETTLE_MARGIN_S = 20.0


class Worker:
    """Works on deliveries, any number at once; keeps nothing of one for the next. `left_alone` waits until nothing
    but this attempt is in hand."""

    def __init__(
        self, setup: Setup, *, handler: Handler, settle: Settle, left_alone: Callable[[Attempt], Awaitable[None]]
    ) -> None:
        self._setup = setup
        self._clock = setup.clock
        self._limits = setup.limits
        self._handler = handler
        self._settle = settle
        self._left_alone = left_alone

    async def work(self, attempt: Attempt) -> None:
        """Never raises but for cancellation. Whatever goes wrong, the message is either settled or comes back when
        its visibility ends."""
        failure = await caught(self._work(attempt), doing="settling")
        if failure is not None:
            log.error("message.abandoned", message_id=attempt.delivery.message_id, error=str(failure))

    async def _work(self, attempt: Attempt) -> None:
        delivery, started = attempt.delivery, self._clock.monotonic()
        until = attempt.received_at + self._limits.visibility_s - self._limits.safety_s
        if delivery.receive_count > self._limits.max_receives:
            outcome = await self._in_time(self._quarantine(attempt, until), until)
            self._report(attempt, outcome, started)
            return
        pulse = attempt.pulse = Pulse(until=attempt.received_at + self._limits.job_limit_s)
        try:
            job = self._handler.accept(delivery, pulse)
        except Undecodable as error:
            kept = self._settle.keep(delivery, f"UNDECODABLE: {error}", until=until)
            outcome = await self._in_time(kept, until)
            self._report(attempt, outcome, started)
            return
        await self._carry_out(attempt, job, pulse, started)

    async def _quarantine(self, attempt: Attempt, until: float) -> str:
        delivery = attempt.delivery
        failure = Failure(ErrorCode.POISON_MESSAGE, f"received {delivery.receive_count} times and never ended")
        not_marked = await caught(self._handler.quarantine(delivery, failure), doing="marking as poison")
        if not_marked is not None:
            return await self._settle.back_off(delivery, not_marked)
        return await self._settle.keep(delivery, str(failure), until=until)

    async def _carry_out(self, attempt: Attempt, job: Job, pulse: Pulse, started: float) -> None:
        receipt, received_at = attempt.delivery.receipt, attempt.received_at
        beat = Heartbeat(self._setup, receipt=receipt, received_at=received_at, pulse=pulse)
        # for good: an attempt has a task, and so a log context, of its own
        bind_contextvars(**job.context)
        result = await self._run(attempt, job, beat)
        # the job knows more about itself by now
        bind_contextvars(**job.context)
        settled = self._settle.settle(attempt, job, result, until=beat.safe_until)
        outcome = await self._in_time(settled, beat.safe_until)
        self._report(attempt, outcome, started, job)

    async def _run(self, attempt: Attempt, job: Job, beat: Heartbeat) -> Result:
        """The job's result once it has ended, its heartbeat beside it; None also when it was cancelled, and then
        `attempt.interruption` says so."""
        work = asyncio.create_task(caught(self._begin(attempt, job), doing="working"))
        attempt.begin(work)
        try:
            lost = await beat.run(work)
            if lost is not None:
                log.warning("lease.lost", reason=lost)
                attempt.interrupt(Interruption.LOST)
                await asyncio.wait({work})
        finally:
            await _stopped(work)
        if work.cancelled():
            attempt.interruption = attempt.interruption or Interruption.SHUTDOWN
            return None
        result = work.result()
        if result is None:
            # done is done, whatever came in between
            attempt.interruption = None
        return result

    async def _begin(self, attempt: Attempt, job: Job) -> Later | None:
        if attempt.alone and attempt.pulse is not None:
            # the others have their own deadlines; until then this is a sign of life
            attempt.pulse.working_until(math.inf)
            await self._left_alone(attempt)
            attempt.pulse.working_until(self._clock.monotonic() + self._limits.job_limit_s)
        return await job.run()

    async def _in_time(self, settling: Coroutine[Any, Any, str], until: float) -> str:
        """Its outcome. No call of a settlement holds a slot for ever: past `until` the message comes back anyway."""
        timer = self._clock.timeout(max(0.0, until - self._clock.monotonic()) + SETTLE_MARGIN_S)
        try:
            async with timer:
                return await settling
        except TimeoutError:
            if not timer.expired():
                raise
            return "unsettled"

    def _report(self, attempt: Attempt, outcome: str, started: float, job: Job | None = None) -> None:
        """The one canonical line of each delivery."""
        attempt.outcome = outcome
        attempt.synthetic = job is not None and job.context.get("synthetic") is True
        log.info(
            "job.completed",
            kind=self._handler.kind,
            outcome=outcome,
            ms=round((self._clock.monotonic() - started) * 1000),
            message_id=attempt.delivery.message_id,
            receive_count=attempt.delivery.receive_count,
            **(job.facts if job is not None else {}),
        )


async def _stopped(work: asyncio.Task[Any]) -> None:
    """Only when the task around it is cancelled is it still running: it is cancelled, and waited for, so that what it
    cleans up is clean before its surroundings go."""
    if not work.done():
        work.cancel()
        await asyncio.wait({work})
