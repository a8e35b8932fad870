import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Envelope, Job, Undecodable, analysis_id_of, decode

ID = "0b8e4ed5-8f3f-4f5e-9d6a-0d7f0c6f3b21"
KEY = f"videos/2026/11/24/{ID}.mp4"
# golden messages: what past versions wrote must be read for ever after
GOLDEN_V1 = f'{{"v": 1, "kind": "analysis", "analysis_id": "{ID}", "epoch": 2}}'


def s3_event(*keys: str) -> str:
    return json.dumps(
        {"Records": [{"eventName": "ObjectCreated:Post", "s3": {"object": {"key": key}}} for key in keys]}
    )


@pytest.mark.parametrize("kind", ["ingest", "analysis"])
def test_a_job_is_read_as_it_was_written(kind: str) -> None:
    job = Job(kind=kind, analysis_id=ID, epoch=1, traceparent="00-a-b-01", synthetic=True)  # type: ignore[arg-type]
    assert decode(job.body(), job.attributes()) == Envelope(job=job)


def test_version_1_stays_readable() -> None:
    assert decode(GOLDEN_V1, {}).job == Job(kind="analysis", analysis_id=ID, epoch=2)


def test_ids_and_small_fields_only() -> None:
    assert len(Job(kind="analysis", analysis_id=ID).body()) < 128


def test_an_s3_event_names_its_uploads() -> None:
    ours, foreign = decode(s3_event(KEY.replace("/", "%2F"), "backup/x+y.tar"), {}).uploads
    assert (ours.key, ours.analysis_id) == (KEY, ID)
    assert (foreign.key, foreign.analysis_id) == ("backup/x y.tar", None)


def test_s3_test_event_asks_for_nothing() -> None:
    assert decode('{"Service": "Amazon S3", "Event": "s3:TestEvent"}', {}) == Envelope()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[1]",
        "null",
        "[" * 200_000,
        "{}",
        '{"v": 99, "kind": "analysis", "analysis_id": "' + ID + '"}',
        '{"v": 1, "kind": "delete", "analysis_id": "' + ID + '"}',
        '{"v": 1, "kind": "analysis", "analysis_id": "../../etc/passwd"}',
        '{"v": 1, "kind": "analysis", "analysis_id": "' + ID + '", "epoch": -1}',
        '{"v": 1, "kind": "analysis", "analysis_id": "' + ID + '", "epoch": true}',
        '{"Records": [{"s3": {}}]}',
        '{"Records": ["x"]}',
        '{"Records": [{"s3": {"object": {"key": 7}}}]}',
    ],
)
def test_what_nobody_understands_is_said(body: str) -> None:
    with pytest.raises(Undecodable):
        decode(body, {})


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_any_text_is_decoded_or_refused(body: str, attributes: dict[str, str]) -> None:
    with suppress(Undecodable):
        decode(body, attributes)


@pytest.mark.parametrize(
    "key", ["", "videos/x.mp4", f"videos/2026/11/24/{ID}", f"x/{KEY}", KEY + "\n", f"artifacts/{ID}/r"]
)
def test_foreign_keys_have_no_analysis(key: str) -> None:
    assert analysis_id_of(key) is None
