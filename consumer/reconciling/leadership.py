"""One process of many leads, without comparing two machines' clocks.

The leader writes a beat into the post's record with every round. Who has seen the same beat for as long as a term
lasts, by his own monotonic clock, takes the post from exactly that beat. The leader counts its term from before its
last beat was written, so it stops no later than the next one may begin.
"""

from dataclasses import replace

import structlog

from consumer.engine.clock import Clock
from core.ports import Posts, Term

log = structlog.stdlib.get_logger(__name__)


class Leadership:
    """`holder` names this process alone; `term_s` is how long a beat is good for."""

    def __init__(self, posts: Posts, *, clock: Clock, post: str, holder: str, term_s: float) -> None:
        self._posts = posts
        self._clock = clock
        self._post = post
        self._holder = holder
        self._term_s = term_s
        self._mine: Term | None = None
        self._until = float("-inf")
        self._seen: Term | None = None
        self._seen_at = 0.0

    @property
    def holds(self) -> bool:
        return self._clock.monotonic() < self._until

    async def keep(self) -> bool:
        """Beats, or takes the post where that is possible; True while it is ours. Raises Failure(STORE_UNAVAILABLE)."""
        if self._mine is not None and await self._put(self._mine, replace(self._mine, beat=self._mine.beat + 1)):
            return True
        self._mine, self._until = None, float("-inf")
        seen = await self._posts.term(self._post)
        if not self._free(seen):
            return False
        wanted = Term(holder=self._holder, token=1 if seen is None else seen.token + 1, beat=0)
        taken = await self._put(seen, wanted)
        if taken:
            log.info("reconciler.leading", post=self._post, term=wanted.token)
        return taken

    async def resign(self) -> None:
        """The next one need not wait for the term's end."""
        mine, self._mine, self._until = self._mine, None, float("-inf")
        if mine is not None:
            await self._posts.swap(self._post, seen=mine, wanted=replace(mine, holder=""))

    def _free(self, seen: Term | None) -> bool:
        now = self._clock.monotonic()
        if seen is None or seen.holder in ("", self._holder):
            # our own is there where a beat's reply was lost
            return True
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        return now - self._seen_at >= self._term_s

    async def _put(self, seen: Term | None, wanted: Term) -> bool:
        started = self._clock.monotonic()
        if not await self._posts.swap(self._post, seen=seen, wanted=wanted):
            return False
        self._mine, self._until = wanted, started + self._term_s
        return True
