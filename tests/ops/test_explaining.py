"""`performate errors`: every code of the catalogue explained, and a wrong one answered with what was meant."""

import json

import pytest
from click.testing import CliRunner

from core.error_codes import ErrorCode
from core.errors import catalogue
from ops.cli import main
from ops.explaining import page, runbook


def run(*argv: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["errors", *argv])
    return done.exit_code, done.output


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_says_what_to_do(code: ErrorCode) -> None:
    entry, shown = catalogue()[code], page(catalogue()[code])
    assert shown.startswith(f"{code}: {entry.title.en}")
    assert " ".join(entry.operator_action.split()) in " ".join(shown.split())
    assert entry.runbook in shown


def test_the_runbooks_section_is_quoted() -> None:
    told = runbook(catalogue()[ErrorCode.PROBE_STALE])
    assert told is not None
    assert told.startswith("**Meaning.**")
    assert "## " not in told
    assert told in run("probe-stale")[1]


def test_a_code_without_a_runbook() -> None:
    assert runbook(catalogue()[ErrorCode.INVALID_REQUEST]) is None


def test_all_of_them_for_people_and_programs() -> None:
    code, out = run()
    assert (code, len(out.splitlines())) == (0, len(ErrorCode) + 1)
    code, out = run("--json")
    assert (code, [one["code"] for one in json.loads(out)]) == (0, list(ErrorCode))
    assert json.loads(run("SCRATCH_FULL", "--json")[1])["owner"] == "operator"


def test_a_wrong_code_is_met_with_what_was_meant() -> None:
    code, out = run("SCRATCH_EMPTY")
    assert code == 2
    assert "did you mean SCRATCH_FULL?" in out
    assert run("nonsense")[0] == 2
