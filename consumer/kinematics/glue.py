"""Where a place of the wall is in the picture at any time of the clip, from a measurement's camera path."""

import numpy as np
from numpy.typing import NDArray

from core.result import Measurement

Array = NDArray[np.float64]


class Glue:
    """Turn, scale and shift of the wall in the picture; between two measured times, in proportion."""

    def __init__(self, measured: Measurement) -> None:
        path = measured.camera_path
        self._aspect = measured.video.width / measured.video.height
        self._t = np.array([point.t for point in path])
        self._scene = np.array([point.scene for point in path], dtype=np.int64)
        self._rows = np.array([(p.a, p.b, p.dx, p.dy) for p in path], dtype=np.float64).reshape(-1, 4)

    def scene(self, t: float) -> int:
        """Which wall is in the picture; another number is another wall."""
        return int(self._scene[self._before(t)]) if len(self._t) else 0

    def to_picture(self, wall: Array, t: float) -> Array:
        """Places (n, 2) on the wall, 0..1 of the scene's first picture, in 0..1 of the picture at `t`."""
        a, b, dx, dy = self._at(t)
        u, v = wall[:, 0] * self._aspect, wall[:, 1]
        return np.stack([(a * u - b * v + dx) / self._aspect, b * u + a * v + dy], axis=1)

    def to_wall(self, picture: Array, t: float) -> Array:
        """The other way: places (n, 2) seen in the picture at `t`, on the wall."""
        a, b, dx, dy = self._at(t)
        x, y = picture[:, 0] * self._aspect - dx, picture[:, 1] - dy
        square = a * a + b * b
        return np.stack([(a * x + b * y) / square / self._aspect, (a * y - b * x) / square], axis=1)

    def _before(self, t: float) -> int:
        return max(0, int(np.searchsorted(self._t, t + 1e-3)) - 1)

    def _at(self, t: float) -> tuple[float, float, float, float]:
        if not len(self._t):
            return 1.0, 0.0, 0.0, 0.0
        k = self._before(t)
        after = min(k + 1, len(self._t) - 1)
        row = self._rows[k]
        if after > k and self._scene[after] == self._scene[k]:
            share = min(1.0, max(0.0, (t - self._t[k]) / max(self._t[after] - self._t[k], 1e-6)))
            row = row + (self._rows[after] - row) * share
        a, b, dx, dy = (float(value) for value in row)
        return a, b, dx, dy
