"""core.shelf.Shelf, sentence by sentence, in this process and in a real Redis."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.error_codes import ErrorCode
from core.failure import Failure
from core.shelf import Change, LocalShelf, Shelf, open_redis_shelf
from tests.redis_server import redis_server


@pytest.fixture(params=["local", "redis"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    """Of three places."""
    if request.param == "local":
        yield LocalShelf(3)
        return
    async with redis_server(tmp_path) as url, open_redis_shelf(SecretStr(url), 3) as opened:
        await opened.ping()
        yield opened


async def test_what_was_put_is_there_and_the_oldest_goes(shelf: Shelf) -> None:
    assert await shelf.get("a") is None
    assert await shelf.put("a", "grün") == Change(entries=1, bytes=5)
    for key in "bc":
        assert await shelf.put(key, "1234") == Change(entries=1, bytes=4)
    assert await shelf.put("a", "red") == Change(entries=0, bytes=-2)
    assert await shelf.put("d", "12345678") == Change(entries=0, bytes=4)
    assert [await shelf.get(key) for key in "abcd"] == ["red", None, "1234", "12345678"]


async def test_what_is_dropped_is_gone(shelf: Shelf) -> None:
    await shelf.put("a", "123")
    assert await shelf.drop("a") == Change(entries=-1, bytes=-3)
    assert await shelf.drop("a") == Change(entries=0, bytes=0)
    assert await shelf.get("a") is None


async def test_workers_share_a_redis_and_a_restart_of_theirs_forgets_nothing(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as url:
        async with open_redis_shelf(SecretStr(url), 3) as one, open_redis_shelf(SecretStr(url), 3) as two:
            await one.put("a", "1")
            assert await two.get("a") == "1"
        async with open_redis_shelf(SecretStr(url), 3) as three:
            assert await three.get("a") == "1"


async def test_a_redis_that_is_away_says_so_without_its_password(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as url:
        wrong = url.replace("s3cret", "wr0ng")
        async with open_redis_shelf(SecretStr(wrong), 3) as shelf:
            with pytest.raises(Failure) as refused:
                await shelf.get("a")
    assert "wr0ng" not in str(refused.value)
    async with open_redis_shelf(SecretStr(url), 3) as shelf:
        with pytest.raises(Failure) as failed:
            await shelf.put("a", "1")
    assert failed.value.code is ErrorCode.STORE_UNAVAILABLE
    assert "s3cret" not in str(failed.value)
