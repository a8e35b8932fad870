"""`python -m service`: the web process."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from core.aws.clients import open_clients
from core.aws.counters import DynamoCounters
from core.aws.leavings import AwsLeavings
from core.aws.objects import S3Objects
from core.aws.queue import open_queue
from core.aws.records import DynamoRecords
from core.aws.verdicts import DynamoVerdicts
from core.failure import Failure
from core.log import configure_logging, log_settings
from core.reporting import error_reports
from core.settings import Settings, load_settings
from core.shelf import open_redis_shelf
from core.spans import published
from core.telemetry import traced_queue
from core.tracing import open_tracing
from service.app import make_app
from service.outside import Outside
from service.server import serve

_log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def open_outside(settings: Settings) -> AsyncIterator[Outside]:
    async with open_clients(settings) as clients, AsyncExitStack() as stack:
        tracing = await stack.enter_async_context(open_tracing(settings, service="web"))
        cache = None
        if settings.redis_url is not None:
            cache = await stack.enter_async_context(open_redis_shelf(settings.redis_url, settings.cache_entries))
        yield Outside(
            objects=S3Objects(clients.s3, settings.bucket),
            ingest=traced_queue(published(await open_queue(clients, settings.ingest_queue)), tracing),
            analysis=await open_queue(clients, settings.analysis_queue),
            records=DynamoRecords(clients.dynamodb, settings.table),
            verdicts=DynamoVerdicts(clients.dynamodb, settings.table),
            leavings=AwsLeavings(clients, settings),
            counters=DynamoCounters(clients.dynamodb, settings.table),
            cache=cache,
            tracing=tracing,
        )


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_outside(settings) as outside:
        await serve(make_app(settings, outside), settings, stop)


def main() -> None:
    settings = load_settings()
    configure_logging(settings, service="web")
    log_settings(settings)
    with error_reports(settings, service="web"):
        try:
            asyncio.run(run(settings))
        except Failure as failure:
            _log.error("service.start.failed", error_code=failure.code, detail=failure.detail)
            raise SystemExit(1) from None


if __name__ == "__main__":
    main()
