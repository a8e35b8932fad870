"""What a run's end changes: flips by k of n, alarms, the budget. Plain values in, plain values out."""

from datetime import timedelta

import pytest

from core.record import rfc3339
from core.verdicts import Board
from prober.judging import Rule, due, ended, may_spend, spent, told
from tests.fakes import MOMENT
from tests.prober.examples import a_run

RULE = Rule(failures=3, window=5, recoveries=2)
LETTERS = {"p": "pass", "w": "warn", "f": "fail", "c": "cancelled"}


def after(letters: str, board: Board | None = None) -> Board:
    """The board after these runs, alarms told at once."""
    board = board or Board()
    for number, letter in enumerate(letters):
        now = MOMENT + timedelta(minutes=5 * number)
        board = ended(board, a_run(LETTERS[letter], at=now), RULE, now=now)
        alarm = due(board, now=now)
        if alarm is not None:
            board = told(board, alarm)
    return board


@pytest.mark.parametrize(
    ("letters", "state"),
    [
        ("p", "up"),
        ("f", "unknown"),
        ("fff", "down"),
        ("pff", "up"),
        ("pfff", "down"),
        ("pfpfpf", "down"),
        ("pfppfppf", "up"),
        ("pfffp", "down"),
        ("pfffpp", "up"),
        ("pfffpfp", "down"),
        ("pfffpppff", "up"),
        ("pffccf", "down"),
        ("pcccc", "up"),
        ("wwww", "up"),
    ],
)
def test_k_of_n(letters: str, state: str) -> None:
    assert after(letters).state == state


def kinds(letters: str) -> list[str]:
    """The kinds of alarm that these runs send."""
    board, sent = Board(), []
    for number, letter in enumerate(letters):
        now = MOMENT + timedelta(minutes=5 * number)
        board = ended(board, a_run(LETTERS[letter], at=now), RULE, now=now)
        alarm = due(board, now=now)
        if alarm is not None:
            sent.append(alarm.kind)
            board = told(board, alarm)
    return sent


@pytest.mark.parametrize(
    ("letters", "sent"),
    [
        ("ppppp", []),
        ("pf" * 2, []),
        ("pfff" + "f" * 20, ["down"]),
        ("pfffpp" + "p" * 20, ["down", "up"]),
        ("fff", ["down"]),
        ("pfffppfffpp", ["down", "up", "down", "up"]),
    ],
)
def test_one_message_on_down_and_one_on_up(letters: str, sent: list[str]) -> None:
    assert kinds(letters) == sent


def test_one_reminder_a_day() -> None:
    board = after("pfff")
    sent = []
    for hour in range(1, 72):
        now = MOMENT + timedelta(hours=hour)
        board = ended(board, a_run("fail", at=now), RULE, now=now)
        alarm = due(board, now=now)
        if alarm is not None:
            sent.append((hour, alarm.kind))
            board = told(board, alarm)
    assert [kind for _, kind in sent] == ["reminder", "reminder"]
    assert sent[1][0] - sent[0][0] == 24


def test_alarms_wait_for_the_end_of_a_maintenance_window() -> None:
    quiet = Board(quiet_until=(MOMENT + timedelta(hours=1)).timestamp())
    board = quiet
    for number in range(3):
        board = ended(board, a_run("fail"), RULE, now=MOMENT + timedelta(minutes=number))
    assert board.state == "down"
    assert due(board, now=MOMENT + timedelta(minutes=59)) is None
    alarm = due(board, now=MOMENT + timedelta(minutes=61))
    assert alarm is not None
    assert alarm.kind == "down"


def test_a_fall_that_nobody_heard_of_has_no_end_to_tell() -> None:
    board = Board(quiet_until=(MOMENT + timedelta(hours=1)).timestamp(), state="up")
    for result in ("fail", "fail", "fail", "pass", "pass"):
        board = ended(board, a_run(result), RULE, now=MOMENT)
    assert (board.state, board.alarm) == ("up", None)


def test_an_alarm_that_was_not_taken_stays_due_and_the_same() -> None:
    board = Board(state="up")
    for _ in range(3):
        board = ended(board, a_run("fail"), RULE, now=MOMENT)
    first = due(board, now=MOMENT)
    board = ended(board, a_run("fail"), RULE, now=MOMENT + timedelta(minutes=5))
    assert first is not None
    assert due(board, now=MOMENT + timedelta(minutes=5)) == first


def test_the_budget_of_a_day() -> None:
    board = Board()
    assert may_spend(board, usd=0.5, tokens=1000, now=MOMENT)
    for _ in range(4):
        board = board.model_copy(update={"spent": spent(board, usd=0.1, tokens=200, now=MOMENT)})
    assert board.spent is not None
    assert (board.spent.usd, board.spent.tokens) == (0.4, 800)
    assert may_spend(board, usd=0.5, tokens=1000, now=MOMENT)
    board = board.model_copy(update={"spent": spent(board, usd=0.1, tokens=0, now=MOMENT)})
    assert not may_spend(board, usd=0.5, tokens=1000, now=MOMENT)
    assert not may_spend(board, usd=9.0, tokens=800, now=MOMENT)
    assert may_spend(board, usd=0.5, tokens=1000, now=MOMENT + timedelta(days=1))
    assert not may_spend(Board(), usd=0.0, tokens=1000, now=MOMENT)


def test_the_last_failure_outlives_what_came_after() -> None:
    board = after("pfppp")
    assert board.last is not None
    assert board.last.result == "pass"
    assert board.last_failure is not None
    assert board.last_failure.finished_at == rfc3339(MOMENT + timedelta(minutes=5))
