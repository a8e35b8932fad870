"""What a run left behind, as plain values: table, bucket, queues, log lines, folders."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.aws.clients import Clients
from core.aws.items import record_of
from core.aws.queue import dead_letter_name
from core.error_codes import ErrorCode
from core.messages import Undecodable, decode
from core.record import Record, Status
from core.settings import Settings
from tests.chaos.fleet import Life

KEPT_LINES = frozenset(
    {
        "analysis.completed",
        "analysis.failed",
        "video.download.started",
        "scratch.cleaned",
        "upload.not_cleared",
        "consumer.bug",
        "consumer.stopping",
        "consumer.stopped",
    }
)
_SETS = ("uploads", "clips", "results")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A log line: of which life of which process, when (epoch seconds), and about which analysis."""

    process: str
    number: int
    at: float
    event: str
    analysis_id: str | None


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What the law looks at in a record."""

    analysis_id: str
    status: Status
    attempt: int
    error_code: ErrorCode | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """`accepted`: the ids whose clip was stored. `uploads`, `clips`, `results`: the ids that have one in the bucket,
    uploads as they came and clips as ingest keeps them. `waiting`: messages left on each queue, hidden and delayed
    ones included. `dead`: (queue, analysis id or None, reason). `files`: what lies in scratch and temporary folders.
    `children`: command lines of processes without a parent."""

    accepted: Sequence[str]
    records: Sequence[Fact]
    uploads: frozenset[str]
    clips: frozenset[str]
    results: frozenset[str]
    waiting: Mapping[str, int]
    dead: Sequence[tuple[str, str | None, str | None]]
    lines: Sequence[Line]
    lives: Sequence[Life]
    files: Sequence[str]
    children: Sequence[str]

    def dumped(self) -> str:
        sets = {name: sorted(getattr(self, name)) for name in _SETS}
        return json.dumps(asdict(self) | sets, indent=1)


def loaded(text: str) -> Evidence:
    """What `dumped` made."""
    data = json.loads(text)
    data["records"] = [
        Fact(**{**fact, "status": Status(fact["status"]), "error_code": _code(fact["error_code"])})
        for fact in data["records"]
    ]
    data["lines"] = [Line(**line) for line in data["lines"]]
    data["lives"] = [Life(**life) for life in data["lives"]]
    data["dead"] = [tuple(one) for one in data["dead"]]
    return Evidence(**{**data, **{name: frozenset(data[name]) for name in _SETS}})


def _code(text: str | None) -> ErrorCode | None:
    return None if text is None else ErrorCode(text)


async def records(clients: Clients, settings: Settings) -> Sequence[Record]:
    """Every record of the table; other things that it holds are left out."""
    pages = clients.dynamodb.get_paginator("scan").paginate(TableName=settings.table, ConsistentRead=True)
    return [record_of(item) async for page in pages for item in page["Items"] if "status" in item]


def facts(found: Sequence[Record]) -> Sequence[Fact]:
    return [
        Fact(analysis_id=one.analysis_id, status=one.status, attempt=one.attempt, error_code=one.error_code)
        for one in found
    ]


async def keys(clients: Clients, settings: Settings, prefix: str) -> Sequence[str]:
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket, Prefix=prefix)
    return [item["Key"] async for page in pages for item in page.get("Contents", [])]


async def waiting(clients: Clients, settings: Settings) -> Mapping[str, int]:
    """Queue -> all of its messages."""
    return {name: await _messages(clients, name) for name in (settings.ingest_queue, settings.analysis_queue)}


async def _messages(clients: Clients, name: str) -> int:
    url = (await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]
    reply = await clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    kinds = ("", "NotVisible", "Delayed")
    found: Mapping[Any, str] = reply["Attributes"]
    return sum(int(found[f"ApproximateNumberOfMessages{kind}"]) for kind in kinds)


async def dead(clients: Clients, settings: Settings) -> Sequence[tuple[str, str | None, str | None]]:
    """Takes the dead letters of both queues into hand for a minute, and reads them."""
    found = []
    for queue in (settings.ingest_queue, settings.analysis_queue):
        url = (await clients.sqs.get_queue_url(QueueName=dead_letter_name(queue)))["QueueUrl"]
        while True:
            reply = await clients.polls.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, MessageAttributeNames=["All"]
            )
            messages = reply.get("Messages", [])
            if not messages:
                break
            for message in messages:
                reason = message.get("MessageAttributes", {}).get("reason")
                said = None if reason is None else reason.get("StringValue")
                found += [(queue, one, said) for one in _ids(message["Body"])]
    return found


def _ids(body: str) -> list[str | None]:
    try:
        envelope = decode(body, {})
    except Undecodable:
        return [None]
    uploads = [upload.analysis_id for upload in envelope.uploads]
    return uploads if envelope.job is None else [envelope.job.analysis_id]


def lines(folder: Path, lives: Sequence[Life]) -> Sequence[Line]:
    """The lines that the law looks at. Raises ValueError for one that is no JSON, unless its process was killed."""
    found = []
    for life in lives:
        written = (folder / f"{life.process}-{life.number}.log").read_text().splitlines()
        for at, text in enumerate(written):
            try:
                line = json.loads(text)
            except ValueError:
                if life.was_killed and at == len(written) - 1:
                    continue
                raise
            if line["event"] in KEPT_LINES:
                found.append(_line(life, line))
    return found


def _line(life: Life, line: Mapping[str, Any]) -> Line:
    return Line(
        process=life.process,
        number=life.number,
        at=datetime.fromisoformat(line["timestamp"]).timestamp(),
        event=line["event"],
        analysis_id=line.get("analysis_id"),
    )


def files(*folders: Path) -> Sequence[str]:
    return sorted(str(path) for folder in folders for path in folder.rglob("*") if path.is_file() or path.is_dir())
