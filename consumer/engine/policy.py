"""What follows from a failure: try again, refuse, or put the message aside. Pure arithmetic, nothing awaited."""

from collections.abc import Callable
from dataclasses import dataclass

from core.error_codes import ErrorCode
from core.errors import catalogue
from core.failure import Failure

Chance = Callable[[], float]
"""A number from 0 up to, not including, 1."""

LONGEST_RETRY_S = 43_200.0
"""SQS hides a message no longer than 12 hours."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """The message comes back after `delay_s`. `counts`: a try of it has been used up."""

    delay_s: float
    counts: bool


@dataclass(frozen=True, kw_only=True)
class Fail:
    """The work ends with this failure, and the message with it."""

    failure: Failure


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """The work ends with this failure; the message is kept in the dead-letter queue for a person to look at."""

    failure: Failure


Decision = Retry | Fail | DeadLetter


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`retryable`: codes after which the same work may succeed. `uncounted`: retryable ones that say nothing about
    this message (our disk is full, our store is away), and so use up none of its tries. `kept`: codes whose message
    goes to the dead-letter queue. `once_more`: what a crowded machine may have done to a good file, or a bad file to a
    good machine: a second try tells, and its word is final. Every other code is permanent."""

    retryable: frozenset[ErrorCode]
    uncounted: frozenset[ErrorCode]
    kept: frozenset[ErrorCode]
    once_more: frozenset[ErrorCode]
    max_tries: int
    base_s: float = 10.0
    cap_s: float = 300.0

    def decide(self, failure: Failure, *, tries: int, receives: int, chance: Chance) -> Decision:
        """`tries`: how often this work was begun, this time included; `receives`: how often its message came."""
        if failure.code in self.uncounted:
            return Retry(delay_s=self.delay(receives, chance, failure.retry_after), counts=False)
        if failure.code in self.kept:
            return DeadLetter(failure=failure)
        if failure.code in self.once_more and tries < min(2, self.max_tries):
            return Retry(delay_s=self.delay(receives, chance, failure.retry_after), counts=True)
        if failure.code not in self.retryable:
            return Fail(failure=failure)
        if tries >= self.max_tries:
            last = f"try {tries} of {self.max_tries}: {failure}"
            return DeadLetter(failure=Failure(ErrorCode.RETRIES_EXHAUSTED, last))
        return Retry(delay_s=self.delay(receives, chance, failure.retry_after), counts=True)

    def delay(self, receives: int, chance: Chance, retry_after: float | None = None) -> float:
        """Seconds, 1 to min(cap, base * 2^(receives - 1)) with full jitter, and at least `retry_after`."""
        return min(LONGEST_RETRY_S, max(jittered(self.base_s, self.cap_s, receives, chance), retry_after or 0.0))


def jittered(base_s: float, cap_s: float, count: int, chance: Chance) -> float:
    """Full jitter from 1 second to min(cap_s, base_s * 2^(count - 1)); `count` is 1 the first time."""
    # far enough above any cap, and 2.0 ** 5000 would be an OverflowError
    doublings = min(max(count - 1, 0), 32)
    top = max(1.0, min(cap_s, base_s * 2.0**doublings))
    return 1.0 + chance() * (top - 1.0)


def policy_of_catalogue(*, max_tries: int) -> Policy:
    """The catalogue's word on which codes may succeed when tried again, seen from here: a failure of the message's
    own file is permanent, one of ours is not."""
    again = frozenset(code for code, entry in catalogue().items() if entry.retryable == "same_request")
    return Policy(
        retryable=again,
        uncounted=frozenset(
            {ErrorCode.SCRATCH_FULL, ErrorCode.STORE_UNAVAILABLE, ErrorCode.QUEUE_UNAVAILABLE, ErrorCode.CANCELLED}
        ),
        kept=frozenset({ErrorCode.ANALYSIS_NOT_FOUND, ErrorCode.RETRIES_EXHAUSTED, ErrorCode.POISON_MESSAGE}),
        once_more=frozenset({ErrorCode.DECODER_CRASHED, ErrorCode.DECODER_TIMEOUT}),
        max_tries=max_tries,
    )
