"""What storage itself refuses, of what the service gave out; and what it cannot refuse, is found out."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Status
from tests.emulator import Emulator
from tests.security.site import CLIP, MOST, Site, site

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER_KEY = "videos/2026/11/24/00000000-0000-0000-0000-000000000000.mp4"
CLIP_KEY = "clips/00000000-0000-0000-0000-000000000000.mp4"
RESULT_KEY = "artifacts/00000000-0000-0000-0000-000000000000/result.json"
FORBIDDEN: dict[str, tuple[int, dict[str, str | None]]] = {
    "over-size by one": (MOST + 1, {}),
    "over-size by much": (20 * MOST, {}),
    "under-size": (1023, {}),
    "empty": (0, {}),
    "another type": (5000, {"Content_Type": "text/html"}),
    "another video type": (5000, {"Content_Type": "video/webm"}),
    "no type": (5000, {"Content_Type": None}),
    "another upload's key": (5000, {"key": OTHER_KEY}),
    "a taken clip's key": (5000, {"key": CLIP_KEY}),
    "a result's key": (5000, {"key": RESULT_KEY}),
    "a key with the file's name": (5000, {"key": "videos/${filename}"}),
    "a bad signature": (5000, {"x_amz_signature": "0" * 64}),
    "no signature": (5000, {"x_amz_signature": None}),
    "no policy": (5000, {"policy": None}),
    "another key id": (5000, {"x_amz_credential": "other/20261124/eu-central-1/s3/aws4_request"}),
    "readable by all": (5000, {"acl": "public-read"}),
    "metadata": (5000, {"x_amz_meta_note": "hello"}),
    "another page to go on to": (5000, {"success_action_redirect": "http://127.0.0.1:1/"}),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(emulator.url, tmp_path_factory.mktemp("scratch")) as running:
        yield running


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_a_form_that_was_not_given_out_is_refused(it: Site, name: str) -> None:
    size, changes = FORBIDDEN[name]
    place = await it.begin()
    assert await it.send(place, bytes(size), **changes) in (400, 403)
    for key in (place.key, OTHER_KEY, CLIP_KEY, RESULT_KEY):
        assert await it.outside.objects.head(key) is None
    assert (await it.record(place)).status is Status.PENDING_UPLOAD


async def test_a_form_as_given_out_is_stored_as_agreed(it: Site) -> None:
    place = await it.begin()
    assert await it.send(place) in (200, 201, 204)
    info = await it.outside.objects.head(place.key)
    assert info is not None
    assert (info.size, info.content_type) == (len(CLIP), "video/mp4")


async def test_a_form_whose_time_is_up_is_refused(emulator: Emulator, tmp_path: Path) -> None:
    async with site(emulator.url, tmp_path, UPLOAD_EXPIRES_S="1") as short:
        place = await short.begin()
        deadline = asyncio.get_running_loop().time() + 10
        # it is taken as long as it is valid, which a test may be quick enough to see
        while await short.send(place) != 403:
            assert asyncio.get_running_loop().time() < deadline


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "?list-type=2"),
        ("GET", "?policy"),
        ("PUT", "?policy"),
        ("GET", f"/{OTHER_KEY}"),
        ("PUT", f"/{OTHER_KEY}"),
        ("DELETE", f"/{OTHER_KEY}"),
        ("PUT", f"/{CLIP_KEY}"),
        ("PUT", f"/{RESULT_KEY}"),
        ("POST", "?delete"),
        ("POST", f"/{OTHER_KEY}?uploads"),
    ],
)
async def test_who_has_no_key_may_nothing(it: Site, method: str, path: str) -> None:
    url = f"{it.settings.aws_endpoint_url}/{it.settings.bucket}{path}"
    async with it.browser.request(method, url, data=b"x" if method != "GET" else None) as answer:
        assert answer.status == 403


async def test_an_overwrite_after_the_end_of_an_upload_does_not_reach_the_clip(it: Site) -> None:
    """A form is good for its own key until it expires, and what was taken lies at another, which it cannot name."""
    place = await it.begin()
    await it.send(place)
    noted = await it.becomes(place, lambda record: record.sent_at is not None)
    await it.gone(place.key)
    assert noted.upload_etag == hashlib.md5(CLIP, usedforsecurity=False).hexdigest()
    assert await it.send(place, CLIP + b"another", key=noted.clip_key) == 403
    with capture_logs() as logs:
        assert await it.send(place, CLIP + b"another") in (200, 201, 204)
        await it.gone(place.key)
    assert [line["status"] for line in logs if line["event"] == "upload.replaced"] == [Status.QUEUED]
    assert await it.outside.objects.read(noted.clip_key, etag=noted.object_etag) == CLIP
    assert await it.record(place) == noted


async def test_storage_writes_a_clip_once(it: Site) -> None:
    place = await it.begin()
    await it.send(place)
    noted = await it.becomes(place, lambda record: record.sent_at is not None)
    await it.outside.objects.put(RESULT_KEY, b"another", content_type="video/mp4")
    info = await it.outside.objects.head(RESULT_KEY)
    assert info is not None
    with pytest.raises(Failure) as caught:
        await it.outside.objects.copy(RESULT_KEY, noted.clip_key, of=info)
    assert caught.value.code is ErrorCode.OBJECT_CHANGED
    assert await it.outside.objects.read(noted.clip_key, etag=noted.object_etag) == CLIP
    await it.outside.objects.delete([RESULT_KEY])


async def test_a_clip_through_the_service_has_its_hash_noted(it: Site) -> None:
    form = aiohttp.FormData()
    form.add_field("file", CLIP, filename="climb.mp4", content_type="video/mp4")
    async with it.http.post("/upload", data=form) as answer:
        assert answer.status == 202, await answer.text()
        analysis_id = (await answer.json())["analysis_id"]
    record = await it.outside.records.get(analysis_id)
    assert record is not None
    assert record.object_sha256 == hashlib.sha256(CLIP).hexdigest()
