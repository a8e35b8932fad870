"""Headers that keep browsers from doing with an answer what nobody meant."""

from types import MappingProxyType

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

HEADERS = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Server": "performate",
        "Strict-Transport-Security": "max-age=31536000",
        "Vary": hdrs.ACCEPT_LANGUAGE,
        "X-Content-Type-Options": "nosniff",
    }
)


@web.middleware
async def harden(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What a handler set itself stays."""
    response = await handler(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
