"""The description of the API in OpenAPI 3.1, made from the table of operations.

Spec: OpenAPI 3.1.1; schemas are JSON Schema 2020-12 as msgspec makes them from the wire structs.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from roadstead.http.errors import STATUS_BY_CODE
from roadstead.http.fields import FILE_FIELD, FORM_TYPE, JSON_TYPE, MULTIPART_TYPE
from roadstead.http.operation import Access, Operation

Document = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"

_FILE: Document = {"type": "string", "contentMediaType": "application/octet-stream"}

NO_CONTENT = 204

_MEANINGS = {
    200: "Done",
    201: "Made",
    202: "Accepted; the result comes later",
    204: "Done; the answer has no body",
    400: "The request is malformed; the answer says which field",
    401: "No token, or one that is unknown, expired or revoked",
    403: "The caller may not do this",
    404: "Unknown, or somebody else's",
    408: "The device is not connected, or did not answer in time",
    409: "The state of the thing excludes the request",
    413: "The files are larger than is taken",
    429: "Too many; see Retry-After",
    501: "Known and not offered by this version",
    503: "The server cannot serve this now; nothing was changed",
}


class ErrorAnswer(msgspec.Struct):
    """A refusal. Some routes answer in older shapes that the official tools look for."""

    error: str
    ok: bool = False
    error_description: str | None = None


def describe(operations: Sequence[Operation], *, version: str, origin: str) -> Document:
    """The whole document.

    Args:
        operations: the table; what is not offered is left out.
        version: of the program.
        origin: where this server is reached, as the description's own base.
    """
    offered = [row for row in operations if row.offered and row.described]
    types = [ErrorAnswer, *_types(offered)]
    schemas, components = msgspec.json.schema_components(
        types, schema_hook=_anything, ref_template=_REFERENCE
    )
    schema_of = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, Document] = {}
    for operation in offered:
        path = operation.path.replace("*}", "}")
        methods = paths.setdefault(path, {})
        entry = _operation(operation, schema_of)
        method = operation.method.lower()
        methods[method] = _merge(methods[method], entry) if method in methods else entry
    return {
        "openapi": "3.1.1",
        "info": _about(version),
        "servers": [{"url": origin}],
        "tags": [{"name": tag} for tag in dict.fromkeys(row.tag for row in offered)],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _security_schemes()},
    }


def _anything(kind: type) -> Document:
    """The schema of values that can be any JSON."""
    if kind is object:
        # An empty schema would say the same, but msgspec takes it for no answer.
        return {"description": "Any JSON value"}
    raise NotImplementedError


def _about(version: str) -> Document:
    return {
        "title": "Roadstead",
        "version": version,
        "summary": "The device cloud you own",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _security_schemes() -> Document:
    return {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic"},
    }


def _types(operations: Iterable[Operation]) -> list[Any]:
    found = [kind for row in operations for kind in (row.body, row.answer) if kind is not None]
    return list({id(kind): kind for kind in found}.values())


def _operation(operation: Operation, schema_of: dict[int, Document]) -> Document:
    entry: Document = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(operation),
        "responses": _responses(operation, schema_of),
        "security": _security(operation.access),
    }
    if operation.permission is not None:
        entry["description"] = f"Permission: `{operation.permission.value}`."
    if operation.body is not None:
        entry["requestBody"] = _body(operation, schema_of[id(operation.body)])
    return entry


def _body(operation: Operation, schema: Document) -> Document:
    media_types = (FORM_TYPE,) if operation.form_only else (JSON_TYPE, FORM_TYPE)
    required = any(
        field.required for field in msgspec.structs.fields(operation.body or ErrorAnswer)
    )
    content: Document = {media: {"schema": schema} for media in media_types}
    if operation.files is not None:
        file = {"type": "object", "properties": {FILE_FIELD: _FILE}}
        content[MULTIPART_TYPE] = {"schema": {"allOf": [schema, file]}}
    return {"required": required, "content": content}


def _parameters(operation: Operation) -> list[Document]:
    names = [part.strip("{}*") for part in operation.path.split("/") if part.startswith("{")]
    text = {"type": "string"}
    in_path = [{"name": name, "in": "path", "required": True, "schema": text} for name in names]
    in_query = [
        {"name": row.name, "in": "query", "description": row.meaning, "schema": text}
        for row in operation.query
    ]
    return [*in_path, *in_query]


def _responses(operation: Operation, schema_of: dict[int, Document]) -> Document:
    media_type = operation.media_type
    if operation.answer is not None:
        content = {media_type: {"schema": schema_of[id(operation.answer)]}}
    else:
        content = {media_type: {"schema": {"type": "string"}}}
    good: Document = {"description": _MEANINGS[operation.status]}
    if operation.status != NO_CONTENT:
        good["content"] = content
    refusal = {"content": {JSON_TYPE: {"schema": {"$ref": _REFERENCE.format(name="ErrorAnswer")}}}}
    refusals = {
        str(status): {"description": _MEANINGS[status], **refusal} for status in statuses(operation)
    }
    return {str(operation.status): good, **refusals}


def statuses(operation: Operation) -> list[int]:
    """The statuses of the refusals that an operation may answer with, sorted."""
    found = set(operation.errors)
    if operation.body is not None or operation.query:
        found.add(400)
    if operation.files is not None:
        found.add(STATUS_BY_CODE["upload_too_large"])
    if operation.access is not Access.OPEN:
        found.add(STATUS_BY_CODE["invalid_token"])
    if operation.permission is not None:
        found.add(403)
    if "{" in operation.path:
        found.add(404)
    return sorted(found)


def _security(access: Access) -> list[Document]:
    bearer: Document = {"bearer": []}
    return {
        Access.OPEN: [],
        Access.BEARER: [bearer],
        Access.BASIC: [{"basic": []}, bearer],
        Access.LOCAL: [{}, bearer],
    }[access]


def _merge(first: Document, second: Document) -> Document:
    """Two operations of one method and path: OpenAPI knows them as one with either body."""
    merged = {
        **first,
        "operationId": f"{first['operationId']}_or_{second['operationId']}",
        "summary": f"{first['summary']}; or: {second['summary']}",
        "responses": {**second["responses"], **first["responses"]},
    }
    _either(merged, first, second, ("requestBody", "content"))
    status = next(iter(first["responses"]))
    _either(merged, first, second, ("responses", status, "content"))
    rights = dict.fromkeys(row["description"] for row in (first, second) if "description" in row)
    merged["description"] = " ".join(rights)
    return merged


def _either(merged: Document, first: Document, second: Document, where: tuple[str, ...]) -> None:
    old, new, target = first, second, merged
    for key in where[:-1]:
        old, new = old[key], new[key]
        target[key] = dict(target[key])
        target = target[key]
    content = {**new[where[-1]], **old[where[-1]]}
    for media in old[where[-1]].keys() & new[where[-1]].keys():
        either = _any_of(old[where[-1]][media]["schema"], new[where[-1]][media]["schema"])
        content[media] = {"schema": either}
    target[where[-1]] = content


def _any_of(first: Document, second: Document) -> Document:
    kept: list[Document] = []
    for schema in (*first.get("anyOf", [first]), *second.get("anyOf", [second])):
        if schema not in kept:
            kept.append(schema)
    return kept[0] if len(kept) == 1 else {"anyOf": kept}
