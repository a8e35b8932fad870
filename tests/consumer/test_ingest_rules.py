"""What is taken and what is not, each rule with its own code, before anything is queued or decoded."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from consumer.ingesting.poster import LIMIT_S
from consumer.ingesting.still import MOST_PICTURE
from consumer.media.policy import POLICY, MediaPolicy
from core.error_codes import ErrorCode
from core.errors import catalogue
from core.failure import Failure
from core.record import Status, poster_key
from core.settings import Settings
from tests.consumer.headers import FTYP, Says, a_webm, an_avi, an_mp4, box, moov
from tests.consumer.rig import CLIP, House
from tests.fakes.example import AN_ID, a_record

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


@pytest.mark.parametrize("first", [100, 500_000, MOST_PICTURE, MOST_PICTURE + 1])
@pytest.mark.parametrize("last", [True, False])
async def test_of_a_large_clip_little_is_read(house: House, last: bool, first: int) -> None:
    """100 MB with the index of a ten minute clip, some 600 KB, and a first picture of so many bytes."""
    pictures, says, free = bytes(100_000_000), Says(bytes_each=first), box(b"free", bytes(600_000))
    at = len(FTYP) + 8 if last else len(FTYP) + len(moov(says, more=free)) + 8
    index = moov(says, at=at, more=free)
    body = FTYP + box(b"mdat", pictures) + index if last else FTYP + index + box(b"mdat", pictures)
    await house.upload(body)
    logs = await told(house, event(KEY))
    (seen,) = [line for line in logs if line["event"] == "upload.examined"]
    assert house.record.sent_at is not None
    assert seen["bytes_read"] < 1_500_000
    assert seen["reads"] <= 5
    assert house.record.poster == (first <= MOST_PICTURE)


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
