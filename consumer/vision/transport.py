"""HTTP to the model's server: no answer larger than a limit, and no second try that cannot help."""

from collections.abc import AsyncIterator
from typing import Final

import httpx2
from openai import OpenAIError

MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024
LONGEST_WAIT_S: Final = 20.0
"""A Retry-After over this is not sat out with a job in hand: the message waits in the queue, behind the breaker."""
QUOTA: Final = "insufficient_quota"


class TooLong(OpenAIError):
    """The answer is longer than any answer should be, or compressed, so that its length is anybody's guess. The SDK
    passes its own kind of error on untried."""


class Bounded(httpx2.AsyncHTTPTransport):
    """A transport that stops reading after MAX_ANSWER_BYTES."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise TooLong("a compressed answer that nobody asked for")
        if not isinstance(response.stream, httpx2.AsyncByteStream):
            raise TypeError("an asynchronous transport with a synchronous answer")
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_AtMost(response.stream),
            extensions=response.extensions,
        )


class _AtMost(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > MAX_ANSWER_BYTES:
                raise TooLong(f"more than {MAX_ANSWER_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def open_http(timeout_s: float) -> httpx2.AsyncClient:
    """`timeout_s`: for the next piece of an answer; connecting has 5 s."""
    return httpx2.AsyncClient(
        transport=Bounded(limits=httpx2.Limits(max_connections=20, keepalive_expiry=30)),
        timeout=httpx2.Timeout(timeout_s, connect=5.0),
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_say_whether_to_retry]},
    )


async def _say_whether_to_retry(response: httpx2.Response) -> None:
    """The SDK tries every 429 again, a spent quota too, and sleeps for two minutes if it is told to. It obeys
    x-should-retry."""
    if response.status_code != httpx2.codes.TOO_MANY_REQUESTS:
        return
    await response.aread()
    wait = seconds(response.headers.get("retry-after"))
    if QUOTA in response.text or (wait is not None and wait > LONGEST_WAIT_S):
        response.headers["x-should-retry"] = "false"


def seconds(text: str | None) -> float | None:
    """A Retry-After in seconds. A date counts as none: the back-off is used then."""
    try:
        found = float(text) if text is not None else None
    except ValueError:
        return None
    return found if found is not None and 0 <= found < float("inf") else None
