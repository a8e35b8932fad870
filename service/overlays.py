"""GET /analysis/{id}/overlay: what the page draws on the video."""

from aiohttp import web
from pydantic import JsonValue

from core.record import Status
from service.analyses import stored_result
from service.answers import Answer, respond
from service.failures import failure_response
from service.keys import OUTSIDE
from service.old_fields import Dimensions, grade, overlay_data, total_moves
from service.uploads import id_in_path, intake_of


class RouteInfo(Answer):
    """`overall_score` 0..100."""

    difficulty: str | None
    total_moves: int | None
    overall_score: float | None


class Overlay(Answer):
    """Before the analysis has ended there is nothing to draw, and no number is known: all null."""

    analysis_id: str
    has_overlay: bool
    overlay_elements: tuple[dict[str, JsonValue], ...] = ()
    skeletons: tuple[dict[str, JsonValue], ...] = ()
    video_dimensions: Dimensions | None = None
    total_duration: float | None = None
    route_info: RouteInfo | None = None


async def overlay(request: web.Request) -> web.Response:
    record = await intake_of(request).find(id_in_path(request))
    if record.status is not Status.COMPLETED:
        if record.status.is_final:
            return failure_response(request, record)
        return respond(Overlay(analysis_id=record.analysis_id, has_overlay=False))
    stored = await stored_result(request.app[OUTSIDE], record)
    measured, drawn = stored.measurement, overlay_data(stored.measurement)
    body = Overlay(
        analysis_id=record.analysis_id,
        has_overlay=drawn.has_overlay,
        overlay_elements=drawn.elements,
        skeletons=drawn.skeletons,
        video_dimensions=drawn.video_dimensions,
        total_duration=drawn.total_duration,
        route_info=RouteInfo(
            difficulty=grade(stored.model),
            total_moves=total_moves(measured),
            overall_score=measured.economy.value if measured.economy else None,
        ),
    )
    return respond(body)
