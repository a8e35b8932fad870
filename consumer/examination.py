"""Whether an upload is a clip that we take: its size and its first bytes against the policy and what was declared.

Pure: the facts come in, the refusal goes out. The whole file is only looked at by the worker, in its sandbox.
"""

from consumer.media.sniff import agrees, sniff
from core.error_codes import ErrorCode
from core.failure import Failure
from core.settings import Settings


def refused_for_size(size: int, settings: Settings) -> Failure | None:
    if size > settings.max_upload_bytes:
        return Failure(ErrorCode.FILE_TOO_LARGE, f"{size} bytes, at most {settings.max_upload_bytes}")
    if size < settings.min_upload_bytes:
        return Failure(ErrorCode.FILE_TOO_SMALL, f"{size} bytes, at least {settings.min_upload_bytes}")
    return None


def refused_for_content(head: bytes, declared: str) -> Failure | None:
    """`head` are the first SNIFF_BYTES, `declared` the content type that the client gave."""
    family = sniff(head)
    if family is None:
        return Failure(ErrorCode.UNSUPPORTED_CONTAINER, "the first bytes are no container that we read")
    if not agrees(declared, family):
        return Failure(ErrorCode.CONTENT_MISMATCH, f"the first bytes say {family}, the declared type does not")
    return None
