"""The story for people and for programs. The clip's file name is nobody's business here. Nothing here awaits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from core.settings import MIB
from core.trace import continue_trace
from ops.dead_letters.letter import described, printable
from ops.dead_letters.showing import age
from ops.story.diagnosis import Diagnosis
from ops.story.evidence import Evidence
from ops.story.timeline import Moment

HIDDEN = frozenset({"filename"})


def full(seen: Evidence, found: Diagnosis, moments: Sequence[Moment]) -> Mapping[str, object]:
    result = seen.result
    return {
        "analysis_id": seen.record.analysis_id,
        "diagnosis": asdict(found),
        "trace_id": continue_trace(seen.record.traceparent).trace_id,
        "record": seen.record.model_dump(mode="json", exclude=set(HIDDEN)),
        "clip": None if seen.clip is None else {"bytes": seen.clip.size, "etag": seen.clip.etag},
        "result": None
        if result is None
        else {
            "quality": result.measurement.quality.model_dump(mode="json"),
            "timing": result.timing.model_dump(mode="json"),
        },
        "dead_letters": None if seen.unread else [described(letter, seen.now) for letter in seen.letters],
        "waiting": dict(seen.waiting),
        "breaker_open": seen.breaker_is_open,
        "timeline": [asdict(moment) for moment in moments],
    }


def page(seen: Evidence, found: Diagnosis, moments: Sequence[Moment]) -> str:
    record = seen.record
    facts = {
        "analysis": record.analysis_id,
        "state": f"{record.status}, try {record.attempt}, epoch {record.epoch}",
        found.verdict: f"at {found.at}: {printable(found.why)}",
        "do": found.advice,
        "trace": continue_trace(record.traceparent).trace_id,
        "synthetic": "yes, a probe's" if record.synthetic else "",
        "clip": _clip(seen),
        "result": _result(seen),
        "lease": _lease(seen),
        "queues": ", ".join(f"{count} wait in {name}" for name, count in seen.waiting.items()),
        "dead letters": "not looked for" if seen.unread else str(len(seen.letters)),
    }
    lines = [f"{name:<13} {value}" for name, value in facts.items() if value]
    return "\n".join([*lines, "", *(f"{one.at:<27}  {one.source:<8}  {one.what}" for one in moments)])


def _clip(seen: Evidence) -> str:
    if seen.clip is None:
        return "none in the bucket"
    changed = "" if seen.record.object_etag in (None, seen.clip.etag) else ", NOT the version that was examined"
    return f"{seen.clip.size / MIB:.1f} MiB, {seen.record.content_type}{changed}"


def _result(seen: Evidence) -> str:
    if seen.result is None:
        return ""
    quality = seen.result.measurement.quality
    notes = ", ".join(notice.code for notice in quality.warnings)
    return f"{quality.method}, {seen.result.timing.total_ms} ms{f', {notes}' if notes else ''}"


def _lease(seen: Evidence) -> str:
    record = seen.record
    if record.lease_owner is None or record.lease_until is None:
        return ""
    left = record.lease_until - seen.now.timestamp()
    when = f"for another {age(left)}" if left > 0 else f"ran out {age(-left)} ago"
    return f"{record.lease_owner}, token {record.lease_token}, {when}"
