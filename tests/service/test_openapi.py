"""The description is a valid one, says every route, and the answers are as it says."""

import json
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from core.error_codes import ErrorCode
from service.openapi import document
from service.routes import ROUTES
from tests.service.sample import MODEL, measured
from tests.service.world import WISH, World

Client = TestClient[Any, Any]
DOCUMENT = document(ROUTES, version="1")


def test_it_is_valid() -> None:
    validate(DOCUMENT)


def test_every_route_is_in_it() -> None:
    described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert described == {(route.method, route.path) for route in ROUTES}
    operations = [op["operationId"] for item in DOCUMENT["paths"].values() for op in item.values()]
    assert len(set(operations)) == len(operations)


def test_every_route_of_the_contract_is_there() -> None:
    assert {f"{route.method} {route.path}" for route in ROUTES} >= {
        "GET /health",
        "GET /sports",
        "POST /upload/init",
        "POST /upload/complete",
        "POST /upload",
        "GET /upload/status/{id}",
        "GET /analysis/{id}/status",
        "GET /analysis/{id}",
        "GET /analysis/{id}/overlay",
        "GET /videos/{id}",
        "POST /analysis/start",
        "POST /analysis/retry",
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
        "GET /openapi.json",
        "GET /errors",
    }


async def test_it_is_served(http: Client) -> None:
    async with http.get("/openapi.json") as answer:
        assert answer.content_type == "application/json"
        assert await answer.json() == json.loads(json.dumps(document(ROUTES, version="9.9")))


def schema_of(method: str, path: str, status: int, kind: str) -> dict[str, Any]:
    answer = DOCUMENT["paths"][path][method]["responses"][str(status)]
    return {**answer["content"][kind]["schema"], "components": DOCUMENT["components"]}


async def check(http: Client, method: str, path: str, **options: Any) -> int:
    """The answer's body against the schema that the description names for this route and status."""
    async with http.request(method, path, **options) as answer:
        template = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "{id}", path)
        schema = schema_of(method.lower(), template, answer.status, answer.content_type)
        OAS31Validator(schema).validate(await answer.json(content_type=None))
        return answer.status


async def test_answers_are_as_described(http: Client, world: World) -> None:
    told = [await check(http, "GET", path) for path in ("/health", "/sports", "/errors", "/livez")]
    told.append(await check(http, "POST", "/upload/init", json=WISH))
    told.append(await check(http, "POST", "/upload/init", json={}))
    (analysis_id,) = world.records.stored
    told.append(await check(http, "POST", "/upload/complete", json={"analysis_id": analysis_id}))
    await world.arrives(analysis_id)
    told.append(await check(http, "POST", "/upload/complete", json={"analysis_id": analysis_id}))
    told.append(await check(http, "POST", "/analysis/start", json={"file_id": analysis_id}))
    told.append(await check(http, "POST", "/analysis/retry", json={"analysis_id": analysis_id}))
    told.append(await check(http, "GET", f"/analysis/{analysis_id}", headers={"Prefer": "wait=0"}))
    await world.completes(analysis_id, measured(analysis_id, model=MODEL))
    reading = ("/upload/status/{}", "/analysis/{}", "/analysis/{}/status", "/analysis/{}/overlay", "/videos/{}")
    told += [await check(http, "GET", path.format(analysis_id)) for path in reading]
    assert told == [200, 200, 200, 200, 201, 422, 409, 202, 202, 401, 202, 200, 200, 200, 200, 200]


async def test_a_failed_state_is_as_described(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.fails(analysis_id, ErrorCode.VIDEO_TOO_LONG)
    assert await check(http, "GET", f"/analysis/{analysis_id}/status") == 200


@pytest.mark.parametrize("field", ["file", "sport_type"])
def test_the_form_is_described(field: str) -> None:
    form = DOCUMENT["paths"]["/upload"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    names = set(form["allOf"][0]["properties"]) | set(DOCUMENT["components"]["schemas"]["ClipFields"]["properties"])
    assert field in names
