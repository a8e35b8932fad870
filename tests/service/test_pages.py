"""The page's files: how they are addressed, kept, packed and fenced in."""

import gzip
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.aws.clients import open_clients
from core.aws.objects import S3Objects
from core.error_codes import ErrorCode
from core.settings import Settings, load_settings
from service.site import FOLDER, read_site
from service.storage_origin import storage_origin
from tests.service.world import World, refused

Client = TestClient[Any, Any]
PLAIN = {"Accept-Encoding": "identity"}


async def page_of(http: Client, path: str = "/") -> str:
    async with http.get(path, headers=PLAIN) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/html"
        return await answer.text()


def assets_in(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)


@pytest.mark.parametrize("path", ["/", "/status"])
async def test_a_page_is_fenced_in(http: Client, path: str) -> None:
    async with http.get(path) as answer:
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        assert answer.headers["Cache-Control"] == "no-cache"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    storage = storage_origin(World().settings)
    assert policy["connect-src"] == f"'self' {storage}"
    assert policy["media-src"] == f"blob: {storage}"
    assert not any("unsafe" in value or "*" in value for value in policy.values())


@pytest.mark.parametrize("path", ["/", "/status"])
async def test_no_inline_code_and_no_other_host(http: Client, path: str) -> None:
    page = await page_of(http, path)
    assert "{{" not in page
    assert re.findall(r"<script(?![^>]*src=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == set()


def test_the_assets_name_no_other_host() -> None:
    for path in FOLDER.iterdir():
        named = set(re.findall(r"https?://[^\s\"'`<)]+", path.read_text()))
        assert named <= {"http://www.w3.org/2000/svg"}, path.name


def test_texts_never_become_markup() -> None:
    """The policy's trusted types would stop it in the browser; here nobody even tries."""
    for path in FOLDER.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", path.read_text()
        )


async def test_assets_are_kept_for_ever_under_the_hash_of_all_of_them(http: Client) -> None:
    addresses = assets_in(await page_of(http))
    assert len({address.split("/")[2] for address in addresses}) == 1
    for address in addresses:
        async with http.get(address, headers=PLAIN) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert await answer.read() == (FOLDER / address.rpartition("/")[2]).read_bytes()


def test_another_byte_is_another_address(tmp_path: Path) -> None:
    settings = World().settings
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = read_site(settings, tmp_path).version
    assert before == read_site(settings).version
    (tmp_path / "app.js").write_bytes((tmp_path / "app.js").read_bytes() + b"\n")
    assert read_site(settings, tmp_path).version != before


@pytest.mark.parametrize("name", ["nothing.js", "index.html", "..%2Fsite.py", "%2e%2e%2fapp.py"])
async def test_nothing_else_is_served(http: Client, name: str) -> None:
    version = assets_in(await page_of(http))[0].split("/")[2]
    async with http.get(f"/assets/{version}/{name}") as answer:
        await refused(answer, ErrorCode.NOT_FOUND)


async def test_files_of_another_version_are_not_here(http: Client) -> None:
    async with http.get("/assets/000000000000/app.js") as answer:
        await refused(answer, ErrorCode.NOT_FOUND)
        assert answer.headers["Cache-Control"] == "no-store"


async def test_packed_for_those_who_take_it(http: Client) -> None:
    address = assets_in(await page_of(http))[-1]
    async with http.get(address, headers={"Accept-Encoding": "br, gzip"}, auto_decompress=False) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Vary"] == "Accept-Encoding"
        packed = await answer.read()
    async with http.get(address, headers=PLAIN) as answer:
        assert "Content-Encoding" not in answer.headers
        assert gzip.decompress(packed) == await answer.read()


async def test_a_page_that_is_known_is_not_sent_again(http: Client) -> None:
    async with http.get("/") as answer:
        tag = answer.headers["ETag"]
    async with http.get("/", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
        assert "Content-Security-Policy" in answer.headers


async def test_the_rules_are_those_of_the_settings(http: Client, world: World) -> None:
    found = re.search(r'<meta name="rules" content="([^"]*)"', await page_of(http))
    assert found is not None
    rules = json.loads(unescape(found[1]))
    assert rules["max_bytes"] == world.settings.max_upload_bytes
    assert rules["max_seconds"] == world.settings.max_clip_s
    assert rules["types"]["mov"] == "video/quicktime"


async def test_the_standing_is_told_without_javascript(http: Client) -> None:
    page = await page_of(http, "/status")
    told = page.partition("<noscript>")[2].partition("</noscript>")[0]
    assert "status: warn (PROBE_STALE)" in told
    assert "24h: unknown of 0 probes" in told


SIGNED = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


@pytest.mark.parametrize(
    "settings",
    [
        load_settings({**SIGNED, "BUCKET": "clips", **more})
        for more in (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
            {"AWS_ENDPOINT_URL": "https://minio.example/"},
            {"AWS_REGION": "eu-central-1"},
            {"AWS_REGION": "us-east-1"},
            {"AWS_REGION": "us-gov-west-1"},
            {"AWS_REGION": "cn-north-1"},
            {"AWS_REGION": "eu-central-1", "BUCKET": "clips.example.org"},
        )
    ],
    ids=lambda settings: f"{settings.aws_endpoint_url or settings.aws_region} {settings.bucket}",
)
async def test_the_storage_s_origin_is_that_of_signed_addresses(settings: Settings) -> None:
    origin = storage_origin(settings)
    async with open_clients(settings) as clients:
        objects = S3Objects(clients.s3, settings.bucket)
        to_read = await objects.presign_get("videos/x.mp4", expires_s=60)
        to_write = await objects.presign_post("k", content_type="video/mp4", min_bytes=1, max_bytes=2, expires_s=60)
    assert to_read.startswith(f"{origin}/")
    assert to_write.url == origin or to_write.url.startswith(f"{origin}/")
