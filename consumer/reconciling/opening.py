"""A worker's reconciler, put together from its settings and clients."""

from collections.abc import MutableMapping

from consumer.engine.clock import SystemClock
from consumer.figures import Figures
from consumer.reconciler import POST, Reconciler
from consumer.reconciling.leadership import Leadership
from consumer.reconciling.rules import Rules
from core.aws.clients import Clients
from core.aws.objects import S3Objects
from core.aws.posts import DynamoPosts
from core.aws.queue import dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.settings import Settings

ROUNDS_A_TERM = 3
UPLOAD_GRACE_S = 3600.0
"""An upload that began within its address's validity may still be on its way."""


def rules_of(settings: Settings) -> Rules:
    return Rules(
        max_attempts=settings.max_attempts,
        max_age_s=settings.max_age_s,
        resend_after_s=settings.resend_after_s,
        overdue_s=settings.upload_expires_s + UPLOAD_GRACE_S,
    )


async def open_reconciler(
    settings: Settings, clients: Clients, *, owner: str, depths: MutableMapping[str, int], figures: Figures
) -> Reconciler:
    """Raises Failure(QUEUE_UNAVAILABLE) naming the queue that is not there."""
    clock = SystemClock()
    leadership = Leadership(
        DynamoPosts(clients.dynamodb, settings.table),
        clock=clock,
        post=POST,
        holder=owner,
        term_s=ROUNDS_A_TERM * settings.reconcile_s,
    )
    names = (settings.ingest_queue, settings.analysis_queue)
    return Reconciler(
        records=DynamoRecords(clients.dynamodb, settings.table),
        objects=S3Objects(clients.s3, settings.bucket),
        queues={
            "ingest": await open_queue(clients, settings.ingest_queue),
            "analysis": await open_queue(clients, settings.analysis_queue),
        },
        dead_letters=[await open_queue(clients, dead_letter_name(name)) for name in names],
        depths=depths,
        leadership=leadership,
        clock=clock,
        rules=rules_of(settings),
        lease_s=settings.visibility_s,
        interval_s=settings.reconcile_s,
        figures=figures,
    )
