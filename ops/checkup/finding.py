"""What one look found, and how a check that breaks down is one too."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.failure import Failure

Level = Literal["ok", "warn", "fail"]
LIMIT_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`advice` says what to do; empty only where there is nothing to do."""

    check: str
    level: Level
    told: str
    advice: str = ""


Look = Callable[[], Awaitable[Sequence[Finding]]]


def ok(check: str, told: str) -> Finding:
    return Finding(check=check, level="ok", told=told)


def warn(check: str, told: str, advice: str) -> Finding:
    return Finding(check=check, level="warn", told=told, advice=advice)


def fail(check: str, told: str, advice: str) -> Finding:
    return Finding(check=check, level="fail", told=told, advice=advice)


def worst(findings: Sequence[Finding]) -> Level:
    levels = {one.level for one in findings}
    return "fail" if "fail" in levels else "warn" if "warn" in levels else "ok"


async def within(check: str, look: Look, *, limit_s: float = LIMIT_S) -> Sequence[Finding]:
    """What it found. No answer in time, and a check of ours that is broken, are findings: the others must be seen."""
    try:
        async with asyncio.timeout(limit_s):
            return await look()
    except TimeoutError:
        return [fail(check, f"no answer in {limit_s:.0f} s", "look at the network between here and there")]
    except Failure as failure:
        return [fail(check, str(failure), f"performate errors {failure.code}")]
    except Exception as error:  # noqa: BLE001  # one broken check must not hide what the others say
        traceback.print_exc()
        return [fail(check, f"the check itself broke down: {type(error).__name__}", "report this as a bug")]
