"""How fast the model's server wants to be asked, as its x-ratelimit-* headers say: shared by all jobs of a process."""

import math
import re
from collections.abc import Mapping
from typing import Final

from consumer.engine.clock import Clock

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST_S: Final = 600.0


class Pace:
    """`wait_s`: how long the next request should wait, now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = -math.inf

    @property
    def wait_s(self) -> float:
        return max(0.0, self._until - self._clock.monotonic())

    def heard(self, headers: Mapping[str, str], *, tokens: int) -> None:
        """After an answer that cost so many `tokens`: the next one will cost about as many."""
        needed = {"requests": 1, "tokens": tokens}
        for kind, amount in needed.items():
            left, reset = headers.get(f"x-ratelimit-remaining-{kind}"), headers.get(f"x-ratelimit-reset-{kind}")
            if left is not None and left.isdigit() and int(left) < amount and reset is not None:
                self.hold(duration(reset))

    def hold(self, wait_s: float) -> None:
        """Nothing is sent for so many seconds, at most LONGEST_S."""
        self._until = max(self._until, self._clock.monotonic() + min(wait_s, LONGEST_S))


def duration(text: str) -> float:
    """Seconds of "1s", "6m0s", "20ms", "1h2m" or a bare number; 0.0 of anything else."""
    text = text.strip()[:40]
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(rf"({_PART.pattern})+", text):
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
