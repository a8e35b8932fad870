"""Spans of a consumer: one for each delivery, in the trace that its message carries, and one for each stage in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from consumer.engine.job import Handler, Job, Later, Pulse
from consumer.stages.stage import Bench, Case, Stage
from core.failure import Failure
from core.ports import Delivery
from core.telemetry import Tracing, messaging


def traced(handler: Handler, tracing: Tracing | None, *, queue: str) -> Handler:
    return handler if tracing is None else TracedHandler(handler=handler, tracing=tracing, queue=queue)


def traced_stages(stages: Sequence[Stage], tracing: Tracing | None) -> Sequence[Stage]:
    return stages if tracing is None else tuple(_traced(stage, tracing) for stage in stages)


def _traced(stage: Stage, tracing: Tracing) -> Stage:
    async def run(bench: Bench, case: Case) -> Case:
        with tracing.span(stage.name, kind="internal", attributes={"performate.attempt": case.record.attempt}):
            return await stage.run(bench, case)

    return replace(stage, run=run)


@dataclass(frozen=True, kw_only=True)
class TracedHandler:
    """consumer.engine.job.Handler. An event of the bucket carries no trace, and its span begins one of its own; what
    is sent on for its uploads is in theirs."""

    handler: Handler
    tracing: Tracing
    queue: str

    @property
    def kind(self) -> str:
        return self.handler.kind

    def accept(self, delivery: Delivery, pulse: Pulse) -> Job:
        return TracedJob(job=self.handler.accept(delivery, pulse), delivery=delivery, by=self)

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None:
        await self.handler.quarantine(delivery, failure)


@dataclass(frozen=True, kw_only=True)
class TracedJob:
    """consumer.engine.job.Job."""

    job: Job
    delivery: Delivery
    by: TracedHandler

    @property
    def context(self) -> Mapping[str, object]:
        return self.job.context

    @property
    def facts(self) -> Mapping[str, object]:
        return self.job.facts

    @property
    def tries(self) -> int:
        return self.job.tries

    async def run(self) -> Later | None:
        known = {
            **messaging(self.by.queue, "process"),
            "messaging.message.id": self.delivery.message_id,
            "performate.receive_count": self.delivery.receive_count,
        }
        parent = self.delivery.attributes.get("traceparent")
        name = f"process {self.by.queue}"
        with self.by.tracing.span(name, kind="consumer", attributes=known, parent=parent) as span:
            result = await self.job.run()
            if isinstance(result, Later):
                span.note("performate.postponed", result.reason)
        return result

    async def fail(self, failure: Failure) -> None:
        await self.job.fail(failure)

    async def release(self, failure: Failure | None, *, counts: bool) -> None:
        await self.job.release(failure, counts=counts)
