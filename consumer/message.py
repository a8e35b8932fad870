"""What a role reads from a message: the one kind of job that it does, and the log context that comes with it."""

from core.messages import Job, Kind, Undecodable
from core.record import Record
from core.trace import continue_trace


def expected(job: Job | None, kind: Kind) -> Job:
    """The job, if it is of that kind. Raises Undecodable."""
    if job is None or job.kind != kind:
        raise Undecodable(f"the message is no {kind} job")
    return job


def job_context(job: Job) -> dict[str, object]:
    """What every log line about this job carries; a message without a trace, or with a bad one, starts a new one."""
    trace = continue_trace(job.traceparent)
    return {"trace_id": trace.trace_id, "analysis_id": job.analysis_id, "synthetic": job.synthetic}


def record_context(record: Record) -> dict[str, object]:
    """The same, for what is done about an analysis without a message."""
    trace = continue_trace(record.traceparent)
    return {"trace_id": trace.trace_id, "analysis_id": record.analysis_id, "synthetic": record.synthetic}
