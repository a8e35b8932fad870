"""The wire messages on the queues, and S3's own events: bytes in, typed values out, nothing awaited.

Version 1 of the body is {"v": 1, "kind": "ingest" | "analysis", "analysis_id": id, "epoch": n}. A reader takes versions
N and N-1; fields are only ever added. Ids and small fields only: what a message is about lies in its record.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Literal, TypeGuard
from urllib.parse import unquote_plus

WIRE_VERSION = 1
_KEY = re.compile(r"^videos/\d{4}/\d{2}/\d{2}/([0-9a-f-]{36})\.[a-z0-9]{1,5}$")
_ID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

Kind = Literal["ingest", "analysis"]


class Undecodable(ValueError):
    """A message body that no version of this reader understands; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Do `kind` for this analysis. `epoch` counts an operator's retries; the last two travel as message attributes."""

    kind: Kind
    analysis_id: str
    epoch: int = 0
    traceparent: str | None = None
    synthetic: bool = False

    def body(self) -> str:
        return json.dumps({"v": WIRE_VERSION, "kind": self.kind, "analysis_id": self.analysis_id, "epoch": self.epoch})

    def attributes(self) -> dict[str, str]:
        found = {"traceparent": self.traceparent, "synthetic": "1" if self.synthetic else None}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """S3 says that an object was created; `analysis_id` is None where the key is not one of ours."""

    key: str
    analysis_id: str | None


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What one message asks for: one job of ours, or the uploads of an S3 event (none in its test event)."""

    job: Job | None = None
    uploads: tuple[Uploaded, ...] = field(default=())


def is_analysis_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def analysis_id_of(key: str) -> str | None:
    """The analysis whose upload this key is, or None for a foreign key."""
    match = _KEY.fullmatch(key)
    return match[1] if match and is_analysis_id(match[1]) else None


def decode(body: str, attributes: dict[str, str]) -> Envelope:
    """Read a message of any known version, or an S3 event. Raises Undecodable."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Undecodable("the body is not JSON") from None
    if not isinstance(data, dict):
        raise Undecodable("the body is not a JSON object")
    if data.get("Event") == "s3:TestEvent":
        return Envelope()
    if isinstance(data.get("Records"), list):
        return Envelope(uploads=tuple(_uploaded(record) for record in data["Records"]))
    return Envelope(job=_job(data, attributes))


def _job(data: dict[str, object], attributes: dict[str, str]) -> Job:
    kind, analysis_id, epoch = data.get("kind"), data.get("analysis_id"), data.get("epoch", 0)
    if not _is_count(data.get("v")) or data["v"] != WIRE_VERSION:
        raise Undecodable("the message has an unknown version")
    if kind not in ("ingest", "analysis"):
        raise Undecodable("the message has an unknown kind")
    if not isinstance(analysis_id, str) or not is_analysis_id(analysis_id):
        raise Undecodable("the message has no analysis id")
    if not _is_count(epoch):
        raise Undecodable("the message's epoch is not a number")
    return Job(
        kind="ingest" if kind == "ingest" else "analysis",
        analysis_id=analysis_id,
        epoch=epoch,
        traceparent=attributes.get("traceparent"),
        synthetic=attributes.get("synthetic") == "1",
    )


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _uploaded(record: object) -> Uploaded:
    try:
        key = unquote_plus(record["s3"]["object"]["key"])  # type: ignore[index]  # checked by the except below
    except (KeyError, TypeError, AttributeError):
        raise Undecodable("the S3 event has a record without a key") from None
    return Uploaded(key=key, analysis_id=analysis_id_of(key))
