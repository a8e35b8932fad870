"""A record as the service makes it at an upload's start."""

from datetime import UTC, datetime
from typing import Any

from core.record import Record, Status, rfc3339, upload_key
from core.result import Sport

MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AN_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def a_record(analysis_id: str = AN_ID, **fields: Any) -> Record:
    """Created at MOMENT; `fields` replace what else it has."""
    made = {
        "analysis_id": analysis_id,
        "status": Status.PENDING_UPLOAD,
        "sport_type": Sport.BOULDERING,
        "language": "en",
        "filename": "climb.mp4",
        "content_type": "video/mp4",
        "declared_bytes": 5_000_000,
        "key": upload_key(analysis_id, "mp4", MOMENT),
        "created_at": rfc3339(MOMENT),
        "updated_at": rfc3339(MOMENT),
        "expires_at": int(MOMENT.timestamp()) + 90 * 86400,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    return Record.model_validate(made | fields)
