"""The badge: one word about the pipeline as an SVG. Grey where nobody knows."""

from service.standing import Standing

COLOURS = {"passing": "#2e7d32", "degraded": "#b26a00", "failing": "#c62828", "unknown": "#6b6b6b"}
WORDS = {"pass": "passing", "warn": "degraded", "fail": "failing"}
LEFT, RIGHT = 62, 68


def badge(stands: Standing) -> bytes:
    word = WORDS[stands.status] if stands.known else "unknown"
    width = LEFT + RIGHT
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="pipeline: {word}">\
<title>pipeline: {word}</title><rect width="{LEFT}" height="20" fill="#444"/>\
<rect x="{LEFT}" width="{RIGHT}" height="20" fill="{COLOURS[word]}"/>\
<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,sans-serif" font-size="11">\
<text x="{LEFT / 2}" y="14">pipeline</text><text x="{LEFT + RIGHT / 2}" y="14">{word}</text></g></svg>""".encode()
