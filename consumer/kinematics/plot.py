"""Height over time as a picture: the hip line in torso lengths, coloured by speed; rests and hesitations marked."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from consumer.kinematics.palette import (
    DROP,
    HESITATION,
    LINE_GAP_S,
    REST,
    RING,
    Colour,
    fast_end,
    of_speed,
    speeds,
    usual_torso,
)
from consumer.kinematics.sheet import Sheet, ticks
from core.result import EventKind, Measurement

# the bands behind the line: colour and name of each
BANDS: Final[tuple[tuple[str, EventKind, Colour], ...]] = (
    ("rest", "rest", REST),
    ("hesitation", "hesitation", HESITATION),
    ("drop", "drop", DROP),
    ("fall", "fall", DROP),
)
PAPER: Final[Colour] = (252, 252, 252)
INK: Final[Colour] = (45, 45, 45)
FAINT: Final[Colour] = (225, 225, 225)
GROUND: Final[Colour] = (240, 240, 240)


def draw_plot(measured: Measurement, to: Path) -> None:
    """Write the chart as PNG. Without a track it says so on an empty chart. Raises OSError."""
    encoded, data = cv2.imencode(".png", plot(measured))
    if not encoded:
        raise OSError("no PNG of the chart")
    to.write_bytes(data.tobytes())


def plot(measured: Measurement) -> NDArray[np.uint8]:
    """The chart, 1400 x 700, BGR."""
    heights = heights_of(measured)
    low, high = (float(np.min(heights)), float(np.max(heights))) if len(heights) else (0.0, 1.0)
    room = max(0.3, 0.08 * (high - low))
    sheet = Sheet(seconds=max(measured.video.duration_s, 0.1), low=low - room, high=high + room)
    _bands(sheet, measured)
    _axes(sheet)
    _line(sheet, measured, heights)
    _legend(sheet, measured)
    if not len(heights):
        sheet.write("no track was measured", sheet.at(sheet.seconds / 2, 0.5), size=0.8, anchor="middle")
    return sheet.finished()


def heights_of(measured: Measurement) -> NDArray[np.float64]:
    """(n,) height of the hips in torso lengths over where they first were on the wall, for each point of the track."""
    track = measured.track
    if not track:
        return np.empty(0)
    up = -np.array([point.wall_y or 0 for point in track], dtype=np.float64) / usual_torso(track)
    wall = next((phase for phase in measured.phases if phase.kind == "on_wall"), None)
    first = 0 if wall is None else next((k for k, point in enumerate(track) if point.t >= wall.t0), 0)
    heights: NDArray[np.float64] = up - up[first]
    return heights


def _bands(sheet: Sheet, measured: Measurement) -> None:
    if measured.phases:
        sheet.band(0, sheet.seconds, GROUND)
    for phase in measured.phases:
        if phase.kind in ("on_wall", "off_wall"):
            sheet.band(phase.t0, phase.t1, PAPER)
    for _, kind, colour in BANDS:
        for event in measured.events:
            if event.kind == kind:
                sheet.band(event.t, max(event.t1 or event.t, event.t + 0.05), _pale(colour))


def _axes(sheet: Sheet) -> None:
    for value in ticks(0, sheet.seconds, 12):
        sheet.grid_x(value, FAINT, f"{value:g}")
    for value in ticks(sheet.low, sheet.high, 8):
        sheet.grid_y(value, FAINT, f"{value:g}")
    sheet.frame(INK)
    sheet.write("Height of the hips", (sheet.left, 34), size=0.85, thick=2)
    sheet.write("time in seconds", ((sheet.left + sheet.right) // 2, sheet.bottom + 62), size=0.7, anchor="middle")
    sheet.write_up("height in torso lengths", 30, (sheet.top + sheet.bottom) // 2, size=0.7)


def _line(sheet: Sheet, measured: Measurement, heights: NDArray[np.float64]) -> None:
    track = measured.track
    speed = speeds(track, measured.video.width / measured.video.height)
    fast = fast_end(measured, speed)
    for k in range(1, len(track)):
        a, b = track[k - 1], track[k]
        if b.t - a.t <= LINE_GAP_S:
            ends = (sheet.at(a.t, float(heights[k - 1])), sheet.at(b.t, float(heights[k])))
            sheet.line(*ends, of_speed(float(speed[k]) / fast), 5)
    times = np.array([point.t for point in track])
    for event in measured.events:
        if event.kind == "placement" and len(times):
            sheet.dot(sheet.at(event.t, float(np.interp(event.t, times, heights))), RING)


def _legend(sheet: Sheet, measured: Measurement) -> None:
    kinds = {event.kind for event in measured.events}
    x: Any = sheet.right
    for name, kind, colour in reversed(BANDS):
        if kind in kinds:
            x = sheet.key(name, x, _pale(colour))
    if "placement" in kinds:
        x = sheet.key("hand placed", x, RING, round_=True)
    sheet.scale("slow", "fast", x, [of_speed(share) for share in np.linspace(0, 1, 32)])


def _pale(colour: Colour) -> Colour:
    blue, green, red = (round(part + (255 - part) * 0.45) for part in colour)
    return blue, green, red
