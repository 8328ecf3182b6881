"""The audit trail of an organization or a product: listed, filtered, exported; ours.

An organization's trail has its own changes and those of its products as they are now.
"""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.responses import StreamingResponse

from roadstead.audit import trail
from roadstead.audit.trail import AuditFilter, AuditRow
from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.http.paging import PAGE_PARAMETERS, page_of
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid
from roadstead.organizations.model import team_of_product
from roadstead.products.plan_counts import product_ids_of

_TAG = "Audit"

EXPORT_PAGE_ROWS = 1000
"""Rows that an export reads at once, so that the longest trail needs little memory."""

_FILTERS = (
    QueryParameter("actor", "E-mail address or id of who made the change."),
    QueryParameter("action", "An action (team.invite), or its noun for all of these (team)."),
    QueryParameter("target", "What was changed, as kind/id."),
    QueryParameter("start_date", "From this time on, ISO 8601."),
    QueryParameter("end_date", "Before this time, ISO 8601."),
)

_FORMAT = QueryParameter("format", "csv, or jsonl (one JSON object in a line; the usual one).")

_COLUMNS = ("id", "at", "actor", "actor_id", "address", "action", "target", "before", "after")


class ChangeRow(msgspec.Struct):
    """One change: who, from where, what, on what, before and after, without secrets."""

    id: int
    at: str
    actor: str
    actor_id: str
    address: str
    action: str
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditMeta(msgspec.Struct):
    """How long the list is."""

    page: int
    per_page: int
    total: int
    total_pages: int


class ChangesAnswer(msgspec.Struct):
    """A page of changes, newest first."""

    changes: list[ChangeRow]
    meta: AuditMeta


async def list_changes(call: Call) -> ChangesAnswer:
    """A page of the trail, newest first."""
    page, per_page = page_of(call.query)
    wanted = await _filter(call)
    offset = (page - 1) * per_page
    rows, total = await call.parts.database.read(
        lambda conn: trail.page_scope(conn, wanted, offset=offset, limit=per_page)
    )
    pages = max(1, -(-total // per_page))
    return ChangesAnswer([_row(row) for row in rows], AuditMeta(page, per_page, total, pages))


async def export(call: Call) -> StreamingResponse:
    """The whole trail, newest first, as a file."""
    wanted, form = await _filter(call), call.query.get("format", "jsonl")
    if form not in ("csv", "jsonl"):
        raise Invalid("invalid_request", "format must be csv or jsonl.")
    media_type = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="audit.{form}"'}
    return StreamingResponse(_blocks(call, wanted, form), headers=headers, media_type=media_type)


async def _blocks(call: Call, wanted: AuditFilter, form: str) -> AsyncIterator[bytes]:
    if form == "csv":
        yield _csv([dict(zip(_COLUMNS, _COLUMNS, strict=True))])
    before_id: int | None = None
    while True:
        rows = await _read(call, wanted, before_id)
        if not rows:
            return
        found = [msgspec.to_builtins(_row(row)) for row in rows]
        yield (
            _csv(found)
            if form == "csv"
            else b"".join(msgspec.json.encode(one) + b"\n" for one in found)
        )
        before_id = rows[-1].id


async def _read(call: Call, wanted: AuditFilter, before_id: int | None) -> list[AuditRow]:
    return await call.parts.database.read(
        lambda conn: trail.list_scope(conn, wanted, before_id=before_id, limit=EXPORT_PAGE_ROWS)
    )


async def _filter(call: Call) -> AuditFilter:
    query = call.query
    return AuditFilter(
        scopes=await _scopes(call),
        actor=query.get("actor") or None,
        action=query.get("action") or None,
        target=query.get("target") or None,
        since=_time("start_date", query.get("start_date")),
        until=_time("end_date", query.get("end_date")),
    )


async def _scopes(call: Call) -> tuple[str, ...]:
    if call.reached is not None:
        return (team_of_product(call.product.id),)
    organization = call.organization
    numbers = await call.parts.database.read(lambda conn: product_ids_of(conn, organization.id))
    return (organization.team, *(team_of_product(number) for number in numbers))


def _row(row: AuditRow) -> ChangeRow:
    return ChangeRow(
        id=row.id,
        at=iso_ms(row.at),
        actor=row.actor_name,
        actor_id=row.actor_id,
        address=row.address,
        action=row.action,
        target=row.target,
        before=row.before,
        after=row.after,
    )


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in _COLUMNS])
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    # A spreadsheet would take such a text for a formula.
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if is_formula else value


def _time(name: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("invalid_request", f"{name} must be a time in ISO 8601.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _operations(kind: str, path: str) -> tuple[Operation, ...]:
    of = "a product" if kind == "product" else "an organization"
    return (
        Operation(
            name=f"list_{kind}_changes",
            method="GET",
            path=f"{path}/audit",
            tag=_TAG,
            summary=f"List who changed what in {of}",
            handler=list_changes,
            permission=Permission.AUDIT_GET,
            query=(*PAGE_PARAMETERS, *_FILTERS),
            answer=ChangesAnswer,
        ),
        Operation(
            name=f"export_{kind}_changes",
            method="GET",
            path=f"{path}/audit/export",
            tag=_TAG,
            summary=f"Export who changed what in {of}",
            handler=export,
            permission=Permission.AUDIT_GET,
            query=(_FORMAT, *_FILTERS),
            media_type="application/x-ndjson",
        ),
    )


OPERATIONS = (
    *_operations("product", "/v1/products/{product}"),
    *_operations("organization", "/v1/orgs/{org}"),
)
