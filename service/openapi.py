"""The OpenAPI 3.1 description, from the route list and the models that the handlers use. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from core.error_codes import ErrorCode
from core.errors import Problem, catalogue
from service.clip_form import ClipFields
from service.routes import Route

_REF = "#/components/schemas/{model}"
Schema = dict[str, Any]


def document(routes: Sequence[Route], *, version: str) -> Schema:
    paths: dict[str, Schema] = defaultdict(dict)
    for route in routes:
        paths[route.path][route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Performate", "version": version, "license": {"name": "MIT", "identifier": "MIT"}},
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {"operators": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(routes: Iterable[Route]) -> Schema:
    asked = {route.asks for route in routes if route.asks} | {ClipFields}
    told = {model for route in routes for model in route.answers.values() if model} | {Problem}
    order = sorted(asked | told, key=lambda model: model.__name__)
    modes = [(model, "validation" if model in asked else "serialization") for model in order]
    _, schema = models_json_schema(modes, ref_template=_REF)  # type: ignore[arg-type]  # a list is no list of literals
    return dict(schema["$defs"])


def _operation(route: Route) -> Schema:
    names = re.findall(r"{(\w+)}", route.path)
    operation: Schema = {
        "summary": route.summary,
        "operationId": f"{route.method.lower()}_{re.sub(r'[^a-z]+', '_', route.path.strip('/'))}".rstrip("_"),
        "responses": {**_answers(route.answers), **_failures(route)},
    }
    if names:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
            for name in names
        ]
    if route.asks is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": _ref(route.asks)}}
    if route.form:
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": _form()}}
    if route.admin:
        operation["security"] = [{"operators": []}]
    return operation


def _answers(answers: Mapping[int, type[BaseModel] | None]) -> Schema:
    told: Schema = {}
    for status, model in answers.items():
        told[str(status)] = {"description": "as it is" if status != 304 else "not changed"}
        if model is not None:
            told[str(status)]["content"] = {"application/json": _ref(model)}
    return told


def _failures(route: Route) -> Schema:
    body = (ErrorCode.INVALID_REQUEST, ErrorCode.REQUEST_TOO_LARGE) if route.asks or route.form else ()
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in (*route.fails, *body, ErrorCode.INTERNAL):
        by_status[catalogue()[code].http_status].append(code)
    return {
        str(status): {
            "description": ", ".join(sorted(set(codes))),
            "content": {"application/problem+json": _ref(Problem)},
        }
        for status, codes in sorted(by_status.items())
    }


def _form() -> Schema:
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    clip = {"type": "object", "properties": {"file": file}, "required": ["file"]}
    return {"schema": {"allOf": [clip, {"$ref": _REF.format(model=ClipFields.__name__)}]}}


def _ref(model: type[BaseModel]) -> Schema:
    return {"schema": {"$ref": _REF.format(model=model.__name__)}}
