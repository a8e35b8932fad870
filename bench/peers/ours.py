"""The real engine with all its guarantees: heartbeats, slots, batched deletes that are retried, a canonical log line a
message, drain on SIGTERM. Only the handler is the benchmark's."""

import asyncio
import json
import random
import signal
from collections.abc import Mapping

from bench.peers.arrivals import KEY, REGION, Arrivals, Order, main
from bench.peers.bare import send
from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.engine.job import Later, Pulse
from consumer.engine.limits import Limits
from consumer.engine.policy import policy_of_catalogue
from consumer.engine.setup import Setup
from core.aws.clients import open_clients
from core.aws.queue import open_queue
from core.failure import Failure
from core.log import configure_logging
from core.ports import Delivery
from core.settings import load_settings
from core.trace import continue_trace


class NoOp:
    """consumer.engine.job.Job."""

    tries = 1
    facts: Mapping[str, object] = {}  # never written

    def __init__(self, arrivals: Arrivals, delivery: Delivery) -> None:
        self._arrivals = arrivals
        self._sent = float(json.loads(delivery.body)["sent"])
        self.context: Mapping[str, object] = {
            "trace_id": continue_trace(delivery.attributes.get("traceparent")).trace_id
        }

    async def run(self) -> Later | None:
        self._arrivals.handle(self._sent)
        return None

    async def fail(self, failure: Failure) -> None: ...

    async def release(self, failure: Failure | None, *, counts: bool) -> None: ...


class Handler:
    """consumer.engine.job.Handler."""

    kind = "bench"

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def accept(self, delivery: Delivery, pulse: Pulse) -> NoOp:
        return NoOp(self._arrivals, delivery)

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None: ...


async def _work(order: Order) -> None:
    settings = load_settings(
        {
            "AWS_ENDPOINT_URL": order.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "BUCKET": "none",
            "POLL_WAIT_S": str(order.wait_s),
        }
    )
    configure_logging(settings, service="bench")
    limits = Limits(
        concurrency=order.concurrency,
        visibility_s=order.visibility_s,
        wait_s=order.wait_s,
        max_receives=6,
        drain_s=25,
        job_limit_s=60,
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_clients(settings) as clients:
        queue = await open_queue(clients, order.queue, dead_letters=f"{order.queue}-dlq")
        setup = Setup(queue=queue, clock=SystemClock(), chance=random.random, limits=limits)
        engine = Engine(setup, handler=Handler(Arrivals(order)), policy=policy_of_catalogue(max_tries=3))
        await engine.run(stop)


def work(order: Order) -> None:
    asyncio.run(_work(order))


if __name__ == "__main__":
    main(send, work)
