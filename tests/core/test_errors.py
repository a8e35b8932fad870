"""The catalogue is whole, what is generated from it is fresh, and a problem body holds all that it should."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.error_codes import ErrorCode
from core.errors import Entry, as_enum, catalogue, generated, load, negotiated, problem

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, UTC)
UMLAUTS_WRITTEN_OUT = (" fuer ", "groesse", "ueber", "moeglich", "naechst")


@pytest.mark.parametrize("path", generated(load()), ids=lambda path: path.name)
def test_generated_files_are_fresh(path: Path) -> None:
    assert path.read_text() == generated(load())[path], "run python -m core.errors"


def test_every_code_has_its_entry() -> None:
    assert set(catalogue()) == set(ErrorCode)


@pytest.mark.parametrize("entry", catalogue().values(), ids=lambda entry: entry.code)
def test_entry_makes_sense(entry: Entry) -> None:
    assert entry.title.en != entry.title.de
    assert entry.detail.en != entry.detail.de
    assert not any(word in entry.detail.de.lower() for word in UMLAUTS_WRITTEN_OUT)
    if entry.counts_against_slo:
        assert entry.owner in ("operator", "developer", "provider"), "a user's mistake is no failure of ours"
        assert entry.http_status >= 500
        assert entry.runbook.endswith(f"#{entry.code.lower()}"), "somebody is woken up for it: say where to read on"
    if entry.owner == "user":
        assert entry.http_status < 500
    if entry.runbook:
        assert entry.runbook.endswith(f"#{entry.code.lower()}")


def test_problem_in_english() -> None:
    body = problem(
        ErrorCode.VIDEO_TOO_LONG,
        now=NOW,
        request_id="r-1",
        instance="/analysis/x",
        technical_details={"max_duration_s": 600},
    )
    entry = catalogue()[ErrorCode.VIDEO_TOO_LONG]
    assert body.model_dump(mode="json") == {
        "type": "/errors#VIDEO_TOO_LONG",
        "title": "The clip is too long",
        "status": 422,
        "detail": entry.detail.en,
        "instance": "/analysis/x",
        "code": "VIDEO_TOO_LONG",
        "error_code": "VIDEO_TOO_LONG",
        "category": "validation_error",
        "severity": "low",
        "timestamp": "2026-11-24T12:00:00.123Z",
        "request_id": "r-1",
        "suggestions": list(entry.suggestions.en),
        "retryable": False,
        "retry": "after_fix",
        "technical_details": {"max_duration_s": 600},
        "message": entry.detail.en,
    }


def test_problem_in_german() -> None:
    body = problem(ErrorCode.STORAGE_UNAVAILABLE, now=NOW, language="de")
    assert body.title == "Der Speicher antwortet nicht"
    assert body.message == body.detail
    assert body.retryable is True
    assert body.request_id is None


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, None),
        ("", None),
        ("de", "de"),
        ("de-CH, en;q=0.5", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr;q=1, de;q=0.4, en;q=0.3", "de"),
        ("fr", None),
        ("*", None),
        ("DE", "de"),
        ("en;q=0, de;q=0.1", "de"),
        ("en;q=zero", None),
        ("de;q=nan", None),
        (";;;,,,=", None),
        ("en," * 10_000, "en"),
    ],
)
def test_language_is_negotiated(header: str | None, language: str | None) -> None:
    assert negotiated(header) == language


def test_wrong_entries_are_named(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text('[BROKEN]\nhttp_status = 200\ntitle = { en = "only English" }\n')
    with pytest.raises(ValidationError) as caught:
        load(path)
    named = {".".join(map(str, error["loc"])) for error in caught.value.errors()}
    assert {"http_status", "title.de", "runbook", "owner"} <= named


def test_suggestions_must_match() -> None:
    fields = catalogue()[ErrorCode.INTERNAL].model_dump()
    fields["suggestions"]["de"] = fields["suggestions"]["de"][:1]
    with pytest.raises(ValidationError, match="as many suggestions"):
        Entry.model_validate(fields)


def test_enum_is_source_text() -> None:
    names: dict[str, object] = {}
    exec(as_enum(load()), names)  # noqa: S102 - it is our own text, and whether it runs is the question
    assert [str(code) for code in names["ErrorCode"]] == [entry.code for entry in load()]  # type: ignore[attr-defined]  # exec
