"""Whether an upload is a clip that we take: its size, its first bytes and its header against the policy.

Pure: the facts come in, the refusal goes out. The pictures are only looked at by a child in a sandbox.
"""

from pathlib import PurePath

from consumer.media.bounds import refused_for_length, refused_for_picture
from consumer.media.facts import Probe
from consumer.media.policy import MediaPolicy
from consumer.media.sniff import Family, agrees
from core.error_codes import ErrorCode
from core.failure import Failure

EXTENSIONS: dict[str, Family] = {
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2"), "mp4"),
    **dict.fromkeys((".webm", ".mkv"), "matroska"),
    ".avi": "avi",
}


def refused_for_size(size: int, policy: MediaPolicy) -> Failure | None:
    if size > policy.max_bytes:
        return Failure(ErrorCode.FILE_TOO_LARGE, f"{size} bytes, at most {policy.max_bytes}")
    if size < policy.min_bytes:
        return Failure(ErrorCode.FILE_TOO_SMALL, f"{size} bytes, at least {policy.min_bytes}")
    return None


def refused_for_probe(probe: Probe, policy: MediaPolicy) -> Failure | None:
    """What a decoding child found out, which knows the limits of every installation only, held against this one's."""
    return refused_for_picture(policy, codec=probe.codec, width=probe.width, height=probe.height) or refused_for_length(
        policy, duration_s=probe.duration_s, fps=probe.fps
    )


def refused_for_family(family: Family, policy: MediaPolicy, *, declared: str, filename: str) -> Failure | None:
    """`family` is what the first bytes say, `declared` the content type and `filename` the name that the client gave.
    A name without an extension of a video says nothing."""
    if family not in policy.containers:
        return Failure(ErrorCode.UNSUPPORTED_CONTAINER, family)
    if not agrees(declared, family):
        return Failure(ErrorCode.CONTENT_MISMATCH, f"the first bytes say {family}, the declared type does not")
    if EXTENSIONS.get(PurePath(filename.lower()).suffix, family) != family:
        return Failure(ErrorCode.CONTENT_MISMATCH, f"the first bytes say {family}, the name's extension does not")
    return None
