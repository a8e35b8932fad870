"""The real processes with a prober beside them: the product of the flow tests, and where a prober finds it."""

import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.aws.clients import open_clients
from core.aws.queue import dead_letter_name, open_queue
from core.aws.verdicts import DynamoVerdicts
from core.settings import load_settings
from core.verdicts import STAGES, Board
from tests.flow.product import Product, product, wait_for

ADMIN_TOKEN = "flow-admin"
PATH = "/health/analysis-pipeline"
ENV = {
    "PROBE_INTERVAL_S": "120",
    "PROBE_TIMEOUT_S": "100",
    "PROBE_LEASE_S": "3",
    "POSE_MODEL": "lite",
    "VISIBILITY_S": "10",
}
PROBERS = {
    "prober": ("-m", "prober"),
    "once": ("-m", "prober", "--once"),
    "other": ("-m", "prober", "--once"),
}


@asynccontextmanager
async def installation(
    folder: Path, *, commands: Mapping[str, tuple[str, ...]] | None = None, env: Mapping[str, str] | None = None
) -> AsyncIterator[Product]:
    """The three processes run; the probers are there to be started."""
    async with product(folder, commands=commands, env=env) as it:
        it.env["PROBE_URL"] = it.url
        it.commands |= PROBERS
        yield it


async def until(what: str, look: Callable[[], Awaitable[Any]]) -> Any:
    return await wait_for(what, look, limit=150)


async def ended(it: Product, name: str) -> int:
    """The exit code of a prober, once it has ended by itself."""

    async def look() -> tuple[int] | None:
        code = it.running[name].poll()
        return None if code is None else (code,)

    (code,) = await until(f"the end of {name}", look)
    del it.running[name]
    return int(code)


def said(it: Product, event: str, name: str) -> list[dict[str, Any]]:
    return [line for line in lines_of(it, name) if line["event"] == event]


def lines_of(it: Product, name: str) -> list[dict[str, Any]]:
    """A line may be half written while it is read."""
    path = it.folder / f"{name}.log"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


async def board_of(it: Product) -> Board:
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        return await DynamoVerdicts(clients.dynamodb, settings.table).board() or Board()


async def objects_in(it: Product) -> list[str]:
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        found = await clients.s3.list_objects_v2(Bucket=settings.bucket)
    return [item["Key"] for item in found.get("Contents", [])]


async def records_in(it: Product) -> list[str]:
    """Ids of analyses in the table."""
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        found = await clients.dynamodb.scan(TableName=settings.table)
    return [item["analysis_id"]["S"] for item in found["Items"] if "created_at" in item]


async def messages_in(it: Product) -> int:
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        names = [settings.ingest_queue, settings.analysis_queue]
        queues = [await open_queue(clients, name) for name in [*names, *map(dead_letter_name, names)]]
        return sum([await queue.depth() for queue in queues])


async def reached(it: Product, stage: str, process: subprocess.Popen[bytes], seen: int) -> bool:
    """Whether a prober that is started now has come to that stage; `seen` lines were there before."""
    assert process.poll() is None, "it ended before it came there"
    lines = lines_of(it, "once")[seen:]
    if stage == "init":
        return any(line["event"] == "probe.started" for line in lines)
    return any(line["event"] == "probe.stage" and STAGES.index(line["stage"]) >= STAGES.index(stage) for line in lines)  # type: ignore[arg-type]
