"""GET /, /status and /assets/...: the page itself. It talks to this service and to the bucket, and to nobody else."""

import html

from aiohttp import hdrs, web
from aiohttp.helpers import ETAG_ANY, ETag

from core.error_codes import ErrorCode
from core.settings import Settings
from service.keys import DEPENDENCIES, OUTSIDE, PIPELINE, SETTINGS
from service.pipeline_answers import health_body
from service.pipeline_text import pipeline_text
from service.refusal import Refusal
from service.site import File, Site, read_site
from service.standing import judge
from service.storage_origin import storage_origin

SITE = web.AppKey("site", Site)
PAGE_HEADERS = web.AppKey("page_headers", dict[str, str])
STANDING = b"{{standing}}"
FOR_EVER = "public, max-age=31536000, immutable"


def add_pages(app: web.Application, settings: Settings) -> None:
    """Reads the files now: a page that cannot be read is a service that does not start."""
    app[SITE] = read_site(settings)
    app[PAGE_HEADERS] = page_headers(storage_origin(settings))
    app.add_routes([web.get("/", home), web.get("/status", status), web.get("/assets/{version}/{name}", asset)])


def page_headers(storage: str) -> dict[str, str]:
    """`storage` is the bucket's origin. No inline code, no string becomes markup (trusted types), no other host."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": f"'self' {storage}",
        "img-src": f"'self' {storage}",
        "media-src": f"blob: {storage}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


async def home(request: web.Request) -> web.Response:
    return _page(request, request.app[SITE].pages["index"])


async def status(request: web.Request) -> web.Response:
    """With the present verdict in it, for readers without JavaScript."""
    verdict = await _verdict(request)
    page = request.app[SITE].pages["status"]
    return _page(request, File(page.body.replace(STANDING, html.escape(verdict).encode()), page.content_type))


async def _verdict(request: web.Request) -> str:
    found = request.app[PIPELINE]
    seen, now = found.fresh() or await found.seen(), request.app[OUTSIDE].now()
    stands = judge(seen, now=now, cadence=found.cadence)
    version = request.app[SETTINGS].version
    body = health_body(seen, stands, now=now, cadence=found.cadence, version=version, operator=False)
    return pipeline_text(body, request.app[DEPENDENCIES].backlog)


async def asset(request: web.Request) -> web.Response:
    """Files of another version are not here: they would not fit."""
    site = request.app[SITE]
    file = site.assets.get(request.match_info["name"])
    if file is None or request.match_info["version"] != site.version:
        raise Refusal(ErrorCode.NOT_FOUND)
    return _sent(request, file, {"Cache-Control": FOR_EVER})


def _page(request: web.Request, page: File) -> web.Response:
    known = {etag.value for etag in request.if_none_match or ()}
    headers = request.app[PAGE_HEADERS]
    response = web.Response(status=304, headers=headers) if known & {page.tag, ETAG_ANY} else None
    response = response or _sent(request, page, headers)
    response.etag = ETag(page.tag, is_weak=True)
    return response


def _sent(request: web.Request, file: File, headers: dict[str, str]) -> web.Response:
    """Packed where the client takes that: the files are the same for everybody and hold no secret to guess at."""
    packs = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower()
    response = web.Response(
        body=file.packed if packs else file.body,
        content_type=file.content_type,
        charset=None if file.content_type.startswith("image/") else "utf-8",
        headers={**headers, hdrs.VARY: hdrs.ACCEPT_ENCODING},
    )
    if packs:
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    return response
