"""What the engine asks of the work itself: a handler for a queue, and a job for each message of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from core.failure import Failure
from core.ports import Delivery

Renew = Callable[[], Awaitable[None]]


class Pulse:
    """What a running job lets its heartbeat know. Without these signs of life the message is let go."""

    def __init__(self, *, until: float) -> None:
        self.until = until
        self.renew: Renew | None = None

    def working_until(self, moment: float) -> None:
        """The job will have got on by then (Clock.monotonic); past it the heartbeat extends nothing."""
        self.until = moment

    def renew_with(self, renew: Renew) -> None:
        """Called with every beat from now on, to keep up a lease elsewhere. Raises Failure(LEASE_LOST) to say that
        the work is somebody else's by now."""
        self.renew = renew


@dataclass(frozen=True, kw_only=True)
class Later:
    """Nothing failed, but it cannot be done now: the message comes back after so many seconds, no try used up."""

    seconds: float
    reason: str


class Job(Protocol):
    """The work of one delivery. Every method bears being called for a message whose work is done already."""

    @property
    def context(self) -> Mapping[str, object]:
        """What every log line of this job carries."""

    @property
    def facts(self) -> Mapping[str, object]:
        """What the job's one canonical log line says besides."""

    @property
    def tries(self) -> int:
        """How often this work was begun, this time included."""

    async def run(self) -> Later | None:
        """Does the work. Returning None says: the effect is stored, the message may go.
        Raises Failure; LEASE_LOST means that somebody else does this work now, and the message is left alone."""

    async def fail(self, failure: Failure) -> None:
        """Marks the work as failed for good. Raises Failure when that could not be stored."""

    async def release(self, failure: Failure | None, *, counts: bool) -> None:
        """Gives the work back: after `failure`, or at a shutdown (None). `counts`: it uses up a try."""


class Handler(Protocol):
    """The owner of a queue's messages."""

    @property
    def kind(self) -> str:
        """Names its jobs in the log."""

    def accept(self, delivery: Delivery, pulse: Pulse) -> Job:
        """Reads the message; nothing is begun. Raises core.messages.Undecodable."""

    async def quarantine(self, delivery: Delivery, failure: Failure) -> None:
        """The message came too often and goes to the dead-letter queue next: mark its work as failed.
        Raises Failure when that could not be stored; the message is then kept for another time."""
