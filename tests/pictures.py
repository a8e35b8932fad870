"""The pictures of the documentation, from clips of our own making: `python -m tests.pictures` draws them anew."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from consumer.sandbox.pool import open_sandbox
from consumer.vision.describe import JPEG
from consumer.vision.shots import shown
from core.pose_weights import DEFAULT_FOLDER, model_path
from core.result import Sport
from tests.clips import Image
from tests.figure import Climber, drawn_climber
from tests.kinematics.drawn import View, pictures, write

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
MOMENTS = {"hip-line-start": 3.0, "hip-line-middle": 7.0, "hip-line": 10.8}
CLIMBER = Climber(size=(720, 960), seconds=12.0, moves=5, pause_share=0.65)
HEIGHT, ROW_HEIGHT = 640, 300
SMALL = replace(CLIMBER, size=(480, 640), seconds=8.0, moves=4)


def pan(t: float) -> NDArray[np.float64]:
    return np.array([[1, 0, 60 - 15 * t], [0, 1, -120 + 25 * t], [0, 0, 1]], dtype=np.float64)


EXAMPLES: Mapping[str, tuple[Climber, View | None]] = {
    "hip-line-pan": (SMALL, pan),
    "hip-line-movement": (replace(SMALL, plain=True), None),
}


def picture_at(clip: Path, t: float) -> Image:
    with av.open(str(clip)) as container:
        frame = next(f for f in container.decode(video=0) if f.time is not None and f.time >= t)
        image = frame.to_ndarray(format="bgr24")
    width = round(image.shape[1] * HEIGHT / image.shape[0])
    return cv2.resize(image, (width, HEIGHT), interpolation=cv2.INTER_AREA)


async def sent(clip: Path, folder: Path, *, blur: bool) -> list[Image]:
    """The pictures that the vision model is sent of the clip, in their order."""
    out, kept = folder / f"sent-{blur}", folder / f"kept-{blur}"
    out.mkdir()
    kept.mkdir()
    weights = model_path(DEFAULT_FOLDER.absolute(), "full")
    async with open_sandbox(weights.parent) as box:
        facts = await box.probe(clip, limit_s=60)
        measured = await box.measure(clip, facts, Sport.BOULDERING, out=kept, weights=weights, limit_s=600)
        shots = [one.shot for one in shown(measured, blur=blur)]
        frames = await box.close_ups(clip, facts, shots, out=out, limit_s=60, jpeg=JPEG)
    return [cv2.imdecode(np.fromfile(out / f"{one.id}.jpg", np.uint8), cv2.IMREAD_COLOR) for one in frames]


def row(pictures: list[Image]) -> Image:
    """Side by side, of one height."""
    sizes = [(round(one.shape[1] * ROW_HEIGHT / one.shape[0]), ROW_HEIGHT) for one in pictures]
    scaled = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one, size in zip(pictures, sizes, strict=True)]
    gap = np.full((ROW_HEIGHT, 6, 3), 255, np.uint8)
    return np.hstack([part for one in scaled for part in (one, gap)][:-1])


def analysed(clip: Path, drawn: Path, *more: str) -> None:
    argv = [sys.executable, "-m", "consumer", "file", "--video", str(drawn), *more, str(clip)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def save(name: str, image: Image) -> None:
    cv2.imwrite(str(PICTURES / f"{name}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 85])


def main() -> int:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        clip, drawn = Path(folder) / "clip.mp4", Path(folder) / "drawn.mp4"
        drawn_climber(clip, CLIMBER)
        analysed(clip, drawn, "--plot", str(PICTURES / "height.png"))
        for name, t in MOMENTS.items():
            save(name, picture_at(drawn, t))
        for name, (climber, view) in EXAMPLES.items():
            example, line = Path(folder) / f"{name}.mp4", Path(folder) / f"{name}-drawn.mp4"
            analysed(write(example, pictures(climber, view=view)), line)
            save(name, picture_at(line, climber.seconds - 0.6))
        for name, blur in (("sent", False), ("sent-blurred", True)):
            shots = asyncio.run(sent(clip, Path(folder), blur=blur))[:6]
            cv2.imwrite(str(PICTURES / f"{name}.jpg"), row(shots), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return 0


if __name__ == "__main__":
    sys.exit(main())
