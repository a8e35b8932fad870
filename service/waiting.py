"""How long a client is willing to be held: the header Prefer: wait=N (RFC 7240)."""

import re
from collections.abc import Iterable

LONGEST_WAIT_S = 60
_WAIT = re.compile(r"\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(;.*)?", re.IGNORECASE | re.DOTALL)


def wished_wait(prefer: Iterable[str]) -> int | None:
    """Seconds, 0..60, of the first good `wait` in these header values; None where there is none."""
    for value in prefer:
        for preference in value.split(","):
            if match := _WAIT.fullmatch(preference):
                return min(int(match[1]), LONGEST_WAIT_S)
    return None
