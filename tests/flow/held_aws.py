"""What stands between a worker and its AWS: it passes everything on, but for writes of one object, which it holds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import hdrs, web
from yarl import URL

HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "upgrade"})


@dataclass(kw_only=True)
class HeldAws:
    """`ending`: the end of the key whose write never gets any further; `held` is set when one came."""

    http: aiohttp.ClientSession
    to: str
    ending: str
    held: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.method == hdrs.METH_PUT and request.path.endswith(self.ending):
            self.held.set()
            await asyncio.Event().wait()
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP]
        url = URL(self.to + request.raw_path, encoded=True)
        async with self.http.request(request.method, url, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


@asynccontextmanager
async def held_aws(http: aiohttp.ClientSession, to: str, ending: str) -> AsyncIterator[HeldAws]:
    held = HeldAws(http=http, to=to, ending=ending)
    app = web.Application(client_max_size=2**27)
    app.router.add_route("*", "/{tail:.*}", held.handle)
    runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        held.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield held
    finally:
        await runner.cleanup()
