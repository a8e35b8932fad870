"""The log contract: the catalogue, what is made from it, and that the code keeps to it."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from core.events import BOUND, ROOT, catalogue, events, generated, load, sample, schema
from tests.log_contract import flaws

ROOMS = ("core", "service", "consumer", "prober", "ops")
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
PASSED_ON = {"consumer/engine/settle.py", "consumer/scratch.py"}
"""Where an event's name is an argument: every caller's is a constant of the catalogue (see below)."""
PASSED = {"job.release.failed", "message.return.failed", "scratch.cleaned"}


def test_what_is_generated_is_up_to_date() -> None:
    for path, text in generated(load()).items():
        assert path.read_text() == text, f"{path.name}: run python -m core.events"


def test_the_schema_is_one_and_takes_every_sample() -> None:
    whole = schema(events())
    Draft202012Validator.check_schema(whole)
    validator = Draft202012Validator(whole)
    for name in catalogue():
        line = sample(name, events())
        assert [error.message for error in validator.iter_errors(line)] == []
        assert flaws(line) == []


@pytest.mark.parametrize(
    "change",
    [
        {"event": "job.done"},
        {"level": "error"},
        {"ms": "12"},
        {"file_name": "a.mp4"},
        {"trace_id": 7},
        {"schema_version": 2},
    ],
)
def test_a_line_that_is_not_so_is_told(change: dict[str, object]) -> None:
    line = {**sample("job.completed", events()), **change}
    assert flaws(line)
    assert not Draft202012Validator(schema(events())).is_valid(line)


def test_a_line_without_one_of_its_fields_is_told() -> None:
    line = sample("job.completed", events())
    del line["outcome"]
    assert flaws(line)


def test_a_field_that_nobody_explains_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.toml"
    path.write_text('[fields]\n[events."a.b"]\nby = "web"\nlevel = ["info"]\nfields = ["x"]\nabout = "…"\n')
    with pytest.raises(ValidationError, match="nobody explains"):
        load(path)


Call = tuple[str, ast.Call, str]


def calls() -> Iterator[Call]:
    """(file, call, level) of every call of a logger in the product."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    for name in _levels(node.func):
                        yield str(path.relative_to(ROOT)), node, "error" if name == "exception" else name


def _levels(function: ast.expr) -> Iterator[str]:
    if isinstance(function, ast.IfExp):
        yield from _levels(function.body)
        yield from _levels(function.orelse)
    elif isinstance(function, ast.Attribute) and function.attr in LEVELS and "log" in ast.unparse(function.value):
        yield function.attr


CALLS = list(calls())


def test_no_event_s_name_is_made_up_at_run_time() -> None:
    others = {file for file, call, _ in CALLS if not (isinstance(call.args[0], ast.Constant) and len(call.args) == 1)}
    assert others == PASSED_ON
    assert len(CALLS) > 90


def test_what_is_passed_on_is_a_constant_of_the_catalogue() -> None:
    found = {
        node.value
        for file in PASSED_ON
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.Constant) and node.value in catalogue()
    }
    assert found >= PASSED


def test_every_call_keeps_to_the_catalogue() -> None:
    wrong = []
    for file, call, level in CALLS:
        name = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        if name is None:
            continue
        event = catalogue().get(str(name))
        given = {word.arg for word in call.keywords if word.arg not in (None, "exc_info")}
        if event is None:
            wrong.append(f"{file}: {name} is not in core/events.toml")
        elif level not in event.level:
            wrong.append(f"{file}: {name} at level {level}")
        elif extra := given - set(event.fields) - set(event.optional) - set(BOUND):
            wrong.append(f"{file}: {name} with {sorted(extra)}")
    assert wrong == []


def test_no_event_of_the_catalogue_is_gone_from_the_code() -> None:
    used = {str(call.args[0].value) for _, call, _ in CALLS if isinstance(call.args[0], ast.Constant)}
    # a library's line is named in core/log.py
    assert set(catalogue()) - used == {*PASSED, "library.log"}


def test_no_field_holds_what_a_user_typed() -> None:
    assert {"filename", "file_name", "key", "url", "email"} & {*events().fields, *BOUND} == set()
    assert json.loads((ROOT / "docs" / "logs.schema.json").read_text())["title"]
