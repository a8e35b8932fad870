"""A Record as a DynamoDB item and a Change as an update of one. Nothing here awaits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.record import Record

if TYPE_CHECKING:
    from core.transitions import Change, Rival, Value

Item = dict[str, Any]

# Two attributes that only the table knows. `lease_state` is "held" beside every lease: the partition key of the index
# that finds stale ones. `last_write` names the newest write: a write that the SDK repeats, since its reply was lost,
# finds its own name there and does not happen twice.
LEASE_STATE, HELD = "lease_state", "held"
LAST_WRITE = "last_write"


@dataclass(frozen=True, kw_only=True)
class Update:
    """The four arguments of UpdateItem."""

    update: str
    condition: str
    names: Mapping[str, str]
    values: Mapping[str, Item]


@dataclass(frozen=True, kw_only=True)
class _Words:
    """Placeholders: any attribute name may be one of DynamoDB's 573 reserved words."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Item] = field(default_factory=dict)

    def name(self, attribute: str) -> str:
        self.names[f"#{attribute}"] = attribute
        return f"#{attribute}"

    def value(self, value: Value) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = attribute_value(value)
        return placeholder


def update_of(change: Change, write: str) -> Update:
    """The change as one conditional update; `write` is its unique name (see LAST_WRITE)."""
    words = _Words()
    condition = _condition(change, write, words)
    return Update(update=_update(change, write, words), condition=condition, names=words.names, values=words.values)


def item_of(record: Record, write: str) -> Item:
    fields = record.model_dump(mode="json", exclude_none=True) | {LAST_WRITE: write}
    if record.lease_until is not None:
        fields[LEASE_STATE] = HELD
    return {name: attribute_value(value) for name, value in fields.items()}


def record_of(item: Mapping[str, Any]) -> Record:
    return Record.model_validate({name: _plain(value) for name, value in item.items()})


def attribute_value(value: Value) -> Item:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": repr(value)}
    return {"S": str(value)}


def _plain(value: Mapping[str, Any]) -> Value:
    if "N" in value:
        number = str(value["N"])
        return int(number) if number.lstrip("-").isdigit() else float(number)
    found: Value = value["BOOL"] if "BOOL" in value else value["S"]
    return found


def _update(change: Change, write: str, words: _Words) -> str:
    sets: dict[str, Value] = {**change.sets, LAST_WRITE: write}
    removes = set(change.removes)
    if "lease_until" in sets:
        sets[LEASE_STATE] = HELD
    if "lease_until" in removes:
        removes.add(LEASE_STATE)
    adds = {**change.adds, "revision": 1}
    parts = [
        "SET " + ", ".join(f"{words.name(name)} = {words.value(value)}" for name, value in sets.items()),
        "ADD " + ", ".join(f"{words.name(name)} {words.value(value)}" for name, value in adds.items()),
    ]
    if removes:
        parts.append("REMOVE " + ", ".join(words.name(name) for name in sorted(removes)))
    return " ".join(parts)


def _condition(change: Change, write: str, words: _Words) -> str:
    sources = ", ".join(words.value(str(status)) for status in sorted(change.sources))
    last = words.name(LAST_WRITE)
    parts = [
        f"{words.name('status')} IN ({sources})",
        f"(attribute_not_exists({last}) OR {last} <> {words.value(write)})",
        *(f"attribute_not_exists({words.name(name)})" for name in sorted(change.absent)),
    ]
    if change.token is not None:
        parts.append(f"{words.name('lease_token')} = {words.value(change.token)}")
    if change.epoch is not None:
        parts.append(f"{words.name('epoch')} = {words.value(change.epoch)}")
    if change.revision is not None:
        parts.append(f"{words.name('revision')} = {words.value(change.revision)}")
    if change.rival is not None:
        parts.append(_beaten(change.rival, words))
    return " AND ".join(parts)


def _beaten(rival: Rival, words: _Words) -> str:
    until, message, receives = words.name("lease_until"), words.name("lease_message"), words.name("lease_receives")
    handed_out_again = f"(attribute_not_exists({receives}) OR {receives} < {words.value(rival.receives)})"
    ways = [
        f"attribute_not_exists({until})",
        f"({message} = {words.value(rival.message)} AND {handed_out_again})",
    ]
    if rival.seen is not None:
        ways.append(f"{words.name('revision')} = {words.value(rival.seen)}")
    return f"({' OR '.join(ways)})"
