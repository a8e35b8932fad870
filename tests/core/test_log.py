import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from core.log import configure_logging, log_settings
from core.settings import Settings, load_settings

SETTINGS = load_settings(
    {"BUCKET": "clips", "ADMIN_TOKEN": "hunter2", "AWS_SECRET_ACCESS_KEY": "geheim", "INSTANCE": "i1"}
)
FIRST = ["timestamp", "level", "event", "schema_version", "service", "instance", "version"]
BOUND = ["trace_id", "request_id", "analysis_id", "attempt", "stage", "synthetic"]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    with warnings.catch_warnings():
        configure_logging(SETTINGS, service="web", stream=out)
        yield out
    logging.captureWarnings(False)
    structlog.configure(**configured)
    root.handlers, root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_fields_in_order(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(trace_id="t1", analysis_id="a1"):
        structlog.get_logger().info("video.download.completed", bytes=3)
    (line,) = lines(stream)
    assert list(line) == [*FIRST, *BOUND, "bytes"]
    assert (line["event"], line["trace_id"], line["analysis_id"]) == ("video.download.completed", "t1", "a1")


def test_a_library_s_line_has_the_same_shape_and_a_constant_name(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("lost %s", "connection")
    (line,) = lines(stream)
    assert list(line)[: len(FIRST)] == FIRST
    assert (line["event"], line["logger"], line["message"]) == ("library.log", "some.library", "lost connection")


def test_a_python_warning_is_a_line_too(stream: io.StringIO) -> None:
    warnings.warn("old thing", stacklevel=1)
    (line,) = lines(stream)
    assert line["logger"] == "py.warnings"


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "https://s3/b/k?X-Amz-Signature=hunter2"},
        {"note": "see https://s3/b/k?X-Amz-Signature=hunter2 please"},
        {"headers": {"Authorization": "Bearer hunter2"}},
        {"urls": [{"deep": "http://s3/k?sig=hunter2"}]},
        {"admin_token": "hunter2"},
        {"api_key": "hunter2"},
    ],
)
def test_no_secret_reaches_the_stream(stream: io.StringIO, fields: dict[str, object]) -> None:
    structlog.get_logger().info("request.seen", **fields)
    assert "hunter2" not in stream.getvalue()
    assert len(lines(stream)) == 1


def test_a_traceback_has_no_local_variables_and_no_query(stream: io.StringIO) -> None:
    def fail() -> None:
        password = "hunter2"
        raise ValueError(f"no answer from https://s3/k?sig={password}")

    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("job.crashed")
    (line,) = lines(stream)
    assert "hunter2" not in stream.getvalue()
    assert line["exception"][0]["frames"][-1]["name"] == "fail"  # type: ignore[index]


def test_settings_are_logged_with_secrets_masked(stream: io.StringIO) -> None:
    log_settings(SETTINGS)
    (line,) = lines(stream)
    assert "hunter2" not in stream.getvalue()
    assert "geheim" not in stream.getvalue()
    assert line["settings"]["bucket"] == "clips"  # type: ignore[index]


def test_for_people(stream: io.StringIO) -> None:
    configure_logging(SETTINGS.model_copy(update={"log_format": "console"}), service="web", stream=stream)
    structlog.get_logger().info("service.started", port=8000)
    try:
        raise ValueError("no answer from https://s3/k?sig=hunter2")
    except ValueError:
        structlog.get_logger().exception("job.crashed")
    text = stream.getvalue()
    assert "service.started" in text
    assert "ValueError: no answer" in text
    assert "hunter2" not in text
    assert "None" not in text


def test_missing_settings_are_named_in_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        load_settings({"PORT": "99999"})
    message = capsys.readouterr().err
    assert stop.value.code == 2
    assert "BUCKET: Field required" in message
    assert "PORT: " in message


def test_origins_are_split() -> None:
    assert load_settings({"BUCKET": "b", "CORS_ORIGINS": "https://a.example, https://b.example"}).cors_origins == (
        "https://a.example",
        "https://b.example",
    )


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.model_validate({"bucket": "b"}).bucket = "c"  # type: ignore[misc]
