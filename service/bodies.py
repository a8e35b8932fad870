"""Request bodies: JSON of bounded length and time into a model."""

import asyncio
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from core.error_codes import ErrorCode
from service.keys import PACE
from service.refusal import Refusal

MAX_JSON_BYTES = 64 * 1024
_MOST_FIELDS_NAMED = 20
BROKEN_OFF = (ConnectionError, web.RequestPayloadError)


class Asked(BaseModel):
    """What a client sends. Unknown fields are left alone, so that newer clients work with an older service."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


M = TypeVar("M", bound=Asked)


async def read_json(request: web.Request, model: type[M]) -> M:
    """Raises Refusal: REQUEST_TOO_LARGE, REQUEST_TIMEOUT, UPLOAD_INTERRUPTED, INVALID_REQUEST naming the fields."""
    return parsed(model, await _read(request))


async def _read(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(request.app[PACE].body_s):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(ErrorCode.REQUEST_TOO_LARGE, facts={"max_bytes": MAX_JSON_BYTES}) from None
    except TimeoutError:
        raise Refusal(ErrorCode.REQUEST_TIMEOUT) from None
    except BROKEN_OFF:
        raise Refusal(ErrorCode.UPLOAD_INTERRUPTED) from None


def parsed(model: type[M], raw: bytes) -> M:
    """Broken, deeply nested and wrong JSON all end as the same refusal. No value that came in is repeated."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> Refusal:
    named = error.errors(include_url=False, include_input=False, include_context=False)[:_MOST_FIELDS_NAMED]
    fields: list[JsonValue] = [{"field": ".".join(map(str, one["loc"])), "problem": one["msg"]} for one in named]
    return Refusal(ErrorCode.INVALID_REQUEST, facts={"fields": fields})


def wrong_field(field: str, problem: str) -> Refusal:
    return Refusal(ErrorCode.INVALID_REQUEST, facts={"fields": [{"field": field, "problem": problem}]})
