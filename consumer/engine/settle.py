"""The end of a delivery: what its result asks of the message, carried out. Returns one word for the log each time."""

import structlog

from consumer.engine.acks import Acks
from consumer.engine.attempt import Attempt, Interruption, Result
from consumer.engine.caught import caught
from consumer.engine.job import Job, Later
from consumer.engine.outage import ASIDE_S, Outage
from consumer.engine.policy import DeadLetter, Policy, Retry, jittered
from consumer.engine.returning import give_back, hide
from consumer.engine.setup import Setup
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery

log = structlog.stdlib.get_logger(__name__)


class Settle:
    """`until` is always the moment (Clock.monotonic) when the message is about to be visible again."""

    def __init__(self, setup: Setup, *, acks: Acks, policy: Policy, outage: Outage) -> None:
        self._queue = setup.queue
        self._clock = setup.clock
        self._chance = setup.chance
        self._limits = setup.limits
        self._acks = acks
        self._policy = policy
        self._outage = outage

    async def settle(self, attempt: Attempt, job: Job, result: Result, *, until: float) -> str:
        delivery = attempt.delivery
        if attempt.interruption is Interruption.LOST:
            return "lost"
        if attempt.interruption is Interruption.SHUTDOWN:
            return await self._put_back(delivery, job, None, 0.0, outcome="handed_back")
        cause = result if isinstance(result, Failure) else None
        if attempt.interruption is Interruption.OUTAGE or (cause is not None and self._outage.caused(cause)):
            return await self._set_aside(delivery, job, cause)
        if result is None:
            return await self._delete(delivery, "done", until=until)
        if isinstance(result, Later):
            log.info("job.postponed", reason=result.reason, delay_s=round(result.seconds, 1))
            return await self._given_back(delivery, result.seconds, outcome="postponed")
        return await self._after(result, delivery, job, until=until)

    async def keep(self, delivery: Delivery, reason: str, *, until: float) -> str:
        """To the dead-letter queue, and only then away from this one."""
        failures = 0
        while (failure := await caught(self._queue.dead_letter(delivery, reason=reason), doing="keeping")) is not None:
            failures += 1
            pause = jittered(2.0, 10.0, failures, self._chance)
            if self._clock.monotonic() + pause >= until:
                return await self.back_off(delivery, failure)
            await self._clock.sleep(pause)
        log.warning("message.dead_lettered", message_id=delivery.message_id, reason=reason)
        return await self._delete(delivery, "dead_lettered", until=until)

    async def back_off(self, delivery: Delivery, failure: Failure) -> str:
        """Comes back later, a receive the richer."""
        delay = self._policy.delay(delivery.receive_count, self._chance, failure.retry_after)
        log.warning("message.retried", error_code=failure.code, error=failure.detail, delay_s=round(delay, 1))
        hidden = await caught(hide(self._queue, delivery, delay), doing="backing off")
        return _said("retried", hidden)

    async def _after(self, failure: Failure, delivery: Delivery, job: Job, *, until: float) -> str:
        if failure.code is ErrorCode.LEASE_LOST:
            return "lost"
        decision = self._policy.decide(failure, tries=job.tries, receives=delivery.receive_count, chance=self._chance)
        if isinstance(decision, Retry):
            log.warning(
                "message.retried", error_code=failure.code, error=failure.detail, delay_s=round(decision.delay_s, 1)
            )
            if not decision.counts:
                return await self._put_back(delivery, job, failure, decision.delay_s, outcome="retried")
            released = await caught(job.release(failure, counts=True), doing="releasing")
            _log_unless_none("job.release.failed", released)
            hidden = await caught(hide(self._queue, delivery, decision.delay_s), doing="backing off")
            self._outage.suspect(delivery, failure, hidden_s=decision.delay_s)
            return _said("retried", hidden)
        marked = await caught(job.fail(decision.failure), doing="marking as failed")
        if marked is not None:
            return "lost" if marked.code is ErrorCode.LEASE_LOST else await self.back_off(delivery, marked)
        if isinstance(decision, DeadLetter):
            return await self.keep(delivery, str(decision.failure), until=until)
        return await self._delete(delivery, "failed", until=until)

    async def _set_aside(self, delivery: Delivery, job: Job, failure: Failure | None) -> str:
        outcome = await self._put_back(delivery, job, failure, ASIDE_S, outcome="set_aside")
        self._outage.put_aside(delivery)
        return outcome

    async def _put_back(
        self, delivery: Delivery, job: Job, failure: Failure | None, seconds: float, *, outcome: str
    ) -> str:
        released = await caught(job.release(failure, counts=False), doing="releasing")
        _log_unless_none("job.release.failed", released)
        return await self._given_back(delivery, seconds, outcome=outcome)

    async def _given_back(self, delivery: Delivery, seconds: float, *, outcome: str) -> str:
        call = give_back(self._queue, delivery, seconds, max_receives=self._limits.max_receives)
        return _said(outcome, await caught(call, doing="giving back"))

    async def _delete(self, delivery: Delivery, outcome: str, *, until: float) -> str:
        # not deleted in time: it comes once more, and finds its work done
        return outcome if await self._acks.delete(delivery.receipt, until=until) else f"{outcome}_not_deleted"


def _said(outcome: str, failure: Failure | None) -> str:
    _log_unless_none("message.return.failed", failure)
    return outcome


def _log_unless_none(event: str, failure: Failure | None) -> None:
    # the message comes back all the same, when its visibility ends
    if failure is not None:
        log.warning(event, error=str(failure))
