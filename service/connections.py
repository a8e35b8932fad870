"""Connections that never get to ask anything: aiohttp has no time limit for a request's head, so it is kept here.

A connection that was answered once is aiohttp's own to close, after the keep-alive time.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

_SWEEP_S = 1.0

_log = structlog.stdlib.get_logger(__name__)


class Connection(Protocol):
    """What is used of aiohttp's RequestHandler."""

    def force_close(self) -> None: ...


class Connections:
    """`head_s`: how long a new connection has for its first request's head."""

    def __init__(self, *, head_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._head_s = head_s
        self._now = now
        self._since: dict[Connection, float] = {}
        self._asked: set[Connection] = set()

    @web.middleware
    async def notice(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.asked(request.protocol)
        return await handler(request)

    def asked(self, connection: Connection) -> None:
        self._asked.add(connection)

    def close_silent(self, connected: Iterable[Connection]) -> int:
        """Closes those that asked nothing in time, and forgets those that are not there any more."""
        now = self._now()
        self._since = {connection: self._since.get(connection, now) for connection in connected}
        self._asked &= self._since.keys()
        silent = [c for c, since in self._since.items() if c not in self._asked and now - since > self._head_s]
        for connection in silent:
            connection.force_close()
        return len(silent)

    async def sweep(self, connected: Callable[[], Iterable[Connection]]) -> None:
        """For ever."""
        while True:
            if closed := self.close_silent(connected()):
                _log.info("http.connections.closed", reason="no request came", count=closed)
            await asyncio.sleep(_SWEEP_S)
