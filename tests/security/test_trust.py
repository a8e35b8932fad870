"""What the worker takes from a child: typed lines and nothing that could run."""

import ast
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.sandbox.protocol import MAX_TEXT, REPLY, ExtractResult, is_sane
from core.result import Frame

ROOT = Path(__file__).parents[2]
# what makes objects of bytes by running what they say
RUNS_BYTES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "multiprocessing", "yaml", "jsonpickle"}


@pytest.mark.parametrize("room", ["core", "consumer"])
def test_nothing_of_ours_can_unpickle(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        plain = [node for node in nodes if isinstance(node, ast.Import)]
        imported = {alias.name.partition(".")[0] for node in plain for alias in node.names}
        imported |= {(node.module or "").partition(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
        assert not imported & RUNS_BYTES, path
        called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        assert not called & {"eval", "exec", "compile", "__import__"}, path


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**60,
        1e300,
        "a\nb",
        "\x1b[2J",
        "\0",
        "right \u202e to left",
        "x" * (MAX_TEXT + 1),
        {"a": math.nan},
        {"\r": 1},
        [[[math.inf]]],
        b"bytes",
        object(),
    ],
    ids=repr,
)
def test_what_nobody_can_use(value: object) -> None:
    assert not is_sane(value)
    assert not is_sane([value, 1.0])


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15), st.lists))
def test_what_everybody_can_use(value: object) -> None:
    assert is_sane(value)


def test_it_looks_into_every_block() -> None:
    frame = Frame(id="f00", t=math.nan, frame_index=0, why="even", width=1, height=1)
    assert not is_sane(ExtractResult(frames=(frame,)))
    assert is_sane(ExtractResult(frames=(frame.model_copy(update={"t": 1.0}),)))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_reply_or_an_error(line: bytes) -> None:
    try:
        REPLY.validate_json(line)
    except ValueError:
        return
