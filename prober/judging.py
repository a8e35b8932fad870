"""What a run's end changes on the board: results, flips by k of n, alarms that are due. Nothing here awaits."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.record import rfc3339
from core.verdicts import Alarm, Board, Run, Spent

REMIND_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Down: `failures` of the last `window` runs since the last flip failed. Up: `recoveries` good ones in a row."""

    failures: int
    window: int
    recoveries: int


def ended(board: Board, run: Run, rule: Rule, *, now: datetime) -> Board:
    """The board after a run. A cancelled run says nothing about the pipeline."""
    after = board.model_copy(update={"running": None})
    if run.result == "cancelled":
        return after
    known = {"last": run, "last_failure": run if run.result == "fail" else board.last_failure}
    recent = (*board.recent, run.result)[-rule.window :]
    return _reminded(_flipped(after.model_copy(update={**known, "recent": recent}), rule, now), now)


def _flipped(board: Board, rule: Rule, now: datetime) -> Board:
    """People who were told nothing of a fall are told nothing of its end; those who still believe it, nothing anew."""
    flip = _flip(board, rule)
    if flip is None:
        return board
    news = board.told_down if flip == "up" else not board.told_down
    alarm = _alarm(flip, now) if news else None
    return board.model_copy(update={"state": flip, "since": rfc3339(now), "recent": (), "alarm": alarm})


def _flip(board: Board, rule: Rule) -> str | None:
    good = [result != "fail" for result in board.recent]
    if board.state != "down" and good.count(False) >= rule.failures:
        return "down"
    if board.state == "unknown" and good[-1:] == [True]:
        return "up"
    if board.state == "down" and len(good) >= rule.recoveries and all(good[-rule.recoveries :]):
        return "up"
    return None


def _reminded(board: Board, now: datetime) -> Board:
    if board.state != "down" or board.alarm is not None or board.reminded_at is None:
        return board
    if now - datetime.fromisoformat(board.reminded_at) < REMIND_AFTER:
        return board
    return board.model_copy(update={"alarm": _alarm("reminder", now)})


def _alarm(kind: str, now: datetime) -> Alarm:
    return Alarm.model_validate({"alarm_id": uuid.uuid4().hex, "kind": kind, "at": rfc3339(now)})


def due(board: Board, *, now: datetime) -> Alarm | None:
    """The alarm that should be sent now; none in a maintenance window, where it waits."""
    if board.alarm is None or (board.quiet_until is not None and now.timestamp() < board.quiet_until):
        return None
    return board.alarm


def told(board: Board, alarm: Alarm) -> Board:
    """After an alarm was sent."""
    if board.alarm != alarm:
        return board
    down = alarm.kind != "up"
    return board.model_copy(update={"alarm": None, "told_down": down, "reminded_at": alarm.at if down else None})


def spent(board: Board, *, usd: float, tokens: int, now: datetime) -> Spent:
    """What this day has cost with one more run."""
    day = f"{now:%Y-%m-%d}"
    before = board.spent if board.spent is not None and board.spent.day == day else Spent(day=day)
    return Spent(day=day, usd=round(before.usd + usd, 6), tokens=before.tokens + tokens)


def may_spend(board: Board, *, usd: float, tokens: int, now: datetime) -> bool:
    """Whether the paid stage may be probed: something of the day's budget (`usd`, `tokens`) is left."""
    today = spent(board, usd=0.0, tokens=0, now=now)
    return today.usd < usd and today.tokens < tokens
