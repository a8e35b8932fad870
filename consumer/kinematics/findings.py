"""Everything that was found out about one clip, before it is told as metrics, events and segments."""

from dataclasses import dataclass

import numpy as np

from consumer.kinematics.climbs import Climbs, by_blob, by_posture
from consumer.kinematics.feet import Cut, cut_feet, high_steps
from consumer.kinematics.method import Ground
from consumer.kinematics.placements import Dwell, dwells
from consumer.kinematics.sightings import Array, Ids, Sightings
from consumer.kinematics.stops import Stop, hesitations, rests
from consumer.kinematics.track import Track, follow
from core.result import Method

NO_CLIMBS = Climbs(attempts=(), falls=())


@dataclass(frozen=True, kw_only=True)
class Findings:
    """`main` is the longest attempt; its way is the one that height, path, efficiency and entropy describe."""

    ground: Ground
    track: Track
    climbs: Climbs
    dwells: tuple[Dwell, ...] = ()
    rests: tuple[Stop, ...] = ()
    hesitations: tuple[Stop, ...] = ()
    cuts: tuple[Cut, ...] = ()
    steps: tuple[Dwell, ...] = ()

    @property
    def seen(self) -> Sightings:
        return self.ground.seen

    @property
    def main(self) -> tuple[int, int] | None:
        t = self.track.t
        return max(self.climbs.attempts, key=lambda attempt: t[attempt[1]] - t[attempt[0]], default=None)

    @property
    def on_wall(self) -> Ids:
        """Indices of the samples on the wall."""
        parts = [np.arange(first, last + 1) for first, last in self.climbs.attempts]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def find_out(ground: Ground, *, climb: bool) -> Findings:
    """All findings; `climb` False looks for no climbs."""
    seen = ground.seen
    unit = usual_torso(seen.torso, ground.method)
    track = follow(seen, unit)
    if not climb or ground.method == "insufficient":
        return Findings(ground=ground, track=track, climbs=NO_CLIMBS)
    climbs = by_posture(seen, track) if ground.method == "pose" else by_blob(seen, track)
    found = Findings(ground=ground, track=track, climbs=climbs)
    if not climbs.attempts:
        return found
    # the walk-in may be nearer to the camera: on the wall, the torso on the wall is the unit
    track = follow(seen, usual_torso(seen.torso[found.on_wall], ground.method))
    if ground.method == "motion_track":
        return Findings(ground=ground, track=track, climbs=climbs)
    return _with_limbs(ground, track, climbs)


def _with_limbs(ground: Ground, track: Track, climbs: Climbs) -> Findings:
    hands: list[Dwell] = []
    rested: list[Stop] = []
    stuck: list[Stop] = []
    cuts: list[Cut] = []
    steps: list[Dwell] = []
    for first, last in climbs.attempts:
        here = dwells(ground.seen, track, first, last)
        hands += here
        stuck += hesitations(track, here, first, last)
        rested += rests(track, here, first, last)
        cuts += cut_feet(ground.seen, track, here, first, last)
        steps += high_steps(ground.seen, track, first, last)
    apart = [rest for rest in rested if not any(h.first <= rest.first and rest.last <= h.last for h in stuck)]
    return Findings(
        ground=ground,
        track=track,
        climbs=climbs,
        dwells=tuple(hands),
        rests=tuple(apart),
        hesitations=tuple(stuck),
        cuts=tuple(cuts),
        steps=tuple(steps),
    )


def usual_torso(torso: Array, method: Method) -> float:
    """The torso length that everything is counted in, picture heights; 1 when none is known: nothing is measured then.

    The median as the pose shows it. A blob is as high as the body is stretched: its 90th percentile is taken for the
    standing height that its torso was reckoned from.
    """
    known = torso[np.isfinite(torso)]
    if not len(known):
        return 1.0
    return float(np.percentile(known, 90 if method == "motion_track" else 50))
