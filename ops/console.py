"""What the commands share: exit codes, the one way in which they fail, and where they speak."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import click

from core.failure import Failure

DONE, FAILED, WRONG, REFUSED, DIFFERENT, INTERRUPTED = 0, 1, 2, 3, 4, 130
EXIT_CODES = """
\b
Exit codes: 0 done, 1 it failed (the last line on stderr has the error's code),
2 wrong options or settings, 130 stopped by Ctrl-C.
"""
CONTEXT = {"help_option_names": ["-h", "--help"]}
T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")


def finish(work: Coroutine[Any, Any, T]) -> T:
    """What it returns. Raises SystemExit: FAILED with the failure on stderr, INTERRUPTED."""
    try:
        return asyncio.run(work)
    except Failure as failure:
        fail(str(failure))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def fail(text: str, code: int = FAILED) -> NoReturn:
    say(text)
    raise SystemExit(code)


def say(text: str) -> None:
    """To the person, on stderr: stdout is for what was asked for."""
    click.echo(text, err=True)


def tell_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))
