"""Which stage a run is in, and how long each took: every moment belongs to exactly one stage."""

from collections.abc import Callable

from core.verdicts import STAGES, ProbeStage, StageTime


class Stopwatch:
    """Runs from its making. `stage` is the one that the run is in."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._started = self._entered = monotonic()
        self._seconds: dict[ProbeStage, float] = {}
        self._seen: set[ProbeStage] = set()
        self._stopped: float | None = None
        self.stage: ProbeStage = "init"

    def enter(self, stage: ProbeStage) -> bool:
        """False when it is in that stage already."""
        if stage == self.stage:
            return False
        self._close()
        self.stage = stage
        return True

    def stop(self) -> None:
        self._close()
        self._stopped = self._entered

    def credit(self, stage: ProbeStage, seconds: float) -> None:
        """A stage that was over before anybody looked took so long, by what the pipeline says: that time is taken from
        the stage before it that was seen, never more than that one has."""
        if stage in self._seconds:
            return
        before = [one for one in STAGES[: STAGES.index(stage)] if one in self._seen]
        if before:
            taken = min(max(0.0, seconds), self._seconds[before[-1]])
            self._seconds[before[-1]] -= taken
            self._seconds[stage] = taken

    @property
    def wall_s(self) -> float:
        return (self._stopped if self._stopped is not None else self._monotonic()) - self._started

    @property
    def times(self) -> tuple[StageTime, ...]:
        return tuple(StageTime(stage=s, ms=round(self._seconds[s] * 1000)) for s in STAGES if s in self._seconds)

    @property
    def longest(self) -> ProbeStage:
        return max(self._seconds, key=lambda stage: self._seconds[stage], default=self.stage)

    def _close(self) -> None:
        now = self._monotonic()
        if self._stopped is None:
            self._seen.add(self.stage)
            self._seconds[self.stage] = self._seconds.get(self.stage, 0.0) + now - self._entered
            self._entered = now
