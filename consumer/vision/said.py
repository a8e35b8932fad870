"""What the model may say: the form of its answer, and what of an answer can be believed.

The form has no place for a score, a number of its own or a coordinate. Ids of frames and metrics are enums in it, of
those that exist; a server that does not hold its model to the form is not trusted: every claim is checked again.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consumer.sandbox.protocol import CONTROL
from consumer.vision.grades import System, is_range
from core.result import Claim, Difficulty, MetricName

LONGEST_CLAIM = 280
MOST_CLAIMS = 12
MOST_ERRORS = 8


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SaidClaim(_Said):
    kind: Literal["observation", "tip", "risk"]
    text: str = Field(description="At most 280 characters.")
    frame_ids: list[str] = Field(description="The frames that show it.")
    metric_ids: list[str] = Field(description="The metrics that it is about.")
    confidence: float = Field(description="0 to 1.")


class SaidDifficulty(_Said):
    system: System
    low: str = Field(description="The easiest grade that it may be.")
    high: str = Field(description="The hardest grade that it may be.")
    confidence: float = Field(description="0 to 1.")


class Said(_Said):
    claims: list[SaidClaim] = Field(description="At most 12, the most useful first.")
    difficulty: SaidDifficulty | None = Field(description="null where the pictures do not tell.")


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What a claim can cite, and whether the clip shows something that has a grade."""

    frame_ids: Sequence[str]
    metric_ids: Sequence[MetricName]
    graded: bool


@dataclass(frozen=True, kw_only=True)
class Grounded:
    """What is left of an answer."""

    claims: tuple[Claim, ...]
    difficulty: Difficulty | None
    rejected: int


class Misformed(Exception):
    """The answer does not have the form; the text says where, and quotes nothing of it."""


def form(grounds: Grounds) -> dict[str, Any]:
    """The JSON schema of an answer, strict as OpenAI means it."""
    # strict as it stands: no field has a default, and none besides is allowed
    schema: dict[str, Any] = copy.deepcopy(Said.model_json_schema())
    claim = schema["$defs"]["SaidClaim"]["properties"]
    _only(claim["frame_ids"], grounds.frame_ids)
    _only(claim["metric_ids"], grounds.metric_ids)
    if not grounds.graded:
        schema["properties"]["difficulty"] = {"type": "null"}
        del schema["$defs"]["SaidDifficulty"]
    return schema


def _only(field: dict[str, Any], ids: Sequence[str]) -> None:
    if ids:
        field["items"]["enum"] = list(ids)
    else:
        # an empty enum is no schema
        field["maxItems"] = 0


def read(text: str) -> Said:
    """Raises Misformed."""
    try:
        return Said.model_validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        places = (f"{'.'.join(map(str, one['loc'])) or 'answer'}: {one['type']}" for one in found[:MOST_ERRORS])
        raise Misformed("; ".join(_plain(place)[:200] for place in places)) from None


def grounded(said: Said, grounds: Grounds) -> Grounded:
    """The claims that cite something, and only what exists; the difficulty where it is a range of its own system."""
    claims = [claim for one in said.claims[:MOST_CLAIMS] if (claim := _claim(one, grounds)) is not None]
    return Grounded(
        claims=tuple(claims),
        difficulty=_difficulty(said.difficulty) if grounds.graded else None,
        rejected=len(said.claims) - len(claims),
    )


def _claim(said: SaidClaim, grounds: Grounds) -> Claim | None:
    text = _plain(said.text)
    metrics = [name for name in grounds.metric_ids if name in said.metric_ids]
    if not set(said.frame_ids) <= set(grounds.frame_ids) or not set(said.metric_ids) <= set(metrics):
        return None
    if not (said.frame_ids or metrics) or not 0 < len(text) <= LONGEST_CLAIM or not 0 <= said.confidence <= 1:
        return None
    return Claim(
        text=text,
        kind=said.kind,
        frame_ids=tuple(dict.fromkeys(said.frame_ids)),
        metric_ids=tuple(metrics),
        confidence=round(said.confidence, 3),
    )


def _difficulty(said: SaidDifficulty | None) -> Difficulty | None:
    if said is None or not is_range(said.low, said.high, said.system) or not 0 <= said.confidence <= 1:
        return None
    confidence = round(said.confidence, 3)
    return Difficulty(low=said.low.strip(), high=said.high.strip(), system=said.system, confidence=confidence)


def _plain(text: str) -> str:
    """One line without control and direction characters."""
    return " ".join(CONTROL.sub(" ", text).split())


def plain(text: str) -> str:
    """A text of the model's as it may be stored and shown: one line, no longer than a claim."""
    return _plain(text)[:LONGEST_CLAIM]
