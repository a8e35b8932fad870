"""When the next run is due. Nothing here awaits or reads a clock."""

from core.probing import Cadence
from core.verdicts import Board, Run

JITTER = 0.05


def pause_s(board: Board, run: Run, cadence: Cadence, *, chance: float) -> float:
    """Seconds from one run's beginning to the next one's; `board` as the run left it, `chance` 0..1.

    A run that disagrees with the state of the pipeline is looked at again after one time-out: three failures in a row
    are an outage within two intervals, and a single one is only a flake.
    """
    if disagrees(board, run):
        return cadence.timeout_s
    return cadence.interval_s * (1 + JITTER * (2 * chance - 1))


def disagrees(board: Board, run: Run) -> bool:
    if run.result == "cancelled":
        return False
    return (run.result == "fail") != (board.state == "down")
