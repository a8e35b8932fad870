"""Spans, as the business makes them: in the traces that the log has already. core/otel.py exports them.

Names and attributes are OpenTelemetry's semantic conventions; messaging.system is `aws_sqs`. No attribute holds an
address's query, a key or a file name.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from core.ports import Queue
from core.queue_around import QueueAround
from core.trace import Trace

Kind = Literal["server", "producer", "consumer", "internal"]
Value = str | int | float | bool


class Span(Protocol):
    def note(self, name: str, value: Value) -> None: ...

    def failed(self, error_type: str) -> None:
        """It ended badly: a code of the catalogue, a status, or an exception's name."""


class Tracing(Protocol):
    def span(
        self,
        name: str,
        *,
        kind: Kind,
        attributes: Mapping[str, Value],
        parent: str | None = None,
        trace: Trace | None = None,
    ) -> AbstractContextManager[Span]:
        """A span round the block; whatever is raised in it is its failure, and goes on. Its parent is the W3C
        `parent`, else the span that is open now. `trace` is what this span itself is to be called."""

    def close(self) -> None:
        """Sends what waits. Blocks."""


def traced_queue(queue: Queue, tracing: Tracing | None) -> Queue:
    return queue if tracing is None else TracedQueue(queue, tracing)


class TracedQueue(QueueAround):
    """With a producer's span round each send, in the trace that the message carries."""

    def __init__(self, inner: Queue, tracing: Tracing) -> None:
        super().__init__(inner)
        self._tracing = tracing

    async def send(self, body: str, attributes: Mapping[str, str], *, delay_s: int = 0) -> str:
        known = messaging(self.name, "send")
        parent = attributes.get("traceparent")
        with self._tracing.span(f"send {self.name}", kind="producer", attributes=known, parent=parent) as span:
            message_id = await super().send(body, attributes, delay_s=delay_s)
            span.note("messaging.message.id", message_id)
        return message_id


def messaging(queue: str, operation: Literal["send", "process"]) -> dict[str, Value]:
    """The attributes of both ends of a queue."""
    return {
        "messaging.system": "aws_sqs",
        "messaging.destination.name": queue,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }
