"""The two roles put together: settings and the outside in, an engine out."""

import os
import random
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from consumer.analysis import Analysis
from consumer.engine.breaker import Breaker
from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.engine.job import Handler
from consumer.engine.limits import Limits
from consumer.engine.policy import policy_of_catalogue
from consumer.engine.preflight import refuse_broken
from consumer.engine.setup import Setup
from consumer.figures import Figures
from consumer.ingest import Ingest
from consumer.ingesting.examine import Examiner
from consumer.ingesting.poster import Posters
from consumer.media.policy import MediaPolicy
from consumer.metrics import TallyCollector
from consumer.recall import open_recall
from consumer.reconciling.opening import open_reconciler
from consumer.sandbox.linux import hide_memory
from consumer.sandbox.pool import Pool
from consumer.scratch import Scratch, open_scratch
from consumer.stages import STAGES
from consumer.stages.download import space_for
from consumer.stages.stage import Tools
from consumer.traced import processed
from consumer.tracing import traced, traced_stages
from consumer.vision.opening import model_breaker, open_vision
from consumer.vision.spending import Tally
from core.aws.clients import Clients, open_clients
from core.aws.counters import DynamoCounters
from core.aws.leavings import AwsLeavings
from core.aws.objects import S3Objects
from core.aws.posts import DynamoBreakers
from core.aws.queue import SqsQueue, dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Breakers, Objects
from core.pose_weights import refuse_missing
from core.settings import Settings
from core.spans import published
from core.telemetry import traced_queue
from core.tracing import open_tracing

OpenRole = Callable[[Settings, Figures], AbstractAsyncContextManager[Engine]]

SPARE_RECEIVES = 3
"""A shutdown and a duplicate that waits are receives without a try. The queue's own maxReceiveCount leaves room above
this (ops/desired.py): a message must come once more than this to be quarantined by us, with its record marked."""
STEP_LIMIT_S = 60.0
"""How long a job may take for what is not a stage with a deadline of its own."""


def limits_of(settings: Settings, *, concurrency: int) -> Limits:
    return Limits(
        concurrency=concurrency,
        visibility_s=settings.visibility_s,
        wait_s=min(settings.poll_wait_s, settings.drain_s),
        max_receives=settings.max_attempts + SPARE_RECEIVES,
        drain_s=settings.drain_s,
        job_limit_s=STEP_LIMIT_S,
    )


async def engine_of(  # the last two are of the analysis role only
    settings: Settings,
    queue: SqsQueue,
    handler: Handler,
    *,
    concurrency: int,
    breaker: Breaker | None = None,
    breakers: Breakers | None = None,
) -> Engine:
    """Raises BrokenSetup for a queue on which the engine could not keep its promises."""
    limits = limits_of(settings, concurrency=concurrency)
    await refuse_broken(queue, limits, dead_letters=dead_letter_name(queue.name))
    setup = Setup(queue=queue, clock=SystemClock(), chance=random.random, limits=limits)
    policy = policy_of_catalogue(max_tries=settings.max_attempts)
    reported = processed(handler, queue.name)
    return Engine(setup, handler=reported, policy=policy, breaker=breaker, breakers=breakers)


@asynccontextmanager
async def ingest_role(settings: Settings, figures: Figures) -> AsyncIterator[Engine]:
    """Raises Failure(QUEUE_UNAVAILABLE) naming the queue that is not there, BrokenSetup for one that is set up
    wrong."""
    hide_memory()
    async with (
        open_tracing(settings, service="ingest") as tracing,
        open_clients(settings) as clients,
        Pool() as pool,
    ):
        with open_scratch(settings.scratch_dir, budget=settings.scratch_bytes) as scratch:
            objects = S3Objects(clients.s3, settings.bucket)
            handler = Ingest(
                objects=objects,
                records=DynamoRecords(clients.dynamodb, settings.table),
                analyses=traced_queue(published(await _queue(clients, settings.analysis_queue)), tracing),
                clock=SystemClock(),
                examiner=examiner_of(settings, objects, scratch, pool),
                figures=figures,
            )
            queue = await _queue(clients, settings.ingest_queue)
            seen = traced(handler, tracing, queue=queue.name)
            yield await engine_of(settings, queue, seen, concurrency=settings.ingest_concurrency)


def examiner_of(settings: Settings, objects: Objects, scratch: Scratch, pool: Pool) -> Examiner:
    clock = SystemClock()
    posters = Posters(objects=objects, clock=clock, scratch=scratch, open_decoder=pool.decoder)
    return Examiner(objects=objects, clock=clock, policy=MediaPolicy.from_settings(settings), posters=posters)


@asynccontextmanager
async def analysis_role(settings: Settings, figures: Figures) -> AsyncIterator[Engine]:
    """Raises Failure: QUEUE_UNAVAILABLE naming the queue that is not there, SCRATCH_FULL for a budget that the largest
    clip never fits into, WEIGHTS_MISSING. Raises BrokenSetup for a queue that is set up wrong."""
    needed = space_for(settings.max_upload_bytes)
    if settings.scratch_bytes < needed:
        detail = f"SCRATCH_BYTES is {settings.scratch_bytes}, and the largest clip needs {needed}"
        raise Failure(ErrorCode.SCRATCH_FULL, detail)
    refuse_missing(settings.weights_dir, settings.pose_model)
    hide_memory()
    breaker = model_breaker(SystemClock()) if settings.vision_on else None
    async with (
        open_tracing(settings, service="worker") as tracing,
        open_clients(settings) as clients,
        _tools(settings, clients, breaker, figures) as tools,
    ):
        owner = f"{settings.instance}-{os.getpid()}-{secrets.token_hex(4)}"
        handler = Analysis(
            records=DynamoRecords(clients.dynamodb, settings.table),
            tools=tools,
            stages=traced_stages(STAGES, tracing),
            owner=owner,
            figures=figures,
        )
        engine = await engine_of(
            settings,
            await _queue(clients, settings.analysis_queue),
            traced(handler, tracing, queue=settings.analysis_queue),
            concurrency=settings.worker_concurrency,
            breaker=breaker,
            breakers=DynamoBreakers(clients.dynamodb, settings.table),
        )
        figures.watch_scratch(tools.scratch, largest=needed)
        figures.watch_breaker(engine.breaker)
        figures.watch_fleet(tools.clock)
        depths = engine.vitals.dead_letters
        reconciler = await open_reconciler(settings, clients, owner=owner, depths=depths, figures=figures)
        async with reconciler.working():
            yield engine


@asynccontextmanager
async def _tools(
    settings: Settings, clients: Clients, breaker: Breaker | None, figures: Figures
) -> AsyncIterator[Tools]:
    clock, objects, tally = SystemClock(), S3Objects(clients.s3, settings.bucket), Tally()
    counters = DynamoCounters(clients.dynamodb, settings.table)
    figures.registry.register(TallyCollector(tally, clock))
    async with Pool(reads=[settings.weights_dir]) as pool:
        with open_scratch(settings.scratch_dir, budget=settings.scratch_bytes) as scratch:
            async with (
                open_vision(
                    settings, objects=objects, counters=counters, breaker=breaker, clock=clock, tally=tally
                ) as vision,
                open_recall(settings, objects=objects, counters=counters) as recall,
            ):
                yield Tools(
                    objects=objects,
                    clock=clock,
                    scratch=scratch,
                    open_decoder=pool.decoder,
                    settings=settings,
                    vision=vision,
                    recall=recall,
                    leavings=AwsLeavings(clients, settings),
                )


async def _queue(clients: Clients, name: str) -> SqsQueue:
    return await open_queue(clients, name, dead_letters=dead_letter_name(name))
