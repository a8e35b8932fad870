"""Analyses that lie in the store as a worker would have left them: results that no drawn clip comes to."""

import uuid
from typing import Any

from core.aws.clients import open_clients
from core.aws.objects import S3Objects
from core.aws.records import DynamoRecords
from core.record import result_key
from core.result import StoredResult
from core.settings import load_settings
from tests.flow.product import Product


async def plant(product: Product, like: str, *, filename: str | None = None, **changes: Any) -> str:
    """A completed analysis with the clip and the record of `like`; `changes` replace fields of its result, those of
    the measurement among them. Returns its id."""
    settings = load_settings(product.env)
    async with open_clients(settings) as clients:
        records, objects = DynamoRecords(clients.dynamodb, settings.table), S3Objects(clients.s3, settings.bucket)
        record = await records.get(like)
        assert record is not None
        raw = await objects.read(record.result_key)
        assert raw is not None
        stored = StoredResult.model_validate_json(raw)
        planted = str(uuid.uuid4())
        kept = {**record.model_dump(), "analysis_id": planted, "filename": filename or record.filename}
        copied = record.model_validate(kept)
        await records.create(copied)
        clip = await objects.head(record.clip_key)
        assert clip is not None
        await objects.copy(record.clip_key, copied.clip_key, of=clip)
        result = _changed(stored, planted, changes)
        await objects.put(result_key(planted), result.model_dump_json().encode(), content_type="application/json")
    return planted


def _changed(stored: StoredResult, analysis_id: str, changes: dict[str, Any]) -> StoredResult:
    of_measurement = {name: value for name, value in changes.items() if name in type(stored.measurement).model_fields}
    others = {name: value for name, value in changes.items() if name not in of_measurement}
    measurement = stored.measurement.model_copy(update=of_measurement)
    update = {**others, "analysis_id": analysis_id, "measurement": measurement}
    return StoredResult.model_validate(stored.model_copy(update=update).model_dump())
