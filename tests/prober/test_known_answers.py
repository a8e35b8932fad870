"""The clip and the answer that is known of it: what is right passes, and each wrong thing is blamed on its stage."""

from collections.abc import Callable
from typing import Any

import cv2
import pytest

from prober.answers import (
    Told,
    check_model,
    check_overlay,
    check_path,
    check_pictures,
    check_video,
    is_of_this_clip,
    read,
)
from prober.blame import Blamed
from prober.clip import FPS, Clip, make_clip, new_nonce
from tests.prober.test_clip import jpegs

T = (0.2, 1.4, 2.6, 3.8)


@pytest.fixture(scope="module")
def clip() -> Clip:
    return make_clip("0A1B2C3D")


def pictures_of(clip: Clip) -> dict[str, bytes | None]:
    every = jpegs(clip)
    return {f"{'e' if at % 2 else 'f'}0{at}": every[round(t * FPS)][1] for at, t in enumerate(T)}


def a_result(clip: Clip, **changes: Any) -> dict[str, Any]:
    """What the service would answer, were everything right."""
    times = [round(0.1 * number, 1) for number in range(40)]
    made: dict[str, Any] = {
        "analysis_id": "a",
        "quality": {
            "method": "pose",
            "confidence": 0.9,
            "pose_rate": 1.0,
            "camera": "static",
            "fps": 15.0,
            "climber_height_px": 250.0,
        },
        "video": {
            "duration_s": 4.0,
            "fps": 15.0,
            "width": 360,
            "height": 640,
            "codec": "h264",
            "container": "mp4",
            "bytes": len(clip.data),
            "sha256": clip.sha256,
        },
        "frames": [
            {
                "id": f"{'e' if at % 2 else 'f'}0{at}",
                "t": round(round(t * FPS) / FPS, 4),
                "frame_index": round(t * FPS),
                "why": "even",
                "width": 360,
                "height": 640,
                "url": "http://bucket/x",
            }
            for at, t in enumerate(T)
        ],
        "track": [
            {"t": t, "x": clip.figure.hip(t)[0], "y": clip.figure.hip(t)[1], "torso": 0.1, "confidence": 0.9}
            for t in times
        ],
        "model": None,
        "timing": dict.fromkeys(("queued_ms", "download_ms", "extract_ms", "analyze_ms", "store_ms", "total_ms"), 5),
    }
    return made | changes


def an_overlay(**changes: Any) -> dict[str, Any]:
    line = {
        "type": "ideal_route_line",
        "points": [{"x": 10.0, "y": 20.0, "time": 0.1}, {"x": 350, "y": 640, "time": 4}],
    }
    made = {"overlay_elements": [line], "video_dimensions": {"width": 360, "height": 640}}
    return made | changes


def moved(clip: Clip, *, dx: float = 0.0, stretch: float = 1.0) -> list[dict[str, Any]]:
    track: list[dict[str, Any]] = a_result(clip)["track"]
    return [{**point, "x": point["x"] + dx, "y": 0.5 + (point["y"] - 0.5) * stretch} for point in track]


def test_no_right_answer_is_called_wrong() -> None:
    """A code that OpenCV draws and does not read again would be a false alarm: many nonces, every second of each."""
    for _ in range(12):
        clip = make_clip(new_nonce())
        check_pictures(read(a_result(clip)), pictures_of(clip), clip)


@pytest.mark.parametrize("shift", [{}, {"dx": 0.05}, {"stretch": 1.08}], ids=["exact", "a constant off", "8 % off"])
def test_what_is_right_passes(clip: Clip, shift: dict[str, float]) -> None:
    told = read(a_result(clip, track=moved(clip, **shift)))
    assert is_of_this_clip(told, clip)
    check_video(told, clip)
    check_pictures(told, pictures_of(clip), clip)
    check_path(told, clip)
    check_model(told)
    check_overlay(an_overlay(), told)


def _without(name: str) -> Callable[[Clip], dict[str, bytes | None]]:
    return lambda clip: {**pictures_of(clip), name: None}


def _instead(name: str, other: str) -> Callable[[Clip], dict[str, bytes | None]]:
    return lambda clip: {**pictures_of(clip), name: pictures_of(clip)[other]}


def _yesterday(_: Clip) -> dict[str, bytes | None]:
    return pictures_of(make_clip(new_nonce()))


def _blank(clip: Clip) -> dict[str, bytes | None]:
    blank = cv2.imencode(".jpg", cv2.UMat(640, 360, cv2.CV_8UC3, (90, 90, 90)).get())[1].tobytes()
    return {**pictures_of(clip), "e01": blank}


@pytest.mark.parametrize(
    ("pictures", "stage", "says"),
    [
        (_yesterday, "analyze", "another run"),
        (_instead("e01", "e03"), "extract", "is of second 3"),
        (_instead("f02", "f00"), "analyze", "is of second 0"),
        (_blank, "extract", "no code"),
        (_without("f02"), "store", "not there"),
        (lambda clip: {**pictures_of(clip), "e01": b"<html>"}, "store", "is none"),
    ],
    ids=["yesterday's", "swapped", "the analyzer's", "blank", "missing", "not a picture"],
)
def test_wrong_pictures(clip: Clip, pictures: Callable[[Clip], dict[str, bytes | None]], stage: str, says: str) -> None:
    with pytest.raises(Blamed) as found:
        check_pictures(read(a_result(clip)), pictures(clip), clip)
    assert (found.value.stage, found.value.code) == (stage, "PROBE_WRONG_ANSWER")
    assert says in found.value.detail


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        (lambda clip: {"track": moved(clip, stretch=1.2)}, "analyze"),
        (lambda clip: {"track": moved(clip, stretch=0.0)}, "analyze"),
        (lambda clip: {"track": []}, "analyze"),
        (lambda clip: {"quality": {**a_result(clip)["quality"], "method": "insufficient"}}, "analyze"),
        (lambda clip: {"video": {**a_result(clip)["video"], "duration_s": 3.2}}, "extract"),
        (lambda clip: {"video": {**a_result(clip)["video"], "width": 640}}, "extract"),
        (lambda clip: {"model": a_model(["nowhere"])}, "analyze"),
        (lambda clip: {"model": {"provider": "x"}}, "read"),
        (lambda clip: {"video": None}, "read"),
    ],
)
def test_wrong_numbers(clip: Clip, changes: Callable[[Clip], dict[str, Any]], stage: str) -> None:
    def check() -> None:
        told = read(a_result(clip, **changes(clip)))
        check_video(told, clip)
        check_path(told, clip)
        check_model(told)

    with pytest.raises(Blamed) as found:
        check()
    assert (found.value.stage, found.value.code) == (stage, "PROBE_WRONG_ANSWER")


@pytest.mark.parametrize(
    "overlay",
    [
        an_overlay(overlay_elements=[]),
        an_overlay(overlay_elements=[{"type": "hold_marker", "x": 361.0, "y": 3.0}]),
        an_overlay(overlay_elements=[{"type": "hold_marker", "x": 0, "y": 3.0}]),
        an_overlay(video_dimensions={"width": 640, "height": 360}),
        {},
    ],
)
def test_an_overlay_outside_the_picture(clip: Clip, overlay: dict[str, Any]) -> None:
    with pytest.raises(Blamed) as found:
        check_overlay(overlay, read(a_result(clip)))
    assert found.value.stage == "read"


def a_model(frame_ids: list[str]) -> dict[str, Any]:
    return {
        "provider": "p",
        "snapshot": "s",
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "cost_usd": 0.01,
        "refusal": None,
        "claims": [{"text": "t", "kind": "tip", "frame_ids": frame_ids}],
        "difficulty": None,
    }


def test_a_model_that_speaks_of_what_there_is(clip: Clip) -> None:
    told: Told = read(a_result(clip, model=a_model(["f00"])))
    check_model(told)
