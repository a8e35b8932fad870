"""The strip at the bottom of the drawn clip: phases, rests, hesitations and placements over time, and what is now."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from consumer.kinematics.palette import BLACK, DROP, HESITATION, PHASES, REST, RING, WHITE, Colour
from core.result import EventKind, Measurement

Image = NDArray[np.uint8]

# what is said of now, the first that applies, and its colour in the bar
MARKED: Final[dict[EventKind, Colour]] = {"fall": DROP, "drop": DROP, "hesitation": HESITATION, "rest": REST}


class TimeBar:
    """Draws into the picture's lower edge; nothing is read from the picture."""

    def __init__(self, measured: Measurement) -> None:
        self._end = max(measured.video.duration_s, 1e-3)
        self._phases = measured.phases
        self._marked = [event for event in measured.events if event.kind in MARKED]
        self._put = [event.t for event in measured.events if event.kind == "placement"]

    def draw(self, image: Image, t: float) -> None:
        height, width = int(image.shape[0]), int(image.shape[1])
        scale = min(width, height) / 720
        edge, thick = max(2, round(16 * scale)), max(3, round(12 * scale))
        left, right, bottom = edge, width - edge, height - edge
        if right - left < 20 or bottom - thick < 0:
            return

        def at(seconds: float) -> int:
            return left + round((right - left) * min(1.0, max(0.0, seconds / self._end)))

        self._shade(image, bottom - thick - round(46 * scale))
        cv2.rectangle(image, (left, bottom - thick), (right, bottom), (70, 70, 70), -1)
        for phase in self._phases:
            _block(image, at(phase.t0), at(phase.t1), bottom - thick, bottom, PHASES[phase.kind])
        for event in self._marked:
            _block(image, at(event.t), at(event.t1 or event.t) + 1, bottom - thick, bottom, MARKED[event.kind])
        for put in self._put:
            cv2.line(image, (at(put), bottom - thick), (at(put), bottom), RING, max(1, round(2 * scale)))
        cv2.line(
            image, (at(t), bottom - thick - edge // 3), (at(t), bottom + edge // 3), WHITE, max(2, round(4 * scale))
        )
        _say(image, self._text(t), (left, bottom - thick - max(4, round(14 * scale))), scale)

    def _shade(self, image: Image, top: int) -> None:
        """The picture under the bar, darker towards the edge, so that white is legible on a white wall."""
        top = max(0, top)
        fade = np.linspace(1.0, 0.45, image.shape[0] - top)[:, None, None]
        image[top:] = (image[top:] * fade).astype(np.uint8)

    def _text(self, t: float) -> str:
        phase = next((phase.kind for phase in self._phases if phase.t0 <= t < phase.t1), None)
        event = next(
            (event.kind for kind in MARKED for event in self._marked if event.kind == kind and _is_now(event, t)), None
        )
        parts = [f"{t:.1f} s", *(word.replace("_", " ") for word in (phase, event) if word is not None)]
        return "  ".join(parts)


def _is_now(event: Any, t: float) -> bool:
    return bool(event.t <= t <= max(event.t1 or event.t, event.t + 0.5))


def _block(image: Image, x0: int, x1: int, top: int, bottom: int, colour: Colour) -> None:
    cv2.rectangle(image, (x0, top), (max(x0, x1 - 1), bottom), colour, -1)


def _say(image: Image, text: str, at: tuple[int, int], scale: float) -> None:
    for colour, thick in ((BLACK, 4), (WHITE, 2)):
        size = max(1, round(thick * scale))
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, max(0.35, 0.9 * scale), colour, size, cv2.LINE_AA)
