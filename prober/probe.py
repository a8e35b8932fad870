"""One probe: a fresh clip through the public contract, and the known answer looked for in what comes back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from core.error_codes import ErrorCode
from core.result import ModelBlock, Timing
from core.verdicts import ProbeStage
from prober.answers import (
    Told,
    check_model,
    check_overlay,
    check_path,
    check_pictures,
    check_video,
    is_of_this_clip,
    read,
)
from prober.blame import WORKED, Blamed, blames_the_clip, wrong
from prober.clip import Clip
from prober.following import Following, OnStage
from prober.site import Site
from prober.stopwatch import Stopwatch

AUTOPSY_S = 10.0
OnMade = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """`on_stage` hears of each stage entered, `on_made` of the analysis as soon as it has an id."""

    site: Site
    clip: Clip
    watch: Stopwatch
    on_stage: OnStage
    on_made: OnMade
    limit_s: float

    async def run(self, run_id: str) -> Told:
        """The result, found right. Raises Blamed."""
        following = Following(self.site, self.watch, self.on_stage)
        analysis_id: str | None = None
        limit = asyncio.timeout(self.limit_s)
        try:
            async with limit:
                analysis_id = await self._sent(run_id)
                await following.until_completed(analysis_id)
                await self._enter("read")
                told = await self._read(analysis_id)
                self.watch.stop()
                return told
        except TimeoutError:
            self.watch.stop()
            unreadable = following.unreadable
            if unreadable is not None:
                raise unreadable from None
            late = f"not over after {self.limit_s:.0f} s"
            raise Blamed(following.stuck_in, ErrorCode.STAGE_TIMEOUT, late) from None
        except Blamed as blamed:
            self.watch.stop()
            raise await self._who_changed_it(blamed, analysis_id) from None

    async def _sent(self, run_id: str) -> str:
        place = await self.site.init(run_id, len(self.clip.data))
        await self.on_made(place.analysis_id)
        await self._enter("upload")
        await self.site.upload(place, self.clip.data)
        await self._enter("complete")
        await self.site.complete(place.analysis_id)
        return place.analysis_id

    async def _read(self, analysis_id: str) -> Told:
        told = read(await self.site.result(analysis_id))
        self._credit(told.timing)
        if not is_of_this_clip(told, self.clip):
            raise wrong("download", "another clip was analysed")
        check_video(told, self.clip)
        pictures = await self._pictures(told)
        overlay = await self.site.overlay(analysis_id)
        await asyncio.to_thread(check_pictures, told, pictures, self.clip)
        check_path(told, self.clip)
        check_model(told)
        check_overlay(overlay, told)
        return told

    async def _pictures(self, told: Told) -> Mapping[str, bytes | None]:
        wanted = [frame for frame in told.frames if frame.url is not None]
        found = await asyncio.gather(*(self.site.picture(frame.url or "") for frame in wanted))
        return {frame.id: picture for frame, picture in zip(wanted, found, strict=True)}

    def _credit(self, timing: Timing) -> None:
        """Stages that were over between two looks get the time that the worker took for them."""
        for stage in WORKED:
            self.watch.credit(stage, getattr(timing, f"{stage}_ms") / 1000)

    async def _enter(self, stage: ProbeStage) -> None:
        if self.watch.enter(stage):
            await self.on_stage(stage)

    async def _who_changed_it(self, blamed: Blamed, analysis_id: str | None) -> Blamed:
        """Our clip is good. Where it is called bad, or another one, what lies in the bucket says whether it was
        changed on its way there."""
        suspicious = blamed.stage == "download" and blamed.code is ErrorCode.PROBE_WRONG_ANSWER
        if analysis_id is None or not (suspicious or blames_the_clip(blamed.code)):
            return blamed
        try:
            async with asyncio.timeout(AUTOPSY_S):
                stored = await self.site.clip(analysis_id)
        except (Blamed, TimeoutError):
            return blamed
        if stored == self.clip.data:
            return blamed
        return wrong("upload", "what lies in the bucket is not what was sent")


def cost_of(model: ModelBlock | None) -> tuple[float, int]:
    """(USD, tokens) of a result."""
    if model is None:
        return 0.0, 0
    return model.cost_usd or 0.0, model.usage.input_tokens + model.usage.output_tokens
