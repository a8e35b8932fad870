"""AnalysisResult, schema version 1: what an analysis found, block by block.

Every number here is measured, said by a model, or null; `source` says which. Lengths are in torso lengths
(hip centre to shoulder centre) unless a name says pixels; times are seconds from the first picture of the clip;
`x` and `y` are 0..1 of the picture as displayed (after rotation), origin top left.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1


class Sport(StrEnum):
    CLIMBING = "climbing"
    BOULDERING = "bouldering"
    SKIING = "skiing"
    MOTOCROSS = "motocross"
    MOUNTAINBIKE = "mountainbike"

    @property
    def is_climb(self) -> bool:
        return self in (Sport.CLIMBING, Sport.BOULDERING)


class Block(BaseModel):
    """A frozen, strict piece of a result."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Method = Literal["pose", "motion_track", "insufficient"]
Camera = Literal["static", "moving", "cuts"]
FrameReason = Literal["start", "placement", "rest", "hesitation", "drop", "end", "even"]
PhaseKind = Literal["no_climber", "ground", "on_wall", "off_wall"]
EventKind = Literal["placement", "rest", "hesitation", "drop", "fall", "high_step", "cut_feet"]
MetricName = Literal[
    "on_wall_s",
    "height_gain",
    "path_length",
    "path_efficiency",
    "gie",
    "still_share",
    "speed_p50",
    "speed_p95",
    "hand_placements",
    "hesitation_s",
    "rests",
    "cut_feet",
]
Confidence = float


class Notice(Block):
    """Something the reader must know about a number: a code for programs and a sentence for people."""

    code: str
    message: str


class Quality(Block):
    method: Method
    confidence: Confidence = Field(ge=0, le=1)
    pose_rate: float = Field(ge=0, le=1)
    camera: Camera
    fps: float | None
    climber_height_px: float | None
    warnings: tuple[Notice, ...] = ()


class Video(Block):
    """The clip as displayed, after rotation."""

    duration_s: float
    fps: float | None
    width: int
    height: int
    codec: str
    container: str
    bytes: int
    sha256: str


class Frame(Block):
    """A picture that was kept. `url` is null until somebody who may read it asks for the result."""

    id: str
    t: float
    frame_index: int
    why: FrameReason
    width: int
    height: int
    url: str | None = None


class Phase(Block):
    kind: PhaseKind
    t0: float
    t1: float


class Metric(Block):
    """One measured number. A null value always comes with `reason`, a code that says why."""

    value: float | None
    unit: str
    method: Method
    confidence: Confidence = Field(ge=0, le=1)
    source: Literal["measured"] = "measured"
    reason: str | None = None


class TrackPoint(Block):
    """The smoothed hip centre at `t`: in the picture (x, y), and glued to the wall (wall_x, wall_y: 0..1 of the
    scene's first picture, and beyond where the camera went on). `torso`: hip centre to shoulder centre on the
    wall, a share of the picture's height.
    """

    t: float
    x: float
    y: float
    wall_x: float | None = None
    wall_y: float | None = None
    torso: float
    confidence: Confidence


class Event(Block):
    kind: EventKind
    t: float
    t1: float | None = None
    limb: Literal["left_hand", "right_hand", "left_foot", "right_foot"] | None = None
    x: float | None = None
    y: float | None = None
    frame_id: str | None = None
    confidence: Confidence


JointName = Literal[
    "nose",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_fingers",
    "right_fingers",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_toes",
    "right_toes",
]


class Joint(Block):
    """`confidence` is how well the model saw it; a joint outside of the picture lies outside of 0..1."""

    name: JointName
    x: float
    y: float
    confidence: Confidence = Field(ge=0, le=1)


class Skeleton(Block):
    """The climber's body in a kept frame, at that frame's time."""

    frame_id: str
    t: float
    joints: tuple[Joint, ...]


class CameraPoint(Block):
    """Where the wall is in the picture at `t`: its place (u, v) is seen at (a u - b v + dx, b u + a v + dy), all in
    picture heights (x of a picture is u / aspect). A wall of another `scene` is not in the picture at all.
    """

    t: float
    scene: int
    a: float
    b: float
    dx: float
    dy: float


class Segment(Block):
    t0: float
    t1: float
    label: str
    score: float | None = None
    evidence: tuple[MetricName, ...] = ()


class Economy(Block):
    """The movement economy index, 0..100, with the formula and inputs it came from (docs/measures.md)."""

    value: float = Field(ge=0, le=100)
    formula: str
    inputs: dict[str, float]


class Measurement(Block):
    """What the kinematics analyzer says about one clip: everything that is measured, and nothing else."""

    analyzer: str
    quality: Quality
    video: Video
    frames: tuple[Frame, ...]
    phases: tuple[Phase, ...]
    metrics: dict[MetricName, Metric]
    track: tuple[TrackPoint, ...]
    events: tuple[Event, ...]
    segments: tuple[Segment, ...]
    economy: Economy | None = None
    skeletons: tuple[Skeleton, ...] = ()
    camera_path: tuple[CameraPoint, ...] = ()
    """At most 10 Hz; empty where the camera never moved."""


class Claim(Block):
    """One sentence of the model about the frames and metrics that it names; each of them exists."""

    text: str = Field(max_length=280)
    kind: Literal["observation", "tip", "risk"]
    frame_ids: tuple[str, ...] = ()
    metric_ids: tuple[MetricName, ...] = ()
    confidence: Confidence | None = Field(default=None, ge=0, le=1)


class Usage(Block):
    input_tokens: int
    output_tokens: int


class Difficulty(Block):
    low: str
    high: str
    system: Literal["fontainebleau", "v", "uiaa", "yds"]
    confidence: Confidence


class ModelBlock(Block):
    """What a vision model added. `usage` and `cost_usd` are of every answer that this analysis paid for: 0 where it
    was given what an earlier analysis of the same clip had bought. `rejected_claims` cited what does not exist, or
    nothing, or did not fit the form."""

    provider: str
    snapshot: str
    usage: Usage
    cost_usd: float | None
    refusal: str | None
    claims: tuple[Claim, ...] = ()
    difficulty: Difficulty | None = None
    rejected_claims: int = 0


class Timing(Block):
    queued_ms: int
    download_ms: int
    extract_ms: int
    analyze_ms: int
    store_ms: int
    total_ms: int


class StoredResult(Block):
    """What lies in S3 at artifacts/{analysis_id}/result.json. The service adds URLs and the old frontend's fields."""

    schema_version: Literal[1] = 1
    analysis_id: str
    sport_type: Sport
    completed_at: str
    measurement: Measurement
    model: ModelBlock | None = None
    timing: Timing
