"""`python -m prober --watch`: the last runs, and the stages of the present one as they pass."""

import asyncio
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import TextIO

from core.ports import Verdicts
from core.verdicts import STAGES, Board, Run, StageTime

ROWS = 20
LOOK_S = 0.5
CLEAR = "\x1b[H\x1b[2J"
SIGNS = {"pass": "ok", "warn": "WARN", "fail": "FAIL", "cancelled": "-"}


async def watch(verdicts: Verdicts, out: TextIO = sys.stdout) -> None:
    """Until cancelled. On a terminal the view stays in place; elsewhere it is printed when it changes."""
    shown = ""
    while True:
        board, archive = await asyncio.gather(verdicts.board(), verdicts.archive())
        view = "\n".join(lines(board, archive.runs[:ROWS]))
        if view != shown:
            out.write(f"{CLEAR if out.isatty() else ''}{view}\n")
            out.flush()
            shown = view
        await asyncio.sleep(LOOK_S)


def lines(board: Board | None, runs: Iterable[Run]) -> list[str]:
    if board is None:
        return ["no run yet"]
    head = f"state {board.state} since {board.since or '-'}   next {board.next_at or '-'}"
    return [head, _now(board), "", _heading(), *(_row(run) for run in runs)]


def _now(board: Board) -> str:
    if board.running is None:
        return "nothing runs"
    behind = "  ".join(f"{one.stage} {one.ms} ms" for one in board.running.stages)
    return f"run {board.running.run_id} ({board.running.trigger})  {behind}  > {board.running.stage}"


def _heading() -> str:
    return f"{'at (UTC)':<9}{'result':<7}{'total':>7}" + "".join(f"{stage:>9}" for stage in STAGES) + "  why"


def _row(run: Run) -> str:
    at = datetime.fromisoformat(run.finished_at).strftime("%H:%M:%S")
    why = run.error_code or (f"slow: {run.slow_stage}" if run.slow_stage else "") or "; ".join(run.notes[:1])
    return f"{at:<9}{SIGNS[run.result]:<7}{run.wall_ms:>7}" + "".join(_cells(run.stages, run)) + f"  {why}"


def _cells(times: Iterable[StageTime], run: Run) -> list[str]:
    took = {one.stage: str(one.ms) for one in times}
    return [f"{('!' if stage == run.failed_stage else '') + took.get(stage, '.'):>9}" for stage in STAGES]
