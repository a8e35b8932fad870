"""What a model's server answered."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """`input` includes `cached`. `counted` is False where the server counted none: what it costs is not known then."""

    input: int = 0
    cached: int = 0
    output: int = 0
    counted: bool = True

    def plus(self, other: "Tokens") -> "Tokens":
        return Tokens(
            input=self.input + other.input,
            cached=self.cached + other.cached,
            output=self.output + other.output,
            counted=self.counted and other.counted,
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`finish` is the server's word: stop, length, content_filter. `model` is the snapshot that answered."""

    text: str
    refusal: str | None
    finish: str
    model: str
    tokens: Tokens
