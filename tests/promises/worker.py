"""A real consumer process with a handler that does what its message says: `python -m tests.promises.worker LIMITS`.

LIMITS is a JSON object of consumer.engine.limits.Limits' fields. A message is one word, or a word and a number:
"sleep 5", "block 20" (the event loop), "exit" (the process). What happens is said on stdout.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from consumer.__main__ import work
from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.engine.job import Pulse
from consumer.engine.limits import Limits
from consumer.engine.policy import policy_of_catalogue
from consumer.engine.setup import Setup
from consumer.figures import Figures
from core.aws.clients import open_clients
from core.aws.queue import dead_letter_name, open_queue
from core.failure import Failure
from core.log import configure_logging
from core.messages import Undecodable
from core.ports import Delivery
from core.settings import Settings, load_settings

LIMITS: dict[str, float] = {
    "concurrency": 2,
    "visibility_s": 10,
    "wait_s": 2,
    "max_receives": 6,
    "drain_s": 4,
    "job_limit_s": 60,
}


def say(event: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class Obedient:
    """consumer.engine.job.Handler."""

    kind = "obedient"

    def accept(self, delivery: Delivery, pulse: Pulse) -> "Order":
        if not delivery.body.startswith(("sleep", "block", "exit")):
            raise Undecodable("it is no order")

        async def beat() -> None:
            say("beat", body=delivery.body)

        pulse.renew_with(beat)
        return Order(delivery=delivery)

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None:
        say("quarantined", body=delivery.body, receives=delivery.receive_count)


@dataclass(frozen=True, kw_only=True)
class Order:
    delivery: Delivery

    @property
    def context(self) -> Mapping[str, object]:
        return {"body": self.delivery.body}

    @property
    def facts(self) -> Mapping[str, object]:
        return {}

    @property
    def tries(self) -> int:
        return self.delivery.receive_count

    async def run(self) -> None:
        word, _, number = self.delivery.body.partition(" ")
        say("began", body=self.delivery.body, receives=self.delivery.receive_count)
        try:
            if word == "exit":
                os._exit(1)
            elif word == "block":
                time.sleep(float(number))  # noqa: ASYNC251  # this is what it is for
                # from here on, the engine may find out
                await asyncio.sleep(60)
            else:
                await asyncio.sleep(float(number))
        except asyncio.CancelledError:
            say("cancelled", body=self.delivery.body)
            raise
        say("done", body=self.delivery.body)

    async def fail(self, failure: Failure) -> None:
        say("failed", body=self.delivery.body, error=str(failure))

    async def release(self, failure: Failure | None, *, counts: bool) -> None:
        say("released", body=self.delivery.body, counts=counts)


def main(argv: list[str]) -> None:
    limits = Limits(**(LIMITS | json.loads(argv[0])))
    settings = load_settings()
    configure_logging(settings, service="obedient")

    @asynccontextmanager
    async def role(settings: Settings, _: Figures) -> AsyncIterator[Engine]:
        async with open_clients(settings) as clients:
            name = settings.analysis_queue
            queue = await open_queue(clients, name, dead_letters=dead_letter_name(name))
            setup = Setup(queue=queue, clock=SystemClock(), chance=random.random, limits=limits)
            yield Engine(setup, handler=Obedient(), policy=policy_of_catalogue(max_tries=3))

    asyncio.run(work(settings, "obedient", role))


if __name__ == "__main__":
    main(sys.argv[1:])
