"""What can be measured: the kinematics of the clip, and the pictures that show it. Then what a model says of them."""

from dataclasses import replace

from consumer.stages.decoder import OnProgress
from consumer.stages.listening import listening
from consumer.stages.stage import DECODER_MARGIN_S, Bench, Case, Picture, Stage, given
from consumer.vision.describe import PICTURES_LIMIT_S, Asked, Described
from core.pose_weights import model_path
from core.result import Measurement
from core.settings import Settings


async def analyze(bench: Bench, case: Case) -> Case:
    """Adds the measurement and its pictures, and the model's block. Raises Failure: NO_VALID_FRAMES, DECODER_CRASHED,
    DECODER_TIMEOUT; those of consumer.vision.describe."""
    if case.measurement is not None:
        return case
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
    described = await describe(bench, case, _completed(measured, case, pictures))
    return replace(case, pictures=pictures, measurement=described.measured, model=described.block)


async def describe(bench: Bench, case: Case, measured: Measurement) -> Described:
    """The measurement as it is where there is no model, or where a probe asked to go without."""
    vision, record = bench.tools.vision, case.record
    if vision is None or record.without_model:
        return Described(measured=measured, block=None)
    out = given(case.folder) / "shown"
    out.mkdir()
    return await vision.describe(
        Asked(
            record=record,
            sha256=given(case.sha256),
            measured=measured,
            clip=given(case.clip),
            probe=given(case.probe),
            decoder=given(case.decoder),
            out=out,
        )
    )


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


def limit_s(settings: Settings) -> float:
    """A repair is a second call."""
    return settings.analyze_limit_s + (2 * settings.vision_limit_s + PICTURES_LIMIT_S if settings.vision_on else 0)


ANALYZE = Stage(name="analyze", limit_s=limit_s, share=70, run=analyze)
