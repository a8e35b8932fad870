"""What all parts of one engine share."""

from dataclasses import dataclass

from consumer.engine.clock import Clock
from consumer.engine.limits import Limits
from consumer.engine.policy import Chance
from core.ports import Queue


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The queue that is worked on, time, chance (for jitter) and the limits."""

    queue: Queue
    clock: Clock
    chance: Chance
    limits: Limits
