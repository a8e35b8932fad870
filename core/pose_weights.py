"""The pose model's weight files: names, where they lie in the npm package, and what their bytes must be.

Source: the npm package `@mediapipe/pose` (Apache-2.0). The detector is the whole of
`pose_solution_packed_assets.data`. Standard library only: set-up runs this before anything is installed.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "@mediapipe/pose"
PACKAGE_VERSION = "0.5.1675469404"
DEFAULT_FOLDER = Path(".data") / "weights"


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """One file: `name` in our folder, `packed_as` inside the package, `size` in bytes, `sha256` in hex."""

    name: str
    packed_as: str
    size: int
    sha256: str


DETECTOR = WeightFile(
    name="pose_detection.tflite",
    packed_as="package/pose_solution_packed_assets.data",
    size=2_962_288,
    sha256="a63c614bef30d35947f13be361820b1e4e3bec9cfeebf4d11216a18373108e85",
)
LANDMARK = WeightFile(
    name="pose_landmark_full.tflite",
    packed_as="package/pose_landmark_full.tflite",
    size=6_440_512,
    sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
)
WEIGHT_FILES = (DETECTOR, LANDMARK)


def is_right(path: Path, weight: WeightFile) -> bool:
    """True when `path` holds exactly the bytes that `weight` names."""
    if not path.is_file() or path.stat().st_size != weight.size:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == weight.sha256


def missing(folder: Path) -> tuple[WeightFile, ...]:
    """The weight files that are absent from `folder`, or are not what they should be."""
    return tuple(weight for weight in WEIGHT_FILES if not is_right(folder / weight.name, weight))
