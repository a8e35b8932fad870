"""The limit: a loop of aiobotocore calls that receives ten, calls the handler and deletes ten. It promises nothing."""

import asyncio
import json
import time
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from bench.peers.arrivals import KEY, REGION, Arrivals, Order, Paced, main

TRACE = {"traceparent": {"DataType": "String", "StringValue": f"00-{'1' * 32}-{'1' * 16}-01"}}


def client_of(order: Order) -> AbstractAsyncContextManager[Any]:
    config = AioConfig(signature_version="v4", read_timeout=order.wait_s + 5, max_pool_connections=40)
    made: AbstractAsyncContextManager[Any] = get_session().create_client(
        "sqs",
        config=config,
        endpoint_url=order.endpoint,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
    )
    return made


async def _work(order: Order) -> None:
    arrivals = Arrivals(order)
    async with client_of(order) as client:
        while True:
            reply = await client.receive_message(
                QueueUrl=order.url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=order.wait_s,
                VisibilityTimeout=order.visibility_s,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
            found = reply.get("Messages", [])
            for message in found:
                arrivals.handle(json.loads(message["Body"])["sent"])
            if found:
                done = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(found)]
                await client.delete_message_batch(QueueUrl=order.url, Entries=done)


async def _send(order: Order) -> None:
    async with client_of(order) as client:
        if order.pace:
            for sent in Paced(order):
                body = json.dumps({"sent": sent})
                await client.send_message(QueueUrl=order.url, MessageBody=body, MessageAttributes=TRACE)
            return
        for _ in range(order.count // 10):
            body = json.dumps({"sent": time.time()})
            ten = [{"Id": str(at), "MessageBody": body, "MessageAttributes": TRACE} for at in range(10)]
            await client.send_message_batch(QueueUrl=order.url, Entries=ten)


def send(order: Order) -> None:
    asyncio.run(_send(order))


def work(order: Order) -> None:
    asyncio.run(_work(order))


if __name__ == "__main__":
    main(send, work)
