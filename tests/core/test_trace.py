import pytest

from core.trace import continue_trace, new_trace

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_header_is_continued_with_a_new_span() -> None:
    trace = continue_trace(PARENT)
    assert trace.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert trace.span_id != "b7ad6b7169203331"
    assert continue_trace(trace.traceparent).trace_id == trace.trace_id


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "garbage",
        PARENT.upper(),
        PARENT.replace("0af7", "zzzz"),
        "ff" + PARENT[2:],
        f"00-{'0' * 32}-{'1' * 16}-01",
    ],
)
def test_a_bad_header_starts_a_new_trace(header: str | None) -> None:
    trace = continue_trace(header)
    assert len(trace.trace_id) == 32
    assert trace.trace_id != new_trace().trace_id
