"""The figures of a tally, as one plain value that table, JSON and page are made from. Nothing here awaits."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from core.error_codes import ErrorCode
from core.errors import catalogue
from ops.report.sketch import Sketch
from ops.report.tally import Tally, Work

STAGES = ("download", "extract", "analyze", "store", "in worker")


def figures(tally: Tally) -> dict[str, Any]:
    return {
        "lines": tally.lines,
        "unreadable": tally.broken,
        "from": tally.first or None,
        "to": tally.last or None,
        "users": work(tally.users),
        "probes": {**work(tally.probes), "runs": dict(tally.probe_runs)},
    }


def work(seen: Work) -> dict[str, Any]:
    """Shares are 0..1, and null where nothing was counted that they could be of."""
    ours = _ours(seen.failures)
    return {
        "analyses": {
            "completed": seen.completed,
            "failed": seen.failed,
            "failed_by_us": ours,
            "success_rate": share(seen.completed, seen.completed + seen.failed),
            "slo_success_rate": share(seen.completed, seen.completed + ours),
        },
        "failures": _by_code(seen.failures),
        "retries": _by_code(seen.retries),
        "dead_lettered": seen.dead_lettered,
        "extraction": {
            "downloaded": seen.downloads.count,
            "extracted": seen.extracted,
            "success_rate": share(seen.extracted, seen.downloads.count),
        },
        "downloads": {
            "started": seen.downloads_started,
            "cleaned": seen.cleaned,
            "all_cleaned": seen.downloads_started == seen.cleaned,
            "average_mb": None if seen.downloads.mean is None else round(seen.downloads.mean / 1e6, 2),
        },
        "stages_ms": {name: percentiles(seen.stages[name]) for name in _in_order(seen.stages)},
        "http": {
            "requests": seen.requests.count,
            "server_errors": seen.server_errors,
            "error_rate": share(seen.server_errors, seen.requests.count),
            **percentiles(seen.requests),
        },
        "model": {
            "calls": seen.model_calls,
            "input_tokens": seen.input_tokens,
            "output_tokens": seen.output_tokens,
            "unpriced_calls": seen.unpriced_calls,
            # of calls that have a price; without any nobody knows
            "cost_usd": None if 0 < seen.model_calls == seen.unpriced_calls else round(seen.cost_usd, 4),
        },
        "history": {
            "width_s": seen.history.width_s,
            "parts": [
                {"at": at, "completed": counts["completed"], "failed": counts["failed"]}
                for at, counts in seen.history.parts()
            ],
        },
    }


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None


def percentiles(sketch: Sketch) -> dict[str, float | int | None]:
    p50, p95 = sketch.percentile(0.5), sketch.percentile(0.95)
    return {
        "count": sketch.count,
        "p50": None if p50 is None else round(p50, 1),
        "p95": None if p95 is None else round(p95, 1),
    }


def counts_against_slo(code: str) -> bool:
    """A code that this version does not know is ours until somebody says otherwise."""
    return catalogue()[ErrorCode(code)].counts_against_slo if code in ErrorCode.__members__ else True


def _ours(failures: Counter[str]) -> int:
    return sum(number for code, number in failures.items() if counts_against_slo(code))


def _by_code(counts: Counter[str]) -> list[dict[str, Any]]:
    return [
        {"code": code, "count": number, "counts_against_slo": counts_against_slo(code)}
        for code, number in counts.most_common()
    ]


def _in_order(stages: Mapping[str, Sketch]) -> list[str]:
    return [*(name for name in STAGES if name in stages), *sorted(set(stages) - set(STAGES))]
