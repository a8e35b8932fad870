"""The log contract: core/events.toml as typed entries, and the JSON Schema and the docs that are made from them.

`python -m core.events` writes docs/logs.md and docs/logs.schema.json.
"""

import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from core.log import LOG_SCHEMA_VERSION

SOURCE = Path(__file__).with_name("events.toml")
ROOT = SOURCE.parents[1]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Level = Literal["debug", "info", "warning", "error", "critical"]
Pii = Literal["none", "id", "operator", "text"]
JsonType = Literal["string", "integer", "number", "boolean", "object", "array", "null"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LogField(_Strict):
    """One field, with one meaning in all events; core/events.toml explains the words."""

    type: tuple[JsonType, ...]
    unit: str | None = None
    pii: Pii
    about: str = Field(min_length=1)
    sample: JsonValue = None

    @field_validator("type", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return tuple(value.split("|")) if isinstance(value, str) else value

    @property
    def json_schema(self) -> dict[str, JsonValue]:
        return {"type": list(self.type) if len(self.type) > 1 else self.type[0]}


class Event(_Strict):
    """One event. `level` are those that it may have, `fields` are always there, `optional` sometimes."""

    by: str
    level: tuple[Level, ...] = Field(min_length=1)
    fields: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    about: str = Field(min_length=1)


class Events(_Strict):
    """The whole catalogue."""

    fields: Mapping[str, LogField]
    events: Mapping[str, Event]

    @model_validator(mode="after")
    def _every_field_is_known(self) -> "Events":
        used = {name for event in self.events.values() for name in (*event.fields, *event.optional)}
        if used != set(self.fields):
            raise ValueError(f"fields that no event has, or nobody explains: {sorted(used ^ set(self.fields))}")
        return self


BOUND: Mapping[str, LogField] = MappingProxyType(
    {
        "timestamp": LogField(
            type=("string",), pii="none", about="RFC 3339, UTC", sample="2026-11-24T12:00:00.000000Z"
        ),
        "level": LogField(type=("string",), pii="none", about="debug, info, warning, error, critical", sample="info"),
        "event": LogField(type=("string",), pii="none", about="a name of the table below"),
        "schema_version": LogField(type=("integer",), pii="none", about="of this contract", sample=LOG_SCHEMA_VERSION),
        "service": LogField(type=("string",), pii="none", about="web, ingest, worker, prober", sample="worker"),
        "instance": LogField(type=("string",), pii="operator", about="the process's machine", sample="worker-1"),
        "version": LogField(type=("string",), pii="none", about="the release", sample="0.1.0"),
        "trace_id": LogField(
            type=("string", "null"), pii="id", about="one from the request to the result", sample="0af7651916cd43dd"
        ),
        "request_id": LogField(type=("string", "null"), pii="id", about="one HTTP request"),
        "analysis_id": LogField(
            type=("string", "null"),
            pii="id",
            about="the key to one analysis",
            sample="9b2f6f6e-1c1f-4f5a-8d11-0d5a4f1c",
        ),
        "attempt": LogField(type=("integer", "null"), pii="none", about="tries of it, this one included", sample=1),
        "stage": LogField(type=("string", "null"), pii="none", about="what it is in", sample="extract"),
        "synthetic": LogField(type=("boolean", "null"), pii="none", about="true for the prober's work", sample=False),
    }
)
"""What every line has."""


def load(path: Path = SOURCE) -> Events:
    """Raises ValidationError, naming what is wrong."""
    with path.open("rb") as file:
        return Events.model_validate(tomllib.load(file))


@cache
def events() -> Events:
    """The catalogue; read once in a process."""
    return load()


def catalogue() -> Mapping[str, Event]:
    """The events by name."""
    return events().events


def line_schema(name: str, known: Events) -> dict[str, JsonValue]:
    """What a line of this event is: every field of its own and the bound ones, and no other."""
    event = known.events[name]
    properties: dict[str, JsonValue] = {field: one.json_schema for field, one in BOUND.items()}
    properties |= {field: known.fields[field].json_schema for field in (*event.fields, *event.optional)}
    properties["event"] = {"const": name}
    properties["schema_version"] = {"const": LOG_SCHEMA_VERSION}
    properties["level"] = {"enum": list(event.level)}
    properties["exception"] = {"type": "array"}
    required: list[JsonValue] = [*BOUND, *(name for name in event.fields if name not in BOUND)]
    return {
        "description": event.about,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def schema(known: Events) -> dict[str, JsonValue]:
    """JSON Schema (2020-12) of one line: `line_schema` of its event."""
    chosen: list[JsonValue] = [
        {
            "if": {"properties": {"event": {"const": name}}, "required": ["event"]},
            "then": {
                "description": event.about,
                "properties": {
                    "level": {"enum": list(event.level)},
                    **{field: {"$ref": f"#/$defs/{field}"} for field in (*event.fields, *event.optional)},
                },
                "required": [*event.fields],
            },
        }
        for name, event in known.events.items()
    ]
    return {
        "$schema": DIALECT,
        "title": "A log line of Performate",
        "type": "object",
        "properties": {
            **{name: one.json_schema for name, one in BOUND.items()},
            "event": {"enum": list(known.events)},
            "schema_version": {"const": LOG_SCHEMA_VERSION},
            "exception": {"type": "array"},
        },
        "required": list(BOUND),
        "allOf": chosen,
        "unevaluatedProperties": False,
        "$defs": {name: {**one.json_schema, "description": one.about} for name, one in known.fields.items()},
    }


def sample(name: str, known: Events) -> dict[str, JsonValue]:
    """A line of this event as it may be seen."""
    event = known.events[name]
    line: dict[str, JsonValue] = {field: one.sample for field, one in BOUND.items()}
    own = {field: known.fields[field].sample for field in event.fields}
    return {**line, "event": name, "level": event.level[0], **own}


def as_markdown(known: Events) -> str:
    """The source text of docs/logs.md."""
    return "\n".join([*_head(), *_bound(), *_events(known), *_fields(known)]) + "\n"


def _head() -> Sequence[str]:
    return (
        "# Log lines",
        "",
        "Generated from core/events.toml by `python -m core.events`: edit that file, not this one.",
        "",
        "Every process writes one JSON object a line to stdout (`LOG_FORMAT=console` for people).",
        "docs/logs.schema.json is the schema. `warning`: it is tried again by itself, or it is the user's to mend.",
        "`error`: somebody should look. An analysis that ends without a result has exactly one line `analysis.failed`.",
        "No line holds a secret, an address's query, or what a user typed.",
        "",
    )


def _bound() -> Sequence[str]:
    rows = (f"| `{name}` | {' or '.join(one.type)} | {one.pii} | {one.about} |" for name, one in BOUND.items())
    return ("## What every line has", "", "| field | type | pii | what it is |", "|---|---|---|---|", *rows, "")


def _events(known: Events) -> Sequence[str]:
    rows = []
    for name, event in known.events.items():
        own = ", ".join([*(f"`{f}`" for f in event.fields), *(f"`{f}`?" for f in event.optional)])
        rows.append(f"| `{name}` | {event.by} | {', '.join(event.level)} | {own} | {event.about} |")
    return (
        "## Events",
        "",
        "With `?`: not always there. `exception` comes with a stack.",
        "",
        "| event | by | level | fields | when |",
        "|---|---|---|---|---|",
        *rows,
        "",
    )


def _fields(known: Events) -> Sequence[str]:
    rows = [
        f"| `{name}` | {' or '.join(one.type)} | {one.unit or ''} | {one.pii} | {one.about} "
        f"| {'' if one.sample is None else f'`{json.dumps(one.sample, ensure_ascii=False)}`'} |"
        for name, one in sorted(known.fields.items())
    ]
    return (
        "## Fields",
        "",
        "pii: `id` is a pseudonym, `operator` tells of our own infrastructure, `text` is free text.",
        "",
        "| field | type | unit | pii | what it is | for example |",
        "|---|---|---|---|---|---|",
        *rows,
    )


def generated(known: Events) -> Mapping[Path, str]:
    """What each generated file should hold."""
    docs = ROOT / "docs"
    return {docs / "logs.md": as_markdown(known), docs / "logs.schema.json": json.dumps(schema(known), indent=1) + "\n"}


def main() -> int:
    for path, text in generated(load()).items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
