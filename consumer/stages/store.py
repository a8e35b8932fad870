"""The result, where readers find it: pictures first, then the result that names them, then the record's last word."""

from datetime import datetime

from consumer.stages.stage import Bench, Case, Stage, given
from core.record import Record, frame_key, result_key, rfc3339
from core.result import StoredResult, Timing
from core.transitions import completed


async def store(bench: Bench, case: Case) -> Case:
    """Raises Failure: STORAGE_UNAVAILABLE, STORE_UNAVAILABLE, LEASE_LOST (another worker's result counts then).

    The same keys each time, so that a second run overwrites what a first one left. Objects cannot be fenced, the lease
    is asked for right before the result is written: a worker that lost it stops here.
    """
    tools, record, pictures = bench.tools, case.record, case.pictures
    started = tools.clock.monotonic()
    for done, picture in enumerate(pictures, 1):
        key = frame_key(record.analysis_id, picture.frame.id)
        await tools.objects.put_file(key, picture.path, content_type="image/jpeg")
        await bench.report(done / (len(pictures) + 1))
    await bench.lease.renew()
    now, ms = tools.clock.now(), round((tools.clock.monotonic() - started) * 1000)
    result = StoredResult(
        analysis_id=record.analysis_id,
        sport_type=record.sport_type,
        completed_at=rfc3339(now),
        measurement=given(case.measurement),
        model=case.model,
        timing=timing(case, now=now, store_ms=ms),
    )
    body = result.model_dump_json().encode()
    await tools.objects.put(result_key(record.analysis_id), body, content_type="application/json")
    await bench.lease.write(completed(tools.clock.now(), token=bench.lease.token))
    if tools.recall is not None:
        await tools.recall.keep(record, result.measurement, result.model)
    return case


def timing(case: Case, *, now: datetime, store_ms: int) -> Timing:
    """From the moment the upload was queued; waits and earlier tries are in `queued_ms`."""
    began = queued_at(case.record, case.claimed_at)
    return Timing(
        queued_ms=_ms(began, case.claimed_at),
        download_ms=case.stage_ms.get("download", 0),
        extract_ms=case.stage_ms.get("extract", 0),
        analyze_ms=case.stage_ms.get("analyze", 0),
        store_ms=store_ms,
        total_ms=_ms(began, now),
    )


def queued_at(record: Record, otherwise: datetime) -> datetime:
    return datetime.fromisoformat(record.queued_at) if record.queued_at is not None else otherwise


def _ms(start: datetime, end: datetime) -> int:
    """Never negative: two machines' clocks may differ."""
    return max(0, round((end - start).total_seconds() * 1000))


STORE = Stage(name="store", limit_s=lambda settings: settings.store_limit_s, share=5, run=store)
