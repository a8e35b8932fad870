"""The one place where an exception of any kind becomes a value."""

from collections.abc import Awaitable
from typing import TypeVar

import structlog

from core.error_codes import ErrorCode
from core.failure import Failure

log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")


async def caught(call: Awaitable[T], *, doing: str) -> T | Failure:
    """What the call returns, or the Failure that it raised. Cancellation goes through.

    Any other exception is a mistake of ours: it is logged with its stack as `doing` and comes back as INTERNAL, because
    one message that finds a bug must not stop the process that others' messages are waiting for.
    """
    try:
        return await call
    except Failure as failure:
        return failure
    except Exception as error:
        log.exception("consumer.bug", doing=doing)
        return Failure(ErrorCode.INTERNAL, f"{type(error).__name__} while {doing}")
