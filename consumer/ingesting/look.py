"""From a stored object to its header, by as few and small ranges as it takes."""

from __future__ import annotations

from dataclasses import replace

from consumer.ingesting import avi, matroska, mp4
from consumer.ingesting.header import Header, Malformed
from consumer.ingesting.ranges import Ranges
from consumer.media.sniff import SNIFF_BYTES, Family, sniff
from core.error_codes import ErrorCode
from core.failure import Failure

MOST_HOPS = 32


async def family_of(ranges: Ranges) -> Family:
    """Raises Failure(UNSUPPORTED_CONTAINER), and what Ranges raises."""
    head = await ranges.at(0, SNIFF_BYTES)
    family = sniff(head)
    if family is None:
        raise Failure(ErrorCode.UNSUPPORTED_CONTAINER, "the first bytes are no container that we read")
    if family == "mp4" and mp4.is_still(head):
        raise Failure(ErrorCode.UNSUPPORTED_CONTAINER, "a photo, not a clip")
    return family


async def read_header(ranges: Ranges, family: Family) -> Header:
    """Raises Failure: METADATA_EXTRACTION_FAILED for a file without a header (a cut one), INVALID_METADATA for one that
    breaks its format's rules, and what Ranges raises."""
    try:
        match family:
            case "mp4":
                return await _of_mp4(ranges)
            case "matroska":
                return await _of_matroska(ranges)
            case "avi":
                size = avi.header_bytes(await ranges.at(0, avi.FIRST_LIST + 12))
                return avi.read_header(await ranges.at(0, size))
    except Malformed as error:
        raise Failure(ErrorCode.INVALID_METADATA, str(error)) from error


async def _of_mp4(ranges: Ranges) -> Header:
    """From box to box: the pictures' box may come before the header or after it, and says how long it is."""
    at = 0
    for _ in range(mp4.MOST_TOP_BOXES):
        box = mp4.top_box(await ranges.at(at, mp4.HEAD))
        if box is None:
            break
        size = ranges.size - at if box.size is None else box.size
        if box.kind == b"moov":
            return await _moov(ranges, at, box.head, size)
        at += size
    raise Failure(ErrorCode.METADATA_EXTRACTION_FAILED, "the file has no header: it may be cut")


async def _moov(ranges: Ranges, at: int, head: int, size: int) -> Header:
    if size > mp4.MOST_MOOV:
        raise Malformed("a header that no clip needs")
    if at + size > ranges.size:
        raise Failure(ErrorCode.METADATA_EXTRACTION_FAILED, "the file ends inside its header")
    return mp4.read_moov(await ranges.at(at + head, size - head))


async def _of_matroska(ranges: Ranges) -> Header:
    """The first level's elements up to the first cluster; none of them has to come at a certain place."""
    at, header, duration = 0, None, None
    for _ in range(MOST_HOPS):
        found = matroska.element(await ranges.at(at, matroska.HEAD))
        if found is None or found.id == matroska.CLUSTER or (header is not None and duration is not None):
            break
        body = at + found.head
        if found.id == matroska.SEGMENT:
            at = body
            continue
        if found.size is None:
            break
        if found.id in (matroska.INFO, matroska.TRACKS):
            if found.size > matroska.MOST_BYTES:
                raise Malformed("a header that no clip needs")
            data = await ranges.at(body, found.size)
            if found.id == matroska.INFO:
                duration = matroska.read_duration(data)
            else:
                header = matroska.read_tracks(data)
        at = body + found.size
    if header is None:
        raise Failure(ErrorCode.METADATA_EXTRACTION_FAILED, "the file has no header: it may be cut")
    return replace(header, duration_s=duration)
