"""Small files that ask for much: refused soon, with the right word, and neither the worker nor the child grows."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from consumer.media.facts import Probe, even_times
from consumer.sandbox.pool import open_sandbox
from consumer.sandbox.process import Sandbox
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.memory import peak_bytes
from tests.sandbox.conftest import nothing_left
from tests.security import bombs

pytestmark = pytest.mark.usefixtures(nothing_left.__name__)

BOMB_S = 10
MIB = 1024 * 1024
CHILD_BYTES = 512 * MIB
WORKER_GROWTH_BYTES = 16 * MIB

Bomb = Callable[[Path], Path]
REFUSED = {
    bombs.huge_h264: ErrorCode.VIDEO_TOO_LARGE_PIXELS,
    bombs.huge_mjpeg: ErrorCode.VIDEO_TOO_LARGE_PIXELS,
    # nothing in its header is too large, and no picture of that size is decoded
    bombs.lying_mjpeg: ErrorCode.NO_VALID_FRAMES,
    bombs.huge_vp9: ErrorCode.INVALID_METADATA,
    bombs.real_pictures_too_large: ErrorCode.VIDEO_TOO_LARGE_PIXELS,
    bombs.many_samples: ErrorCode.INVALID_METADATA,
    bombs.billion_pictures: ErrorCode.INVALID_METADATA,
    bombs.fragments_without_end: ErrorCode.INVALID_METADATA,
    bombs.too_many_pictures: ErrorCode.INVALID_METADATA,
    bombs.many_streams: ErrorCode.INVALID_METADATA,
    bombs.boxes_in_boxes: ErrorCode.METADATA_EXTRACTION_FAILED,
    bombs.ten_hours: ErrorCode.VIDEO_TOO_LONG,
    bombs.fast: ErrorCode.FRAME_RATE_TOO_HIGH,
}


@pytest.mark.parametrize(("bomb", "code"), REFUSED.items(), ids=[bomb.__name__ for bomb in REFUSED])
async def test_it_is_refused(tmp_path: Path, bomb: Bomb, code: ErrorCode) -> None:
    path = bomb(tmp_path)
    before = psutil.Process().memory_info().rss
    async with open_sandbox() as box:
        with pytest.raises(Failure) as caught:
            await box.probe(path, limit_s=BOMB_S)
        assert peak_bytes(box.pid) < CHILD_BYTES
    assert caught.value.code is code
    assert psutil.Process().memory_info().rss - before < WORKER_GROWTH_BYTES


async def test_a_length_is_measured_instead_of_believed(tmp_path: Path) -> None:
    path = bombs.centuries(tmp_path)
    async with open_sandbox() as box:
        facts = await box.probe(path, limit_s=BOMB_S)
        frames = await box.extract(path, facts, even_times(0.333, 2), out=tmp_path, limit_s=BOMB_S)
        assert peak_bytes(box.pid) < CHILD_BYTES
    assert (facts.duration_s, facts.fps) == (pytest.approx(0.333, abs=0.01), 30)
    assert len(frames) == 2


async def test_ten_minutes_in_one_group_end_at_the_limit(tmp_path: Path) -> None:
    path = bombs.one_group(tmp_path)
    limit_s, before = 2.0, psutil.Process().memory_info().rss
    async with open_sandbox() as box:
        facts = await box.probe(path, limit_s=BOMB_S)
        assert peak_bytes(box.pid) < CHILD_BYTES
        started = time.monotonic()
        assert await outcome(box, path, facts, limit_s) is ErrorCode.DECODER_TIMEOUT
        assert time.monotonic() - started < limit_s + 1
    assert psutil.Process().memory_info().rss - before < WORKER_GROWTH_BYTES


async def outcome(box: Sandbox, path: Path, facts: Probe, limit_s: float) -> ErrorCode:
    with pytest.raises(Failure) as caught:
        await box.extract(path, facts, even_times(600.0, 50), out=path.parent, limit_s=limit_s)
    return caught.value.code
