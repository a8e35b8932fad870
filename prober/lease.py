"""The right to probe: one prober at a time, fenced by a token that grows.

No clock but our own monotonic one: a holder lives as long as we see its beat move.
"""

import asyncio
import time
from collections.abc import Callable

import structlog

from core.failure import Failure
from core.ports import Posts, Term

POST = "prober"
BEATS = 5
"""Signs of life in the time after which a silent holder is replaced."""

_log = structlog.stdlib.get_logger(__name__)


class LeaseLost(Exception):
    """Somebody else probes now: this process writes nothing any more."""


class Lease:
    """`token` fences every write. `keep` is its background task; `lost` is set when the lease is somebody else's."""

    def __init__(self, posts: Posts, term: Term, *, seconds: float, monotonic: Callable[[], float]) -> None:
        self._posts = posts
        self._term = term
        self._seconds = seconds
        self._monotonic = monotonic
        self.token = term.token
        self.lost = asyncio.Event()

    async def keep(self) -> None:
        """Beats until cancelled, or until the lease is lost."""
        alive_at = self._monotonic()
        while not self.lost.is_set():
            await asyncio.sleep(self._seconds / BEATS)
            beat = Term(holder=self._term.holder, token=self.token, beat=self._term.beat + 1)
            try:
                kept = await self._posts.swap(POST, seen=self._term, wanted=beat)
            except Failure as failure:
                _log.warning("probe.lease.not_renewed", error_code=failure.code)
                kept = self._monotonic() - alive_at < self._seconds
            else:
                self._term, alive_at = beat, self._monotonic()
            if not kept:
                self.lost.set()

    async def release(self) -> None:
        """For the next to take at once. A lease that is lost, or cannot be released, runs out by itself."""
        try:
            empty = Term(holder="", token=self.token, beat=self._term.beat + 1)
            await self._posts.swap(POST, seen=self._term, wanted=empty)
        except Failure as failure:
            _log.warning("probe.lease.not_released", error_code=failure.code)


async def take(
    posts: Posts, holder: str, *, seconds: float, monotonic: Callable[[], float] = time.monotonic
) -> Lease | None:
    """None as soon as it is seen that another prober lives. A dead one is replaced after `seconds` without a beat.
    Raises Failure(STORE_UNAVAILABLE)."""
    found = await posts.term(POST)
    end = monotonic() + seconds
    while found is not None and found.holder and monotonic() < end:
        await asyncio.sleep(seconds / (2 * BEATS))
        now = await posts.term(POST)
        if now != found and now is not None and now.holder:
            return None
        found = now
    wanted = Term(holder=holder, token=(found.token if found else 0) + 1, beat=0)
    if not await posts.swap(POST, seen=found, wanted=wanted):
        return None
    return Lease(posts, wanted, seconds=seconds, monotonic=monotonic)
