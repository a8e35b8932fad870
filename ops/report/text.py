"""The figures as a table for a terminal. Nothing here awaits."""

from collections.abc import Mapping
from typing import Any

from ops.dead_letters.letter import printable
from ops.dead_letters.showing import table

UNKNOWN = "-"


def page(found: Mapping[str, Any]) -> str:
    users, probes = found["users"], found["probes"]
    span = f"{found['from'] or UNKNOWN} to {found['to'] or UNKNOWN}"
    parts = [
        f"{found['lines']} lines, {found['unreadable']} unreadable, {span}",
        table(_summary(users, probes), ("FIGURE", "USERS", "PROBES")),
    ]
    if users["stages_ms"]:
        rows = [(name, *(_ms(one[key]) for key in ("p50", "p95")), str(one["count"])) for name, one in _stages(users)]
        parts.append(table(rows, ("STAGE (users)", "P50", "P95", "COUNT")))
    if users["failures"]:
        rows = [
            (printable(one["code"]), str(one["count"]), "yes" if one["counts_against_slo"] else "no")
            for one in users["failures"]
        ]
        parts.append(table(rows, ("FAILED WITH (users)", "COUNT", "AGAINST SLO")))
    if users["retries"]:
        rows = [(printable(one["code"]), str(one["count"])) for one in users["retries"]]
        parts.append(table(rows, ("RETRIED AFTER (users)", "COUNT")))
    return "\n\n".join(parts)


def _summary(users: Mapping[str, Any], probes: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(name, tell(users), tell(probes)) for name, tell in FIGURES.items()]


def _cleanups(work: Mapping[str, Any]) -> str:
    downloads = work["downloads"]
    sign = "=" if downloads["all_cleaned"] else "is NOT"
    return f"{downloads['started']} {sign} {downloads['cleaned']}"


def percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2%}"


def _ms(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"


def _mb(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f} MB"


def _cost(model: Mapping[str, Any]) -> str:
    known = UNKNOWN if model["cost_usd"] is None else f"{model['cost_usd']:.4f} USD"
    return f"{known}, and {model['unpriced_calls']} calls of unknown price" if model["unpriced_calls"] else known


FIGURES: Mapping[str, Any] = {
    "analyses completed": lambda work: str(work["analyses"]["completed"]),
    "analyses failed": lambda work: f"{work['analyses']['failed']} ({work['analyses']['failed_by_us']} by us)",
    "success rate": lambda work: percent(work["analyses"]["success_rate"]),
    "success rate, SLO": lambda work: percent(work["analyses"]["slo_success_rate"]),
    "extraction success": lambda work: percent(work["extraction"]["success_rate"]),
    "average clip": lambda work: _mb(work["downloads"]["average_mb"]),
    "downloads = cleanups": _cleanups,
    "messages dead-lettered": lambda work: str(work["dead_lettered"]),
    "HTTP requests": lambda work: str(work["http"]["requests"]),
    "HTTP 5xx": lambda work: f"{work['http']['server_errors']} ({percent(work['http']['error_rate'])})",
    "HTTP p95": lambda work: _ms(work["http"]["p95"]),
    "model calls": lambda work: str(work["model"]["calls"]),
    "model tokens": lambda work: f"{work['model']['input_tokens']} in, {work['model']['output_tokens']} out",
    "model cost": lambda work: _cost(work["model"]),
}


def _stages(users: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(printable(name), one) for name, one in users["stages_ms"].items()]
