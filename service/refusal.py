"""A Failure with what the client may know about this case."""

from collections.abc import Mapping

from pydantic import JsonValue

from core.error_codes import ErrorCode
from core.failure import Failure


class Refusal(Failure):
    """`facts` become the body's technical_details, `headers` go onto the response; both are shown to anybody."""

    def __init__(
        self,
        code: ErrorCode,
        *,
        facts: Mapping[str, JsonValue] | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, retry_after=retry_after)
        self.facts = dict(facts or {})
        self.headers = dict(headers or {})
