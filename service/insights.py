"""Sentences about a result: what limits it, what was measured, what happened, what the model said."""

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from core import notices
from core.record import Language
from core.result import Claim, Event, EventKind, Measurement, MetricName, ModelBlock, Notice

_POINT = re.compile(r"(?<=\d)\.(?=\d)")

Level = Literal["info", "warning", "success", "error"]
Priority = Literal["low", "medium", "high"]


class Insight(BaseModel):
    model_config = ConfigDict(frozen=True)

    category: str
    level: Level
    message: str
    priority: Priority


class _Words(NamedTuple):
    en: str
    de: str
    level: Level = "info"
    priority: Priority = "low"

    def with_number(self, number: float, language: Language) -> str:
        return _POINT.sub(",", self.de.format(number)) if language == "de" else self.en.format(number)


_METRICS: MappingProxyType[MetricName, _Words] = MappingProxyType(
    {
        "on_wall_s": _Words("{:.1f} s on the wall.", "{:.1f} s an der Wand."),
        "height_gain": _Words("{:.1f} torso lengths of height gained.", "{:.1f} Rumpflängen Höhe gewonnen."),
        "hand_placements": _Words("Hand placements: {:.0f}.", "Griffe gesetzt: {:.0f}."),
        "rests": _Words("Rests: {:.0f}.", "Pausen: {:.0f}."),
        "still_share": _Words("Still for {:.0%} of the time on the wall.", "In Ruhe: {:.0%} der Zeit an der Wand."),
        "hesitation_s": _Words("{:.1f} s of hesitation.", "{:.1f} s gezögert."),
    }
)
_EVENTS: MappingProxyType[EventKind, _Words] = MappingProxyType(
    {
        "hesitation": _Words("Hesitation at {:.1f} s.", "Zögern bei {:.1f} s.", "warning", "medium"),
        "rest": _Words("Rest at {:.1f} s.", "Pause bei {:.1f} s."),
        "high_step": _Words("High step at {:.1f} s.", "Hoher Tritt bei {:.1f} s."),
        "cut_feet": _Words("Feet cut loose at {:.1f} s.", "Füße verloren bei {:.1f} s.", "warning", "medium"),
        "drop": _Words("Came off the wall at {:.1f} s.", "Von der Wand gekommen bei {:.1f} s.", "warning", "medium"),
        "fall": _Words("Fall at {:.1f} s.", "Sturz bei {:.1f} s.", "warning", "high"),
    }
)
_ECONOMY = _Words("Movement economy: {:.0f} of 100.", "Bewegungsökonomie: {:.0f} von 100.", "info", "medium")


def insights(measured: Measurement, model: ModelBlock | None, language: Language) -> tuple[Insight, ...]:
    """In this order: warnings about the measurement, numbers, events in time order, the model's claims."""
    return (
        *(_warning(notice, language) for notice in measured.quality.warnings),
        *_numbers(measured, language),
        *_happenings(measured.events, language),
        *(_claim(claim) for claim in (model.claims if model else ())),
    )


def _warning(notice: Notice, language: Language) -> Insight:
    """The stored sentence is in one language; a code that this version does not know yet keeps it."""
    known = notice.code in notices.codes()
    message = notices.notice(notice.code, language).message if known else notice.message
    return Insight(category="quality", level="warning", message=message, priority="high")


def _numbers(measured: Measurement, language: Language) -> Iterator[Insight]:
    if measured.economy is not None:
        yield _told("economy", _ECONOMY, measured.economy.value, language)
    for name, words in _METRICS.items():
        metric = measured.metrics.get(name)
        if metric is not None and metric.value is not None:
            yield _told("metrics", words, metric.value, language)


def _happenings(events: tuple[Event, ...], language: Language) -> Iterator[Insight]:
    for event in events:
        if words := _EVENTS.get(event.kind):
            yield _told("events", words, event.t, language)


def _told(category: str, words: _Words, number: float, language: Language) -> Insight:
    return Insight(
        category=category,
        level=words.level,
        message=words.with_number(number, language),
        priority=words.priority,
    )


def _claim(claim: Claim) -> Insight:
    risky = claim.kind == "risk"
    return Insight(
        category="model",
        level="warning" if risky else "info",
        message=claim.text,
        priority="high" if risky else "medium",
    )
