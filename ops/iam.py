"""The IAM policies of ops/policies with an installation's own names in them. Nothing here awaits."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.settings import Settings

FOLDER = Path(__file__).parent / "policies"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
ACCOUNT = "ACCOUNT"


def policy(name: str, settings: Settings, *, account: str | None) -> dict[str, Any]:
    """One of NAMES. Without an account (12 digits) its place is left as the word ACCOUNT."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    words = {
        "INGEST_QUEUE": settings.ingest_queue,
        "ANALYSIS_QUEUE": settings.analysis_queue,
        "BUCKET": settings.bucket,
        "REGION": settings.aws_region,
        "TABLE": settings.table,
        ACCOUNT: account or ACCOUNT,
    }
    return {**found, "Statement": [_named(statement, words) for statement in found["Statement"]]}


def _named(statement: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    resources = statement["Resource"]
    if isinstance(resources, str):
        return {**statement, "Resource": _filled(resources, words)}
    return {**statement, "Resource": [_filled(one, words) for one in resources]}


def _filled(arn: str, words: Mapping[str, str]) -> str:
    """Part by part: a bucket may be called TABLE."""
    parts = [_part(part, words) for part in arn.split(":")]
    return ":".join(parts)


def _part(part: str, words: Mapping[str, str]) -> str:
    if part.endswith("-dlq"):
        return f"{words[part.removesuffix('-dlq')]}-dlq"
    return "/".join(words.get(piece, piece) for piece in part.split("/"))
