"""Whether a line is what core/events.toml says that lines are."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from core.events import catalogue, events, line_schema


@cache
def _validator(event: str) -> Draft202012Validator:
    return Draft202012Validator(line_schema(event, events()))


def flaws(line: Mapping[str, Any]) -> list[str]:
    """What is wrong with it; empty for a good one."""
    name = line.get("event")
    if name not in catalogue():
        return [f"no event of the catalogue: {name!r}"]
    return [f"{name}: {error.json_path}: {error.message}" for error in _validator(name).iter_errors(dict(line))]


def all_flaws(lines: Iterable[Mapping[str, Any]]) -> set[str]:
    return {flaw for line in lines for flaw in flaws(line)}
