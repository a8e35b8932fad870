"""What the tests that run the real model share: the weights, or a clear reason to skip, and one call to measure."""

from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.kinematics.analyze import measure
from consumer.media.probe import probe
from core.pose_weights import DEFAULT_FOLDER, missing
from core.result import Measurement, Sport

REPO = Path(__file__).resolve().parents[2]
Measure = Callable[[Path], Measurement]


@pytest.fixture(scope="session")
def weights() -> Path:
    folder = REPO / DEFAULT_FOLDER
    if missing(folder):
        pytest.skip(f"no pose weights in {folder}: run `python -m ops.weights`")
    return folder


@pytest.fixture(scope="session")
def measured(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Measure:
    """Measure a clip as bouldering; the kept frames go to a folder of their own."""

    def run(path: Path, sport: Sport = Sport.BOULDERING) -> Measurement:
        out = tmp_path_factory.mktemp("frames")
        shares: list[float] = []
        result = measure(path, probe(path), sport, out=out, weights=weights, progress=shares.append)
        assert shares == sorted(shares)
        assert 0.99 <= shares[-1] <= 1
        assert {path.stem for path in out.glob("*.jpg")} == {frame.id for frame in result.frames}
        return result

    return run
