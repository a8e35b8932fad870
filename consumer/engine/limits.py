"""How much one engine takes on, and for how long."""

from dataclasses import dataclass

RECEIVE_MOST = 10
"""SQS hands out, and deletes, at most ten messages a call."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Times in seconds. `max_receives`: a message that came more often than this is quarantined; the queue's own
    maxReceiveCount must be larger, or SQS moves the message before its record is marked. `job_limit_s`: how long a
    job that sets itself no deadline may work. `ack_window_s`: how long a delete waits for company."""

    concurrency: int
    visibility_s: int
    wait_s: int
    max_receives: int
    drain_s: float
    job_limit_s: float
    ack_window_s: float = 0.02

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.max_receives < 1:
            raise ValueError("concurrency and max_receives must be at least 1")
        if self.wait_s > self.drain_s:
            # the poll in flight is let to end at a shutdown, so it must fit into the drain budget
            raise ValueError(f"a poll of {self.wait_s} s does not fit into a drain of {self.drain_s} s")

    @property
    def safety_s(self) -> float:
        """How long before a visibility time-out its holder lets go, so that two never hold one message."""
        return safety_of(self.visibility_s)


def safety_of(visibility_s: float) -> float:
    return min(2.0, visibility_s / 10)
