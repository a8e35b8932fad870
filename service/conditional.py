"""Conditional GET: an answer whose ETag the client holds already is not sent again."""

from aiohttp import web
from aiohttp.helpers import ETAG_ANY
from pydantic import BaseModel

from service.answers import respond


def unless_known(request: web.Request, body: BaseModel, *, tag: str) -> web.Response:
    """200 with the body and its ETag, or 304 when If-None-Match names it."""
    known = {etag.value for etag in request.if_none_match or ()}
    response = web.Response(status=304) if known & {tag, ETAG_ANY} else respond(body)
    response.etag = tag
    response.headers["Cache-Control"] = "no-cache"
    return response
