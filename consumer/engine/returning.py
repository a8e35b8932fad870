"""Ways back for a message that is not done."""

from core.ports import Delivery, Queue

LONGEST_DELAY_S = 900
"""SQS delays a new message no longer than this."""


async def hide(queue: Queue, delivery: Delivery, seconds: float) -> None:
    """The message comes back after so many seconds."""
    await queue.change_visibility(delivery.receipt, round(seconds))


async def give_back(queue: Queue, delivery: Delivery, seconds: float, *, max_receives: int) -> None:
    """As `hide`, for a message that nothing was tried with. SQS counts its receive all the same: before that count
    would send it to quarantine, a copy takes its place. A crash between the two leaves both, which is a duplicate."""
    if delivery.receive_count < max_receives:
        await hide(queue, delivery, seconds)
    else:
        await _replace(queue, delivery, seconds)


async def as_if_never_received(queue: Queue, delivery: Delivery, *, max_receives: int) -> None:
    """As `give_back` at once, and where this was the message's first receive, so is its next one. Later ones keep
    their count, by which a message that kills workers is known."""
    if delivery.receive_count == 1:
        await _replace(queue, delivery, 0)
    else:
        await give_back(queue, delivery, 0, max_receives=max_receives)


async def _replace(queue: Queue, delivery: Delivery, seconds: float) -> None:
    await queue.send(delivery.body, delivery.attributes, delay_s=min(round(seconds), LONGEST_DELAY_S))
    await queue.delete([delivery.receipt])
