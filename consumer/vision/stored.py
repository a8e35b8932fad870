"""The model's answer, kept before anything is made of it: a delivery after a crash finds it and pays nothing."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.ports import Objects
from core.record import artifacts_prefix

Outcome = Literal["ok", "refused", "truncated", "bad_output"]


class Kept(BaseModel):
    """`key`: of what was asked about (see consumer.vision.describe). `request_sha256`: of the JSON that was sent last.
    The tokens are of all answers, `cost_usd` is their price; null where it is not known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    request_sha256: str
    outcome: Outcome
    answer: str
    refusal: str | None
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float | None


def answer_key(analysis_id: str) -> str:
    return f"{artifacts_prefix(analysis_id)}model.json"


class Answers:
    """In the bucket, one an analysis, beside its result."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def get(self, analysis_id: str, key: str) -> Kept | None:
        """None where there is none, or one to another question. Raises Failure(STORAGE_UNAVAILABLE)."""
        body = await self._objects.read(answer_key(analysis_id))
        if body is None:
            return None
        try:
            kept = Kept.model_validate_json(body)
        except ValidationError:
            # of another version
            return None
        return kept if kept.key == key else None

    async def put(self, analysis_id: str, kept: Kept) -> None:
        """Raises Failure(STORAGE_UNAVAILABLE)."""
        body = kept.model_dump_json().encode()
        await self._objects.put(answer_key(analysis_id), body, content_type="application/json")
