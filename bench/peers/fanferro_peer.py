"""fanferro, its core in Rust, with its defaults: heartbeats, deletes batched in the background."""

import asyncio
import logging

import fanferro

from bench.peers.arrivals import KEY, REGION, Arrivals, Order, Paced, main


def client_of(order: Order) -> fanferro.Client:
    return fanferro.Client(
        region=REGION,
        endpoint_url=order.endpoint,
        credentials=fanferro.Credentials(KEY, KEY),
        account_id="000000000000",
        logging=fanferro.LoggingConfig(levels={"message.processed": logging.INFO}),
    )


async def _send(order: Order) -> None:
    client = client_of(order)
    queue = client.queue(order.queue)
    async with client:
        for sent in Paced(order):
            await queue.send({"sent": sent})


async def _work(order: Order) -> None:
    arrivals, client = Arrivals(order), client_of(order)
    consumer = client.consumer(
        client.queue(order.queue),
        concurrency=order.concurrency,
        wait_time=order.wait_s,
        visibility_timeout=order.visibility_s,
    )

    @consumer.default
    async def handle(body: dict) -> None:
        arrivals.handle(body["sent"])

    async with client:
        await client.run()


def send(order: Order) -> None:
    asyncio.run(_send(order))


def work(order: Order) -> None:
    # a line a message, as every other contender writes
    logging.basicConfig(level=logging.INFO)
    asyncio.run(_work(order))


if __name__ == "__main__":
    main(send, work)
