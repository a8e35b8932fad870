"""A browser's way to the bucket, with a real HTTP client: storage refuses what was not agreed, not we."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
import pytest_asyncio

from core.ports import Objects, PresignedPost
from tests.contract.backends import Installation, new_key, only_clouds
from tests.emulator import ORIGIN

pytestmark = [pytest.mark.asyncio(loop_scope="session"), only_clouds]

LEAST, MOST = 10, 1000


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _agreed(objects: Objects, key: str, *, expires_s: int = 60) -> PresignedPost:
    return await objects.presign_post(
        key, content_type="video/mp4", min_bytes=LEAST, max_bytes=MOST, expires_s=expires_s
    )


async def _upload(
    http: aiohttp.ClientSession, url: str, fields: Mapping[str, str], size: int
) -> aiohttp.ClientResponse:
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    form.add_field("file", io.BytesIO(b"x" * size), filename="climb.mp4", content_type="video/mp4")
    async with http.post(url, data=form, headers={"Origin": ORIGIN}) as response:
        await response.read()
        return response


@pytest.mark.parametrize("size", [LEAST, 500, MOST])
async def test_an_upload_as_agreed_is_stored(objects: Objects, http: aiohttp.ClientSession, size: int) -> None:
    key = new_key()
    post = await _agreed(objects, key)
    response = await _upload(http, post.url, post.fields, size)
    assert response.status in (200, 201, 204)
    info = await objects.head(key)
    assert info is not None
    assert (info.size, info.content_type) == (size, "video/mp4")
    assert await objects.read(key) == b"x" * size


OTHER_KEY = "videos/2026/11/24/00000000-0000-0000-0000-000000000000.mp4"
FORBIDDEN: dict[str, tuple[dict[str, str | None], int]] = {
    "too large": ({}, MOST + 1),
    "much too large": ({}, 5_000_000),
    "too small": ({}, LEAST - 1),
    "empty": ({}, 0),
    "another type": ({"Content-Type": "text/html"}, 100),
    "another key": ({"key": OTHER_KEY}, 100),
    "a bad signature": ({"x-amz-signature": "0" * 64}, 100),
    "no signature": ({"x-amz-signature": None}, 100),
    "no policy": ({"policy": None}, 100),
    "a field that was not agreed": ({"acl": "public-read"}, 100),
    "another day": ({"x-amz-date": "20200101T000000Z"}, 100),
}


@pytest.mark.parametrize(("changes", "size"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
async def test_an_upload_that_the_policy_forbids_is_refused(
    objects: Objects, http: aiohttp.ClientSession, changes: dict[str, str | None], size: int
) -> None:
    key = new_key()
    post = await _agreed(objects, key)
    changed = dict(post.fields) | changes
    fields = {name: value for name, value in changed.items() if value is not None}
    response = await _upload(http, post.url, fields, size)
    assert response.status in (400, 403)
    assert await objects.head(key) is None
    assert await objects.head(OTHER_KEY) is None


async def test_an_upload_after_its_time_is_refused(objects: Objects, http: aiohttp.ClientSession) -> None:
    key = new_key()
    post = await _agreed(objects, key, expires_s=1)
    await asyncio.sleep(2.1)  # the policy's end is a whole second
    assert (await _upload(http, post.url, post.fields, 100)).status == 403
    assert await objects.head(key) is None


async def test_a_page_of_ours_may_read_the_answer(objects: Objects, http: aiohttp.ClientSession) -> None:
    """Without this header a browser hides the answer from the page, and the upload looks failed."""
    post = await _agreed(objects, new_key())
    response = await _upload(http, post.url, post.fields, 100)
    assert response.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)


async def test_a_browser_may_ask_first(objects: Objects, http: aiohttp.ClientSession) -> None:
    """A page that watches the progress makes the browser send a preflight."""
    post = await _agreed(objects, new_key())
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    async with http.options(post.url, headers=asked) as response:
        assert response.status in (200, 204)
        assert response.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)
        assert "POST" in response.headers["Access-Control-Allow-Methods"]


async def test_a_presigned_address_gives_the_object(
    cloud: Installation, objects: Objects, http: aiohttp.ClientSession
) -> None:
    key = new_key()
    await objects.put(key, b"0123456789", content_type="video/mp4")
    address = await objects.presign_get(key, expires_s=60)
    async with http.get(address) as response:
        assert (response.status, await response.read()) == (200, b"0123456789")
        assert response.content_type == "video/mp4"
    async with http.get(address, headers={"Range": "bytes=2-4"}) as response:
        assert (response.status, await response.read()) == (206, b"234")


async def test_a_presigned_address_is_for_one_object(objects: Objects, http: aiohttp.ClientSession) -> None:
    key, other = new_key(), new_key()
    await objects.put(other, b"secret", content_type="video/mp4")
    address = await objects.presign_get(key, expires_s=60)
    async with http.get(address.replace(key, other)) as response:
        assert response.status == 403


async def test_a_presigned_address_ends(objects: Objects, http: aiohttp.ClientSession) -> None:
    key = new_key()
    await objects.put(key, b"x", content_type="video/mp4")
    address = await objects.presign_get(key, expires_s=1)
    await asyncio.sleep(2.1)
    async with http.get(address) as response:
        assert response.status == 403
