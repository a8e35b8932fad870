"""GET /videos/{id}: where the clip can be read for an hour; of an upload, until ingest keeps its clip elsewhere."""

from aiohttp import web

from core.clip import find_clip
from core.error_codes import ErrorCode
from service.answers import VideoAddress, respond
from service.keys import OUTSIDE
from service.refusal import Refusal
from service.uploads import id_in_path, intake_of

ADDRESS_VALID_S = 3600


async def video(request: web.Request) -> web.Response:
    record = await intake_of(request).find(id_in_path(request))
    objects = request.app[OUTSIDE].objects
    clip = await find_clip(objects, record)
    if clip is None:
        raise Refusal(ErrorCode.VIDEO_NOT_FOUND)
    address = await objects.presign_get(clip.key, expires_s=ADDRESS_VALID_S)
    return respond(VideoAddress(video_url=address, expires_in=ADDRESS_VALID_S, content_type=record.content_type))
