"""Stored results to show: one of a measured climb, one of a clip in which nothing could be measured."""

from core.result import (
    CameraPoint,
    Claim,
    Difficulty,
    Economy,
    Event,
    Frame,
    Joint,
    Measurement,
    Metric,
    MetricName,
    ModelBlock,
    Notice,
    Phase,
    Quality,
    Segment,
    Skeleton,
    Sport,
    StoredResult,
    Timing,
    TrackPoint,
    Usage,
    Video,
)

VIDEO = Video(
    duration_s=31.5,
    fps=30.0,
    width=1080,
    height=1920,
    codec="h264",
    container="mp4",
    bytes=4012,
    sha256="0" * 64,
)
TIMING = Timing(queued_ms=10, download_ms=20, extract_ms=30, analyze_ms=40, store_ms=50, total_ms=150)
VALUES: dict[MetricName, tuple[float, str]] = {
    "on_wall_s": (25.0, "s"),
    "height_gain": (4.25, "torso"),
    "hand_placements": (14.0, "count"),
    "hesitation_s": (2.0, "s"),
    "still_share": (0.0, "1"),
    "cut_feet": (1.0, "count"),
}
MODEL = ModelBlock(
    provider="openai",
    snapshot="vision-2026-10-01",
    usage=Usage(input_tokens=1000, output_tokens=100),
    cost_usd=0.01,
    refusal=None,
    claims=(
        Claim(text="Hips stay close to the wall.", kind="observation"),
        Claim(text="Straighten the arms while resting.", kind="tip"),
        Claim(text="No spotter is to be seen.", kind="risk"),
    ),
    difficulty=Difficulty(low="6a", high="6b", system="fontainebleau", confidence=0.4),
)


def _metric(value: float, unit: str) -> Metric:
    return Metric(value=value, unit=unit, method="pose", confidence=0.8)


def _point(t: float, x: float) -> TrackPoint:
    return TrackPoint(t=t, x=x, y=0.5, torso=0.2, confidence=0.9)


def measured(analysis_id: str, *, model: ModelBlock | None = None) -> StoredResult:
    """Twenty-five seconds on the wall, the first hold at the left edge at second 0."""
    measurement = Measurement(
        analyzer="kinematics-v1",
        quality=Quality(
            method="pose", confidence=0.82, pose_rate=0.9, camera="static", fps=30.0, climber_height_px=600.0
        ),
        video=VIDEO,
        frames=(
            Frame(id="start", t=0.0, frame_index=0, why="start", width=576, height=1024),
            Frame(id="end", t=25.0, frame_index=750, why="end", width=576, height=1024),
        ),
        phases=(Phase(kind="on_wall", t0=0.0, t1=25.0), Phase(kind="ground", t0=25.0, t1=31.5)),
        metrics={name: _metric(*value) for name, value in VALUES.items()},
        track=(_point(0.0, 0.0), _point(0.1, 0.25)),
        events=(
            Event(kind="placement", t=0.0, limb="left_hand", x=0.0, y=0.25, confidence=0.8),
            Event(kind="placement", t=3.0, limb="right_hand", x=0.5, y=0.125, confidence=0.8),
            Event(kind="hesitation", t=5.0, t1=7.0, x=0.5, y=0.5, confidence=0.8),
            Event(kind="cut_feet", t=9.0, confidence=0.8),
        ),
        segments=(
            Segment(t0=0.0, t1=25.0, label="attempt_1", evidence=("on_wall_s",)),
            Segment(t0=5.0, t1=7.0, label="hesitation", evidence=("hesitation_s",)),
        ),
        economy=Economy(value=72.5, formula="f", inputs={"gie": 0.25}),
        skeletons=(Skeleton(frame_id="end", t=25.0, joints=(Joint(name="left_hip", x=0.5, y=0.5, confidence=0.9),)),),
        camera_path=(CameraPoint(t=0.0, scene=0, a=1.0, b=0.0, dx=0.0, dy=0.0),),
    )
    return _stored(analysis_id, measurement, model)


def unmeasured(analysis_id: str) -> StoredResult:
    measurement = Measurement(
        analyzer="kinematics-v1",
        quality=Quality(
            method="insufficient",
            confidence=0.0,
            pose_rate=0.0,
            camera="static",
            fps=None,
            climber_height_px=None,
            warnings=(Notice(code="NO_CLIMBER", message="Nobody was seen in the clip."),),
        ),
        video=VIDEO,
        frames=(),
        phases=(),
        metrics={
            "hand_placements": Metric(
                value=None, unit="count", method="insufficient", confidence=0.0, reason="NO_CLIMBER"
            )
        },
        track=(),
        events=(),
        segments=(),
    )
    return _stored(analysis_id, measurement, None)


def _stored(analysis_id: str, measurement: Measurement, model: ModelBlock | None) -> StoredResult:
    return StoredResult(
        analysis_id=analysis_id,
        sport_type=Sport.BOULDERING,
        completed_at="2026-11-24T12:01:00.000Z",
        measurement=measurement,
        model=model,
        timing=TIMING,
    )
