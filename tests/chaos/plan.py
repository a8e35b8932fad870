"""What goes wrong in a run, drawn from its seed before it begins. Pure."""

import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle


class Fate(StrEnum):
    """What happens to a worker, or to its disk, while it has a certain job in hand."""

    AFTER_RECEIVE = "after_receive"
    MID_DOWNLOAD = "mid_download"
    MID_EXTRACT = "mid_extract"
    BEFORE_STORE = "before_store"
    AFTER_STORE = "after_store"
    BEFORE_ACK = "before_ack"
    SCRATCH_FULL = "scratch_full"


CRASH_POINTS = (
    Fate.AFTER_RECEIVE,
    Fate.MID_DOWNLOAD,
    Fate.MID_EXTRACT,
    Fate.BEFORE_STORE,
    Fate.AFTER_STORE,
    Fate.BEFORE_ACK,
)
EARLY = CRASH_POINTS[:4]
"""Those that leave work to do, so that a job can meet several, one a try."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One job. `fates`: one after the other. `completes`: how often its client says so; never leaves it to S3's own
    event. `real`: it is measured by the real analyzer."""

    fates: tuple[Fate, ...]
    completes: int
    real: bool


@dataclass(frozen=True, kw_only=True)
class Blow:
    """Once so many uploads are in, the process gets the signal; SIGTERM is a rolling restart."""

    after: int
    process: str
    signal: signal.Signals


@dataclass(frozen=True, kw_only=True)
class Plan:
    uploads: Sequence[Upload]
    blows: Sequence[Blow]


def drawn(*, seed: int, jobs: int, workers: Sequence[str], real: float) -> Plan:
    """The same for the same arguments. Every crash point occurs as soon as there are 30 jobs."""
    chance = random.Random(seed)
    points = cycle(chance.sample(CRASH_POINTS, len(CRASH_POINTS)))
    uploads = [_upload(chance, points, number, real) for number in range(jobs)]
    return Plan(uploads=uploads, blows=_blows(chance, jobs, workers))


def _upload(chance: random.Random, points: "cycle[Fate]", number: int, real: float) -> Upload:
    fates: tuple[Fate, ...] = ()
    lot = chance.random()
    if number % 5 == 1:
        fates = (next(points),)
    elif lot < 0.03:
        fates = tuple(chance.choices(EARLY, k=2))
    elif lot < 0.05:
        # as many as there are tries: the last one dies as well
        fates = tuple(chance.choices(EARLY, k=3))
    elif lot < 0.12:
        fates = (Fate.SCRATCH_FULL,)
    completes = chance.choices((0, 1, 3), weights=(1, 8, 1))[0]
    return Upload(fates=fates, completes=completes, real=chance.random() < real)


def _blows(chance: random.Random, jobs: int, workers: Sequence[str]) -> Sequence[Blow]:
    """A rolling restart of everything for each 40 jobs, and kill -9 of web and of ingest as often."""
    blows = []
    for start in range(0, jobs, 40):
        span = min(40, jobs - start)
        for process in ("web", "ingest", *workers):
            blows.append(Blow(after=start + chance.randrange(1, span), process=process, signal=signal.SIGTERM))
        for process in ("web", "ingest"):
            blows.append(Blow(after=start + chance.randrange(1, span), process=process, signal=signal.SIGKILL))
    return sorted(blows, key=lambda blow: blow.after)
