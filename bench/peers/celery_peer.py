"""Celery on SQS as its documentation sets it up, with acks_late, without which a crash loses the message."""

import sys

from celery import Celery

from bench.peers.arrivals import KEY, REGION, Arrivals, Order, Paced, main


def app_of(order: Order, arrivals: Arrivals | None):
    app = Celery("bench", broker=f"sqs://{KEY}:{KEY}@")
    app.conf.update(
        broker_transport_options={
            "region": REGION,
            "visibility_timeout": order.visibility_s,
            "wait_time_seconds": order.wait_s,
            "polling_interval": 0.1,
            "predefined_queues": {
                order.queue: {"url": order.url, "access_key_id": KEY, "secret_access_key": KEY},
            },
        },
        task_default_queue=order.queue,
        task_acks_late=True,
        task_ignore_result=True,
        task_create_missing_queues=False,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
    )

    @app.task(name="handle")
    def handle(sent: float) -> None:
        if arrivals is not None:
            arrivals.handle(sent)

    return app, handle


def send(order: Order) -> None:
    _, handle = app_of(order, None)
    for sent in Paced(order):
        handle.delay(sent)


def work(order: Order) -> None:
    app, _ = app_of(order, Arrivals(order))
    concurrency = ["--concurrency", str(order.concurrency)]
    sys.exit(
        app.worker_main(
            ["worker", "--loglevel", "INFO", "--pool", "threads", *concurrency, "--without-mingle", "--without-gossip"]
        )
    )


if __name__ == "__main__":
    main(send, work)
