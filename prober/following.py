"""The part of a run that the prober only watches: from the queue to the stored result."""

import asyncio
from collections.abc import Awaitable, Callable

from core.error_codes import ErrorCode
from core.errors import catalogue
from core.verdicts import ProbeStage
from prober.blame import WORKED, Blamed, code_in, stage_named
from prober.site import Site, State
from prober.stopwatch import Stopwatch

OFTEN_S, SELDOM_S = 0.1, 0.5
OFTEN_FOR_S = 10.0
OnStage = Callable[[ProbeStage], Awaitable[None]]


class Following:
    """`unreadable` is what the last look at the state failed with; None when it went well."""

    def __init__(self, site: Site, watch: Stopwatch, on_stage: OnStage) -> None:
        self._site = site
        self._watch = watch
        self._on_stage = on_stage
        self._tried: ProbeStage | None = None
        self._state: State | None = None
        self.unreadable: Blamed | None = None

    async def until_completed(self, analysis_id: str) -> None:
        """Raises Blamed with the stage in which the analysis failed."""
        await self._enter("queue")
        begun = self._watch.wall_s
        while True:
            state = await self._look(analysis_id)
            if state is not None:
                if state.status == "completed":
                    return
                if state.status == "failed":
                    raise self._failed(state)
                await self._enter(_stage_of(state))
            often = self._watch.wall_s - begun < OFTEN_FOR_S
            await asyncio.sleep(OFTEN_S if often else SELDOM_S)

    @property
    def stuck_in(self) -> ProbeStage:
        """The stage to blame when time is up. Back in the queue after a try: the stage that did not get through."""
        if self.unreadable is not None:
            return "read"
        if self._watch.stage == "queue" and self._state is not None and self._state.attempt > 0:
            return self._tried or "download"
        return self._watch.stage

    async def _look(self, analysis_id: str) -> State | None:
        """One look that fails is no verdict: the next may go well, and the time-out is for all of them."""
        try:
            self._state = await self._site.state(analysis_id)
        except Blamed as blamed:
            self.unreadable = blamed
            return None
        self.unreadable = None
        return self._state

    async def _enter(self, stage: ProbeStage) -> None:
        if stage in WORKED:
            self._tried = stage
        if self._watch.enter(stage):
            await self._on_stage(stage)

    def _failed(self, state: State) -> Blamed:
        code = code_in(state.error, ErrorCode.INTERNAL)
        stage = stage_named(state.stage) or stage_named(catalogue()[code].stage) or self.stuck_in
        return Blamed(stage, code, "the analysis failed")


def _stage_of(state: State) -> ProbeStage:
    """As the record says; before the worker has it, the queue."""
    return stage_named(state.stage) or "queue"
