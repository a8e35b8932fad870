"""A handler whose jobs are `queue.process` spans in Sentry."""

import sentry_sdk

from consumer.engine.clock import SystemClock
from consumer.engine.job import Handler, Job, Later
from consumer.job_around import HandlerAround, JobAround
from core.failure import Failure
from core.ports import Delivery
from core.spans import queue_span


def processed(handler: Handler, queue: str) -> Handler:
    """As it is where no Sentry is open."""
    return TracedHandler(handler, queue) if sentry_sdk.get_client().is_active() else handler


class TracedHandler(HandlerAround):
    def __init__(self, inner: Handler, queue: str) -> None:
        super().__init__(inner, lambda job, delivery: TracedJob(job, delivery, queue))


class TracedJob(JobAround):
    def __init__(self, inner: Job, delivery: Delivery, queue: str) -> None:
        super().__init__(inner, delivery)
        self._queue = queue

    async def run(self) -> Later | None:
        traceparent = self._delivery.attributes.get("traceparent")
        data = attributes_of(self._delivery, now=SystemClock().now().timestamp())
        with queue_span("queue.process", queue=self._queue, traceparent=traceparent, **data) as span:
            try:
                return await super().run()
            except Failure as failure:
                span["error_code"] = str(failure.code)
                raise


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
