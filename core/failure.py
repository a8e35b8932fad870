"""The one exception that business code raises: a code from the catalogue and what is known about this case."""

from core.error_codes import ErrorCode


class Failure(Exception):
    """Something went wrong in a way that the catalogue knows.

    `detail` is shown to operators and never holds a secret, a presigned URL or a file name that a user chose.
    `retry_after` (seconds) is a wish of whoever refused us; None means: as the back-off says.
    """

    def __init__(self, code: ErrorCode, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else str(self.code)
