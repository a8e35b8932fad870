"""microburst with a seed: `python -m tests.chaos.proxy UPSTREAM SEED` takes its rules as JSON on stdin, listens on a
free port of loopback and prints its address."""

import asyncio
import json
import random
import signal
import socket
import sys

import aiohttp
from aiohttp import hdrs, web
from microburst.app import make_app  # type: ignore[import-untyped]  # it ships no types
from microburst.core.pipeline import Microburst  # type: ignore[import-untyped]  # as above

HOST = "127.0.0.1"


async def serve(upstream: str, rules: list[dict[str, object]]) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with aiohttp.ClientSession() as http:
        app = make_app(Microburst(upstream, rules=rules))

        async def with_length(request: web.Request, response: web.StreamResponse) -> None:
            """microburst leaves Content-Length out; for a HEAD it cannot be seen from the body."""
            if request.method == hdrs.METH_HEAD and response.status == 200:
                async with http.head(f"{upstream}{request.rel_url.raw_path_qs}", headers=request.headers) as answer:
                    response.headers.popall(hdrs.TRANSFER_ENCODING, None)
                    response.headers[hdrs.CONTENT_LENGTH] = answer.headers[hdrs.CONTENT_LENGTH]

        app.on_response_prepare.append(with_length)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        server = socket.create_server((HOST, 0))
        await web.SockSite(runner, server).start()
        sys.stdout.write(f"http://{HOST}:{server.getsockname()[1]}\n")
        sys.stdout.flush()
        await stop.wait()
        await runner.cleanup()


if __name__ == "__main__":
    random.seed(int(sys.argv[2]))
    asyncio.run(serve(sys.argv[1], json.load(sys.stdin)))
