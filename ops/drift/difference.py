"""One thing that is not as it should be, and how two settings are compared. Nothing here awaits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Area = Literal["bucket", "cors", "queues", "table"]


MADE = "made"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`what` names the thing and its part. `found` is None where there is nothing; otherwise JSON-able, as `wanted`."""

    area: Area
    what: str
    found: Any
    wanted: Any

    @property
    def makes(self) -> bool:
        """Whether the thing itself is missing, not a setting of it."""
        return bool(self.wanted == MADE)

    def __str__(self) -> str:
        if self.makes:
            return f"make    {self.what}"
        return f"change  {self.what}: {short(self.found)} -> {short(self.wanted)}"


def short(value: object) -> str:
    """On one line, for people."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def holds(found: object, wanted: object) -> bool:
    """Whether everything that is wanted is there. AWS adds fields of its own, and has its own order of lists."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != len(wanted):
            return False
        return all(any(holds(one, value) for one in found) for value in wanted)
    return found == wanted


def differences(area: Area, what: str, found: object, wanted: object) -> list[Difference]:
    """None or one."""
    return [] if holds(found, wanted) else [Difference(area=area, what=what, found=found, wanted=wanted)]


def missing(area: Area, what: str) -> list[Difference]:
    return [Difference(area=area, what=what, found=None, wanted=MADE)]
