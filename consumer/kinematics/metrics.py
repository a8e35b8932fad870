"""The metrics block: each number with its method and confidence, or null with the reason."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from consumer.kinematics.findings import Findings
from consumer.kinematics.measures import Way, duration, speeds, still_share, way
from consumer.kinematics.sightings import Ids
from core.result import Economy, Metric, MetricName

UNITS: Final[dict[MetricName, str]] = {
    "on_wall_s": "s",
    "height_gain": "torso",
    "path_length": "torso",
    "path_efficiency": "1",
    "gie": "1",
    "still_share": "1",
    "speed_p50": "torso/s",
    "speed_p95": "torso/s",
    "hand_placements": "count",
    "hesitation_s": "s",
    "rests": "count",
    "cut_feet": "count",
}
# a limb that is seen in less than this share of the time on the wall cannot be counted
MIN_LIMB_SEEN = 0.5
LIMB_TRUST = 0.5
ECONOMY_MIN_S = 5.0
ECONOMY_MIN_CONFIDENCE = 0.6
ECONOMY_FORMULA = "100 * exp(-gie) * (1 - hesitation_s / on_wall_s)"

Value = tuple[float, float]
Values = dict[MetricName, Value | str]


@dataclass(frozen=True, kw_only=True)
class Trust:
    """How sure hip, hand and foot numbers are, 0..1, and whether the limbs were seen often enough."""

    hip: float
    hands: float
    feet: float
    hands_seen: bool
    feet_seen: bool


def metrics(found: Findings, *, climb: bool, camera_found: float) -> dict[MetricName, Metric]:
    """All metrics of the contract, in its order."""
    if found.ground.method == "insufficient":
        values: Values = dict.fromkeys(UNITS, found.ground.reason)
    elif not climb:
        values = _of_other_sports(found, camera_found)
    elif not found.climbs.attempts:
        values = dict.fromkeys(UNITS, "NO_CLIMB_SEEN")
    else:
        values = _on_the_wall(found, trust(found, found.on_wall, camera_found))
    return {name: _metric(name, values[name], found) for name in UNITS}


def trust(found: Findings, samples: Ids, camera_found: float) -> Trust:
    """Confidence over some samples: how many were measured, how well, and how well the camera was followed."""
    seen = found.seen
    here = samples[seen.seen[samples]]
    if not len(here):
        return Trust(hip=0, hands=0, feet=0, hands_seen=False, feet_seen=False)
    share = len(here) / len(samples) * camera_found
    hands, feet = seen.hand_trust[here].max(axis=1), seen.foot_trust[here].max(axis=1)
    return Trust(
        hip=share * float(seen.trust[here].mean()),
        hands=share * float(seen.hand_trust[here].mean()),
        feet=share * float(seen.foot_trust[here].mean()),
        hands_seen=float((hands >= LIMB_TRUST).mean()) >= MIN_LIMB_SEEN,
        feet_seen=float((feet >= LIMB_TRUST).mean()) >= MIN_LIMB_SEEN,
    )


def _on_the_wall(found: Findings, sure: Trust) -> Values:
    track, attempts = found.track, found.climbs.attempts
    speed = speeds(track, attempts)
    values: Values = {"on_wall_s": (duration(track.t, attempts), sure.hip)}
    assert found.main is not None  # noqa: S101  there are attempts
    values |= _of_way(way(track, *found.main), sure)
    if len(speed):
        values["still_share"] = (still_share(speed), sure.hip)
        values["speed_p50"] = (float(np.percentile(speed, 50)), sure.hip)
        values["speed_p95"] = (float(np.percentile(speed, 95)), sure.hip)
    else:
        values |= dict.fromkeys(("still_share", "speed_p50", "speed_p95"), "TOO_SHORT_A_WAY")
    return values | _of_limbs(found, sure)


def _of_way(path: Way, sure: Trust) -> Values:
    values: Values = {"height_gain": (path.rise, sure.hip), "path_length": (path.length, sure.hip)}
    if path.long_enough:
        return values | {"path_efficiency": (path.efficiency, sure.hip), "gie": (path.gie, sure.hip)}
    return values | {"path_efficiency": "TOO_SHORT_A_WAY", "gie": "TOO_SHORT_A_WAY"}


def _of_limbs(found: Findings, sure: Trust) -> Values:
    t = found.track.t
    if found.ground.method != "pose":
        return dict.fromkeys(("hand_placements", "hesitation_s", "rests", "cut_feet"), "NEEDS_POSE")
    values: Values = dict.fromkeys(("hand_placements", "hesitation_s", "rests"), "HANDS_NOT_SEEN")
    if sure.hands_seen:
        stuck = sum((float(t[stop.last] - t[stop.first]) for stop in found.hesitations), 0.0)
        values = {
            "hand_placements": (float(sum(dwell.new for dwell in found.dwells)), sure.hands),
            "hesitation_s": (stuck, sure.hands),
            "rests": (float(len(found.rests)), sure.hands),
        }
    values["cut_feet"] = (float(len(found.cuts)), sure.feet) if sure.feet_seen else "FEET_NOT_SEEN"
    # measured: at an eighth of the picture's height, feet that stand were counted as swinging
    if "SMALL_CLIMBER" in found.ground.codes:
        values["cut_feet"] = "SMALL_CLIMBER"
    return values


def _of_other_sports(found: Findings, camera_found: float) -> Values:
    values: Values = dict.fromkeys(UNITS, "NOT_A_CLIMB")
    known = np.flatnonzero(np.isfinite(found.track.speed))
    if len(known):
        speed = found.track.speed[known]
        sure = trust(found, np.flatnonzero(found.seen.somebody), camera_found).hip
        values["speed_p50"] = (float(np.percentile(speed, 50)), sure)
        values["speed_p95"] = (float(np.percentile(speed, 95)), sure)
    return values


def _metric(name: MetricName, value: Value | str, found: Findings) -> Metric:
    method = found.ground.method
    if isinstance(value, str):
        return Metric(value=None, unit=UNITS[name], method=method, confidence=0, reason=value)
    number, sure = value
    return Metric(value=round(number, 3), unit=UNITS[name], method=method, confidence=round(sure, 3))


def economy(measured: dict[MetricName, Metric]) -> Economy | None:
    """The movement economy index; None unless its inputs are measured, long enough and sure enough."""
    gie, stuck, wall = (measured[name] for name in ("gie", "hesitation_s", "on_wall_s"))
    if gie.value is None or stuck.value is None or wall.value is None or wall.value < ECONOMY_MIN_S:
        return None
    if min(gie.confidence, stuck.confidence, wall.confidence) < ECONOMY_MIN_CONFIDENCE:
        return None
    index = 100 * float(np.exp(-gie.value)) * (1 - stuck.value / wall.value)
    inputs = {"gie": gie.value, "hesitation_s": stuck.value, "on_wall_s": wall.value}
    return Economy(value=round(index, 1), formula=ECONOMY_FORMULA, inputs=inputs)
