"""Spans of a consumer: one for each delivery, in the trace that its message carries, and one for each stage in it."""

from collections.abc import Sequence
from dataclasses import replace

from consumer.engine.job import Handler, Job, Later
from consumer.job_around import HandlerAround, JobAround
from consumer.stages.stage import Bench, Case, Stage
from core.ports import Delivery
from core.telemetry import Tracing, messaging


def traced(handler: Handler, tracing: Tracing | None, *, queue: str) -> Handler:
    if tracing is None:
        return handler
    return HandlerAround(handler, lambda job, delivery: TracedJob(job, delivery, tracing=tracing, queue=queue))


def traced_stages(stages: Sequence[Stage], tracing: Tracing | None) -> Sequence[Stage]:
    return stages if tracing is None else tuple(_traced(stage, tracing) for stage in stages)


def _traced(stage: Stage, tracing: Tracing) -> Stage:
    async def run(bench: Bench, case: Case) -> Case:
        with tracing.span(stage.name, kind="internal", attributes={"performate.attempt": case.record.attempt}):
            return await stage.run(bench, case)

    return replace(stage, run=run)


class TracedJob(JobAround):
    """An event of the bucket carries no trace, and its span begins one of its own; what is sent on for its uploads is
    in theirs."""

    def __init__(self, inner: Job, delivery: Delivery, *, tracing: Tracing, queue: str) -> None:
        super().__init__(inner, delivery)
        self._tracing = tracing
        self._queue = queue

    async def run(self) -> Later | None:
        known = {
            **messaging(self._queue, "process"),
            "messaging.message.id": self._delivery.message_id,
            "performate.receive_count": self._delivery.receive_count,
        }
        parent = self._delivery.attributes.get("traceparent")
        name = f"process {self._queue}"
        with self._tracing.span(name, kind="consumer", attributes=known, parent=parent) as span:
            result = await super().run()
            if isinstance(result, Later):
                span.note("performate.postponed", result.reason)
        return result
