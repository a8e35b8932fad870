"""Who may do what only operators may: the bearer of ADMIN_TOKEN."""

import hmac

from aiohttp import hdrs, web

from core.error_codes import ErrorCode
from service.keys import SETTINGS
from service.refusal import Refusal


def require_operator(request: web.Request) -> None:
    """Raises Refusal: FORBIDDEN where no token is set, UNAUTHENTICATED for none or a wrong one."""
    token = request.app[SETTINGS].admin_token
    if token is None or not token.get_secret_value():
        raise Refusal(ErrorCode.FORBIDDEN)
    if not is_operator(request):
        raise Refusal(ErrorCode.UNAUTHENTICATED, headers={hdrs.WWW_AUTHENTICATE: 'Bearer realm="operators"'})


def is_operator(request: web.Request) -> bool:
    token = request.app[SETTINGS].admin_token
    if token is None or not token.get_secret_value():
        return False
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    # surrogateescape: aiohttp decodes header bytes so, and any other bytes are a wrong token, not a crash
    right = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token.get_secret_value().encode())
    return scheme.lower() == "bearer" and right
