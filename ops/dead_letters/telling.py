"""What the `dlq` commands print: facts on stdout, for people or as JSON lines; words about them on stderr."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import click

from ops.dead_letters.letter import Letter, described
from ops.dead_letters.showing import HEAD, row, table
from ops.dead_letters.work import Outcome


class Teller:
    """A line for each outcome as it comes; at the end of the block their sum, also where it ended early."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._counts: Counter[str] = Counter()

    def __call__(self, outcome: Outcome) -> None:
        self._counts[outcome.did] += 1
        letter = outcome.letter
        if self._as_json:
            facts = {"message_id": letter.message_id, "analysis_ids": list(letter.analysis_ids), "code": letter.code}
            click.echo(json.dumps({"did": outcome.did, "why": outcome.why, "queue": letter.queue, **facts}))
        else:
            ids = " ".join(letter.analysis_ids) or "-"
            why = f" ({outcome.why})" if outcome.why else ""
            click.echo(f"{outcome.did.replace('_', ' ')}  {letter.message_id}  {ids}{why}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is None or self._counts:
            self._sum_up()

    def _sum_up(self) -> None:
        say(", ".join(f"{count} {did.replace('_', ' ')}" for did, count in self._counts.items()) or "0 dead letters")


def show_list(letters: Sequence[Letter], now: datetime, *, as_json: bool) -> None:
    if as_json:
        for letter in letters:
            click.echo(json.dumps(described(letter, now)))
    elif letters:
        click.echo(table([row(letter, now) for letter in letters], HEAD))


def say(text: str) -> None:
    click.echo(text, err=True)
