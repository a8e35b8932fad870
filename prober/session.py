"""One run from the lease to the verdict: begun, probed, cleaned, judged, told."""

import asyncio
import random
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import rfc3339
from core.settings import Settings
from core.trace import new_trace
from core.verdicts import Board, ProbeStage, Run, Running, StageTime, Swept, Trigger
from prober.alarms import Notifier
from prober.blame import Blamed
from prober.checkins import CheckIn, CheckIns
from prober.clip import make_clip, new_nonce
from prober.desk import Desk
from prober.figures import Figures
from prober.janitor import Janitor
from prober.judging import Rule, due, ended, may_spend, spent, told
from prober.lease import Lease, LeaseLost, take
from prober.outside import Outside
from prober.probe import Probe, cost_of
from prober.report import Facts, notes_on_model, run_of, say
from prober.schedule import pause_s
from prober.site import Site, open_site
from prober.stopwatch import Stopwatch

CLEAN_S, CLEAN_AT_THE_END_S = 15.0, 3.0

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Prober:
    """Probes one after the other; keeps nothing of one for the next."""

    settings: Settings
    outside: Outside
    notifier: Notifier
    checkins: CheckIns
    admin_token: str
    figures: Figures = field(default_factory=Figures)
    holder: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def rule(self) -> Rule:
        settings = self.settings
        return Rule(
            failures=settings.probe_failures, window=settings.probe_window, recoveries=settings.probe_recoveries
        )

    async def run(self, trigger: Trigger) -> tuple[Run, Board] | None:
        """The run and the board that it left; None when another prober is at it. Cancelled, it ends what it must and
        raises CancelledError. Raises LeaseLost, Failure(STORE_UNAVAILABLE)."""
        outside = self.outside
        lease = await take(outside.posts, self.holder, seconds=self.settings.probe_lease_s, monotonic=outside.monotonic)
        if lease is None:
            return None
        try:
            return await _while_held(lease, _Session(self, lease, trigger).run())
        finally:
            await lease.release()


async def _while_held(lease: Lease, work: Coroutine[Any, Any, tuple[Run, Board]]) -> tuple[Run, Board]:
    """What the work returns; it is cancelled, and raises LeaseLost, when the lease goes to somebody else."""
    keeping, working = asyncio.create_task(lease.keep()), asyncio.create_task(work)
    try:
        await asyncio.wait({keeping, working}, return_when=asyncio.FIRST_COMPLETED)
        if lease.lost.is_set():
            raise LeaseLost("another prober has taken over")
        return await working
    finally:
        working.cancel()
        await asyncio.wait({working})
        keeping.cancel()
        await asyncio.wait({keeping})


class _Session:
    def __init__(self, prober: Prober, lease: Lease, trigger: Trigger) -> None:
        self._prober = prober
        self._outside = prober.outside
        self._cadence = prober.settings.cadence
        self._lease = lease
        self._desk = Desk(prober.outside.verdicts, token=lease.token)
        self._trigger: Trigger = trigger
        self._trace = new_trace()
        self._started = prober.outside.now()
        self._cpu = time.process_time()
        self._watch = Stopwatch(prober.outside.monotonic)
        self._facts = Facts(run_id="")

    async def run(self) -> tuple[Run, Board]:
        board = await self._desk.begin(self._begun)
        assert board.running is not None  # noqa: S101  _begun has set it
        self._facts.run_id = board.running.run_id
        self._trigger = board.running.trigger
        with bound_contextvars(trace_id=self._trace.trace_id, run_id=self._facts.run_id, synthetic=True):
            _log.info("probe.started", trigger=self._trigger)
            checkin = await self._prober.checkins.begin(self._cadence, self._trace)
            token, paid = self._prober.admin_token, self._may_pay(board)
            url = self._prober.settings.probe_url
            async with open_site(url, admin_token=token, trace=self._trace, paid=paid) as site:
                try:
                    await self._probe(site, board)
                    run, board = await self._end(site, board, limit_s=CLEAN_S)
                except asyncio.CancelledError:
                    await self._cancelled(site, board)
                    raise
            await self._tell(run, board, checkin)
            return run, board

    def _begun(self, board: Board) -> Board:
        """A wanted run is this one, whoever began it."""
        wanted = board.requested
        running = Running(
            run_id=wanted or secrets.token_hex(8),
            trigger="request" if wanted and self._trigger == "loop" else self._trigger,
            started_at=rfc3339(self._started),
        )
        return board.model_copy(update={"running": running, "requested": None})

    async def _probe(self, site: Site, board: Board) -> None:
        clip = await asyncio.to_thread(make_clip, new_nonce())
        self._watch = Stopwatch(self._outside.monotonic)
        probe = Probe(
            site=site,
            clip=clip,
            watch=self._watch,
            on_stage=self._on_stage,
            on_made=self._on_made,
            limit_s=self._cadence.timeout_s,
        )
        try:
            found = await probe.run(self._facts.run_id)
        except Blamed as blamed:
            self._facts.failed = blamed
            return
        self._facts.method = found.quality.method
        self._facts.usd, self._facts.tokens = cost_of(found.model)
        self._facts.notes += notes_on_model(
            found.model, paid=site.paid, before=board.spent, warnings=found.quality.warnings
        )

    def _may_pay(self, board: Board) -> bool:
        settings = self._prober.settings
        usd, tokens = settings.probe_budget_usd, settings.probe_budget_tokens
        return may_spend(board, usd=usd, tokens=tokens, now=self._started)

    async def _on_stage(self, stage: ProbeStage) -> None:
        """For those who watch. A table that is away now is the verdict's trouble, not this note's."""
        _log.info("probe.stage", stage=stage)
        try:
            await self._desk.write(lambda board: _in_stage(board, stage, self._watch.times))
        except Failure as failure:
            _log.warning("probe.stage.not_noted", error_code=failure.code)

    async def _on_made(self, analysis_id: str) -> None:
        """Noted before anything else happens to it, so that the next run can remove it should this one be killed."""
        self._facts.analysis_id = analysis_id
        await self._desk.write(lambda board: board.model_copy(update={"made": (*board.made, analysis_id)}))

    async def _end(self, site: Site, board: Board, *, limit_s: float) -> tuple[Run, Board]:
        self._watch.stop()
        swept = await self._clean(site, limit_s)
        run = self._run(swept)
        now = self._outside.now()

        def close(board: Board) -> Board:
            after = ended(board, run, self._prober.rule, now=now)
            pause = pause_s(after, run, self._cadence, chance=random.random())  # noqa: S311  no secret
            costs = spent(board, usd=self._facts.usd, tokens=self._facts.tokens, now=now)
            due_at = rfc3339(max(now, self._started + timedelta(seconds=pause)))
            return after.model_copy(update={"next_at": due_at, "spent": costs})

        board = await self._desk.write(close)
        await self._desk.file(run, interval_s=self._cadence.interval_s)
        return run, board

    async def _clean(self, site: Site, limit_s: float) -> Swept:
        """What could not be removed stays on the board for the next run, and is said."""
        janitor = Janitor(site=site, records=self._outside.records, dead_letters=self._outside.dead_letters)
        try:
            board = await self._desk.write(lambda board: board)
            async with asyncio.timeout(limit_s):
                cleaned = await janitor.clean(board.made, own=self._facts.analysis_id, now=rfc3339(self._outside.now()))
        except (Failure, TimeoutError) as error:
            _log.warning("probe.not_cleaned", reason=str(error) or type(error).__name__)
            self._facts.notes.append(f"{ErrorCode.PROBE_RESIDUE}: nothing could be removed")
            return Swept()
        if cleaned.refused:
            self._facts.notes.append(f"{ErrorCode.PROBE_RESIDUE}: {cleaned.refused} analyses could not be removed")
        await self._desk.write(lambda board: board.model_copy(update={"made": cleaned.left}))
        return cleaned.swept

    async def _cancelled(self, site: Site, board: Board) -> None:
        """Neither good nor bad. Not a word when the lease is gone."""
        if self._lease.lost.is_set():
            return
        self._facts.cancelled = True
        try:
            async with asyncio.timeout(2 * CLEAN_AT_THE_END_S):
                await self._end(site, board, limit_s=CLEAN_AT_THE_END_S)
        except (Failure, LeaseLost, TimeoutError) as error:
            _log.warning("probe.end.not_noted", reason=str(error) or type(error).__name__)
        _log.info("probe.cancelled")

    def _run(self, swept: Swept) -> Run:
        return run_of(
            self._facts,
            trigger=self._trigger,
            started=self._started,
            finished=self._outside.now(),
            watch=self._watch,
            slow_after_s=self._cadence.slow_after_s,
        ).model_copy(
            update={
                "swept": swept,
                "trace_id": self._trace.trace_id,
                "cpu_ms": round((time.process_time() - self._cpu) * 1000),
            }
        )

    async def _tell(self, run: Run, board: Board, checkin: CheckIn | None) -> None:
        say(run, board)
        self._prober.figures.ended(run, usd=self._facts.usd, tokens=self._facts.tokens)
        await self._prober.checkins.end(checkin, run)
        alarm = due(board, now=self._outside.now())
        if alarm is not None and await self._prober.notifier.send(alarm, board):
            await self._desk.write(lambda board: told(board, alarm))


def _in_stage(board: Board, stage: ProbeStage, times: tuple[StageTime, ...]) -> Board:
    if board.running is None:
        return board
    return board.model_copy(update={"running": board.running.model_copy(update={"stage": stage, "stages": times})})
