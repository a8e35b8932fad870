"""What a model's tokens cost."""

from collections.abc import Mapping
from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Price:
    """USD per million tokens: of the input, of the part of it that the server had cached, of the output."""

    input: float
    cached: float
    output: float

    def usd(self, *, input_tokens: int, cached_tokens: int, output_tokens: int) -> float:
        """`input_tokens` includes the cached ones."""
        fresh = input_tokens - cached_tokens
        return (fresh * self.input + cached_tokens * self.cached + output_tokens * self.output) / MILLION


def prices_of(text: str) -> Mapping[str, Price]:
    """By model, from `MODEL=IN/CACHED/OUT,...`. Raises ValueError, naming the part that is wrong."""
    return dict(_price(part.strip()) for part in text.split(",") if part.strip())


def _price(part: str) -> tuple[str, Price]:
    model, _, numbers = part.rpartition("=")
    try:
        fresh, cached, output = (float(number) for number in numbers.split("/"))
    except ValueError:
        raise ValueError(f"not MODEL=IN/CACHED/OUT: {part}") from None
    if not model or not all(0 <= number < MILLION for number in (fresh, cached, output)):
        raise ValueError(f"not MODEL=IN/CACHED/OUT: {part}")
    return model, Price(input=fresh, cached=cached, output=output)
