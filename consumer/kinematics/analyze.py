"""kinematics-v1: one clip in, one Measurement out. What cannot be measured is null, with a reason."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from consumer.kinematics.findings import Findings, find_out
from consumer.kinematics.keyframes import beside, moments
from consumer.kinematics.method import Ground, choose, climber_height
from consumer.kinematics.metrics import economy, metrics
from consumer.kinematics.phases import phases
from consumer.kinematics.pose_model import BlazePose
from consumer.kinematics.scan import Scan, scan
from consumer.kinematics.scenery import camera_path, skeletons
from consumer.kinematics.shot import LONG_SIDE, SAMPLE_HZ
from consumer.kinematics.telling import events, segments, track_points
from consumer.media.album import Album
from consumer.media.decode import sample
from consumer.media.facts import Probe
from consumer.media.frames import extract
from core.notices import notice
from core.result import Measurement, Phase, Quality, Sport, Video

ANALYZER = "kinematics-v1"
# the share of the work that is done when every picture has been looked at
SCAN_SHARE = 0.9


def measure(
    path: Path,
    probe: Probe,
    sport: Sport,
    *,
    out: Album,
    weights: Path,
    progress: Callable[[float], None],
) -> Measurement:
    """Look at the clip once, then write the kept frames as JPEG into `out` (an existing folder).

    `weights` is the landmark model's file in the folder that `python -m ops.weights` fills, or that folder;
    `progress` hears 0..1. Raises Failure: WEIGHTS_MISSING, or why the clip does not decode.
    """
    guess = probe.duration_s or 0.0

    def at(t: float) -> None:
        progress(SCAN_SHARE * min(1.0, t / guess) if guess > 0 else 0.0)

    looked = scan(sample(path, probe, SAMPLE_HZ, LONG_SIDE), BlazePose(weights), at)
    ground = choose(looked)
    found = find_out(ground, climb=sport.is_climb)
    happened = events(found, probe.width / probe.height)
    duration = probe.duration_s or looked.samples[-1].t + 1 / SAMPLE_HZ

    def kept(share: float) -> None:
        progress(SCAN_SHARE + (1 - SCAN_SHARE) * share)

    frames = extract(path, probe, moments(found, happened, duration), out=out, progress=kept)
    camera_found = float(np.mean([one.camera_found for one in looked.samples]))
    measured = metrics(found, climb=sport.is_climb, camera_found=camera_found)
    return Measurement(
        analyzer=ANALYZER,
        quality=_quality(looked, ground, found, probe, climb=sport.is_climb),
        video=_video(path, probe, duration),
        frames=frames,
        phases=_phases(found, duration, climb=sport.is_climb),
        metrics=measured,
        track=track_points(found, probe.width / probe.height),
        events=beside(happened, frames),
        segments=segments(found, climb=sport.is_climb),
        economy=economy(measured),
        skeletons=skeletons(looked.samples, ground.bodies, frames) if ground.method == "pose" else (),
        camera_path=camera_path(found.seen),
    )


def _phases(found: Findings, duration: float, *, climb: bool) -> tuple[Phase, ...]:
    """None of another sport; none where a blob without limbs shows no climb: it may stand, or hang on the wall."""
    seen = found.seen
    if not climb or (found.ground.method == "motion_track" and not found.climbs.attempts):
        return ()
    return phases(seen.t, seen.somebody, found.climbs, duration)


def _quality(looked: Scan, ground: Ground, found: Findings, probe: Probe, *, climb: bool) -> Quality:
    height = climber_height(looked.samples, ground.bodies)
    no_climb = climb and ground.method != "insufficient" and not found.climbs.attempts
    codes = (("NO_CLIMB_SEEN",) if no_climb else ()) + ground.codes
    return Quality(
        method=ground.method,
        confidence=round(ground.confidence, 3),
        pose_rate=round(ground.pose_rate, 3),
        camera=looked.camera,
        fps=probe.fps,
        climber_height_px=None if height is None else round(height * probe.height, 1),
        warnings=tuple(notice(code) for code in codes),
    )


def _video(path: Path, probe: Probe, duration: float) -> Video:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Video(
        duration_s=round(duration, 3),
        fps=probe.fps,
        width=probe.width,
        height=probe.height,
        codec=probe.codec,
        container=probe.container,
        bytes=probe.bytes,
        sha256=digest,
    )
