"""async-sqs-consumer: receives of ten, deletes of one after the task has run. It has no heartbeat."""

import asyncio
import json

import aioboto3
from async_sqs_consumer import resources
from async_sqs_consumer.queue import Queue
from async_sqs_consumer.worker import Worker

from bench.peers.arrivals import KEY, REGION, Arrivals, Order, Paced, main


async def _send(order: Order) -> None:
    options = {"endpoint_url": order.endpoint, "region_name": REGION}
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": KEY}
    async with aioboto3.Session().client("sqs", **options, **keys) as client:
        for number, sent in enumerate(Paced(order)):
            body = json.dumps({"task": "handle", "id": str(number), "args": [sent]})
            await client.send_message(QueueUrl=order.url, MessageBody=body)


def send(order: Order) -> None:
    asyncio.run(_send(order))


def work(order: Order) -> None:
    # its one place for an endpoint
    resources.RESOURCE_OPTIONS_SQS.update(
        endpoint_url=order.endpoint, region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=KEY
    )
    arrivals = Arrivals(order)
    queue = Queue(order.url, visibility_timeout=order.visibility_s, polling_interval=0.001)
    worker = Worker({"default": queue}, max_workers=order.concurrency)

    @worker.task("handle")
    async def handle(sent: float) -> None:
        arrivals.handle(sent)

    worker.start()


if __name__ == "__main__":
    main(send, work)
