"""The figures as one HTML page with charts: no script, no font, no picture from anywhere. Nothing here awaits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from ops.report.text import FIGURES

WIDTH, BAR, GAP, LABEL = 720, 18, 8, 170
GOOD, BAD, SECOND, QUIET = "#1b7f4d", "#c0392b", "#7fb89b", "#8a8f98"
STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8884}
td:nth-child(n+2),th:nth-child(n+2){text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:currentColor}h2{margin-top:2.2rem}
.quiet{opacity:.7}
"""


def page(found: Mapping[str, Any]) -> str:
    users, probes = found["users"], found["probes"]
    span = f"{found['from'] or 'no time'} to {found['to'] or 'no time'}"
    rows = "".join(_row(name, tell(users), tell(probes)) for name, tell in FIGURES.items())
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Performate: {escape(span)}</title><style>{STYLE}</style>
<h1>Performate</h1>
<p>{escape(span)}<br><span class="quiet">{found["lines"]} lines, {found["unreadable"]} unreadable</span></p>
<table><thead>{_row("", "users", "probes", tag="th")}</thead><tbody>{rows}</tbody></table>
<h2>Analyses over time</h2>{_over_time(users["history"])}
<h2>Stages</h2>{_stages(users["stages_ms"])}
<h2>Failures by code</h2>{_failures(users["failures"])}
</html>
"""


def _row(*cells: str, tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _svg(height: int, label: str, inside: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{inside}</svg>'


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _none(text: str) -> str:
    return f'<p class="quiet">{escape(text)}</p>'


def _over_time(history: Mapping[str, Any]) -> str:
    parts: Sequence[Mapping[str, int]] = history["parts"]
    if not parts:
        return _none("no analysis ended")
    high = max(one["completed"] + one["failed"] for one in parts)
    wide, tall = WIDTH / len(parts), 150
    bars = []
    for at, one in enumerate(parts):
        good, bad = one["completed"] / high * tall, one["failed"] / high * tall
        bars.append(_rect(at * wide + 0.5, tall - good, wide - 1, good, GOOD))
        bars.append(_rect(at * wide + 0.5, tall - good - bad, wide - 1, bad, BAD))
    ends = [_moment(parts[0]["at"]), _moment(parts[-1]["at"] + history["width_s"])]
    axis = _text(0, tall + 18, ends[0]) + _text(WIDTH, tall + 18, ends[1], "end")
    title = f"at most {high} in {history['width_s'] // 60} minutes; green completed, red failed"
    return _svg(tall + 40, "analyses over time", "".join(bars) + axis + _text(0, tall + 36, title))


def _stages(stages: Mapping[str, Mapping[str, Any]]) -> str:
    """p50 in the strong colour, p95 behind it."""
    if not stages:
        return _none("no analysis was completed")
    high = max(one["p95"] for one in stages.values()) or 1
    room = WIDTH - LABEL - 150
    rows = []
    for at, (name, one) in enumerate(stages.items()):
        y = at * (BAR + GAP)
        rows.append(_text(0, y + 14, name))
        rows.append(_rect(LABEL, y, one["p95"] / high * room, BAR, SECOND))
        rows.append(_rect(LABEL, y, one["p50"] / high * room, BAR, GOOD))
        rows.append(_text(LABEL + one["p95"] / high * room + 6, y + 14, f"{one['p50']:.0f} / {one['p95']:.0f} ms"))
    return _svg(len(stages) * (BAR + GAP), "p50 and p95 of each stage", "".join(rows)) + _none("p50 / p95")


def _failures(failures: Sequence[Mapping[str, Any]]) -> str:
    if not failures:
        return _none("none")
    high, room = failures[0]["count"], WIDTH - 300 - 60
    rows = []
    for at, one in enumerate(failures):
        y, wide = at * (BAR + GAP), one["count"] / high * room
        rows.append(_text(0, y + 14, one["code"]))
        rows.append(_rect(300, y, wide, BAR, BAD if one["counts_against_slo"] else QUIET))
        rows.append(_text(300 + wide + 6, y + 14, str(one["count"])))
    return _svg(len(failures) * (BAR + GAP), "failures by code", "".join(rows)) + _none("red: counts against the SLO")


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
