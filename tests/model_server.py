"""A chat completions server of our own, on loopback: says what a test wants it to, and keeps what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Say = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True)
class ModelServer:
    """Takes the first of `script` for each request, and answers as `otherwise` when there is none left. `asked` are the
    bodies that came, `headers` theirs."""

    script: list[Say] = field(default_factory=list)
    otherwise: Say | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(request.headers)
        say = self.script.pop(0) if self.script else self.otherwise or says(a_reply)
        return await say(request, body)


@asynccontextmanager
async def model_server(*script: Say, otherwise: Say | None = None) -> AsyncIterator[ModelServer]:
    server = ModelServer(script=list(script), otherwise=otherwise)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.port = runner.addresses[0][1]
        yield server
    finally:
        await runner.cleanup()


def frames_of(body: Mapping[str, Any]) -> list[str]:
    return list(_claim_of(body)["frame_ids"]["items"]["enum"])


def metrics_of(body: Mapping[str, Any]) -> list[str]:
    return list(_claim_of(body)["metric_ids"]["items"].get("enum", []))


def _claim_of(body: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["response_format"]["json_schema"]["schema"]["$defs"]["SaidClaim"]["properties"]
    return found


def a_claim(body: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """One that cites the first frame and the first metric of the question."""
    return {
        "kind": "tip",
        "text": "Turn the hip in before you reach.",
        "frame_ids": frames_of(body)[:1],
        "metric_ids": metrics_of(body)[:1],
        "confidence": 0.7,
        **changes,
    }


def a_reply(body: Mapping[str, Any], *claims: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A good answer to that question."""
    return {"claims": list(claims) or [a_claim(body)], "difficulty": None, **fields}


def completion(
    body: Mapping[str, Any],
    content: str | None,
    *,
    finish: str = "stop",
    refusal: str | None = None,
    usage: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """As OpenAI answers."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": usage
        or {
            "prompt_tokens": 3000,
            "completion_tokens": 200,
            "total_tokens": 3200,
            "prompt_tokens_details": {"cached_tokens": 1000},
        },
    }


def uncounted(reply: Callable[[dict[str, Any]], object]) -> Say:
    """As servers do that count no tokens."""

    async def say(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        found = completion(body, json.dumps(reply(body)))
        del found["usage"]
        return web.json_response(found)

    return say


def says(
    reply: Callable[[dict[str, Any]], object] | str, *, headers: Mapping[str, str] | None = None, **options: Any
) -> Say:
    """The model says this: an object made of the question, or a text."""

    async def say(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        content = reply if isinstance(reply, str) else json.dumps(reply(body))
        return web.json_response(completion(body, content, **options), headers=headers)

    return say


def fails(status: int, code: str = "error", *, headers: Mapping[str, str] | None = None) -> Say:
    async def say(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        error = {"message": "the key sk-secret is wrong", "type": code, "code": code, "param": None}
        return web.json_response({"error": error}, status=status, headers=headers)

    return say


def raw(text: bytes, *, content_type: str = "application/json") -> Say:
    async def say(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.Response(body=text, content_type=content_type)

    return say


def refuses(text: str) -> Say:
    async def say(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.json_response(completion(body, None, refusal=text))

    return say


async def cuts(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """The connection ends in the middle of the answer."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"id": "chatcmpl-1", "choices": [')
    assert request.transport is not None
    request.transport.abort()
    return response


async def drips(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """A byte now and then, for ever: no read ever times out."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.02)


async def stalls(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Nothing ever comes."""
    await asyncio.Event().wait()
    raise AssertionError("never")
