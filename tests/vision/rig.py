"""A measurement as the kinematics make one, and a Vision over the fakes and a real socket."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consumer.engine.breaker import Breaker
from consumer.engine.clock import SystemClock
from consumer.media.facts import Jpeg, Probe, Shot
from consumer.vision.client import open_client
from consumer.vision.describe import PASSING, Asked, Described, Vision
from consumer.vision.pace import Pace
from consumer.vision.spending import Budget, Tally
from consumer.vision.stored import Answers
from core.record import Record
from core.result import (
    Event,
    Frame,
    FrameReason,
    Joint,
    JointName,
    Measurement,
    Method,
    Metric,
    MetricName,
    Phase,
    Quality,
    Skeleton,
    TrackPoint,
    Video,
)
from core.settings import Settings
from tests.consumer.rig import PROBE
from tests.engine.rig import half
from tests.fakes import FakeCounters, FakeObjects, a_record

SHA256 = "a" * 64
FRAMES: Sequence[tuple[str, float, FrameReason]] = (
    ("f00", 1.0, "start"),
    ("f01", 2.5, "placement"),
    ("f02", 4.0, "rest"),
    ("e02", 5.0, "even"),
    ("f03", 6.82, "drop"),
    ("f04", 9.0, "end"),
)
JOINTS: dict[JointName, tuple[float, float]] = {
    "nose": (0.5, 0.2),
    "left_shoulder": (0.46, 0.3),
    "right_shoulder": (0.54, 0.3),
    "left_hip": (0.47, 0.5),
    "right_hip": (0.53, 0.5),
    "left_ankle": (0.45, 0.8),
    "right_ankle": (0.55, 0.8),
}


def a_measurement(*, method: Method = "pose", **changes: Any) -> Measurement:
    frames = tuple(
        Frame(id=name, t=t, frame_index=int(t * 30), why=why, width=576, height=1024) for name, t, why in FRAMES
    )
    return Measurement(
        **{
            "analyzer": "kinematics-v1",
            "quality": Quality(
                method=method, confidence=0.8, pose_rate=0.95, camera="static", fps=30, climber_height_px=400
            ),
            "video": Video(
                duration_s=10, fps=30, width=1080, height=1920, codec="h264", container="mp4", bytes=1, sha256=SHA256
            ),
            "frames": frames,
            "phases": (Phase(kind="on_wall", t0=1.0, t1=9.0),),
            "metrics": metrics(),
            "track": tuple(TrackPoint(t=t, x=0.5, y=0.5, torso=0.2, confidence=0.9) for _, t, _ in FRAMES),
            "events": (Event(kind="placement", t=2.5, t1=3.1, limb="left_hand", frame_id="f01", confidence=0.7),),
            "segments": (),
            "skeletons": tuple(a_skeleton(frame) for frame in frames if frame.id != "f03"),
            **changes,
        }
    )


def metrics() -> dict[MetricName, Metric]:
    return {
        "gie": Metric(value=0.84, unit="1", method="pose", confidence=0.8),
        "height_gain": Metric(value=5.1, unit="torso", method="pose", confidence=0.9),
        "cut_feet": Metric(value=None, unit="1", method="pose", confidence=0, reason="SMALL_CLIMBER"),
    }


def a_skeleton(frame: Frame, confidence: float = 0.9) -> Skeleton:
    joints = tuple(Joint(name=name, x=x, y=y, confidence=confidence) for name, (x, y) in JOINTS.items())
    return Skeleton(frame_id=frame.id, t=frame.t, joints=joints)


class Scissors:
    """Cuts nothing: each picture is the text of its shot."""

    def __init__(self) -> None:
        self.shots: list[Shot] = []

    async def close_ups(
        self, path: Path, probe: Probe, shots: Sequence[Shot], *, out: Path, limit_s: float, jpeg: Jpeg
    ) -> tuple[Frame, ...]:
        self.shots += shots
        frames = tuple(
            Frame(id=f"f{at:02d}", t=shot.t, frame_index=at, why="even", width=64, height=64)
            for at, shot in enumerate(shots)
        )
        for frame, shot in zip(frames, shots, strict=True):
            (out / f"{frame.id}.jpg").write_bytes(f"{shot.t} {shot.box}".encode())
        return frames


@dataclass(kw_only=True)
class Studio:
    """One process's Vision, and the outside that it works on."""

    folder: Path
    url: str | None
    changes: dict[str, Any] = field(default_factory=dict)
    objects: FakeObjects = field(default_factory=FakeObjects)
    counters: FakeCounters = field(default_factory=FakeCounters)
    tally: Tally = field(default_factory=Tally)
    scissors: Scissors = field(default_factory=Scissors)

    def __post_init__(self) -> None:
        self.settings = Settings(
            **{
                "bucket": "b",
                "openai_base_url": self.url,
                "openai_api_key": "sk-secret",
                "vision_timeout_s": 0.5,
                "vision_limit_s": 5,
                **self.changes,
            },
            _env_file=None,
        )
        self.clock = SystemClock()
        self.breaker = Breaker(self.clock, name="test", codes=PASSING, chance=half)
        self.pace = Pace(self.clock)
        self._runs = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Vision]:
        async with open_client(self.settings, self.pace) as client:
            yield Vision(
                client=client,
                answers=Answers(self.objects),
                breaker=self.breaker,
                budget=Budget(self.counters, usd=self.settings.vision_budget_usd, clock=self.clock, tally=self.tally),
                tally=self.tally,
                settings=self.settings,
            )

    async def describe(self, measured: Measurement | None = None, **record: Any) -> Described:
        """As a new process does."""
        async with self.open() as vision:
            return await vision.describe(self.asked(measured or a_measurement(), a_record(**{"attempt": 1, **record})))

    def asked(self, measured: Measurement, record: Record) -> Asked:
        self._runs += 1
        out = self.folder / f"shown{self._runs}"
        out.mkdir()
        return Asked(
            record=record,
            sha256=SHA256,
            measured=measured,
            clip=self.folder / "clip.mp4",
            probe=PROBE,
            decoder=self.scissors,
            out=out,
        )
