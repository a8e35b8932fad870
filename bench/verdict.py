"""How many readers of the verdict one process bears: `python -m bench.verdict [--rounds N]`.

The whole application with its middlewares beside a bare aiohttp handler that sends as many bytes, each in a process of
its own, asked in turns by the same client. Prints requests/s of both and the median of the rounds' ratios; promised is
at least 0.8. The bare application's other routes cost what request id, log line and figures cost.
"""

import argparse
import asyncio
import io
import multiprocessing
import statistics
import sys
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event

import aiohttp
from aiohttp import web

from core.log import configure_logging
from service.app import make_app
from service.ready_verdict import PATH
from tests.flow.product import free_port
from tests.prober.examples import a_board
from tests.service.world import World

BYTES = 1900
REQUESTS, SIDE_BY_SIDE = 4000, 8


async def _bare(_: web.Request) -> web.Response:
    return web.Response(body=b"x" * BYTES, content_type="application/json")


def _application(kind: str) -> web.Application:
    if kind == "bare":
        app = web.Application()
        app.router.add_get(PATH, _bare)
        return app
    world = World()
    world.verdicts.held = a_board()
    configure_logging(world.settings, service="web", stream=io.StringIO())
    return make_app(world.settings, world.outside)


def _serve(kind: str, port: int, ready: Event) -> None:
    async def serve() -> None:
        runner = web.AppRunner(_application(kind), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ready.set()
        await asyncio.Event().wait()

    asyncio.run(serve())


async def _asked(port: int) -> float:
    """Requests a second."""

    async def some(http: aiohttp.ClientSession) -> None:
        for _ in range(REQUESTS // SIDE_BY_SIDE):
            async with http.get(f"http://127.0.0.1:{port}{PATH}") as answer:
                await answer.read()

    async with aiohttp.ClientSession() as http:
        began = time.perf_counter()
        await asyncio.gather(*(some(http) for _ in range(SIDE_BY_SIDE)))
        return REQUESTS / (time.perf_counter() - began)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.verdict", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds: int = parser.parse_args(argv).rounds
    ports = {kind: free_port() for kind in ("bare", "verdict")}
    processes = []
    for kind, port in ports.items():
        ready = multiprocessing.Event()
        processes.append(multiprocessing.Process(target=_serve, args=(kind, port, ready), daemon=True))
        processes[-1].start()
        ready.wait()
    found: dict[str, list[float]] = {kind: [] for kind in ports}
    for _ in range(rounds):
        for kind, port in ports.items():
            found[kind].append(asyncio.run(_asked(port)))
    for process in processes:
        process.terminate()
    ratio = statistics.median(ours / bare for ours, bare in zip(found["verdict"], found["bare"], strict=True))
    for kind, speeds in found.items():
        print(f"{kind}: {statistics.median(speeds):.0f} requests/s (median of {rounds})")
    print(f"verdict : bare = {ratio:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
