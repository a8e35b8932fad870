"""taskiq-aio-sqs with its heartbeat on: receives of ten, acknowledged after the task has run."""

import asyncio
import logging

from taskiq.api import run_receiver_task
from taskiq_aio_sqs import SQSBroker

from bench.peers.arrivals import KEY, REGION, Arrivals, Order, Paced, main


def broker_of(order: Order) -> SQSBroker:
    return SQSBroker(
        order.queue,
        endpoint_url=order.endpoint,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
        wait_time_seconds=order.wait_s,
        max_number_of_messages=10,
        visibility_timeout=order.visibility_s,
        enable_heartbeat=True,
    )


def task_of(broker: SQSBroker, arrivals: Arrivals | None):
    @broker.task(task_name="handle")
    async def handle(sent: float) -> None:
        if arrivals is not None:
            arrivals.handle(sent)

    return handle


async def _work(order: Order) -> None:
    broker = broker_of(order)
    task_of(broker, Arrivals(order))
    broker.is_worker_process = True
    await run_receiver_task(broker, max_async_tasks=order.concurrency, run_startup=True)


async def _send(order: Order) -> None:
    broker = broker_of(order)
    handle = task_of(broker, None)
    await broker.startup()
    for sent in Paced(order):
        await handle.kiq(sent)
    await broker.shutdown()


def send(order: Order) -> None:
    asyncio.run(_send(order))


def work(order: Order) -> None:
    logging.basicConfig(level=logging.INFO)
    asyncio.run(_work(order))


if __name__ == "__main__":
    main(send, work)
