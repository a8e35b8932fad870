"""How far our hips and wrists are from another implementation's, on the same pictures."""

from pathlib import Path
from typing import Any

import numpy as np

from consumer.kinematics.body import WRISTS
from consumer.kinematics.climber import pick
from consumer.kinematics.pose_model import BlazePose
from consumer.kinematics.scan import scan
from consumer.kinematics.shot import LONG_SIDE, SAMPLE_HZ
from consumer.media.decode import sample
from consumer.media.probe import probe
from core.pose_weights import DEFAULT_FOLDER

SAME_PICTURE_S = 0.004


def agreement(path: Path, theirs: Any) -> dict[str, object]:
    """Medians and 90th percentiles of the distances, torso lengths; how often each saw a body."""
    looked = scan(sample(path, probe(path), SAMPLE_HZ, LONG_SIDE), BlazePose(DEFAULT_FOLDER), lambda t: None)
    times = np.array([one["t"] for one in theirs])
    hips: list[float] = []
    wrists: list[float] = []
    both = seen = 0
    for one, body in zip(looked.samples, pick(looked.samples), strict=True):
        near = int(np.argmin(np.abs(times - one.t))) if len(times) else -1
        there = near >= 0 and abs(times[near] - one.t) <= SAME_PICTURE_S
        seen += there
        if body is None or not there:
            continue
        both += 1
        points = np.array(theirs[near]["points"]) * (one.width, one.height)
        hips.append(float(np.hypot(*(points[:2].mean(axis=0) - body.hip))) / body.torso)
        away = points[2:] - body.points[list(WRISTS)]
        wrists += (np.hypot(away[:, 0], away[:, 1]) / body.torso).tolist()
    result: dict[str, object] = {"both_saw_him": int(both), "they_saw_him": int(seen), "samples": len(looked.samples)}
    for name, values in (("hips", hips), ("wrists", wrists)):
        if values:
            result |= {f"{name}_median": float(np.median(values)), f"{name}_p90": float(np.percentile(values, 90))}
    return result
