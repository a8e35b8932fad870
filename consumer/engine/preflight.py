"""Whether a queue is set up so that the engine's promises can hold on it. Pure: facts in, flaws out."""

from collections.abc import Sequence

from consumer.engine.heartbeat import CALL_LIMIT_S
from consumer.engine.limits import Limits, safety_of
from core.ports import Queue, QueueSetup


class BrokenSetup(Exception):
    """A queue that must not be worked on; `flaws` are sentences for whoever sets it up."""

    def __init__(self, queue: str, flaws: Sequence[str]) -> None:
        super().__init__(f"{queue}: {'; '.join(flaws)}")
        self.queue = queue
        self.flaws = flaws


async def refuse_broken(queue: Queue, limits: Limits, *, dead_letters: str) -> None:
    """Raises BrokenSetup; Failure(QUEUE_UNAVAILABLE) when the queue cannot be asked. `dead_letters` is the name of the
    queue that the consumer itself keeps messages in."""
    flaws = flaws_of(await queue.setup(), limits, dead_letters=dead_letters)
    if flaws:
        raise BrokenSetup(queue.name, flaws)


def flaws_of(found: QueueSetup, limits: Limits, *, dead_letters: str) -> Sequence[str]:
    """One sentence for each thing that would break a promise; none for a sound set-up."""
    return [*_of_visibility(found, limits), *_of_redrive(found, limits, dead_letters)]


def _of_visibility(found: QueueSetup, limits: Limits) -> Sequence[str]:
    # the engine asks for its own with each receive; the queue's is for what reads it besides, an operator's hand too
    named = {"the visibility that we ask for": limits.visibility_s, "the queue's visibility": found.visibility_s}
    return [
        f"{name} is {seconds} s: a beat after a third of it that hangs for {CALL_LIMIT_S:.0f} s would outlast it"
        for name, seconds in named.items()
        if not _survives_a_hanging_beat(seconds)
    ]


def _survives_a_hanging_beat(visibility_s: float) -> bool:
    return visibility_s - visibility_s / 3 - safety_of(visibility_s) >= CALL_LIMIT_S


def _of_redrive(found: QueueSetup, limits: Limits, dead_letters: str) -> Sequence[str]:
    if found.max_receives is None or found.dead_letters is None:
        return ["it has no redrive policy: a message that kills every worker would come back until it expires"]
    flaws = []
    if found.max_receives <= limits.max_receives:
        flaws.append(
            f"its maxReceiveCount is {found.max_receives} and must be over {limits.max_receives}: SQS would move"
            " messages away before their analyses are marked as failed"
        )
    if found.dead_letters != dead_letters:
        flaws.append(f"its redrive policy moves messages to {found.dead_letters}, and we keep ours in {dead_letters}")
    if found.dead_retention_s is not None and found.dead_retention_s < found.retention_s:
        flaws.append(
            f"its dead-letter queue keeps messages for {found.dead_retention_s} s, it itself for {found.retention_s} s:"
            " counted from the first send, a dead letter could be gone before anybody looks"
        )
    return flaws
