"""A gate that lets one through, and the next after a while."""

import math
import time
from collections.abc import Callable

from core.error_codes import ErrorCode
from service.refusal import Refusal


class Gate:
    def __init__(self, *, gap_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._gap_s = gap_s
        self._monotonic = monotonic
        self._last = float("-inf")

    def check(self) -> None:
        """Raises Refusal(RATE_LIMITED) with the seconds that are left."""
        left = self._last + self._gap_s - self._monotonic()
        if left > 0:
            raise Refusal(ErrorCode.RATE_LIMITED, retry_after=math.ceil(left))

    def passed(self) -> None:
        self._last = self._monotonic()
