"""How many ended well and ill over time, in at most BUCKETS equal parts of the time that the lines span."""

from collections import Counter
from datetime import datetime

BUCKETS = 96
FIRST_WIDTH_S = 60


class History:
    """The parts double in length whenever there would be too many of them."""

    def __init__(self) -> None:
        self.width_s = FIRST_WIDTH_S
        self._counts: dict[int, Counter[str]] = {}

    def add(self, timestamp: str, outcome: str) -> None:
        """Passed over without a readable time."""
        try:
            at = int(datetime.fromisoformat(timestamp).timestamp())
        except ValueError:
            return
        self._counts.setdefault(at // self.width_s, Counter())[outcome] += 1
        while max(self._counts) - min(self._counts) >= BUCKETS:
            self._widen()

    def _widen(self) -> None:
        self.width_s *= 2
        wider: dict[int, Counter[str]] = {}
        for bucket, counts in self._counts.items():
            wider.setdefault(bucket // 2, Counter()).update(counts)
        self._counts = wider

    def parts(self) -> list[tuple[int, Counter[str]]]:
        """(epoch seconds of its begin, counts), without a gap from the first to the last."""
        if not self._counts:
            return []
        return [
            (bucket * self.width_s, self._counts.get(bucket, Counter()))
            for bucket in range(min(self._counts), max(self._counts) + 1)
        ]
