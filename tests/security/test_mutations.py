"""500 damaged clips: each ends in a result or in a word of the catalogue, and nothing of them is left."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from consumer.media.facts import even_times
from consumer.sandbox.pool import Pool
from consumer.sandbox.process import Sandbox
from core.error_codes import ErrorCode
from core.failure import Failure
from core.pose_weights import DEFAULT_FOLDER
from core.result import Sport
from tests.sandbox.conftest import nothing_left
from tests.security.mutations import damaged, good_clips

pytestmark = pytest.mark.usefixtures(nothing_left.__name__)

CLIPS = 500
# a child serves this many here, though it serves one in the worker: 500 starts would take minutes
CLIPS_OF_A_CHILD = 20
MEASURED = 20
LIMIT_S = 10.0
# what a damaged clip may be called; INTERNAL would be a case that we did not think of
WORDS = {
    "whole",
    ErrorCode.UNSUPPORTED_CONTAINER,
    ErrorCode.UNSUPPORTED_CODEC,
    ErrorCode.METADATA_EXTRACTION_FAILED,
    ErrorCode.INVALID_METADATA,
    ErrorCode.VIDEO_TOO_LONG,
    ErrorCode.VIDEO_TOO_LARGE_PIXELS,
    ErrorCode.NO_VALID_FRAMES,
    ErrorCode.FRAME_EXTRACTION_FAILED,
}


async def ending(box: Sandbox, clip: Path, *, measured: bool) -> str:
    """How an analysis of the clip ends."""
    out = clip.with_suffix(".pictures")
    try:
        facts = await box.probe(clip, limit_s=LIMIT_S)
        (out / "even").mkdir(parents=True)
        await box.extract(clip, facts, even_times(facts.duration_s or 0.0), out=out / "even", limit_s=LIMIT_S)
        if measured:
            weights = DEFAULT_FOLDER.absolute()
            await box.measure(clip, facts, Sport.BOULDERING, out=out, weights=weights, limit_s=LIMIT_S)
    except Failure as failure:
        return failure.code
    return "whole"


async def batch(pool: Pool, clips: list[Path]) -> list[tuple[str, str]]:
    async with pool.decoder() as box:
        return [(clip.name, await ending(box, clip, measured=not int(clip.name[:3]) % MEASURED)) for clip in clips]


@pytest.mark.timeout(120)
async def test_each_ends_in_a_result_or_a_code(tmp_path: Path) -> None:
    good = good_clips(tmp_path)
    paths = []
    for seed in range(CLIPS):
        name, data = damaged(good, seed)
        paths.append(tmp_path / f"{seed:03d}-{name}")
        paths[-1].write_bytes(data)
    batches = [paths[start : start + CLIPS_OF_A_CHILD] for start in range(0, CLIPS, CLIPS_OF_A_CHILD)]
    found: list[tuple[str, str]] = []
    async with Pool(reads=[tmp_path, DEFAULT_FOLDER]) as pool:
        waiting = iter(batches)

        async def work() -> None:
            for clips in waiting:
                found.extend(await batch(pool, clips))

        await asyncio.gather(work(), work())
    assert len(found) == CLIPS
    assert [(name, word) for name, word in found if word not in WORDS] == []
    # what is left are pictures, in their clips' own folders, and those the worker wrote
    left = {path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".jpg"}
    assert left == {*paths, *(tmp_path / name for name in good)}
    counted = Counter(word for _, word in found)
    # enough of both that the damage was neither none nor total
    assert counted["whole"] > CLIPS / 10
    assert CLIPS - counted["whole"] > CLIPS / 10
