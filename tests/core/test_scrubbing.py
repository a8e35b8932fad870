"""The scrubber: what looks like a secret goes, what an on-call person needs stays, and it is quick on any text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.scrubbing import DEEPEST, MASK, Scrubber, is_secret_name, scrubber_of
from core.settings import load_settings

BARE = Scrubber()
SIGNED = "https://b.s3.eu-central-1.amazonaws.com/videos/k.mp4?X-Amz-Signature=hunter2&X-Amz-Expires=60"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (SIGNED, "https://b.s3.eu-central-1.amazonaws.com/videos/k.mp4?[removed]"),
        ("redis://user:hunter2@cache:6379/0", f"redis://{MASK}@cache:6379/0"),
        ("https://hunter2@o1.ingest.sentry.io/1", f"https://{MASK}@o1.ingest.sentry.io/1"),
        ("https://hooks.slack.com/services/T0/B0/hunter2", "https://hooks.slack.com/[removed]"),
        ("Authorization: Bearer hunter2.abc-def", f"Authorization: {MASK} {MASK}"),
        ("key AKIAIOSFODNN7EXAMPLE refused", f"key {MASK} refused"),
        ("wrong key sk-proj-abcdefghijklmnop.", f"wrong key {MASK}."),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", MASK),
        ("aws_secret_access_key=hunter2hunter2", f"aws_secret_access_key={MASK}"),
        ('{"x-amz-signature": "hunter2"}', f'{{"x-amz-signature": "{MASK}"}}'),
        ("{\\'password\\': \\'hunter2\\'}", f"{{\\'password\\': \\'{MASK}\\'}}"),
        ("policy=" + "eyJleHBpcmF0aW9u" * 4, f"policy={MASK}"),
        ("filename='Anna am Fels.mp4' rest", f"filename='{MASK}' rest"),
        ("could not read Fels_2.MOV", "could not read [file].MOV"),
    ],
)
def test_what_looks_like_a_secret_goes(text: str, left: str) -> None:
    assert BARE.text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GetItem refused: AccessDenied",
        "videos/2026/11/24/0f8fad5b-d9cb-469f-a165-70867728950e.mp4",
        "/scratch/worker-1/job-x/clip.mp4",
        "lease_token=17 is not in force",
        "input_tokens=1200, output_tokens=80",
        "https://performate.example/analysis/0f8fad5b",
        'File "/srv/core/aws/queue.py", line 12, in send',
        "filename='core/log.py'",
        "the token is wrong",
        "arn:aws:sqs:eu-central-1:000000000000:performate-ingest",
        "2026-11-24T12:00:00Z took 12:30 min",
    ],
)
def test_what_the_on_call_needs_stays(text: str) -> None:
    assert BARE.text(text) == text


@pytest.mark.parametrize(
    "name", ["Authorization", "x-amz-signature", "api_key", "AdminToken", "token", "policy", "dsn"]
)
def test_names_that_say_so(name: str) -> None:
    assert BARE.named(name, "anything") == MASK
    assert BARE.named(name, {"deep": ["anything"]}) == MASK
    assert BARE.named(name, None) is None


@pytest.mark.parametrize("name", ["lease_token", "tokens", "input_tokens", "key", "policy_id", "signatures", "detail"])
def test_names_that_only_look_alike(name: str) -> None:
    assert not is_secret_name(name) or name == "signatures"


def test_a_users_file_name_goes_and_a_source_files_stays() -> None:
    assert BARE.value({"filename": "Anna.mp4", "file_name": "x"}) == {"filename": MASK, "file_name": MASK}
    assert BARE.value({"filename": "core/log.py"}) == {"filename": "core/log.py"}
    assert BARE.value({"filename": "<string>"}) == {"filename": "<string>"}


def test_the_settings_own_secrets_are_known_wherever_they_stand() -> None:
    settings = load_settings({"BUCKET": "b", "ADMIN_TOKEN": "plain words", "ALARM_SECRET": "plain words and more"})
    scrubber = scrubber_of(settings)
    assert scrubber.text("said: plain words and more, plain words") == f"said: {MASK}, {MASK}"
    # too short to be looked for: every word would be full of it
    assert scrubber_of(load_settings({"BUCKET": "b", "ADMIN_TOKEN": "ab"})).text("table") == "table"


def test_of_anything_nested() -> None:
    class Odd:
        def __str__(self) -> str:
            return "Bearer hunter2hunter2"

    found = BARE.value({"a": [{"b": (SIGNED,)}], "n": 1, "t": True, "o": Odd(), "raw": b"password=hunter2", 5: None})
    assert "hunter2" not in str(found)
    assert found == {
        "a": [{"b": [SIGNED.partition("?")[0] + "?[removed]"]}],
        "n": 1,
        "t": True,
        "o": f"Bearer {MASK}",
        "raw": f"password={MASK}",
        "5": None,
    }
    deep: object = "hunter2"
    for _ in range(3 * DEEPEST):
        deep = {"deep": deep}
    assert "hunter2" not in str(BARE.value(deep))


@given(st.text())
def test_any_text_is_scrubbed_once_and_for_all(text: str) -> None:
    once = BARE.text(text)
    assert BARE.text(once) == once


@pytest.mark.parametrize(
    "part", ["a", "a.", "!", "http://", "eyJaaaaa.", "filename='", "secret", "token=", "x:", "\\'"]
)
def test_no_text_takes_long(part: str) -> None:
    text = part * (100_000 // len(part)) + " =: .mp4"
    began = time.process_time()
    BARE.text(text)
    assert time.process_time() - began < 5
