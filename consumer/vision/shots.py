"""Which pictures the model is shown: the frames that the kinematics chose, close on the climber, and the whole wall.

Pure: a measurement in, shots out. Boxes are shares of the displayed picture.
"""

from dataclasses import dataclass

from consumer.media.facts import Box, Shot
from core.result import Frame, JointName, Measurement, Skeleton, TrackPoint

MOST, LEAST = 16, 8
"""Frames in one request: never more than MOST, and evenly spaced ones besides where the analyzer chose under LEAST."""
MARGIN = 0.3
BESIDE_S = 0.25
# hips to finger tips above, hips to toes below, an arm to each side, in torso lengths
REACH_UP, REACH_DOWN, REACH_ASIDE = 2.2, 2.4, 1.6
HEAD_TORSOS = 0.9
"""Width and height of a head with its hair, helmet and doubt, round the nose."""
SURE = 0.5


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A frame of the result as the model sees it; `whole`: the whole picture, else a part of it."""

    frame: Frame
    shot: Shot
    whole: bool


def shown(measured: Measurement, *, blur: bool) -> tuple[Shown, ...]:
    """In time order, the whole wall first. With `blur` no frame without a known head, and no whole wall: who stands
    about in it is not looked for."""
    aspect = measured.video.width / measured.video.height
    bodies = {skeleton.frame_id: skeleton for skeleton in measured.skeletons}
    close = [_close(frame, bodies.get(frame.id), measured, aspect) for frame in _chosen(measured.frames, blur=blur)]
    if blur:
        return tuple(one for one in close if one.shot.blur is not None)
    close = [one if one.whole else _without_blur(one) for one in close]
    wall = [Shown(frame=one.frame, shot=Shot(t=one.frame.t), whole=True) for one in close[:1] if not one.whole]
    return tuple(wall + close)


def _chosen(frames: tuple[Frame, ...], *, blur: bool) -> list[Frame]:
    chosen = [frame for frame in frames if frame.why != "even"]
    rest = [frame for frame in frames if frame.why == "even"]
    chosen += rest[: max(0, LEAST - len(chosen))]
    # one place is the whole wall's
    return sorted(chosen[: MOST if blur else MOST - 1], key=lambda frame: frame.t)


def _close(frame: Frame, body: Skeleton | None, measured: Measurement, aspect: float) -> Shown:
    if body is not None:
        box = _round_body(body)
        return Shown(frame=frame, shot=Shot(t=frame.t, box=box, blur=head(body, aspect)), whole=False)
    near = min(measured.track, key=lambda point: abs(point.t - frame.t), default=None)
    if near is None or abs(near.t - frame.t) > BESIDE_S:
        return Shown(frame=frame, shot=Shot(t=frame.t), whole=True)
    return Shown(frame=frame, shot=Shot(t=frame.t, box=_round_hips(near, aspect)), whole=False)


def _without_blur(one: Shown) -> Shown:
    return Shown(frame=one.frame, shot=Shot(t=one.shot.t, box=one.shot.box), whole=one.whole)


def _round_body(body: Skeleton) -> Box:
    xs, ys = [joint.x for joint in body.joints], [joint.y for joint in body.joints]
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    return _within(
        min(xs) - MARGIN * width, min(ys) - MARGIN * height, max(xs) + MARGIN * width, max(ys) + MARGIN * height
    )


def _round_hips(point: TrackPoint, aspect: float) -> Box:
    tall = point.torso
    wide = tall / aspect
    return _within(
        point.x - REACH_ASIDE * wide,
        point.y - REACH_UP * tall,
        point.x + REACH_ASIDE * wide,
        point.y + REACH_DOWN * tall,
    )


def head(body: Skeleton, aspect: float) -> Box | None:
    """The square round the head; None where nose or trunk were not seen well enough to say where it is. From behind,
    the nose is where the model puts it within the head."""
    joints = {joint.name: joint for joint in body.joints}
    names: tuple[JointName, ...] = ("nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip")
    if any(name not in joints for name in names) or any(joints[name].confidence < SURE for name in names[1:]):
        return None
    nose, *trunk = (joints[name] for name in names)
    up = (trunk[0].y + trunk[1].y - trunk[2].y - trunk[3].y) / 2
    along = (trunk[0].x + trunk[1].x - trunk[2].x - trunk[3].x) / 2 * aspect
    half = HEAD_TORSOS * (up**2 + along**2) ** 0.5 / 2
    return _within(nose.x - half / aspect, nose.y - half, nose.x + half / aspect, nose.y + half)


def _within(x0: float, y0: float, x1: float, y1: float) -> Box:
    """Rounded, so that two machines that differ in the last bit ask the same."""
    left, top, right, bottom = (round(min(1.0, max(0.0, value)), 3) for value in (x0, y0, x1, y1))
    return left, top, right, bottom
