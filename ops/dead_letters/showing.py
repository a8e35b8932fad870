"""Dead letters for people: a table, a page, ages in words. Nothing here awaits."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.record import Record
from ops.dead_letters.letter import Letter, described, printable

TOLD = (
    "analysis_id",
    "status",
    "stage",
    "attempt",
    "epoch",
    "error_code",
    "error_detail",
    "updated_at",
    "synthetic",
)
HEAD = ("QUEUE", "MESSAGE", "AGE", "RECEIVES", "CODE", "KIND", "ANALYSIS")
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def seconds_in(text: str) -> float:
    """90s, 15m, 2h, 3d. Raises ValueError."""
    units = dict(_UNITS)
    number, unit = text[:-1], text[-1:]
    if unit not in units:
        raise ValueError(f"{text} has no unit: 90s, 15m, 2h or 3d")
    seconds = float(number) * units[unit]
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{text} is no age")
    return seconds


def age(seconds: float) -> str:
    """The two largest units: 3d 4h, 15m 2s, 0s."""
    left, parts = round(seconds), list[str]()
    for unit, size in _UNITS:
        if left >= size or (unit == "s" and not parts):
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2])


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows))
    return "\n".join(line.rstrip() for line in lines)


def row(letter: Letter, now: datetime) -> tuple[str, ...]:
    ids = letter.analysis_ids
    shown = ids[0] if len(ids) == 1 else f"{len(ids)} uploads" if ids else "-"
    received = str(letter.delivery.receive_count)
    return letter.queue, letter.message_id, age(letter.age_s(now)), received, letter.code, letter.kind, shown


def status_of(record: Record) -> Mapping[str, object]:
    """What of a record is the on-call's business; the file's name is not."""
    found = record.model_dump(mode="json", include=set(TOLD))
    return {name: found[name] for name in TOLD}


def full(letter: Letter, records: Mapping[str, Record], now: datetime) -> Mapping[str, object]:
    return {**described(letter, now), "records": [status_of(record) for record in records.values()]}


def page(letter: Letter, records: Mapping[str, Record], now: datetime) -> str:
    """One letter with its analyses, a fact a line."""
    facts = {name: value for name, value in described(letter, now).items() if value not in (None, [], False)}
    facts["age_s"] = age(letter.age_s(now))
    lines = [f"{name.replace('age_s', 'age'):<13} {_shown(value)}" for name, value in facts.items()]
    for record in records.values():
        told = [
            f"{name}={printable(str(value))}" for name, value in status_of(record).items() if value not in (None, False)
        ]
        lines.append(f"{'record':<13} {' '.join(told[1:])}")
    if letter.analysis_ids and not records:
        lines.append(f"{'record':<13} none")
    return "\n".join(lines)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
