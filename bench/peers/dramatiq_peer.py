"""dramatiq-sqs in one process with so many threads; acknowledged after the actor has run. It has no heartbeat."""

import logging
import signal
import threading

import dramatiq
from dramatiq_sqs import SQSBroker

from bench.peers.arrivals import KEY, REGION, Arrivals, Order, Paced, main


def actor_of(order: Order, arrivals: Arrivals | None):
    broker = SQSBroker(
        visibility_timeout=order.visibility_s,
        endpoint_url=order.endpoint,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
    )
    dramatiq.set_broker(broker)

    def handle(sent: float) -> None:
        if arrivals is not None:
            arrivals.handle(sent)

    return broker, dramatiq.actor(handle, queue_name=order.queue, broker=broker)


def send(order: Order) -> None:
    _, actor = actor_of(order, None)
    for sent in Paced(order):
        actor.send(sent)


def work(order: Order) -> None:
    logging.basicConfig(level=logging.INFO)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    broker, _ = actor_of(order, Arrivals(order))
    worker = dramatiq.Worker(broker, worker_threads=order.concurrency, worker_timeout=1000)
    worker.start()
    stop.wait()
    worker.stop()


if __name__ == "__main__":
    main(send, work)
