"""The clip of a run, and the watch that times it."""

import io

import av
import cv2
import pytest

from prober.clip import Clip, Mark, is_legible, make_clip, new_nonce, read_mark
from prober.stopwatch import Stopwatch
from tests.fakes import ManualClock


@pytest.fixture(scope="module")
def clip() -> Clip:
    return make_clip("0A1B2C3D")


def test_a_clip_is_made_as_said(clip: Clip) -> None:
    assert 20_000 < len(clip.data) < 400_000
    with av.open(io.BytesIO(clip.data)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 360, 640)
        assert float(stream.duration * stream.time_base) == pytest.approx(4.0)


def test_every_picture_says_whose_it_is_and_which_second(clip: Clip) -> None:
    for t, jpeg in jpegs(clip):
        assert read_mark(jpeg) == Mark(nonce="0A1B2C3D", second=clip.second_at(t)), t


def test_two_runs_have_two_clips(clip: Clip) -> None:
    other = make_clip(new_nonce())
    assert other.nonce != clip.nonce
    assert other.sha256 != clip.sha256


def test_a_code_that_cannot_be_read_again_is_not_used() -> None:
    """OpenCV draws one in some thousands that it reads in no size; each would be a false alarm."""
    mute = [("6895288E", 3), ("A208E830", 4), ("6B80ADF4", 2), ("672BA0E3", 4), ("A4CE427C", 1)]
    assert not any(is_legible(Mark(nonce=nonce, second=second)) for nonce, second in mute)
    assert all(is_legible(Mark(nonce=new_nonce(), second=second)) for second in range(5))


def jpegs(clip: Clip) -> list[tuple[float, bytes]]:
    with av.open(io.BytesIO(clip.data)) as container:
        return [
            (float(frame.time or 0), cv2.imencode(".jpg", frame.to_ndarray(format="bgr24"))[1].tobytes())
            for frame in container.decode(video=0)
        ]


async def test_the_stages_add_up_to_the_wall() -> None:
    clock = ManualClock()
    watch = Stopwatch(clock.now)
    await clock.advance(1)
    assert watch.enter("upload")
    assert not watch.enter("upload")
    await clock.advance(2)
    watch.enter("queue")
    await clock.advance(4)
    watch.enter("analyze")
    await clock.advance(8)
    watch.enter("read")
    watch.credit("download", 0.5)
    watch.credit("extract", 99.0)
    watch.credit("store", 1.5)
    watch.credit("analyze", 3.0)
    watch.stop()
    await clock.advance(100)
    took = {one.stage: one.ms for one in watch.times}
    assert sum(took.values()) == round(watch.wall_s * 1000) == 15_000
    assert took == {
        "init": 1000, "upload": 2000, "queue": 0, "download": 500, "extract": 3500, "analyze": 6500, "store": 1500,
        "read": 0,
    }  # fmt: skip
    assert watch.longest == "analyze"
