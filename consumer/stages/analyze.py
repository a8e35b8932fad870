"""What can be measured: the kinematics of the clip, and the pictures that show it."""

from dataclasses import replace

from consumer.stages.decoder import OnProgress
from consumer.stages.listening import listening
from consumer.stages.stage import DECODER_MARGIN_S, Bench, Case, Picture, Stage, given
from core.pose_weights import model_path
from core.result import Measurement


async def analyze(bench: Bench, case: Case) -> Case:
    """Adds the measurement and its pictures. Raises Failure: NO_VALID_FRAMES, DECODER_CRASHED, DECODER_TIMEOUT."""
    clip, probe, decoder = given(case.clip), given(case.probe), given(case.decoder)
    settings = bench.tools.settings
    out = given(case.folder) / "measured"
    out.mkdir()

    async def work(hear: OnProgress) -> Measurement:
        return await decoder.measure(
            clip,
            probe,
            case.record.sport_type,
            out=out,
            # the child's working directory is not ours
            weights=model_path(settings.weights_dir.absolute(), settings.pose_model),
            limit_s=settings.analyze_limit_s - DECODER_MARGIN_S,
            on_progress=hear,
        )

    measured = await listening(bench, work)
    shown = tuple(Picture(frame=frame, path=out / f"{frame.id}.jpg") for frame in measured.frames)
    pictures = merged(shown, case.pictures)
    return replace(case, pictures=pictures, measurement=_completed(measured, case, pictures))


def merged(shown: tuple[Picture, ...], even: tuple[Picture, ...]) -> tuple[Picture, ...]:
    """In time order, no picture of the clip twice: the analyzer's, which its events name, goes before the even one."""
    taken = {picture.frame.frame_index for picture in shown}
    both = shown + tuple(picture for picture in even if picture.frame.frame_index not in taken)
    return tuple(sorted(both, key=lambda picture: picture.frame.t))


def _completed(measured: Measurement, case: Case, pictures: tuple[Picture, ...]) -> Measurement:
    # size and hash as we read them from the bucket: the child has handled a stranger's bytes
    video = measured.video.model_copy(
        update={"bytes": given(case.record.object_bytes), "sha256": given(case.sha256)},
    )
    return measured.model_copy(update={"video": video, "frames": tuple(picture.frame for picture in pictures)})


ANALYZE = Stage(name="analyze", limit_s=lambda settings: settings.analyze_limit_s, share=70, run=analyze)
