"""Where an analysis is, whether it is stuck there, and what to do: decided from the evidence. Nothing here awaits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.error_codes import ErrorCode
from core.errors import catalogue
from core.record import Status
from core.settings import Settings
from ops.dead_letters.showing import age
from ops.story.evidence import Evidence

Verdict = Literal["fine", "waiting", "stuck", "ended"]
LIMITS = ("download", "extract", "analyze", "store")
MODEL_MARGIN_S = 60.0
PATIENCE_S = 120.0
"""So long a message may wait with nothing before it on the queue: a poll, a spell behind a duplicate, a restart."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """`at` is the step it stands at. `advice` is empty where there is nothing to do."""

    verdict: Verdict
    at: str
    why: str
    advice: str = ""


def diagnose(seen: Evidence, settings: Settings) -> Diagnosis:
    match seen.record.status:
        case Status.PENDING_UPLOAD:
            return _upload(seen, settings)
        case Status.QUEUED:
            return _queued(seen, settings)
        case Status.PROCESSING:
            return _processing(seen, settings)
        case Status.COMPLETED:
            return _completed(seen)
        case Status.FAILED:
            return _failed(seen)
        case Status.EXPIRED:
            return Diagnosis(verdict="ended", at="upload", why="its clip never came; the client must ask anew")


def _upload(seen: Evidence, settings: Settings) -> Diagnosis:
    waited = _since(seen.record.created_at, seen.now)
    if seen.clip is None:
        left = settings.upload_expires_s - waited
        if left > 0:
            why = f"no clip lies at its key yet; the upload address is good for another {age(left)}"
            return Diagnosis(verdict="waiting", at="upload", why=why)
        why = "the upload address ran out and no clip came: the client gave up, or the bucket refused it (CORS, size)"
        return Diagnosis(verdict="stuck", at="upload", why=why, advice="performate doctor --only preflight")
    why = f"its clip lies there, and nobody has queued it for {age(waited)}: {seen.waiting['ingest']} wait for ingest"
    if waited < PATIENCE_S:
        return Diagnosis(verdict="waiting", at="ingest", why=why)
    return Diagnosis(verdict="stuck", at="ingest", why=why, advice="performate doctor --only setup: upload events?")


def _queued(seen: Evidence, settings: Settings) -> Diagnosis:
    record, waited = seen.record, _since(seen.record.updated_at, seen.now)
    step: Literal["ingest", "analysis"] = "ingest" if record.object_etag is None else "analysis"
    process = "ingest" if step == "ingest" else "worker"
    before = seen.waiting[step]
    told = f"waits for {step} since {age(waited)}, with about {before} messages on that queue"
    if seen.clip is None:
        why = f"{told}; but its clip is not in the bucket any more"
        return Diagnosis(verdict="stuck", at=step, why=why, advice="it will fail as such; the client must upload anew")
    if step == "analysis" and seen.breaker_is_open:
        why = f"{told}; the breaker of the vision model is open until {seen.breaker_until:%H:%M:%S} UTC"
        return Diagnosis(verdict="waiting", at=step, why=why, advice="nothing is lost: look after the model's provider")
    if before == 0 and waited > PATIENCE_S:
        left = settings.resend_after_s - waited
        when = f"a worker sends it again in {age(left)}" if left > 0 else "no worker has sent it again (RESEND_AFTER_S)"
        why = f"waits for {step} since {age(waited)}, and no message of its queue is visible: in hand, or lost; {when}"
        return Diagnosis(verdict="stuck", at=step, why=why, advice=f"is a {process} up? its /livez and its log say")
    if before and waited > PATIENCE_S and record.attempt == 0:
        advice = f"start more of {process}, if the number grows; if none runs, start one"
        return Diagnosis(verdict="waiting", at=step, why=told, advice=advice)
    return Diagnosis(verdict="waiting", at=step, why=told)


def _processing(seen: Evidence, settings: Settings) -> Diagnosis:
    record = seen.record
    stage = record.stage or "start"
    told = f"try {record.attempt}, stage {stage} at {record.progress} %, held by {record.lease_owner}"
    over = seen.now.timestamp() - (record.lease_until or 0.0)
    if over > 0:
        why = f"{told}, which has given no sign of life for {age(over)} past its lease: it died, or lost the store"
        advice = "wait: the message comes back by itself; then see why it died: the worker's log, memory, deploys"
        return Diagnosis(verdict="stuck", at=stage, why=why, advice=advice)
    limit = _limit_s(stage, settings)
    since = _since(record.updated_at, seen.now)
    if limit is not None and since > limit:
        why = f"{told}, without progress for {age(since)}, and the stage may take {age(limit)}"
        return Diagnosis(verdict="stuck", at=stage, why=why, advice="performate errors STAGE_TIMEOUT")
    return Diagnosis(verdict="fine", at=stage, why=told)


def _limit_s(stage: str, settings: Settings) -> float | None:
    """What the stage may take, the model's answer and its repair included."""
    if stage not in LIMITS:
        return None
    asking = 2 * settings.vision_limit_s + MODEL_MARGIN_S if stage == "analyze" and settings.vision_on else 0.0
    return float(getattr(settings, f"{stage}_limit_s")) + asking


def _completed(seen: Evidence) -> Diagnosis:
    if seen.result is None:
        why = "it is called completed, and no result of it can be read in the bucket"
        advice = f"performate errors {ErrorCode.RESULT_MISSING}"
        return Diagnosis(verdict="stuck", at="store", why=why, advice=advice)
    quality = seen.result.measurement.quality
    why = f"measured by {quality.method}, confidence {quality.confidence:.2f}"
    left = " A dead letter of it is left: performate dlq purge" if seen.letters else ""
    return Diagnosis(verdict="ended", at="done", why=why, advice=left.strip())


def _failed(seen: Evidence) -> Diagnosis:
    record = seen.record
    code = record.error_code or ErrorCode.INTERNAL
    entry = catalogue()[code]
    told = f"{code}: {record.error_detail}" if record.error_detail else str(code)
    if seen.clip is None:
        advice = "its clip is gone: it cannot be tried again"
    elif entry.owner == "user":
        advice = f"the clip's owner can mend it, we cannot: {entry.suggestions.en[0]}"
    else:
        advice = f"{entry.operator_action} Then: performate retry {record.analysis_id}"
    return Diagnosis(verdict="ended", at=record.stage or entry.stage, why=told, advice=advice)


def _since(moment: str, now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(moment)).total_seconds())
