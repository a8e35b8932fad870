"""Spans of queues in Sentry: `queue.publish` where a message is sent, `queue.process` where it is worked on.

Both belong to the trace in the message's `traceparent`. Wrapped round a queue and round a handler where the processes
are put together, so that neither knows of it; without an open Sentry they are handed back as they are.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sentry_sdk

from core.ports import Queue
from core.queue_around import QueueAround
from core.trace import continue_trace

SYSTEM = "aws_sqs"


@contextmanager
def queue_span(
    op: str, *, queue: str, traceparent: str | None, **data: str | float
) -> Iterator[dict[str, str | float]]:
    """`op`: queue.publish or queue.process. What is put into the yielded mapping becomes attributes too."""
    trace = continue_trace(traceparent)
    more: dict[str, str | float] = {}
    with sentry_sdk.isolation_scope():
        begun = sentry_sdk.continue_trace(
            {"sentry-trace": f"{trace.trace_id}-{trace.span_id}"}, op=op, name=queue, source="task"
        )
        with sentry_sdk.start_transaction(begun) as span:
            span.set_data("messaging.system", SYSTEM)
            span.set_data("messaging.destination.name", queue)
            try:
                yield more
            except BaseException:
                span.set_status("internal_error")
                raise
            finally:
                for name, value in {**data, **more}.items():
                    span.set_data(name, value)
            if span.status is None:
                span.set_status("ok")


def published(queue: Queue) -> Queue:
    """The queue, each send of which is a span."""
    return PublishedQueue(queue) if sentry_sdk.get_client().is_active() else queue


class PublishedQueue(QueueAround):
    async def send(self, body: str, attributes: Mapping[str, str], *, delay_s: int = 0) -> str:
        size = {"messaging.message.body.size": len(body.encode())}
        with queue_span("queue.publish", queue=self.name, traceparent=attributes.get("traceparent"), **size) as span:
            message_id = await super().send(body, attributes, delay_s=delay_s)
            span["messaging.message.id"] = message_id
            return message_id
