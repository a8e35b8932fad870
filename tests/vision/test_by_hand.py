"""`performate analyze CLIP --vision`: what it says, what it sends, and what it does not."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.figure import Climber, drawn_climber
from tests.model_server import a_claim, a_reply, frames_of, model_server, says

pytestmark = pytest.mark.timeout(120)
CLIMBER = Climber(size=(240, 432), seconds=4.0, walk_s=0.4, moves=3)
PRICED = {"VISION_MODEL": "test-1", "VISION_PRICES": "test-1=1/0.1/10"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "my project.mp4"
    drawn_climber(path, CLIMBER, fps=15)
    return path


async def performate(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `performate analyze`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "VISION_", "BUCKET"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from ops.cli import main; main()", "analyze", *arguments),
        env={**kept, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_an_estimate_needs_no_key_and_sends_nothing(clip: Path) -> None:
    async with model_server() as server:
        code, out, err = await performate(str(clip), "--vision", "--estimate", OPENAI_BASE_URL=server.url, **PRICED)
        assert (code, server.asked) == (0, [])
    told = next(line for line in err.splitlines() if line.startswith("test-1: "))
    assert "pictures, about" in told
    assert " USD" in told
    assert json.loads(out)["model"] is None
    code, _, err = await performate(str(clip), "--vision", "--estimate", VISION_MODEL="unheard-of")
    assert code == 0
    assert "a price that VISION_PRICES does not know" in err


async def test_what_it_costs_is_said_before_the_claims_come(clip: Path) -> None:
    def reply(body: dict[str, object]) -> object:
        return a_reply(body, a_claim(body, text="Schau auf deine Füße."))

    async with model_server(says(reply)) as server:
        code, out, err = await performate(
            str(clip), "--vision", "--language", "de", OPENAI_BASE_URL=server.url, **PRICED
        )
        (body,) = server.asked
    assert code == 0, err
    assert "test-1: " in err
    found = json.loads(out)
    (claim,) = found["model"]["claims"]
    assert claim["text"] == "Schau auf deine Füße."
    assert set(frames_of(body)) == {frame["id"] for frame in found["frames"]}
    assert "German" in body["messages"][0]["content"]
    assert "my project" not in json.dumps(body)


async def test_without_a_model_it_says_what_is_missing(clip: Path) -> None:
    code, out, err = await performate(str(clip), "--vision")
    assert (code, out) == (2, "")
    assert "OPENAI_API_KEY or OPENAI_BASE_URL" in err
    code, _, err = await performate(str(clip), "--estimate")
    assert (code, "--estimate goes with --vision" in err) == (2, True)
