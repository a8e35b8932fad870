"""What an analysis costs: afterwards by the tokens that the server counted, before that by an estimate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumer.vision.answer import Tokens
from consumer.vision.prompt import Sheet
from core.prices import Price

PATCH_PX = 32
PATCHES_MOST = 1536
PATCH_TOKENS = 1.2
"""Tokens a patch, as measured by users of gpt-5.4 and gpt-5.4-mini; OpenAI's page says 1.62."""
CHARACTERS_PER_TOKEN = 4
ANSWER_TOKENS = 1200
MICRO = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """`usd` is null for a model without a price."""

    pictures: int
    input_tokens: int
    output_tokens: int
    usd: float | None


def cost(model: str, tokens: Tokens, prices: Mapping[str, Price]) -> float | None:
    """USD; None for a model without a price, or tokens that nobody counted: never 0 for what is not known."""
    price = prices.get(model)
    if price is None or not tokens.counted:
        return None
    usd = price.usd(input_tokens=tokens.input, cached_tokens=tokens.cached, output_tokens=tokens.output)
    return round(usd, 6)


def picture_tokens(width: int, height: int) -> int:
    """Of a picture of so many pixels, for models that count patches."""
    patches = math.ceil(width / PATCH_PX) * math.ceil(height / PATCH_PX)
    return math.ceil(min(patches, PATCHES_MOST) * PATCH_TOKENS)


def estimate(body: Mapping[str, Any], sheets: Sequence[Sheet], price: Price | None) -> Estimate:
    """Of a request that was not sent."""
    tokens = _characters(body) // CHARACTERS_PER_TOKEN + sum(picture_tokens(*sheet.size) for sheet in sheets)
    usd = None if price is None else price.usd(input_tokens=tokens, cached_tokens=0, output_tokens=ANSWER_TOKENS)
    return Estimate(
        pictures=len(sheets),
        input_tokens=tokens,
        output_tokens=ANSWER_TOKENS,
        usd=None if usd is None else round(usd, 4),
    )


def _characters(value: object) -> int:
    """Of all texts in a request, its pictures left out."""
    match value:
        case str():
            return 0 if value.startswith("data:image/") else len(value)
        case Mapping():
            return sum(len(str(key)) + _characters(inner) for key, inner in value.items())
        case list() | tuple():
            return sum(map(_characters, value))
    return 1
