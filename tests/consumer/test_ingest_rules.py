"""What is taken and what is not, each rule with its own code, before anything is queued or decoded."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from consumer.ingesting.poster import LIMIT_S
from consumer.media.policy import POLICY, MediaPolicy
from core.error_codes import ErrorCode
from core.errors import catalogue
from core.failure import Failure
from core.ports import ObjectInfo
from core.record import Status, poster_key
from core.settings import Settings
from core.transitions import expired
from tests.consumer.headers import FTYP, Says, a_webm, an_avi, an_mp4, box, moov
from tests.consumer.rig import CLIP, House
from tests.fakes import FakeObjects
from tests.fakes.example import AN_ID, MOMENT, a_record
from tests.fakes.objects import StoredObject

KEY = a_record().key
WEBM = {"content_type": "video/webm", "filename": "climb.webm"}
AVI = {"content_type": "video/x-msvideo", "filename": "climb.avi"}
LONG = Says(pictures=20_000)


def event(*keys: str) -> str:
    return json.dumps({"Records": [{"s3": {"object": {"key": key.replace("/", "%2F")}}} for key in keys]})


async def told(house: House, *bodies: str, seconds: float = 30) -> list[Any]:
    """The log lines of an ingest process that gets these messages in turn."""
    with capture_logs() as logs:
        async with house.ingesting():
            for body in bodies:
                await house.ingest_queue.send(body, {})
                await asyncio.sleep(1)
            await asyncio.sleep(seconds)
    return logs


async def ingested(house: House, body: bytes, **fields: Any) -> ErrorCode | None:
    """The refusal's code, None for a clip that went on to its analysis."""
    await house.upload(body, **fields)
    await told(house, event(KEY))
    assert (house.record.status is Status.FAILED) == (house.record.error_code is not None)
    assert len(house.analysis_queue.sent) == (house.record.status is Status.QUEUED)
    assert (house.ingest_queue.bodies, house.ingest_queue.dead) == ([], [])
    return house.record.error_code


TAKEN = {
    "as cameras write it": (an_mp4(), {}),
    "header in front": (an_mp4(last=False), {}),
    "ten minutes": (an_mp4(says=Says(pictures=18_000)), {}),
    "trimmed by an edit list": (an_mp4(says=replace(LONG, shown=300_000)), {}),
    "slow motion": (an_mp4(says=Says(each=4, pictures=2400)), {}),
    "8K": (an_mp4(says=Says(size=(7680, 4320))), {}),
    "a phone's seven streams": (an_mp4(says=Says(others=6)), {}),
    "hevc": (an_mp4(says=Says(code=b"hvc1")), {}),
    "prores, of a .mov": (an_mp4(says=Says(code=b"apcn")), {"content_type": "video/quicktime", "filename": "A.MOV"}),
    "a name without extension": (an_mp4(), {"filename": "climb"}),
    "a name that ends in a number": (an_mp4(), {"filename": "climb.1"}),
    "webm": (a_webm(), WEBM),
    "webm of a browser's recorder": (a_webm(ticks=None), WEBM),
    "avi": (an_avi(), AVI),
}

REFUSED = {
    "nothing": (b"", {}, ErrorCode.FILE_TOO_SMALL),
    "a kilobyte less one": (CLIP[:1023], {}, ErrorCode.FILE_TOO_SMALL),
    "text": (b"#EXTM3U\n" * 400, {}, ErrorCode.UNSUPPORTED_CONTAINER),
    "zeros": (bytes(5000), {}, ErrorCode.UNSUPPORTED_CONTAINER),
    "a photo": (box(b"ftyp", b"heic", bytes(4), b"mif1") + bytes(5000), {}, ErrorCode.UNSUPPORTED_CONTAINER),
    "webm called mp4": (a_webm(), {}, ErrorCode.CONTENT_MISMATCH),
    "mp4 called webm": (an_mp4(), WEBM, ErrorCode.CONTENT_MISMATCH),
    "mp4 named .avi": (an_mp4(), {"filename": "climb.avi"}, ErrorCode.CONTENT_MISMATCH),
    "webm named .mp4": (a_webm(), {**WEBM, "filename": "climb.mp4"}, ErrorCode.CONTENT_MISMATCH),
    "cut off": (an_mp4()[:-200], {}, ErrorCode.METADATA_EXTRACTION_FAILED),
    "no header": (FTYP + box(b"mdat", bytes(5000)), {}, ErrorCode.METADATA_EXTRACTION_FAILED),
    "sound only": (an_mp4(says=Says(code=None)), {}, ErrorCode.NO_VALID_FRAMES),
    "a codec of old": (an_mp4(says=Says(code=b"SVQ3")), {}, ErrorCode.UNSUPPORTED_CODEC),
    "encrypted": (an_mp4(says=Says(code=b"encv")), {}, ErrorCode.UNSUPPORTED_CODEC),
    "theora": (a_webm(codec=b"V_THEORA"), WEBM, ErrorCode.UNSUPPORTED_CODEC),
    "an old avi": (an_avi(code=b"IV50"), AVI, ErrorCode.UNSUPPORTED_CODEC),
    "eleven minutes": (an_mp4(says=LONG), {}, ErrorCode.VIDEO_TOO_LONG),
    "eleven minutes of webm": (a_webm(ticks=660_000.0), WEBM, ErrorCode.VIDEO_TOO_LONG),
    "eleven minutes of avi": (an_avi(pictures=20_000), AVI, ErrorCode.VIDEO_TOO_LONG),
    "16K": (an_mp4(says=Says(size=(16_192, 16_192))), {}, ErrorCode.VIDEO_TOO_LARGE_PIXELS),
    "16K webm": (a_webm(size=(16_384, 8_704)), WEBM, ErrorCode.VIDEO_TOO_LARGE_PIXELS),
    "16K avi": (an_avi(size=(16_192, -16_192)), AVI, ErrorCode.VIDEO_TOO_LARGE_PIXELS),
    "no size": (an_mp4(says=Says(size=(0, 360))), {}, ErrorCode.INVALID_METADATA),
    "a thousand a second": (an_mp4(says=Says(each=1, pictures=5000)), {}, ErrorCode.FRAME_RATE_TOO_HIGH),
    "seventeen streams": (an_mp4(says=Says(others=16)), {}, ErrorCode.TOO_MANY_STREAMS),
    "60 million pictures": (an_mp4(says=Says(pictures=60_000_000, each=0)), {}, ErrorCode.INVALID_METADATA),
    "a header of 9 MiB": (FTYP + box(b"moov", bytes(9 * 2**20)), {}, ErrorCode.INVALID_METADATA),
}


@pytest.mark.parametrize("name", TAKEN)
async def test_a_clip_is_taken(house: House, name: str) -> None:
    body, fields = TAKEN[name]
    assert await ingested(house, body, **fields) is None


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_clip_of_ours_is_refused_before_anything_decodes_it(house: House, name: str) -> None:
    body, fields, code = REFUSED[name]
    assert await ingested(house, body, **fields) is code
    assert house.decoder.calls == []
    assert catalogue()[code].retryable == "after_fix"


async def test_the_settings_are_the_policy(house: House) -> None:
    changes = {"max_clip_s": 5.0, "clip_codecs": ("vp9",), "max_upload_bytes": 10_000}
    house.settings = house.settings.model_copy(update=changes)
    assert await ingested(house, an_mp4()) is ErrorCode.UNSUPPORTED_CODEC
    for body, code in ((a_webm(), ErrorCode.VIDEO_TOO_LONG), (bytes(10_001), ErrorCode.FILE_TOO_LARGE)):
        other = House(scratch_dir=house.scratch_dir)
        other.settings = house.settings
        assert await ingested(other, body, **WEBM) is code


async def test_the_decoding_child_takes_no_more_than_the_settings_can_say(house: House) -> None:
    """It has no settings: what it takes is fixed, and what an installation takes can only be less."""
    assert MediaPolicy.from_settings(house.settings) == POLICY
    for name in ("max_clip_s", "max_clip_pixels", "max_clip_fps", "max_clip_streams", "max_upload_bytes"):
        with pytest.raises(ValidationError):
            Settings(bucket="b", _env_file=None, **{name: getattr(house.settings, name) + 1})


@pytest.mark.parametrize("last", [True, False])
async def test_of_a_large_clip_little_is_read(house: House, last: bool) -> None:
    """100 MB with the index of a ten minute clip, some 600 KB."""
    pictures = bytes(100_000_000)
    index = moov(more=box(b"free", bytes(600_000)))
    body = FTYP + box(b"mdat", pictures) + index if last else FTYP + index + box(b"mdat", pictures)
    await house.upload(body)
    logs = await told(house, event(KEY))
    (seen,) = [line for line in logs if line["event"] == "upload.examined"]
    assert house.record.sent_at is not None
    assert seen["bytes_read"] < 1_500_000
    assert seen["reads"] <= 4


async def test_the_poster_lies_beside_the_results(house: House) -> None:
    assert await ingested(house, an_mp4()) is None
    assert house.record.poster
    poster = house.objects.stored[poster_key(AN_ID)]
    assert (poster.body, poster.content_type) == (b"jpeg at 0.0", "image/jpeg")


BROKEN: dict[str, Exception] = {
    "probe": Failure(ErrorCode.DECODER_CRASHED, "test"),
    "extract": Failure(ErrorCode.NO_VALID_FRAMES, "test"),
}


@pytest.mark.parametrize("call", BROKEN)
async def test_without_a_poster_the_analysis_goes_on(house: House, call: str) -> None:
    house.decoder.failures[call] = BROKEN[call]
    assert await ingested(house, an_mp4()) is None
    assert not house.record.poster


async def test_a_poster_is_not_waited_for_long(house: House) -> None:
    house.decoder.seconds = 1000
    await house.upload(an_mp4())
    await told(house, event(KEY), seconds=LIMIT_S + 5)
    assert (house.record.status, house.record.poster) == (Status.QUEUED, False)
    assert house.record.sent_at is not None


async def test_a_first_picture_that_is_not_there_is_no_poster(house: House) -> None:
    away = FTYP + box(b"mdat", bytes(4000)) + moov(at=2**31)
    assert await ingested(house, away) is None
    assert (house.record.poster, house.decoder.calls) == (False, [])


class Changing(FakeObjects):
    """Another version lies there after each look, `times` times."""

    times = 0

    async def head(self, key: str) -> ObjectInfo | None:
        info = await super().head(key)
        if self.times:
            self.times -= 1
            body = self.stored[key].body
            self.stored[key] = StoredObject(body=body + b"x", content_type="video/mp4")
        return info


@pytest.mark.parametrize(("times", "code"), [(1, None), (2, None), (9, ErrorCode.OBJECT_CHANGED)])
async def test_what_changes_while_it_is_looked_at_is_looked_at_anew(
    house: House, times: int, code: ErrorCode | None
) -> None:
    house.objects = Changing(house.faults)
    house.objects.times = times
    assert await ingested(house, an_mp4()) is code
    assert code is not None or house.record.object_etag == house.objects.stored[KEY].etag


class Slow(FakeObjects):
    """Each read takes so long."""

    seconds = 0.0

    async def read(self, key: str, **where: Any) -> bytes | None:
        await asyncio.sleep(self.seconds)
        return await super().read(key, **where)


@pytest.mark.parametrize("seconds", [9.0, 200.0])
async def test_a_slow_bucket_is_waited_for_and_then_tried_again(house: House, seconds: float) -> None:
    house.objects = Slow(house.faults)
    house.objects.seconds = seconds
    await house.upload(an_mp4(bytes(100_000)))
    async with house.ingesting():
        await house.ingest_queue.send(event(KEY), {})
        await asyncio.sleep(60)
        assert (house.record.sent_at is not None) == (seconds < 10)
        house.objects.seconds = 0.1
        await asyncio.sleep(120)
    assert (house.record.status, len(house.analysis_queue.sent)) == (Status.QUEUED, 1)


@pytest.mark.parametrize("status", [Status.PROCESSING, Status.COMPLETED, Status.FAILED])
async def test_a_late_event_changes_nothing(house: House, status: Status) -> None:
    await house.ready(status=status, sent_at="2026-11-24T12:00:00Z")
    before = house.record
    logs = await told(house, event(KEY), event(KEY))
    assert (house.record, house.analysis_queue.sent) == (before, [])
    assert "upload.replaced" not in [line["event"] for line in logs]


async def test_a_clip_that_is_replaced_after_its_end_is_told_of(house: House) -> None:
    await house.ready(status=Status.COMPLETED)
    house.objects.stored[KEY] = StoredObject(body=CLIP + b"more", content_type="video/mp4")
    logs = await told(house, event(KEY))
    assert [line["status"] for line in logs if line["event"] == "upload.replaced"] == [Status.COMPLETED]
    assert (house.record.status, house.analysis_queue.sent) == (Status.COMPLETED, [])


async def test_an_event_for_an_expired_upload_changes_nothing(house: House) -> None:
    await house.upload()
    await house.records.apply(AN_ID, expired(MOMENT))
    await told(house, event(KEY))
    assert (house.record.status, house.analysis_queue.sent) == (Status.EXPIRED, [])
    assert (house.ingest_queue.bodies, house.ingest_queue.dead) == ([], [])


async def test_one_bad_upload_of_an_event_stops_no_other(house: House) -> None:
    other = a_record("11111111-1111-1111-1111-111111111111")
    await house.upload(b"text " * 1000)
    await house.records.create(other)
    house.objects.stored[other.key] = StoredObject(body=CLIP, content_type="video/mp4")
    await told(house, event(KEY, other.key))
    assert house.record.error_code is ErrorCode.UNSUPPORTED_CONTAINER
    assert house.records.stored[other.analysis_id].sent_at is not None


async def test_a_hash_that_the_bucket_knows_is_noted(house: House) -> None:
    class Knowing(FakeObjects):
        async def head(self, key: str) -> ObjectInfo | None:
            info = await super().head(key)
            return info and replace(info, sha256="ab" * 32)

    house.objects = Knowing(house.faults)
    assert await ingested(house, an_mp4()) is None
    assert house.record.object_sha256 == "ab" * 32
