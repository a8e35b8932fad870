"""Listening until told to stop, and the end of it: no new connection, what runs may finish, then the rest is closed."""

import asyncio
import logging

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy

from core.settings import Settings
from service.connections import Connections
from service.keys import CONNECTIONS

KEEPALIVE_S = 75
SHUTDOWN_S = 25

_log = structlog.stdlib.get_logger(__name__)


class _Malformed(logging.Filter):
    """What is no HTTP never reaches a middleware. aiohttp logs it as an error, with a stack and the bytes that came:
    here it is one line without them, since anybody may send anything."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        _log.info("http.request.malformed", kind=type(error).__name__, status=error.code)
        return False


async def _until(stop: asyncio.Event, runner: web.AppRunner, connections: Connections) -> None:
    """A sweep that dies ends the process, which is started again: better than one that is open to idlers unnoticed."""
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is not set up")
    async with asyncio.TaskGroup() as group:
        sweep = group.create_task(connections.sweep(lambda: server.connections))
        await stop.wait()
        sweep.cancel()


async def serve(app: web.Application, settings: Settings, stop: asyncio.Event) -> None:
    """Raises OSError when the address is taken, RuntimeError without the C parser (the other is far slower, and has
    let requests be smuggled)."""
    if HttpRequestParser is HttpRequestParserPy:
        raise RuntimeError("aiohttp runs without its C parser: install a wheel for this platform")
    logger = logging.getLogger("aiohttp.server")
    logger.addFilter(_Malformed())
    runner = web.AppRunner(
        app,
        logger=logger,
        access_log=None,
        keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=SHUTDOWN_S,
        handle_signals=False,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        for address in runner.addresses:
            _log.info("service.started", host=address[0], port=address[1])
        await _until(stop, runner, app[CONNECTIONS])
        _log.info("service.draining", limit_s=SHUTDOWN_S)
    finally:
        await runner.cleanup()
        _log.info("service.stopped")
