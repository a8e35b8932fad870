"""An analyzer that measures nothing: so that many jobs fit into a run. Every stage round it is the real one."""

from collections.abc import Sequence
from dataclasses import replace

from consumer.stages import STAGES
from consumer.stages.analyze import ANALYZE
from consumer.stages.stage import Bench, Case, Stage, given
from core.result import Measurement, Quality, Video
from tests.chaos.fates import Fates


def stages_of(fates: Fates) -> Sequence[Stage]:
    """The stages of an analysis, the cheap one in the place of the analyzer where a job is not to be real."""

    async def analyze(bench: Bench, case: Case) -> Case:
        if fates.is_real(case.record.analysis_id):
            return await ANALYZE.run(bench, case)
        return replace(case, measurement=_nothing_measured(case))

    return tuple(replace(stage, run=analyze) if stage is ANALYZE else stage for stage in STAGES)


def _nothing_measured(case: Case) -> Measurement:
    probe = given(case.probe)
    video = Video(
        duration_s=probe.duration_s or 0.0,
        fps=probe.fps,
        width=probe.width,
        height=probe.height,
        codec=probe.codec,
        container=probe.container,
        bytes=given(case.record.object_bytes),
        sha256=given(case.sha256),
    )
    quality = Quality(
        method="insufficient", confidence=0, pose_rate=0, camera="static", fps=probe.fps, climber_height_px=None
    )
    return Measurement(
        analyzer="chaos",
        quality=quality,
        video=video,
        frames=tuple(picture.frame for picture in case.pictures),
        phases=(),
        metrics={},
        track=(),
        events=(),
        segments=(),
    )
