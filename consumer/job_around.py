"""A handler round another one, and its jobs round the other's: what they do not do themselves, the inner ones do."""

from collections.abc import Callable, Mapping

from consumer.engine.job import Handler, Job, Later, Pulse
from core.failure import Failure
from core.ports import Delivery


class JobAround:
    """consumer.engine.job.Job, of one delivery."""

    def __init__(self, inner: Job, delivery: Delivery) -> None:
        self._inner = inner
        self._delivery = delivery

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
        return await self._inner.run()

    async def fail(self, failure: Failure) -> None:
        await self._inner.fail(failure)

    async def release(self, failure: Failure | None, *, counts: bool) -> None:
        await self._inner.release(failure, counts=counts)


class HandlerAround:
    """consumer.engine.job.Handler. `around` makes its job from the inner handler's."""

    def __init__(self, inner: Handler, around: Callable[[Job, Delivery], Job]) -> None:
        self._inner = inner
        self._around = around

    @property
    def kind(self) -> str:
        return self._inner.kind

    def accept(self, delivery: Delivery, pulse: Pulse) -> Job:
        return self._around(self._inner.accept(delivery, pulse), delivery)

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None:
        await self._inner.quarantine(delivery, failure)
