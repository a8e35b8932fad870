"""Notices: codes for programs, sentences for people, in the languages of core/notices.toml."""

import functools
import tomllib
from importlib import resources
from typing import Literal

from core.result import Notice

Language = Literal["en", "de"]


@functools.cache
def _texts() -> dict[str, dict[str, str | dict[str, str]]]:
    return tomllib.loads(resources.files("core").joinpath("notices.toml").read_text(encoding="utf-8"))


def codes() -> tuple[str, ...]:
    """Every code that a notice or a metric's reason may carry."""
    return tuple(_texts())


def notice(code: str, language: Language = "en") -> Notice:
    """The notice of a code: what was seen, then what to do about it. KeyError for an unknown code."""
    entry = _texts()[code]
    advice = entry["advice"]
    parts = (entry[language], advice[language] if isinstance(advice, dict) else "")
    return Notice(code=code, message=" ".join(str(part) for part in parts if part))
