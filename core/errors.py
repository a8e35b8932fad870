"""The error catalogue: core/catalogue.toml as typed entries, and the problem bodies (RFC 9457) made from them.

`python -m core.errors` writes what is generated from the catalogue: core/error_codes.py and docs/errors.md.
"""

import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from core.error_codes import ErrorCode
from core.record import Language, rfc3339

CATALOGUE = Path(__file__).with_name("catalogue.toml")
ROOT = CATALOGUE.parents[1]

Category = Literal[
    "client_error",
    "validation_error",
    "processing_error",
    "server_error",
    "network_error",
    "authentication_error",
]
Severity = Literal["low", "medium", "high", "critical"]
Retry = Literal["never", "same_request", "after_fix"]
Owner = Literal["user", "client", "operator", "developer", "provider"]
Stage = Literal[
    "request",
    "init",
    "upload",
    "complete",
    "queue",
    "ingest",
    "download",
    "extract",
    "analyze",
    "store",
    "read",
    "probe",
    "any",
]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Strict):
    """One text in every language."""

    en: str = Field(min_length=1)
    de: str = Field(min_length=1)

    def into(self, language: Language) -> str:
        return self.de if language == "de" else self.en


class Tips(_Strict):
    """Short texts in every language, the same number in each."""

    en: tuple[str, ...] = Field(min_length=1)
    de: tuple[str, ...] = Field(min_length=1)

    def into(self, language: Language) -> tuple[str, ...]:
        return self.de if language == "de" else self.en

    @model_validator(mode="after")
    def _same_number(self) -> "Tips":
        if len(self.en) != len(self.de):
            raise ValueError("as many suggestions in each language")
        return self


class Entry(_Strict):
    """What is known about one code; core/catalogue.toml explains the fields."""

    code: str = Field(pattern=r"^[A-Z][A-Z_]*[A-Z]$")
    http_status: int = Field(ge=400, le=599)
    title: Text
    detail: Text
    suggestions: Tips
    category: Category
    severity: Severity
    retryable: Retry
    stage: Stage
    owner: Owner
    operator_action: str = Field(min_length=1)
    runbook: str = Field(pattern=r"^(ops/runbooks/[a-z_]+\.md#[a-z_]+)?$")
    counts_against_slo: bool


class Problem(BaseModel):
    """An error body: RFC 9457 and the fields that the frontend reads. `retry` says more than its `retryable`."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    instance: str | None
    code: ErrorCode
    error_code: ErrorCode
    category: Category
    severity: Severity
    timestamp: str
    request_id: str | None
    suggestions: tuple[str, ...]
    retryable: bool
    retry: Retry
    technical_details: dict[str, JsonValue]
    message: str


def load(path: Path = CATALOGUE) -> tuple[Entry, ...]:
    """The entries of a catalogue file, in its order. Raises ValidationError, naming what is wrong."""
    with path.open("rb") as file:
        return tuple(Entry.model_validate({"code": code, **fields}) for code, fields in tomllib.load(file).items())


@cache
def catalogue() -> Mapping[ErrorCode, Entry]:
    """The catalogue by code; read once in a process."""
    return MappingProxyType({ErrorCode(entry.code): entry for entry in load()})


def problem(
    code: ErrorCode,
    *,
    now: datetime,
    language: Language = "en",
    request_id: str | None = None,
    instance: str | None = None,
    technical_details: Mapping[str, JsonValue] | None = None,
) -> Problem:
    """The body for this code. `instance` is a path without its query. No exception's text ever gets into it."""
    entry = catalogue()[code]
    detail = entry.detail.into(language)
    return Problem(
        type=f"/errors#{code}",
        title=entry.title.into(language),
        status=entry.http_status,
        detail=detail,
        instance=instance,
        code=code,
        error_code=code,
        category=entry.category,
        severity=entry.severity,
        timestamp=rfc3339(now),
        request_id=request_id,
        suggestions=entry.suggestions.into(language),
        retryable=entry.retryable == "same_request",
        retry=entry.retryable,
        technical_details=dict(technical_details or {}),
        message=detail,
    )


def negotiated(accept_language: str | None) -> Language | None:
    """The language that an Accept-Language header wants most; None when it wants neither of ours."""
    wishes: list[tuple[float, Language]] = []
    for part in (accept_language or "")[:500].split(","):
        tag, _, parameter = part.strip().lower().partition(";")
        primary = tag.strip().partition("-")[0]
        quality = _quality(parameter)
        if quality > 0 and primary in ("en", "de"):
            wishes.append((quality, "de" if primary == "de" else "en"))
    return max(wishes, key=lambda wish: wish[0])[1] if wishes else None


def _quality(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def as_enum(entries: Iterable[Entry]) -> str:
    """The source text of core/error_codes.py."""
    lines = [
        '"""Every error code. Generated from core/catalogue.toml by `python -m core.errors`: '
        'edit that file, not this one."""',
        "",
        "from enum import StrEnum",
        "",
        "",
        "class ErrorCode(StrEnum):",
        *(f'    {entry.code} = "{entry.code}"' for entry in entries),
    ]
    return "\n".join(lines) + "\n"


def as_markdown(entries: Sequence[Entry]) -> str:
    """The source text of docs/errors.md."""
    lines = [
        "# Errors",
        "",
        "Generated from core/catalogue.toml by `python -m core.errors`: edit that file, not this one.",
        "",
        "| code | status | stage | again? | whose | counts against the SLO |",
        "|---|---|---|---|---|---|",
        *(
            f"| [{e.code}](#{e.code.lower()}) | {e.http_status} | {e.stage} | {e.retryable} | {e.owner} "
            f"| {'yes' if e.counts_against_slo else 'no'} |"
            for e in entries
        ),
    ]
    for entry in entries:
        runbook = f" Runbook: [{entry.runbook}](../{entry.runbook})." if entry.runbook else ""
        lines += [
            "",
            f"## {entry.code}",
            "",
            f"**{entry.title.en}.** {entry.detail.en}",
            "",
            *(f"- {tip}" for tip in entry.suggestions.en),
            "",
            f"On call: {entry.operator_action}{runbook}",
        ]
    return "\n".join(lines) + "\n"


def generated(entries: Sequence[Entry]) -> Mapping[Path, str]:
    """What each generated file should hold."""
    return {ROOT / "core" / "error_codes.py": as_enum(entries), ROOT / "docs" / "errors.md": as_markdown(entries)}


def main() -> int:
    for path, text in generated(load()).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
