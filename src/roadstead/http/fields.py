"""Bodies of requests: JSON objects and forms into named fields, within limits.

Whatever the encoding, an operation sees a mapping from names to values, so that every route takes
what the SDK (JSON), curl (forms) and older tools send. What is wrong with a body is said by name.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from roadstead.http.credentials import TOKEN_FIELD
from roadstead.kit.errors import Invalid, TimedOut

MAX_BODY_BYTES = 1024 * 1024
"""Largest JSON or form body. Names, keys and events need a few kilobytes; files go another way."""

MAX_FIELD_BYTES = 64 * 1024
"""Longest single value of a form; a PEM key has under 2 kB, an event at most 16 kB."""

MAX_FORM_FIELDS = 100
"""Most fields of a form; the longest known form has eight."""

MAX_DEPTH = 32
"""Deepest nesting of a JSON body; the deepest known body nests four levels."""

MAX_JSON_MARKS = 20_000
"""Most opening brackets and commas of a JSON body, those within texts included: a megabyte of empty
lists would keep the event loop, and every device, waiting for half a second."""

BODY_TIMEOUT_S = 30.0
"""Seconds for a body to arrive whole; a slower sender holds a connection for nothing."""

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
MULTIPART_TYPE = "multipart/form-data"

FILE_FIELD = "file"
"""Name under which a body with files appears among the fields."""

Fields = dict[str, object]
Receive = Callable[[], Awaitable[Any]]


class ClientGone(Exception):
    """The caller closed the connection before the body was whole; nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body's fields and how they were written.

    Attributes:
        fields: values by name; from JSON in JSON's types, from a form as texts.
        is_form: numbers and booleans arrive as text.
        has_files: a multipart body, which was not read; its fields hold ``file`` alone.
    """

    fields: Fields
    is_form: bool = False
    has_files: bool = False


async def read_body(receive: Receive, headers: Mapping[str, str]) -> Body:
    """Reads and parses the body of a request.

    Raises:
        Invalid: ``body_too_large``, ``unsupported_media_type`` or ``invalid_request``.
        TimedOut: ``body_timeout``.
        ClientGone: the caller left.
    """
    media_type = _media_type(headers)
    if media_type == MULTIPART_TYPE:
        return Body({FILE_FIELD: ""}, has_files=True)
    content = await _read(receive, headers)
    if not content:
        return Body({})
    if media_type == JSON_TYPE or (not media_type and content.lstrip()[:1] == b"{"):
        return Body(parse_json(content))
    if media_type in (FORM_TYPE, ""):
        return Body(parse_form(content), is_form=True)
    raise Invalid(
        "unsupported_media_type",
        f"Content-Type {media_type!r} is not read here; send {JSON_TYPE} or {FORM_TYPE}.",
    )


def is_multipart(headers: Mapping[str, str]) -> bool:
    """Whether the body may bring files."""
    return _media_type(headers) == MULTIPART_TYPE


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def parse_json(content: bytes) -> Fields:
    """The fields of a JSON object.

    Raises:
        Invalid: ``invalid_request``.
    """
    if sum(map(content.count, (b"[", b"{", b","))) > MAX_JSON_MARKS:
        raise _bad(f"The body has more than {MAX_JSON_MARKS} values.")
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _bad(f"The body is not valid JSON: {error}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    if not isinstance(document, dict):
        raise _bad("The body must be a JSON object.")
    _check_depth(document)
    return document


def parse_form(content: bytes) -> Fields:
    """The fields of a form.

    ``account_info[first_name]`` becomes a field of ``account_info``, each ``groups[]`` a member of
    the list ``groups``.

    Raises:
        Invalid: ``invalid_request``.
    """
    try:
        pairs = parse_qsl(
            content.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except UnicodeDecodeError as error:
        raise _bad("The form is not valid UTF-8.") from error
    except ValueError as error:
        raise _bad(f"The form has more than {MAX_FORM_FIELDS} fields.") from error
    fields: Fields = {}
    for name, value in pairs:
        put_field(fields, name, value)
    return fields


def convert(body: Body, wanted: type[Any]) -> Any:
    """The body as the struct that an operation takes; unknown fields are left out.

    Raises:
        Invalid: ``invalid_request``, naming the field.
    """
    try:
        return msgspec.convert(body.fields, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise _bad(_sentence(str(error))) from error


def known_fields(wanted: type[Any] | None) -> frozenset[str]:
    """Names of the fields that a body type takes, with the token's."""
    names = (
        {field.encode_name for field in msgspec.structs.fields(wanted)}
        if wanted is not None
        else set()
    )
    return frozenset(names | {TOKEN_FIELD})


def put_field(fields: Fields, name: str, value: str) -> None:
    """Adds a field of a form; ``groups[]`` may come again and makes a list.

    Raises:
        Invalid: ``invalid_request``: it is too long, or given twice.
    """
    if len(value.encode()) > MAX_FIELD_BYTES:
        raise _bad(f"Field {name!r} is longer than {MAX_FIELD_BYTES} bytes.")
    outer, bracket, inner = name.partition("[")
    if bracket and inner == "]":
        values = fields.setdefault(outer, [])
        if not isinstance(values, list):
            raise _bad(f"Field {outer!r} is given twice.")
        values.append(value)
        return
    target: dict[str, object] = fields
    key = name
    if bracket and inner.endswith("]") and len(inner) > 1:
        nested = fields.setdefault(outer, {})
        if not isinstance(nested, dict):
            raise _bad(f"Field {outer!r} is given twice.")
        target, key = nested, inner[:-1]
    if key in target:
        raise _bad(f"Field {name!r} is given twice.")
    target[key] = value


async def _read(receive: Receive, headers: Mapping[str, str]) -> bytes:
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await _collect(receive)
    except TimeoutError as error:
        raise TimedOut(
            "body_timeout", f"The body did not arrive within {BODY_TIMEOUT_S:g} s."
        ) from error


async def _collect(receive: Receive) -> bytes:
    content = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        content += message.get("body", b"")
        if len(content) > MAX_BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(content)


def _check_depth(document: object) -> None:
    level: list[object] = [document]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return
    raise _too_deep()


def _sentence(text: str) -> str:
    # msgspec writes "Expected `str`, got `int` - at `$.name`".
    what, separator, where = text.partition(" - at `$")
    if not separator:
        missing = re.fullmatch(r"Object missing required field `(\w+)`", what)
        return f"Field {missing[1]!r} is missing." if missing else f"{what}."
    return f"Field {where.rstrip('`').lstrip('.')!r}: {what[:1].lower()}{what[1:]}."


def _bad(message: str) -> Invalid:
    return Invalid("invalid_request", message)


def _too_deep() -> Invalid:
    return _bad(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _too_large() -> Invalid:
    return Invalid("body_too_large", f"The body is larger than {MAX_BODY_BYTES} bytes.")
