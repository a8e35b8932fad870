"""A small store of texts by key that forgets the oldest: in this process, or in a Redis that processes share."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.error_codes import ErrorCode
from core.failure import Failure

VALUES, TIMES = "performate:results", "performate:results:at"
CALL_LIMIT_S = 2.0

# One step for Redis, so that two workers' writes leave no value without its time. Returns what was added and what was
# thrown out: entries, bytes.
_PUT = """
local entries, bytes = 0, 0
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old then bytes = bytes - #old else entries = entries + 1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
bytes = bytes + #ARGV[2]
local now = redis.call('TIME')
redis.call('ZADD', KEYS[2], now[1] * 1000000 + now[2], ARGV[1])
while redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[3]) do
  local gone = redis.call('ZPOPMIN', KEYS[2])[1]
  bytes = bytes - redis.call('HSTRLEN', KEYS[1], gone)
  entries = entries - redis.call('HDEL', KEYS[1], gone)
end
return {entries, bytes}
"""
_DROP = """
redis.call('ZREM', KEYS[2], ARGV[1])
local bytes = redis.call('HSTRLEN', KEYS[1], ARGV[1])
return {-redis.call('HDEL', KEYS[1], ARGV[1]), -bytes}
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """By how much a shelf has grown; negative where it has shrunk."""

    entries: int
    bytes: int


class Shelf(Protocol):
    """Methods raise Failure(STORE_UNAVAILABLE)."""

    async def get(self, key: str) -> str | None: ...

    async def put(self, key: str, value: str) -> Change:
        """What is oldest goes where there are too many."""

    async def drop(self, key: str) -> Change: ...


class LocalShelf:
    """Shelf, of one process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[str, str] = OrderedDict()

    async def get(self, key: str) -> str | None:
        return self._held.get(key)

    async def put(self, key: str, value: str) -> Change:
        before = self._size()
        self._held.pop(key, None)
        self._held[key] = value
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        return self._since(before)

    async def drop(self, key: str) -> Change:
        before = self._size()
        self._held.pop(key, None)
        return self._since(before)

    async def clear(self) -> Change:
        before = self._size()
        self._held.clear()
        return self._since(before)

    def _size(self) -> tuple[int, int]:
        return len(self._held), sum(len(value.encode()) for value in self._held.values())

    def _since(self, before: tuple[int, int]) -> Change:
        entries, size = self._size()
        return Change(entries=entries - before[0], bytes=size - before[1])


class RedisShelf:
    """Shelf, shared by all who have its address."""

    def __init__(self, redis: Redis, most: int) -> None:
        self._redis: Any = redis  # its stubs return "awaitable or value" everywhere
        self._most = most

    async def get(self, key: str) -> str | None:
        with _failing():
            found = await self._redis.hget(VALUES, key)
        return None if found is None else bytes(found).decode()

    async def put(self, key: str, value: str) -> Change:
        with _failing():
            entries, size = await self._redis.eval(_PUT, 2, VALUES, TIMES, key, value, self._most)
        return Change(entries=entries, bytes=size)

    async def drop(self, key: str) -> Change:
        with _failing():
            entries, size = await self._redis.eval(_DROP, 2, VALUES, TIMES, key)
        return Change(entries=entries, bytes=size)

    async def ping(self) -> None:
        with _failing():
            await self._redis.ping()


@asynccontextmanager
async def open_redis_shelf(url: SecretStr, most: int) -> AsyncIterator[RedisShelf]:
    """Nothing is asked of Redis yet."""
    redis = Redis.from_url(
        url.get_secret_value(), socket_timeout=CALL_LIMIT_S, socket_connect_timeout=CALL_LIMIT_S, max_connections=8
    )
    try:
        yield RedisShelf(redis, most)
    finally:
        await redis.aclose()


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        # without the error's text: it names the address, which may hold a password
        raise Failure(ErrorCode.STORE_UNAVAILABLE, f"redis: {type(error).__name__}") from error
