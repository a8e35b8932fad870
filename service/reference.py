"""GET /sports, /errors, /openapi.json: what the service knows about itself."""

from aiohttp import web

from core.errors import catalogue
from core.result import Sport
from service.answers import Catalogue, Sports, respond
from service.keys import OPENAPI

_AN_HOUR = {"Cache-Control": "public, max-age=3600"}


async def sports(_: web.Request) -> web.Response:
    return respond(Sports(tuple(Sport)), headers=_AN_HOUR)


async def errors(_: web.Request) -> web.Response:
    return respond(Catalogue(errors=tuple(catalogue().values())), headers=_AN_HOUR)


async def openapi(request: web.Request) -> web.Response:
    return web.Response(body=request.app[OPENAPI], content_type="application/json")
