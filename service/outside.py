"""What the service needs of the outside, and how patient it is; both are arguments of make_app."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from core.ports import Counters, Leavings, Objects, Queue, Records, Verdicts
from core.telemetry import Tracing


def utc_now() -> datetime:
    return datetime.now(UTC)


class Pingable(Protocol):
    """The workers' shared cache."""

    async def ping(self) -> None:
        """Raises Failure when it does not answer."""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """`cache` is None where REDIS_URL is not set."""

    objects: Objects
    ingest: Queue
    analysis: Queue
    records: Records
    verdicts: Verdicts
    leavings: Leavings
    counters: Counters
    cache: Pingable | None = None
    now: Callable[[], datetime] = utc_now
    tracing: Tracing | None = None


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds. `watch_s`: between two looks at a record that somebody waits for. `check_s`: between two looks at the
    dependencies, `check_limit_s` for one look. `body_s`: for a whole JSON body. `idle_s`: for the next piece of an
    uploaded file, which as a whole has as long as an upload address is valid. `presence_s`: how soon a client that
    left while it was held is noticed. `head_s`: for the head of a connection's first request.
    `run_gap_s`: between two probes that operators ask for."""

    watch_s: float = 1.0
    check_s: float = 15.0
    check_limit_s: float = 5.0
    body_s: float = 10.0
    idle_s: float = 30.0
    presence_s: float = 5.0
    head_s: float = 15.0
    run_gap_s: float = 10.0
