"""`python -m tests.chaos.worker FATES_FOLDER`: the analysis role with ports that kill their own process at foretold
points. The same parts as in consumer/roles.py; production code has no switch for any of this."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import structlog

from consumer.__main__ import work
from consumer.analysis import Analysis
from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.figures import Figures
from consumer.reconciling.opening import open_reconciler
from consumer.roles import engine_of
from consumer.sandbox.linux import hide_memory
from consumer.sandbox.pool import Pool
from consumer.scratch import open_scratch
from consumer.stages.stage import Tools
from core.aws.clients import Clients, open_clients
from core.aws.queue import dead_letter_name, open_queue
from core.failure import Failure
from core.log import configure_logging, log_settings
from core.pose_weights import refuse_missing
from core.settings import Settings, load_settings
from tests.chaos.cheap import stages_of
from tests.chaos.fates import Fates
from tests.chaos.ports import FullScratch, MortalObjects, MortalQueue, MortalRecords, mortal

log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def mortal_role(fates: Fates, settings: Settings, figures: Figures) -> AsyncIterator[Engine]:
    refuse_missing(settings.weights_dir, settings.pose_model)
    hide_memory()
    async with open_clients(settings) as clients, Pool(reads=[settings.weights_dir]) as pool:
        with open_scratch(settings.scratch_dir, budget=settings.scratch_bytes) as scratch:
            owner = f"{settings.instance}-{os.getpid()}-{secrets.token_hex(4)}"
            tools = Tools(
                objects=MortalObjects(fates, clients.s3, settings.bucket),
                clock=SystemClock(),
                scratch=FullScratch(fates, scratch, budget=settings.scratch_bytes),
                open_decoder=mortal(fates, pool.decoder),
                settings=settings,
            )
            handler = Analysis(
                records=MortalRecords(fates, clients.dynamodb, settings.table),
                tools=tools,
                stages=stages_of(fates),
                owner=owner,
                figures=figures,
            )
            queue = await _queue(fates, clients, settings.analysis_queue)
            engine = await engine_of(settings, queue, handler, concurrency=settings.worker_concurrency)
            depths = engine.vitals.dead_letters
            reconciler = await open_reconciler(settings, clients, owner=owner, depths=depths, figures=figures)
            async with reconciler.working():
                yield engine


async def _queue(fates: Fates, clients: Clients, name: str) -> MortalQueue:
    await open_queue(clients, name, dead_letters=dead_letter_name(name))
    urls = [(await clients.sqs.get_queue_url(QueueName=one))["QueueUrl"] for one in (name, dead_letter_name(name))]
    return MortalQueue(fates, name, clients.sqs, clients.polls, url=urls[0], dead_url=urls[1])


def main() -> int:
    settings = load_settings()
    configure_logging(settings, service="worker")
    log_settings(settings)
    try:
        asyncio.run(work(settings, "analysis", partial(mortal_role, Fates(folder=Path(sys.argv[1])))))
    except Failure as failure:
        log.error("consumer.start.failed", kind="analysis", error_code=failure.code, detail=failure.detail)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
