"""The page's files: read once, at one address that changes when any of them does. Nothing here awaits."""

import gzip
import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from core import notices
from core.result import Sport
from core.settings import Settings
from service.admission import EXTENSIONS

FOLDER = Path(__file__).with_name("web")
TYPES = MappingProxyType(
    {
        ".css": "text/css",
        ".html": "text/html",
        ".js": "text/javascript",
        ".json": "application/json",
        ".svg": "image/svg+xml",
    }
)


@dataclass(frozen=True)
class File:
    """One file as it is sent; `packed` is the same by gzip."""

    body: bytes
    content_type: str

    @cached_property
    def packed(self) -> bytes:
        return gzip.compress(self.body, 9, mtime=0)

    @cached_property
    def tag(self) -> str:
        return hashlib.sha256(self.body).hexdigest()[:16]


@dataclass(frozen=True)
class Site:
    """`pages` by name, `assets` by file name; every asset lies under /assets/{version}/, so that modules may import
    each other by their plain names and no two versions of them ever meet in one page."""

    version: str
    pages: Mapping[str, File]
    assets: Mapping[str, File]


def read_site(settings: Settings, folder: Path = FOLDER) -> Site:
    texts = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in TYPES}
    texts["notices.json"] = _notices()
    assets = {name: File(body, TYPES[Path(name).suffix]) for name, body in texts.items() if not name.endswith(".html")}
    version = _version(assets)
    pages = {
        name.removesuffix(".html"): File(_page(body.decode(), version, settings), TYPES[".html"])
        for name, body in texts.items()
        if name.endswith(".html")
    }
    return Site(version=version, pages=pages, assets=assets)


def _version(assets: Mapping[str, File]) -> str:
    whole = hashlib.sha256()
    for name, file in sorted(assets.items()):
        whole.update(f"{name} {len(file.body)}\n".encode() + file.body)
    return whole.hexdigest()[:12]


def _page(text: str, version: str, settings: Settings) -> bytes:
    rules = {
        "max_bytes": settings.max_upload_bytes,
        "min_bytes": settings.min_upload_bytes,
        "max_seconds": settings.max_clip_s,
        "types": {extension: kind for kind, extension in EXTENSIONS.items()},
        "sports": list(Sport),
        "version": settings.version,
    }
    told = html.escape(json.dumps(rules, separators=(",", ":")), quote=True)
    return text.replace("/assets/", f"/assets/{version}/").replace("{{rules}}", told).encode()


def _notices() -> bytes:
    told = {code: {lang: notices.notice(code, lang).message for lang in ("en", "de")} for code in notices.codes()}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
