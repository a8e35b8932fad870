"""The SDK's clients, opened once per process and passed on as arguments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_sqs.client import SQSClient

    from core.settings import Settings

CONNECT_S = 3
POLL_MARGIN_S = 5


@dataclass(frozen=True, kw_only=True)
class Clients:
    """`polls` is for ReceiveMessage only: a long poll holds its connection, and sends must not wait for one."""

    s3: S3Client
    sqs: SQSClient
    polls: SQSClient
    dynamodb: DynamoDBClient


@asynccontextmanager
async def open_clients(settings: Settings) -> AsyncIterator[Clients]:
    """Nothing is asked of AWS yet. Every call of these clients ends: by time-outs, and by a bounded number of tries."""
    session = get_session()
    common = _common(settings)
    async with AsyncExitStack() as stack:

        async def client(service: str, **options: Any) -> Any:
            # a whole user agent of our own: botocore would put its own together anew for every request
            agent = f"performate/{settings.version}"
            config = AioConfig(signature_version="v4", connect_timeout=CONNECT_S, user_agent=agent)
            created = session.create_client(service, config=config.merge(AioConfig(**options)), **common)
            return await stack.enter_async_context(created)

        yield Clients(
            # Without s3v4 botocore presigns with SigV2 against a custom endpoint. Virtual-host addresses carry the
            # region, so a browser's upload meets no redirect; an emulator on loopback has no such names.
            s3=await client(
                "s3",
                signature_version="s3v4",
                read_timeout=20,
                max_pool_connections=40,
                retries=_tries(3),
                s3={"addressing_style": "path" if settings.aws_endpoint_url else "virtual"},
            ),
            sqs=await client("sqs", read_timeout=10, max_pool_connections=40, retries=_tries(3)),
            # One try: the consumer spaces failing receives, and retries in here would multiply them.
            polls=await client(
                "sqs",
                read_timeout=settings.poll_wait_s + POLL_MARGIN_S,
                max_pool_connections=40,
                retries=_tries(1),
            ),
            dynamodb=await client("dynamodb", read_timeout=5, max_pool_connections=40, retries=_tries(3)),
        )


def _common(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {"region_name": settings.aws_region, "endpoint_url": settings.aws_endpoint_url}
    if settings.aws_access_key_id and settings.aws_secret_access_key:
        found["aws_access_key_id"] = settings.aws_access_key_id.get_secret_value()
        found["aws_secret_access_key"] = settings.aws_secret_access_key.get_secret_value()
    return found


def _tries(total: int) -> dict[str, Any]:
    return {"mode": "standard", "total_max_attempts": total}
