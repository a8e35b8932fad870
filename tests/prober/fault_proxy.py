"""What stands between a prober and the service, and the bucket: it passes everything on, but for one fault."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.error_codes import ErrorCode
from core.errors import problem
from tests.fakes import MOMENT

PASSED_ON = ("baggage", "traceparent", "authorization", "prefer", "content-type", "accept")
CODES = {"init": ErrorCode.STORE_UNAVAILABLE, "complete": ErrorCode.QUEUE_UNAVAILABLE, "read": ErrorCode.INTERNAL}


@dataclass(kw_only=True)
class FaultProxy:
    """`stage` init, upload, complete or read has the fault `kind`; of any other stage nothing happens here.
    `yesterday` is what a corrupt read answers."""

    http: aiohttp.ClientSession
    service: str
    stage: str
    kind: str
    slow_s: float
    yesterday: Mapping[str, Any]
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        struck = _stage_of(request) == self.stage
        if struck and self.kind == "error":
            return self._refusal()
        if struck and self.kind == "hang":
            await asyncio.Event().wait()
        if struck and self.kind == "slow":
            await asyncio.sleep(self.slow_s)
        data = await request.read()
        if struck and self.kind == "corrupt" and self.stage == "upload":
            data = _damaged(data)
        status, content_type, body = await self._passed_on(request, data)
        if content_type.endswith("json"):
            answer = json.loads(body)
            if struck and self.kind == "corrupt":
                answer = self._wrong(answer)
            if "upload_url" in answer:
                answer["upload_url"] = f"{self.url}/to?url={quote(answer['upload_url'], safe='')}"
            body = json.dumps(answer).encode()
        return web.Response(status=status, body=body, content_type=content_type)

    async def _passed_on(self, request: web.Request, data: bytes) -> tuple[int, str, bytes]:
        url = request.query["url"] if request.path == "/to" else f"{self.service}{request.path_qs}"
        headers = {name: value for name, value in request.headers.items() if name.lower() in PASSED_ON}
        async with self.http.request(request.method, url, data=data or None, headers=headers) as answer:
            return answer.status, answer.content_type, await answer.read()

    def _refusal(self) -> web.Response:
        if self.stage == "upload":
            return web.Response(status=500, text="<Error><Code>InternalError</Code></Error>")
        body = problem(CODES[self.stage], now=MOMENT)
        return web.Response(status=body.status, body=body.model_dump_json().encode(), content_type="application/json")

    def _wrong(self, answer: dict[str, Any]) -> dict[str, Any]:
        if self.stage == "read":
            return dict(self.yesterday)
        return {**answer, "analysis_id": "00000000-0000-4000-8000-000000000000"}


def _stage_of(request: web.Request) -> str | None:
    if request.method == "GET":
        *_, last = request.path.split("/")
        return "read" if request.path == f"/analysis/{last}" else None
    return {"/upload/init": "init", "/to": "upload", "/upload/complete": "complete"}.get(request.path)


def _damaged(form: bytes) -> bytes:
    """Some of the pictures' bytes are others; the form stays one."""
    at = form.index(b"mdat") + 2000
    return form[:at] + bytes(byte ^ 0x5A for byte in form[at : at + 500]) + form[at + 500 :]


@asynccontextmanager
async def fault_proxy(proxy: FaultProxy) -> AsyncIterator[FaultProxy]:
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{tail:.*}", proxy.handle)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    proxy.url = str(server.make_url("")).rstrip("/")
    try:
        yield proxy
    finally:
        await server.close()
