"""Putting devices into a product: one, some, or a file of a million lines.

Source: particle cloud notes §2.5, §3.3.1; clients notes §4, §6.
"""

import csv
import io
import itertools
from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec
from starlette.responses import Response, StreamingResponse

from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.http.uploads import FileLimits
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid
from roadstead.products.device_lists import Line, parse_line, read_lines
from roadstead.products.import_store import DeviceImport
from roadstead.products.importing import CHUNK_LINES, ImportOrder, LineResult

_TAG = "Devices of a product"

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Largest list: a million lines with 64 characters each."""

_LIST_OF_RESULT = {
    "imported": "updatedDeviceIds",
    "moved": "updatedDeviceIds",
    "existing": "existingDeviceIds",
    "nonmember": "nonmemberDeviceIds",
    "invalid": "invalidDeviceIds",
    "limited": "limitedDeviceIds",
}

_LISTS = tuple(dict.fromkeys(_LIST_OF_RESULT.values()))


class ImportBody(msgspec.Struct, kw_only=True):
    """Devices for a product: ``id``, or ``ids``, or a file with one of them in each line.

    A device is named by its id, serial number, IMEI or ICCID. ``claim_user`` is somebody of the
    product's team who is to own those that nobody owns; ``groups`` are joined by all of them;
    ``move`` takes devices out of other products of yours. ``import_sims`` is accepted and changes
    nothing, because SIM cards are not managed here.
    """

    id: str | None = None
    ids: list[str] | str | None = None
    claim_user: str | None = None
    groups: list[str] | str | None = None
    move: bool = False
    import_sims: bool = False


class LineCounts(msgspec.Struct):
    """What the lines of the list were, beside those in the lists of ids."""

    total: int = 0
    duplicate: int = 0
    comment: int = 0
    blank: int = 0


class ImportAnswer(msgspec.Struct, kw_only=True):
    """What became of each line; every one is in a list or a count.

    ``invalidReasons`` says why for the invalid ones, at most a thousand of them.
    """

    ok: bool = True
    updated: int = 0
    updatedDeviceIds: list[str]
    existingDeviceIds: list[str]
    nonmemberDeviceIds: list[str]
    invalidDeviceIds: list[str]
    protectedDeviceIds: list[str]
    limitedDeviceIds: list[str]
    invalidReasons: dict[str, str]
    lines: LineCounts


class ImportDocument(msgspec.Struct, kw_only=True):
    """An import that runs by itself; ``counts`` are lines by result, ``result`` leads to all."""

    id: str
    state: str
    total_lines: int
    done_lines: int
    counts: dict[str, int]
    created_at: str
    finished_at: str | None
    created_by: str
    result: str


class ImportJobAnswer(msgspec.Struct):
    """One import."""

    device_import: ImportDocument
    ok: bool = True


class ImportsAnswer(msgspec.Struct):
    """The newest imports, newest first."""

    device_imports: list[ImportDocument]


async def import_devices(call: Call) -> ImportAnswer | Response:
    """Puts devices into the product; with ``?async=true`` as a job, answered by 202."""
    body: ImportBody = call.body or ImportBody()
    imports = call.parts.product.imports
    groups = _texts(body.groups) or _texts(call.query.get("groups"))
    order = await imports.parse_order(
        call.product,
        claim_user=body.claim_user or call.query.get("claim_user", ""),
        groups=groups,
        move=body.move or _is_true(call.query.get("move")),
    )
    lines = _lines(call, body)
    head = list(itertools.islice(lines, CHUNK_LINES + 1))
    is_job = _is_true(call.query.get("async"))
    if len(head) <= CHUNK_LINES and not is_job:
        return _answer(await imports.import_now(call.actor, call.product, order, head))
    return await _import_long(call, order, _chain(head, lines), is_job)


async def list_imports(call: Call) -> ImportsAnswer:
    """The newest imports of the product."""
    found = await call.parts.product.imports.list_imports(call.product)
    return ImportsAnswer([_document(call, one) for one in found])


async def get_import(call: Call) -> ImportJobAnswer:
    """How far an import is."""
    one = await call.parts.product.imports.get(call.product, call.path["import"])
    return ImportJobAnswer(_document(call, one))


async def get_import_result(call: Call) -> Response:
    """What became of each line, as CSV; so far, while the import is running."""
    one = await call.parts.product.imports.get(call.product, call.path["import"])
    headers = {"Content-Disposition": f'attachment; filename="import-{one.id}.csv"'}
    chunks = call.parts.product.imports.results(one)
    return StreamingResponse(_csv(chunks), media_type="text/csv", headers=headers)


async def _import_long(
    call: Call, order: ImportOrder, lines: Iterable[Line], is_job: bool
) -> Response:
    imports = call.parts.product.imports
    one = await imports.start(call.actor, call.product, order, iter(lines))
    if is_job:
        answer = ImportJobAnswer(_document(call, one))
        return Response(msgspec.json.encode(answer), 202, media_type="application/json")
    one = await imports.wait(call.product, one.id)
    # The lists of a million ids are not held in memory: each is written as it is read.
    return StreamingResponse(_json(call, one), media_type="application/json")


def _lines(call: Call, body: ImportBody) -> Iterable[Line]:
    if call.files:
        return read_lines(call.files[0].content)
    told = ([body.id] if body.id else []) + list(_texts(body.ids))
    if not told:
        raise Invalid("invalid_request", "Give an id, ids, or a file with one device in each line.")
    return iter([parse_line(number, text) for number, text in enumerate(told, 1)])


def _chain(head: Sequence[Line], rest: Iterable[Line]) -> Iterable[Line]:
    yield from head
    yield from rest


def _texts(value: list[str] | str | None) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    return tuple(text.strip() for text in value or () if text.strip())


def _is_true(text: str | None) -> bool:
    return text is not None and text.lower() in ("true", "1", "yes", "on", "")


def _answer(results: Sequence[LineResult]) -> ImportAnswer:
    lists: dict[str, list[str]] = {name: [] for name in _LISTS}
    counts = LineCounts(total=len(results))
    reasons: dict[str, str] = {}
    for result in results:
        name = _LIST_OF_RESULT.get(result.result)
        if name is None:
            setattr(counts, result.result, getattr(counts, result.result) + 1)
            continue
        shown = result.device_id or result.text
        lists[name].append(result.text if name == "invalidDeviceIds" else shown)
        if name == "invalidDeviceIds" and len(reasons) < _MAX_REASONS:
            reasons[result.text] = result.reason
    return ImportAnswer(
        updated=len(lists["updatedDeviceIds"]),
        updatedDeviceIds=lists["updatedDeviceIds"],
        existingDeviceIds=lists["existingDeviceIds"],
        nonmemberDeviceIds=lists["nonmemberDeviceIds"],
        invalidDeviceIds=lists["invalidDeviceIds"],
        limitedDeviceIds=lists["limitedDeviceIds"],
        protectedDeviceIds=[],
        invalidReasons=reasons,
        lines=counts,
    )


_MAX_REASONS = 1000


async def _json(call: Call, one: DeviceImport) -> AsyncIterator[bytes]:
    """The same document as ``_answer`` gives, in pieces: once through the results for each list."""
    counts = one.counts
    updated = counts.get("imported", 0) + counts.get("moved", 0)
    yield b'{"ok":true,"updated":%d,"protectedDeviceIds":[]' % updated
    for name in _LISTS:
        yield b',"%s":[' % name.encode()
        is_first = True
        async for results in call.parts.product.imports.results(one):
            ids = [
                result.text if name == "invalidDeviceIds" else result.device_id or result.text
                for result in results
                if _LIST_OF_RESULT.get(result.result) == name
            ]
            if ids:
                yield (b"" if is_first else b",") + msgspec.json.encode(ids)[1:-1]
                is_first = False
        yield b"]"
    lines = LineCounts(
        total=one.total_lines,
        duplicate=counts.get("duplicate", 0),
        comment=counts.get("comment", 0),
        blank=counts.get("blank", 0),
    )
    yield b',"invalidReasons":{},"lines":' + msgspec.json.encode(lines)
    yield b',"device_import":' + msgspec.json.encode(_document(call, one)) + b"}"


async def _csv(chunks: AsyncIterator[list[LineResult]]) -> AsyncIterator[str]:
    yield "line,input,device_id,result,code,reason\r\n"
    async for results in chunks:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        for result in results:
            writer.writerow((result.number, _cell(result.text), *result[2:]))
        yield buffer.getvalue()


def _cell(text: str) -> str:
    # A sheet would take it for a formula.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _document(call: Call, one: DeviceImport) -> ImportDocument:
    path = f"/v1/products/{call.product.id}/device_imports/{one.id}"
    return ImportDocument(
        id=one.id,
        state=one.state,
        total_lines=one.total_lines,
        done_lines=one.done_lines,
        counts=one.counts,
        created_at=iso_ms(one.created_at),
        finished_at=iso_ms(one.finished_at) if one.finished_at else None,
        created_by=one.actor.username,
        result=f"{path}/result",
    )


OPERATIONS = (
    Operation(
        name="import_devices",
        method="POST",
        path="/v1/products/{product}/devices",
        tag=_TAG,
        summary="Put devices into a product, or approve one that waits",
        handler=import_devices,
        permission=Permission.DEVICES_IMPORT,
        body=ImportBody,
        files=FileLimits(MAX_FILE_BYTES),
        answer=ImportAnswer,
        query=(
            QueryParameter("async", "`true` makes it a job and answers 202 at once."),
            QueryParameter("claim_user", "As in the body."),
            QueryParameter("groups", "As in the body, separated by commas."),
            QueryParameter("move", "As in the body."),
        ),
    ),
    Operation(
        name="list_device_imports",
        method="GET",
        path="/v1/products/{product}/device_imports",
        tag=_TAG,
        summary="List the newest imports",
        handler=list_imports,
        permission=Permission.DEVICES_IMPORT,
        answer=ImportsAnswer,
    ),
    Operation(
        name="get_device_import",
        method="GET",
        path="/v1/products/{product}/device_imports/{import}",
        tag=_TAG,
        summary="See how far an import is",
        handler=get_import,
        permission=Permission.DEVICES_IMPORT,
        answer=ImportJobAnswer,
    ),
    Operation(
        name="get_device_import_result",
        method="GET",
        path="/v1/products/{product}/device_imports/{import}/result",
        tag=_TAG,
        summary="Get what became of each line of an import",
        handler=get_import_result,
        permission=Permission.DEVICES_IMPORT,
        media_type="text/csv",
    ),
)
