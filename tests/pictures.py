"""The pictures of the documentation, from a clip of our own making: `python -m tests.pictures` draws them anew."""

import subprocess
import sys
import tempfile
from pathlib import Path

import av
import cv2

from tests.clips import Image
from tests.figure import Climber, drawn_climber

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
MOMENTS = {"hip-line-start": 3.0, "hip-line-middle": 7.0, "hip-line": 10.8}
CLIMBER = Climber(size=(720, 960), seconds=12.0, moves=5, pause_share=0.65)
HEIGHT = 640


def picture_at(clip: Path, t: float) -> Image:
    with av.open(str(clip)) as container:
        frame = next(f for f in container.decode(video=0) if f.time is not None and f.time >= t)
        image = frame.to_ndarray(format="bgr24")
    width = round(image.shape[1] * HEIGHT / image.shape[0])
    return cv2.resize(image, (width, HEIGHT), interpolation=cv2.INTER_AREA)


def main() -> int:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        clip, drawn = Path(folder) / "clip.mp4", Path(folder) / "drawn.mp4"
        drawn_climber(clip, CLIMBER)
        plot = PICTURES / "height.png"
        argv = [sys.executable, "-m", "consumer", "file", "--video", str(drawn), "--plot", str(plot), str(clip)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        for name, t in MOMENTS.items():
            cv2.imwrite(str(PICTURES / f"{name}.jpg"), picture_at(drawn, t), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return 0


if __name__ == "__main__":
    sys.exit(main())
