"""The analysis role over real AWS, made of its parts: which stages and which decoders is the choice of the test."""

from collections.abc import Sequence

from consumer.analysis import Analysis
from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.figures import Figures
from consumer.roles import engine_of
from consumer.sandbox.pool import Pool
from consumer.scratch import Scratch
from consumer.stages import STAGES
from consumer.stages.stage import Stage, Tools
from core.aws.clients import Clients
from core.aws.objects import S3Objects
from core.aws.queue import dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.settings import Settings


async def analysis_engine(
    settings: Settings,
    clients: Clients,
    scratch: Scratch,
    pool: Pool,
    *,
    figures: Figures,
    stages: Sequence[Stage] = STAGES,
) -> Engine:
    """Without reconciler, vision model and recall."""
    tools = Tools(
        objects=S3Objects(clients.s3, settings.bucket),
        clock=SystemClock(),
        scratch=scratch,
        open_decoder=pool.decoder,
        settings=settings,
    )
    records = DynamoRecords(clients.dynamodb, settings.table)
    handler = Analysis(records=records, tools=tools, stages=tuple(stages), owner="test", figures=figures)
    name = settings.analysis_queue
    queue = await open_queue(clients, name, dead_letters=dead_letter_name(name))
    return await engine_of(settings, queue, handler, concurrency=settings.worker_concurrency)
