"""A handler whose jobs are `queue.process` spans in Sentry."""

from collections.abc import Mapping

import sentry_sdk

from consumer.engine.clock import SystemClock
from consumer.engine.job import Handler, Job, Later, Pulse
from core.failure import Failure
from core.ports import Delivery
from core.spans import queue_span


def processed(handler: Handler, queue: str) -> Handler:
    """As it is where no Sentry is open."""
    return TracedHandler(handler, queue) if sentry_sdk.get_client().is_active() else handler


class TracedHandler:
    """consumer.engine.job.Handler round another one."""

    def __init__(self, inner: Handler, queue: str) -> None:
        self._inner = inner
        self._queue = queue

    @property
    def kind(self) -> str:
        return self._inner.kind

    def accept(self, delivery: Delivery, pulse: Pulse) -> Job:
        return TracedJob(self._inner.accept(delivery, pulse), delivery, self._queue)

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None:
        await self._inner.quarantine(delivery, failure)


class TracedJob:
    """consumer.engine.job.Job round another one."""

    def __init__(self, inner: Job, delivery: Delivery, queue: str) -> None:
        self._inner = inner
        self._delivery = delivery
        self._queue = queue

    @property
    def context(self) -> Mapping[str, object]:
        return self._inner.context

    @property
    def facts(self) -> Mapping[str, object]:
        return self._inner.facts

    @property
    def tries(self) -> int:
        return self._inner.tries

    async def run(self) -> Later | None:
        traceparent = self._delivery.attributes.get("traceparent")
        data = attributes_of(self._delivery, now=SystemClock().now().timestamp())
        with queue_span("queue.process", queue=self._queue, traceparent=traceparent, **data) as span:
            try:
                return await self._inner.run()
            except Failure as failure:
                span["error_code"] = str(failure.code)
                raise

    async def fail(self, failure: Failure) -> None:
        await self._inner.fail(failure)

    async def release(self, failure: Failure | None, *, counts: bool) -> None:
        await self._inner.release(failure, counts=counts)


def attributes_of(delivery: Delivery, *, now: float) -> dict[str, str | float]:
    """Sentry's names of what is known of a message. Latency in ms: how long it waited, by two machines' clocks."""
    found: dict[str, str | float] = {
        "messaging.message.id": delivery.message_id,
        "messaging.message.body.size": len(delivery.body.encode()),
        "messaging.message.retry.count": delivery.receive_count - 1,
    }
    if delivery.sent_at is not None:
        found["messaging.message.receive.latency"] = round(max(0.0, now - delivery.sent_at) * 1000)
    return found
