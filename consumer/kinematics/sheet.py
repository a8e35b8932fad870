"""A sheet of chart paper: seconds to the right, a value upwards; drawn at twice its size, for smooth lines."""

import math
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Dot = tuple[int, int]

WIDTH: Final = 1400
HEIGHT: Final = 700
TWICE: Final = 2
INK: Final[Colour] = (45, 45, 45)
FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


class Sheet:
    """All places in pixels of the finished sheet."""

    left, right, top, bottom = 110, WIDTH - 30, 64, HEIGHT - 90

    def __init__(self, *, seconds: float, low: float, high: float) -> None:
        self.seconds, self.low, self.high = seconds, low, high
        self._image = np.full((HEIGHT * TWICE, WIDTH * TWICE, 3), 252, np.uint8)

    def at(self, t: float, value: float) -> Dot:
        x = self.left + (self.right - self.left) * t / self.seconds
        y = self.bottom - (self.bottom - self.top) * (value - self.low) / (self.high - self.low)
        return round(x), round(y)

    def finished(self) -> NDArray[np.uint8]:
        small: Any = cv2.resize(self._image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        result: NDArray[np.uint8] = small
        return result

    def band(self, t0: float, t1: float, colour: Colour) -> None:
        a, b = self.at(max(0.0, t0), self.high), self.at(min(self.seconds, t1), self.low)
        cv2.rectangle(self._image, _twice(a), _twice(b), colour, -1)

    def grid_x(self, t: float, colour: Colour, label: str) -> None:
        x, _ = self.at(t, self.low)
        self.line((x, self.top), (x, self.bottom), colour, 1)
        self.write(label, (x, self.bottom + 28), size=0.6, anchor="middle")

    def grid_y(self, value: float, colour: Colour, label: str) -> None:
        _, y = self.at(0, value)
        self.line((self.left, y), (self.right, y), colour, 1)
        self.write(label, (self.left - 12, y + 7), size=0.6, anchor="end")

    def frame(self, colour: Colour) -> None:
        self.line((self.left, self.top), (self.left, self.bottom), colour, 2)
        self.line((self.left, self.bottom), (self.right, self.bottom), colour, 2)

    def line(self, a: Dot, b: Dot, colour: Colour, thick: int) -> None:
        cv2.line(self._image, _twice(a), _twice(b), colour, thick * TWICE // 2 or 1, cv2.LINE_AA)

    def dot(self, at: Dot, colour: Colour) -> None:
        cv2.circle(self._image, _twice(at), 7 * TWICE, INK, -1, cv2.LINE_AA)
        cv2.circle(self._image, _twice(at), 5 * TWICE, colour, -1, cv2.LINE_AA)

    def write(
        self, text: str, at: Dot, *, size: float, thick: int = 1, anchor: Literal["start", "middle", "end"] = "start"
    ) -> None:
        wide = self.width(text, size)
        x = at[0] - {"start": 0, "middle": wide // 2, "end": wide}[anchor]
        cv2.putText(self._image, text, _twice((x, at[1])), FONT, size * TWICE, INK, thick * TWICE, cv2.LINE_AA)

    def write_up(self, text: str, x: int, y: int, *, size: float) -> None:
        """Text from below upwards, its middle at (x, y)."""
        strip = np.full((32 * TWICE, (self.width(text, size) + 8) * TWICE, 3), 252, np.uint8)
        cv2.putText(strip, text, _twice((4, 24)), FONT, size * TWICE, INK, TWICE, cv2.LINE_AA)
        turned = np.rot90(strip)
        high, wide = turned.shape[:2]
        top, left = y * TWICE - high // 2, x * TWICE - wide // 2
        self._image[top : top + high, left : left + wide] = turned

    def key(self, name: str, right: int, colour: Colour, *, round_: bool = False) -> int:
        """A patch and its name, ending at `right`; the place where the next one may end."""
        x = right - self.width(name, 0.6)
        self.write(name, (x, 36), size=0.6)
        if round_:
            self.dot((x - 16, 30), colour)
        else:
            cv2.rectangle(self._image, _twice((x - 26, 20)), _twice((x - 8, 38)), colour, -1)
        return x - 48

    def scale(self, low: str, high: str, right: int, colours: list[Colour]) -> None:
        """A strip of colours between two words, ending at `right`."""
        x = right - self.width(high, 0.6)
        self.write(high, (x, 36), size=0.6)
        step = 3
        start = x - 8 - step * len(colours)
        for k, colour in enumerate(colours):
            a = (start + k * step, 22)
            cv2.rectangle(self._image, _twice(a), _twice((a[0] + step, 38)), colour, -1)
        self.write(low, (start - 8 - self.width(low, 0.6), 36), size=0.6)

    def width(self, text: str, size: float) -> int:
        return int(cv2.getTextSize(text, FONT, size * TWICE, TWICE)[0][0]) // TWICE


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round values between two ends, at most about `most` of them."""
    step = 10 ** math.floor(math.log10(max(high - low, 1e-6) / most))
    step = next(step * factor for factor in (1, 2, 5, 10, 20) if (high - low) / (step * factor) <= most)
    return [round(k * step, 6) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _twice(dot: Dot) -> Dot:
    return dot[0] * TWICE, dot[1] * TWICE
