"""Multipart bodies as browsers write them, whole and in pieces."""

from typing import Any

from aiohttp import FormData

from tests.service.world import CLIP, World

MIB = 1024 * 1024
BOUNDARY = "----clip"
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
FILE = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
).encode()
SPORT = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="sport_type"\r\n\r\nbouldering\r\n'.encode()
END = f"--{BOUNDARY}--\r\n".encode()


def form(**changes: Any) -> FormData:
    made = FormData(quote_fields=False)  # as browsers write names
    given = {"value": CLIP, "filename": "a.mp4", "content_type": "video/mp4"} | changes
    made.add_field("file", given["value"], filename=given["filename"], content_type=given["content_type"])
    return made


def nothing_is_left(world: World) -> bool:
    return not world.objects.stored and not world.records.stored and not world.ingest.sent
