"""Percentiles of any number of values in a bounded place. Nothing here awaits."""

import math
from collections import Counter

ACCURACY = 0.005
"""A percentile is off by at most this part of itself."""
_BASE = (1 + ACCURACY) / (1 - ACCURACY)
_LOG = math.log(_BASE)
LEAST, MOST = 1e-3, 1e9
"""Values are held between these, so that there are at most some 2,800 buckets."""


class Sketch:
    """DDSketch (Masson, Rim and Lee, VLDB 2019) of values of at least 0: buckets that grow by a constant factor."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.total = 0.0

    def add(self, value: float) -> None:
        self._buckets[math.ceil(math.log(min(max(value, LEAST), MOST)) / _LOG)] += 1
        self.count += 1
        self.total += value

    def percentile(self, share: float) -> float | None:
        """The value under which `share` (0..1) of all lie; None without any."""
        if not self.count:
            return None
        rank = share * (self.count - 1)
        below = 0
        for bucket in sorted(self._buckets):
            below += self._buckets[bucket]
            if below > rank:
                return float(2 * _BASE**bucket / (_BASE + 1))
        raise AssertionError("the buckets hold all that was counted")

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None
