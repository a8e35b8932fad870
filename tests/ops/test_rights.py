"""Each process's policy covers what the process really asks of the bucket, and the bucket's own lets it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from consumer.engine.clock import SystemClock
from consumer.ingest import Ingest
from consumer.roles import examiner_of
from consumer.sandbox.pool import Pool
from consumer.scratch import open_scratch
from core.aws.clients import Clients, open_clients
from core.aws.leavings import AwsLeavings
from core.aws.objects import S3Objects
from core.aws.records import DynamoRecords
from core.clip import find_clip
from core.record import Record, Status, poster_key
from core.settings import Settings
from ops.iam import policy
from ops.provision import provision
from tests.clips import barcodes, write_clip
from tests.emulator import Emulator, fresh_settings
from tests.fakes import FakeQueue
from tests.fakes.example import a_record

WRITES = ("PutObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload")
ACTIONS = {
    **dict.fromkeys(WRITES, "s3:PutObject"),
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "DeleteObjects": "s3:DeleteObject",
    "ListObjectsV2": "s3:ListBucket",
}
Right = tuple[str, str]


def needed(operation: str, asked: dict[str, Any]) -> Iterator[Right]:
    """(action, resource) of one call: AWS, "Required permissions for Amazon S3 API operations"."""
    bucket = f"arn:aws:s3:::{asked['Bucket']}"
    if operation == "UploadPartCopy":
        yield "s3:GetObject", f"{bucket}/{asked['CopySource']['Key']}"
    keys = [one["Key"] for one in asked["Delete"]["Objects"]] if "Delete" in asked else [asked.get("Key")]
    for key in keys:
        yield ACTIONS[operation], bucket if key is None else f"{bucket}/{key}"


def allowed(name: str, settings: Settings, right: Right) -> bool:
    action, resource = right
    for statement in policy(name, settings, account="000000000000")["Statement"]:
        actions, resources = statement["Action"], statement["Resource"]
        if action in ([actions] if isinstance(actions, str) else actions) and any(
            fnmatchcase(resource, one) for one in ([resources] if isinstance(resources, str) else resources)
        ):
            return True
    return False


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[tuple[Settings, Clients, list[tuple[str, dict[str, Any]]]]]:
    """A new installation, and what is asked of its bucket from now on."""
    settings, calls = fresh_settings(url), list[tuple[str, dict[str, Any]]]()
    await provision(settings)

    def seen(params: dict[str, Any], model: Any, **_: object) -> None:
        calls.append((model.name, dict(params)))

    async with open_clients(settings) as clients:
        clients.s3.meta.events.register("before-parameter-build.s3.*", seen)
        yield settings, clients, calls


async def uploaded_and_taken(settings: Settings, clients: Clients, folder: Path) -> Record:
    """What the real ingest does with one upload."""
    objects, records = S3Objects(clients.s3, settings.bucket), DynamoRecords(clients.dynamodb, settings.table)
    record = a_record()
    await records.create(record)
    body = write_clip(folder / "clip.mp4", barcodes(30)).read_bytes()
    await objects.put(record.key, body, content_type="video/mp4")
    async with Pool() as pool:
        with open_scratch(folder / "scratch", budget=settings.scratch_bytes) as scratch:
            ingest = Ingest(
                objects=objects,
                records=records,
                analyses=FakeQueue(),
                clock=SystemClock(),
                examiner=examiner_of(settings, objects, scratch, pool),
            )
            await ingest.ingest(record)
    taken = await records.get(record.analysis_id)
    assert taken is not None
    assert (taken.status, taken.poster, taken.sent_at is None) == (Status.QUEUED, True, False)
    return taken


async def test_a_consumers_rights_reach_for_an_upload(emulator: Emulator, tmp_path: Path) -> None:
    async with watched(emulator.url) as (settings, clients, calls):
        record = await uploaded_and_taken(settings, clients, tmp_path)
        objects = S3Objects(clients.s3, settings.bucket)
        async with objects.stream(record.clip_key, etag=str(record.object_etag)) as chunks:
            assert [chunk async for chunk in chunks]
        await objects.put(record.result_key, b"{}", content_type="application/json")
        await AwsLeavings(clients, settings).remove_artifacts(record)
    # the first one is the browser's
    assert calls.pop(0)[0] == "PutObject"
    rights = {right for operation, asked in calls for right in needed(operation, asked)}
    assert ("s3:PutObject", f"arn:aws:s3:::{settings.bucket}/{record.clip_key}") in rights
    assert ("s3:DeleteObject", f"arn:aws:s3:::{settings.bucket}/{record.key}") in rights
    assert ("s3:PutObject", f"arn:aws:s3:::{settings.bucket}/{poster_key(record.analysis_id)}") in rights
    assert {right for right in rights if not allowed("consumer", settings, right)} == set()


async def test_the_webs_rights_reach_for_showing_and_removing(emulator: Emulator, tmp_path: Path) -> None:
    async with watched(emulator.url) as (settings, clients, calls):
        record = await uploaded_and_taken(settings, clients, tmp_path)
        calls.clear()
        objects = S3Objects(clients.s3, settings.bucket)
        assert await find_clip(objects, record) is not None
        await objects.read(record.result_key)
        await objects.put(record.key, b"through the service", content_type="video/mp4")
        assert await AwsLeavings(clients, settings).remove_objects(record) == 3
    rights = {right for operation, asked in calls for right in needed(operation, asked)}
    assert {right for right in rights if not allowed("web", settings, right)} == set()


@pytest.mark.parametrize("name", ["web", "prober", "operator"])
def test_nobody_but_ingest_may_write_a_clip(name: str) -> None:
    settings = fresh_settings("http://127.0.0.1:1")
    clip = f"arn:aws:s3:::{settings.bucket}/{a_record().clip_key}"
    assert not allowed(name, settings, ("s3:PutObject", clip))
    assert allowed("consumer", settings, ("s3:PutObject", clip))


async def test_a_clip_is_written_as_the_buckets_policy_wants_it(emulator: Emulator, tmp_path: Path) -> None:
    """Only with If-None-Match; the steps before the completion make no object."""
    async with watched(emulator.url) as (settings, clients, calls):
        record = await uploaded_and_taken(settings, clients, tmp_path)
    writing = [(operation, asked) for operation, asked in calls if asked.get("Key") == record.clip_key]
    making = [asked for operation, asked in writing if operation in ("PutObject", "CopyObject", WRITES[-1])]
    assert [asked.get("IfNoneMatch") for asked in making] == ["*"]
