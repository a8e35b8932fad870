"""`performate dlq`: the dead letters of both queues, listed, shown, sent again, deleted."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NoReturn

import click

from core.aws.clients import open_clients
from core.aws.posts import DynamoBreakers
from core.aws.queue import dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.failure import Failure
from core.messages import Kind
from core.settings import Settings, load_settings
from ops.dead_letters.asking import DEFAULT_LIMIT, asked_of, filters, kinds_of, queue_option
from ops.dead_letters.letter import MOVED_BY_SQS, Wish
from ops.dead_letters.showing import HEAD, full, page, row, table
from ops.dead_letters.telling import Teller, say, show_list
from ops.dead_letters.work import BreakerIsOpen, Pace, Place

FAILED, REFUSED, INTERRUPTED = 1, 3, 130

ABOUT = f"""
\b
Exit codes: 0 done (also when nothing was found), 1 it failed (the last line on stderr says why),
2 wrong options or settings, 3 refused: not confirmed, or the breaker is open; 130 stopped by Ctrl-C.

\b
To look at a message SQS has to hand it out. It is hidden for others for that long, made visible again at
the end, and lost in no case; but SQS counts the look: RECEIVES says how often a letter was looked at.

\b
--reason takes the first word of the reason: RETRIES_EXHAUSTED, POISON_MESSAGE, ANALYSIS_NOT_FOUND,
UNDECODABLE, or "{MOVED_BY_SQS}" for what SQS itself moved. It may be given several times.
Ages are 90s, 15m, 2h, 3d, counted from when the letter was put there.
"""
EXAMPLES = {
    "ls": """
performate dlq ls --queue analysis
performate dlq ls --reason POISON_MESSAGE --json""",
    "show": """
performate dlq show 9b2f6f6e-3c1d-4a57-9a51-0d7f0f6f2a11
performate dlq show 9b2f6f6e-3c1d-4a57-9a51-0d7f0f6f2a11 --json""",
    "redrive": """
performate dlq redrive --queue analysis --dry-run
performate dlq redrive --queue analysis --reason RETRIES_EXHAUSTED --rate 2""",
    "purge": """
performate dlq purge --queue ingest --reason UNDECODABLE --dry-run
performate dlq purge --queue ingest --reason UNDECODABLE""",
}


def _epilog(name: str) -> str:
    return f"\b{EXAMPLES[name]}\n{ABOUT}"


@asynccontextmanager
async def open_place(settings: Settings) -> AsyncIterator[Place]:
    """Raises Failure(QUEUE_UNAVAILABLE) naming the queue that is not there."""
    names: Mapping[Kind, str] = {"ingest": settings.ingest_queue, "analysis": settings.analysis_queue}
    async with open_clients(settings) as clients:
        yield Place(
            queues={kind: await open_queue(clients, name) for kind, name in names.items()},
            dead={kind: await open_queue(clients, dead_letter_name(name)) for kind, name in names.items()},
            records=DynamoRecords(clients.dynamodb, settings.table),
            breakers=DynamoBreakers(clients.dynamodb, settings.table),
            now=lambda: datetime.now(UTC),
            pause=asyncio.sleep,
        )


@click.group(epilog=ABOUT)
def dlq() -> None:
    """Look at dead letters, send them again, or delete them.

    A dead letter is a message that the consumer gave up: its analysis is marked as failed. Works on AWS and on
    emulators.
    """


@dlq.command(epilog=_epilog("ls"))
@queue_option(required=False)
@filters
def ls(**options: object) -> None:
    """List dead letters."""
    asked = asked_of(options)

    async def work(place: Place) -> None:
        letters = await place.found(asked.kinds, asked.wish, limit=asked.limit)
        show_list(letters, place.now(), as_json=asked.as_json)
        more = " (there may be more: --limit)" if len(letters) == asked.limit else ""
        say(f"{len(letters)} dead letters{more}")

    _run(work)


@dlq.command(epilog=_epilog("show"))
@click.argument("which")
@queue_option(required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")
def show(which: str, queue: str | None, as_json: bool) -> None:
    """Show all that is known about the letters of WHICH, a message or an analysis, and what their records say."""

    async def work(place: Place) -> None:
        letters = await place.found(kinds_of(queue), Wish(ids=frozenset({which})), limit=DEFAULT_LIMIT)
        if not letters:
            _fail(f"there is no dead letter of {which}")
        for letter in letters:
            records, now = await place.records_of(letter), place.now()
            click.echo(json.dumps(full(letter, records, now)) if as_json else page(letter, records, now) + "\n")

    _run(work)


@dlq.command(epilog=_epilog("redrive"))
@queue_option(required=True)
@filters
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="At most N letters a second.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def redrive(rate: float | None, dry_run: bool, **options: object) -> None:
    """Send letters again: their analyses are queued anew, and the user sees them move.

    Nothing is lost: a message is sent before its letter is deleted, so a crash in between leaves a duplicate, which the
    pipeline absorbs. Letters whose analysis is completed, in work or gone stay, and are named. Refuses while the
    breaker of the vision model is open: they would only come back.
    """
    asked = asked_of(options)
    pace = Pace(limit=asked.limit, rate=rate, dry_run=dry_run)
    teller = Teller(as_json=asked.as_json)

    async def work(place: Place) -> None:
        with teller:
            await place.redrive(asked.kinds[0], asked.wish, pace, teller)

    _run(work)


@dlq.command(epilog=_epilog("purge"))
@queue_option(required=True)
@filters
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(dry_run: bool, yes: bool, **options: object) -> None:
    """Delete letters for good. Shows them first, and asks for the queue's name to be typed.

    Exactly the letters that were shown are deleted. Their analyses stay as they are: failed.
    """
    asked = asked_of(options)
    teller = Teller(as_json=asked.as_json)

    async def work(place: Place) -> None:
        kind = asked.kinds[0]
        letters = await place.found([kind], asked.wish, limit=asked.limit)
        if dry_run or not letters:
            show_list(letters, place.now(), as_json=asked.as_json)
            say(f"{len(letters)} dead letters would be deleted")
            return
        if not yes:
            click.echo(table([row(letter, place.now()) for letter in letters], HEAD), err=True)
            _confirm(kind, len(letters))
        with teller:
            await place.purge(kind, frozenset(letter.message_id for letter in letters), teller)

    _run(work)


def _confirm(kind: Kind, count: int) -> None:
    try:
        typed = click.prompt(f"{count} letters will be gone for good. Type {kind} to delete them", err=True)
    except click.Abort:
        typed = ""
    if typed.strip() != kind:
        say("not confirmed: nothing was deleted")
        raise SystemExit(REFUSED)


def _run(work: Callable[[Place], Awaitable[None]]) -> None:
    """Raises SystemExit as ABOUT says."""
    settings = load_settings()

    async def inside() -> None:
        async with open_place(settings) as place:
            await work(place)

    try:
        asyncio.run(inside())
    except BreakerIsOpen as reason:
        say(f"refused: {reason}")
        raise SystemExit(REFUSED) from None
    except Failure as failure:
        _fail(str(failure))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def _fail(text: str) -> NoReturn:
    say(text)
    raise SystemExit(FAILED)
