"""The pose model's weight files: names, where they lie in the npm package, and what their bytes must be.

Source: the npm package `@mediapipe/pose` (Apache-2.0). The detector is the whole of
`pose_solution_packed_assets.data`. Standard library only: set-up runs this before anything is installed.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from core.error_codes import ErrorCode
from core.failure import Failure

PACKAGE = "@mediapipe/pose"
PACKAGE_VERSION = "0.5.1675469404"
DEFAULT_FOLDER = Path(".data") / "weights"

PoseModelName = Literal["full", "lite"]
"""`lite` is smaller, a little quicker (12 ms instead of 14 a body, measured), and less sure of hands and feet."""


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
LANDMARK_FILES: Final[dict[PoseModelName, WeightFile]] = {
    "full": WeightFile(
        name="pose_landmark_full.tflite",
        packed_as="package/pose_landmark_full.tflite",
        size=6_440_512,
        sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    ),
    "lite": WeightFile(
        name="pose_landmark_lite.tflite",
        packed_as="package/pose_landmark_lite.tflite",
        size=2_819_824,
        sha256="f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61",
    ),
}
WEIGHT_FILES = (DETECTOR, *LANDMARK_FILES.values())


def is_right(path: Path, weight: WeightFile) -> bool:
    """True when `path` holds exactly the bytes that `weight` names."""
    if not path.is_file() or path.stat().st_size != weight.size:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == weight.sha256


def missing(folder: Path, model: PoseModelName | None = None) -> tuple[WeightFile, ...]:
    """The weight files that are absent from `folder`, or are not what they should be: those of one model, or all."""
    needed = WEIGHT_FILES if model is None else (DETECTOR, LANDMARK_FILES[model])
    return tuple(weight for weight in needed if not is_right(folder / weight.name, weight))


def refuse_missing(folder: Path, model: PoseModelName) -> None:
    """Raises Failure(WEIGHTS_MISSING), which names the files and what fetches them."""
    lacking = missing(folder, model)
    if lacking:
        names = ", ".join(weight.name for weight in lacking)
        raise Failure(ErrorCode.WEIGHTS_MISSING, f"not in {folder}, or damaged: {names}; run `python -m ops.weights`")


def model_path(folder: Path, model: PoseModelName) -> Path:
    """How a chosen model is handed to the analyzer: its landmark file, with the detector beside it."""
    return folder / LANDMARK_FILES[model].name
