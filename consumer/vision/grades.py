"""Grades of difficulty in the systems that climbers use, from easy to hard."""

from collections.abc import Mapping, Sequence
from itertools import product
from types import MappingProxyType
from typing import Literal

System = Literal["fontainebleau", "v", "uiaa", "yds"]

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")

SCALES: Mapping[System, Sequence[str]] = MappingProxyType(
    {
        "fontainebleau": (
            *("1", "2", "3", "4", "4+", "5", "5+"),
            *("".join(parts) for parts in product("6789", "abc", ("", "+"))),
        ),
        "v": ("vb", *(f"v{number}" for number in range(18))),
        "uiaa": tuple(f"{roman}{sign}".lower() for roman in _ROMAN for sign in ("-", "", "+")),
        "yds": (
            *(f"5.{number}" for number in range(10)),
            *(f"5.{number}{letter}" for number in range(10, 16) for letter in "abcd"),
        ),
    }
)


def is_range(low: str, high: str, system: System) -> bool:
    """Whether both are grades of the system, and `high` is not below `low`. Case does not matter."""
    scale = SCALES[system]
    ends = low.strip().lower(), high.strip().lower()
    return all(end in scale for end in ends) and scale.index(ends[0]) <= scale.index(ends[1])
