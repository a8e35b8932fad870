"""What the clip is, held against the policy, and evenly spaced pictures of it."""

from dataclasses import replace
from pathlib import Path

import structlog

from consumer.examination import refused_for_probe
from consumer.media.facts import Jpeg, even_times
from consumer.media.policy import MediaPolicy
from consumer.stages.decoder import OnProgress
from consumer.stages.listening import listening
from consumer.stages.stage import DECODER_MARGIN_S, Bench, Case, Picture, Stage, given
from core.result import Frame

log = structlog.stdlib.get_logger(__name__)


async def extract(bench: Bench, case: Case) -> Case:
    """Adds decoder, probe and the evenly spaced pictures. Raises Failure: every refusal of consumer.media.probe,
    NO_VALID_FRAMES, DECODER_CRASHED, DECODER_TIMEOUT."""
    if case.measurement is not None:
        return case
    tools, clip = bench.tools, given(case.clip)
    settings, clock = tools.settings, tools.clock
    started = clock.monotonic()
    end = started + settings.extract_limit_s - DECODER_MARGIN_S
    decoder = await bench.exits.enter_async_context(tools.open_decoder())
    probe = await decoder.probe(clip, limit_s=end - clock.monotonic())
    refusal = refused_for_probe(probe, MediaPolicy.from_settings(settings))
    if refusal is not None:
        # ingest reads headers, and not every header says it
        raise refusal
    moments = even_times(probe.duration_s or 0.0, settings.frame_count)
    out = given(case.folder) / "even"
    out.mkdir()

    async def work(hear: OnProgress) -> tuple[Frame, ...]:
        return await decoder.extract(
            clip,
            probe,
            moments,
            out=out,
            limit_s=end - clock.monotonic(),
            jpeg=Jpeg(long_side=settings.frame_long_side),
            on_progress=hear,
        )

    frames = await listening(bench, work)
    ms = round((clock.monotonic() - started) * 1000)
    log.info("frames.extracted", count=len(frames), duration_s=probe.duration_s, ms=ms)
    return replace(case, decoder=decoder, probe=probe, pictures=tuple(_picture(frame, out) for frame in frames))


def _picture(frame: Frame, out: Path) -> Picture:
    """Under an id of its own: the analyzer names its pictures f00, f01, ... as well."""
    return Picture(frame=frame.model_copy(update={"id": f"e{frame.id[1:]}"}), path=out / f"{frame.id}.jpg")


EXTRACT = Stage(name="extract", limit_s=lambda settings: settings.extract_limit_s, share=15, run=extract)
