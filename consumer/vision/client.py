"""The model's server, by OpenAI's client library: one question, one answer, or a Failure that says what to do.

Retries of what passes by itself (connection, 408, 409, 429, 5xx; Retry-After honoured) are the library's.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletion

from consumer.vision.answer import Answer, Tokens
from consumer.vision.pace import Pace
from consumer.vision.transport import QUOTA, TooLong, open_http, seconds
from core.error_codes import ErrorCode
from core.failure import Failure
from core.settings import Settings

RETRIES = 2
SERVER_ERROR = 500
PASSING = frozenset({408, 409})


class Client:
    """Made by `open_client`."""

    def __init__(self, sdk: openai.AsyncOpenAI, *, pace: Pace, limit_s: float) -> None:
        self._sdk = sdk
        self._pace = pace
        self._limit_s = limit_s

    async def ask(self, body: dict[str, Any], *, key: str, traceparent: str) -> Answer:
        """`key` names the question to servers that know Idempotency-Key. Raises Failure: MODEL_TIMEOUT,
        MODEL_UNAVAILABLE, MODEL_RATE_LIMITED (with `retry_after`), MODEL_QUOTA_EXHAUSTED, MODEL_REJECTED,
        MODEL_BAD_OUTPUT for what is no chat completion at all."""
        wait = self._pace.wait_s
        if wait > self._limit_s:
            raise Failure(ErrorCode.MODEL_RATE_LIMITED, "nothing is left of the server's limit", retry_after=wait)
        try:
            async with asyncio.timeout(self._limit_s):
                await asyncio.sleep(wait)
                return await self._ask(body, {"Idempotency-Key": key, "traceparent": traceparent})
        except TimeoutError as error:
            raise Failure(ErrorCode.MODEL_TIMEOUT, f"no whole answer within {self._limit_s:g} s") from error

    async def _ask(self, body: dict[str, Any], headers: dict[str, str]) -> Answer:
        try:
            raw = await self._sdk.chat.completions.with_raw_response.create(**body, extra_headers=headers)
            answer = _answer(raw.parse())
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except openai.APITimeoutError as error:
            connecting = isinstance(error.__cause__, httpx2.ConnectTimeout | httpx2.PoolTimeout)
            code = ErrorCode.MODEL_UNAVAILABLE if connecting else ErrorCode.MODEL_TIMEOUT
            raise Failure(code, type(error.__cause__).__name__) from error
        except openai.APIConnectionError as error:
            raise Failure(ErrorCode.MODEL_UNAVAILABLE, type(error.__cause__).__name__) from error
        except TooLong as error:
            raise Failure(ErrorCode.MODEL_BAD_OUTPUT, str(error)) from error
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, LookupError) as error:
            # the library reads answers loosely, and trips over what is no chat completion
            raise Failure(ErrorCode.MODEL_BAD_OUTPUT, f"no chat completion: {type(error).__name__}") from error
        self._pace.heard(raw.headers, tokens=answer.tokens.input + answer.tokens.output)
        return answer

    def _refused(self, error: openai.APIStatusError) -> Failure:
        status, retry_after = error.status_code, seconds(error.response.headers.get("retry-after"))
        detail = f"HTTP {status} {_word(error.code)}".strip()
        if isinstance(error, openai.RateLimitError):
            if QUOTA in (error.code, error.type):
                return Failure(ErrorCode.MODEL_QUOTA_EXHAUSTED, detail)
            self._pace.hold(retry_after or 0.0)
            return Failure(ErrorCode.MODEL_RATE_LIMITED, detail, retry_after=retry_after)
        if status >= SERVER_ERROR or status in PASSING:
            return Failure(ErrorCode.MODEL_UNAVAILABLE, detail, retry_after=retry_after)
        return Failure(ErrorCode.MODEL_REJECTED, detail)


@asynccontextmanager
async def open_client(settings: Settings, pace: Pace) -> AsyncIterator[Client]:
    """For settings with a vision model."""
    key = settings.openai_api_key
    async with (
        open_http(settings.vision_timeout_s) as http,
        openai.AsyncOpenAI(
            # a server of one's own mostly wants none, and the library wants one
            api_key="none" if key is None else key.get_secret_value(),
            base_url=settings.openai_base_url or "https://api.openai.com/v1",
            max_retries=RETRIES,
            timeout=httpx2.Timeout(settings.vision_timeout_s, connect=5.0),
            http_client=http,
        ) as sdk,
    ):
        yield Client(sdk, pace=pace, limit_s=settings.vision_limit_s)


def _answer(completion: ChatCompletion) -> Answer:
    choice, usage = completion.choices[0], completion.usage
    details = usage.prompt_tokens_details if usage is not None else None
    return Answer(
        text=str(choice.message.content or ""),
        refusal=str(choice.message.refusal) if choice.message.refusal else None,
        finish=str(choice.finish_reason),
        model=str(completion.model),
        tokens=Tokens(
            input=_count(usage.prompt_tokens if usage is not None else 0),
            cached=_count(details.cached_tokens if details is not None else 0),
            output=_count(usage.completion_tokens if usage is not None else 0),
            counted=usage is not None,
        ),
    )


def _count(number: object) -> int:
    return number if isinstance(number, int) and 0 <= number < 10**9 else 0


def _word(code: object) -> str:
    """The server's own word for an error, where it is a word: never a sentence, which could quote the key."""
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,60}", code) else ""
