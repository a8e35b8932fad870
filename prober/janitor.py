"""Nothing of a probe stays: what this run made goes, and what killed runs left behind."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import structlog

from core.failure import Failure
from core.ports import Queue, Records
from core.record import Record, Status
from core.verdicts import Swept
from prober.blame import Blamed
from prober.site import NAME, Site

PAGE = 100
MOST_PAGES = 20
LETTERS = 10
MOST_LOOKS = 10
HIDDEN_S = 30
MOST_KEPT = 100
"""Ids that are remembered at most; of older ones the table's own expiry and the bucket's lifecycle take care."""
_PREFIX, _SUFFIX = NAME.split("{run_id}")

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """`left`: analyses that are to be asked for again. `refused`: how many of them because something went wrong."""

    left: tuple[str, ...]
    swept: Swept
    refused: int = 0


@dataclass(frozen=True, kw_only=True)
class Janitor:
    """`dead_letters` opens the dead-letter queues."""

    site: Site
    records: Records
    dead_letters: Callable[[], Awaitable[Sequence[Queue]]]

    async def clean(self, made: Collection[str], *, own: str | None, now: str) -> Cleaned:
        """Removes every analysis in `made`, uploads of killed runs that nobody noted, and dead letters of probes.
        What is removed of `own`, this run's, is not counted as swept. `now` (RFC 3339) is later than any write so
        far. Raises Failure when table or queues do not answer."""
        analyses = objects = refused = 0
        left: list[str] = []
        orphans = [analysis_id async for analysis_id in self._orphans(now) if analysis_id not in made]
        for analysis_id in [*made, *orphans]:
            try:
                removed = await self.site.delete(analysis_id)
            except (Blamed, aiohttp.ClientError) as error:
                _log.warning("probe.not_removed", analysis_id=analysis_id, reason=type(error).__name__)
                refused += 1
                left.append(analysis_id)
                continue
            if removed is None:
                continue
            if not removed.gone:
                left.append(analysis_id)
            if analysis_id != own:
                analyses, objects = analyses + removed.first, objects + removed.objects
        messages = sum([await self._letters(queue) for queue in await self.dead_letters()])
        swept = Swept(analyses=analyses, objects=objects, messages=messages)
        if swept.anything:
            _log.info("probe.swept", analyses=analyses, objects=objects, messages=messages)
        return Cleaned(left=tuple(left[-MOST_KEPT:]), swept=swept, refused=refused)

    async def _orphans(self, now: str) -> AsyncIterator[str]:
        """Uploads that a run began and was killed before it could note their ids."""
        after: Record | None = None
        for _ in range(MOST_PAGES):
            page = await self.records.waiting(before=now, limit=PAGE, status=Status.PENDING_UPLOAD, after=after)
            for record in page:
                if is_of_a_probe(record):
                    yield record.analysis_id
            if len(page) < PAGE:
                return
            after = page[-1]

    async def _letters(self, queue: Queue) -> int:
        """Takes probes' messages out of a dead-letter queue; the others are visible again at once."""
        removed = 0
        for _ in range(MOST_LOOKS):
            letters = await queue.receive(limit=LETTERS, wait_s=0, visibility_s=HIDDEN_S)
            ours = [letter for letter in letters if letter.attributes.get("synthetic") == "1"]
            if ours:
                await queue.delete([letter.receipt for letter in ours])
                removed += len(ours)
            for letter in letters:
                if letter not in ours:
                    with suppress(Failure):
                        await queue.change_visibility(letter.receipt, 0)
            # a page without one of ours: the rest is people's business, and is not looked through
            if not ours:
                break
        return removed


def is_of_a_probe(record: Record) -> bool:
    """Others may use the synthetic mark for tests of their own: theirs stay."""
    return record.synthetic and record.filename.startswith(_PREFIX) and record.filename.endswith(_SUFFIX)
