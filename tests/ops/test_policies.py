"""The IAM policies name every action and every resource: no process may do more than it needs."""

import json
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).resolve().parents[2] / "ops" / "policies").glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_allowed_wholesale(path: Path) -> None:
    for statement in json.loads(path.read_text())["Statement"]:
        assert statement["Effect"] == "Allow"
        assert "*" not in json.dumps(statement["Action"])
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            assert resource.count("*") == resource.endswith("/*"), resource


def test_only_an_operator_changes_what_processes_run_on() -> None:
    making = ("Create", "PutBucket", "SetQueue", "UpdateT")
    for path in FILES:
        found = any(word in path.read_text() for word in making)
        assert found == (path.stem == "operator"), path.stem


def test_each_process_has_its_policy() -> None:
    assert [path.stem for path in FILES] == ["consumer", "operator", "prober", "web"]
