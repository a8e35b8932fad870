"""ministack in memory that counts what it is asked: `python -m bench.peers.counted_aws DATA_FOLDER`.

Prints its address once it listens. GET /_bench answers {"counts": {action: n}, "first": s, "last": s}: when the first
messages were handed out and the last was deleted; POST /_bench begins anew.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ops.emulator import HOST, Application, Receive, Scope, Send, listen, prepare_environment


class Counting:
    """An ASGI layer round the emulator."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner
        self.counts: Counter[str] = Counter()
        self.first: float | None = None
        self.last: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
        elif scope["path"] == "/_bench":
            await self._tell(scope, send)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked, told = bytearray(), bytearray()

        async def hear() -> Any:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def tell(message: Any) -> None:
            told.extend(message.get("body", b""))
            await send(message)

        await self._inner(scope, hear, tell)
        action = _action(dict(scope["headers"]), bytes(asked))
        self.counts[action] += 1
        if self.first is None and b"ReceiptHandle" in told and action == "ReceiveMessage":
            self.first = time.time()
        if action.startswith("DeleteMessage"):
            self.last = time.time()

    async def _tell(self, scope: Scope, send: Send) -> None:
        body = json.dumps({"counts": self.counts, "first": self.first, "last": self.last}).encode()
        if scope["method"] == "POST":
            self.counts, self.first, self.last = Counter(), None, None
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})


def _action(headers: dict[bytes, bytes], body: bytes) -> str:
    target = headers.get(b"x-amz-target", b"").decode()
    return target.rsplit(".", 1)[-1] if target else parse_qs(body.decode()).get("Action", ["?"])[0]


async def serve(port: int, server: int) -> None:
    from hypercorn.asyncio import serve as serve_asgi  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415  # reads the environment when imported

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = Config()
    config.bind = [f"fd://{server}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = 0.5
    config.keep_alive_timeout = 75
    sys.stdout.write(f"http://{HOST}:{port}\n")
    sys.stdout.flush()
    await serve_asgi(Counting(app), config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]  # ASGI in general terms


def main() -> None:
    server = listen(0)
    port = server.getsockname()[1]
    prepare_environment(os.environ, port=port, data=Path(sys.argv[1]).resolve())
    os.environ.update(PERSIST_STATE="0", S3_PERSIST="0")
    asyncio.run(serve(port, server.detach()))


if __name__ == "__main__":
    main()
