"""The options that the `dlq` commands share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import click

from core.messages import Kind
from ops.dead_letters.letter import Wish
from ops.dead_letters.showing import seconds_in

KINDS: tuple[Kind, ...] = ("ingest", "analysis")
DEFAULT_LIMIT = 100


class Age(click.ParamType[float]):
    name = "age"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return seconds_in(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options that all commands share."""

    kinds: Sequence[Kind]
    wish: Wish
    limit: int
    as_json: bool


def kinds_of(queue: object) -> Sequence[Kind]:
    """Both where none was named."""
    return KINDS if queue is None else [kind for kind in KINDS if kind == queue]


def filters(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--reason", "reasons", multiple=True, metavar="CODE", help="Only letters with this code."),
        click.option("--id", "ids", multiple=True, metavar="ID", help="Only this message or analysis."),
        click.option("--older-than", "older", type=Age(), help="Only letters at least this old."),
        click.option("--newer-than", "newer", type=Age(), help="Only letters younger than this."),
        click.option("--limit", type=click.IntRange(min=1), default=DEFAULT_LIMIT, show_default=True),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def queue_option(*, required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    about = "Which queue's dead letters." if required else "Which queue's dead letters.  [default: both]"
    return click.option("--queue", type=click.Choice(KINDS), required=required, help=about)


def asked_of(options: Mapping[str, object]) -> Asked:
    wish = Wish(
        codes=frozenset(_texts(options["reasons"])),
        ids=frozenset(_texts(options["ids"])),
        older_s=_seconds(options["older"]),
        newer_s=_seconds(options["newer"]),
    )
    return Asked(
        kinds=kinds_of(options["queue"]), wish=wish, limit=int(str(options["limit"])), as_json=bool(options["as_json"])
    )


def _seconds(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _texts(value: object) -> Iterable[str]:
    return map(str, value) if isinstance(value, tuple) else ()
