"""The end of an analysis without a result, as the record and the on-call see it."""

import structlog

from core.errors import catalogue
from core.failure import Failure

log = structlog.stdlib.get_logger(__name__)
LONGEST_DETAIL = 500


def shortened(failure: Failure) -> Failure:
    """Fit for a record: `error_detail` is for a glance, the log has the rest."""
    return Failure(failure.code, failure.detail[:LONGEST_DETAIL])


def log_failed(failure: Failure, **facts: object) -> None:
    """The line that the on-call greps: once for each analysis that ends without a result. An error where it is ours to
    mend; a clip that is refused is its user's."""
    entry = catalogue()[failure.code]
    (log.error if entry.counts_against_slo else log.warning)(
        "analysis.failed",
        error_code=failure.code,
        retryable=entry.retryable,
        owner=entry.owner,
        runbook_url=entry.runbook,
        detail=failure.detail,
        **facts,
    )
