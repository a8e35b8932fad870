"""HEALTH_PORT: where a process without a service of its own is asked how it is."""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from core.settings import Settings

KEEPALIVE_S = 15
SHUTDOWN_S = 0.5


class PortTaken(Exception):
    """The text says which setting is in the way."""


@asynccontextmanager
async def listening(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Answers beside the block. Raises PortTaken."""
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=SHUTDOWN_S
    )
    await runner.setup()
    try:
        await _open(runner, settings)
        yield
    finally:
        await runner.cleanup()


async def _open(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.health_port).start()
    except OSError as error:
        what = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
        raise PortTaken(f"HEALTH_PORT {settings.health_port} at {settings.host} {what}") from None
