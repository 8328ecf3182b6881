"""Deliveries of integrations: what became of each event, and sending again. Ours.

Source: particle cloud notes §6, rows 16 and 17.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args

import msgspec

from roadstead.http.integrations import integration_answers as answers
from roadstead.http.integrations.integration_answers import Document, owner_of
from roadstead.http.integrations.integrations import SCOPES
from roadstead.http.operation import Call, Handler, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.integrations.delivery_queries import DeliveryFilter, Wanted
from roadstead.integrations.model import Integration
from roadstead.kit.clock import to_ms
from roadstead.kit.errors import Invalid
from roadstead.kit.ids import parse_device_id

_TAG = "Deliveries"

DEFAULT_LIMIT, MAX_LIMIT = 25, 100

_FILTERS = (
    QueryParameter(
        "outcome", "waiting, delivered, failed, rejected, expired; dead for the last 3."
    ),
    QueryParameter("device", "Device id."),
    QueryParameter("event", "Beginning of the event's name."),
    QueryParameter("after", "Events from this time on (ISO 8601)."),
    QueryParameter("before", "Events before this time (ISO 8601)."),
)

_PAGING = (
    QueryParameter("cursor", "next_cursor of the page before."),
    QueryParameter("limit", f"At most so many, up to {MAX_LIMIT}; {DEFAULT_LIMIT} if not given."),
)


class ReplayBody(msgspec.Struct, kw_only=True):
    """Which deliveries to send again; all that did not arrive if nothing is given."""

    outcome: str = "dead"
    device: str | None = None
    event: str = ""
    after: str | None = None
    before: str | None = None


class DeliveryPage(msgspec.Struct):
    """Deliveries, newest first; ``next_cursor`` is null on the last page."""

    deliveries: list[Document]
    next_cursor: str | None


class ReplayAnswer(msgspec.Struct):
    """How many are sent again; with ``more``, ask once more."""

    replayed: int
    more: bool
    ok: bool = True


async def list_all(call: Call) -> DeliveryPage:
    """Deliveries of all integrations of the owner."""
    hooks = await call.parts.integrations.service.list_integrations(owner_of(call))
    return await _page(call, hooks)


async def list_of_one(call: Call) -> DeliveryPage:
    """Deliveries of one integration."""
    return await _page(call, [await _hook(call)])


async def get(call: Call) -> Document:
    """One delivery with its request and response."""
    hook = await _hook(call)
    row = await call.parts.integrations.log.get_delivery(hook, _delivery_id(call))
    return {"delivery": answers.delivery(call, row)}


async def replay(call: Call) -> ReplayAnswer:
    """Sends one again."""
    hook = await _hook(call)
    await call.parts.integrations.log.replay(call.actor, hook, _delivery_id(call))
    return ReplayAnswer(1, more=False)


async def replay_all(call: Call) -> ReplayAnswer:
    """Sends those of a filter again."""
    body: ReplayBody = call.body or ReplayBody()
    given = {name: getattr(body, name) or "" for name in body.__struct_fields__}
    done = await call.parts.integrations.log.replay_all(
        call.actor, await _hook(call), _filter(given)
    )
    return ReplayAnswer(done.count, done.more)


async def _hook(call: Call) -> Integration:
    service = call.parts.integrations.service
    return await service.get_integration(owner_of(call), call.path["integration"])


async def _page(call: Call, hooks: list[Integration]) -> DeliveryPage:
    limit = _number(call.query.get("limit") or str(DEFAULT_LIMIT), "limit", MAX_LIMIT)
    cursor = call.query.get("cursor")
    below_id = _number(cursor, "cursor", (1 << 63) - 1) if cursor else None
    rows = await call.parts.integrations.log.list_deliveries(
        hooks, _filter(call.query), below_id=below_id, limit=limit + 1
    )
    shown = rows[:limit]
    more = str(shown[-1].id) if len(rows) > limit else None
    return DeliveryPage([answers.delivery(call, row) for row in shown], more)


def _filter(given: Any) -> DeliveryFilter:
    outcome = given.get("outcome") or None
    if outcome is not None and outcome not in get_args(Wanted):
        raise Invalid(
            "invalid_request", f"Outcome {outcome!r} is none of {', '.join(get_args(Wanted))}."
        )
    device_id = given.get("device") or None
    if device_id is not None and (device_id := parse_device_id(device_id)) is None:
        raise Invalid("invalid_request", "The device id must be 24 hex digits.")
    return DeliveryFilter(
        outcome=outcome,
        device_id=device_id,
        event=given.get("event") or "",
        after_ms=_moment(given.get("after"), "after"),
        before_ms=_moment(given.get("before"), "before"),
    )


def _moment(text: str | None, name: str) -> int | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return max(0, to_ms(moment))
    except (ValueError, TypeError, OverflowError):
        raise Invalid(
            "invalid_request", f"{name!r} must be a time like 2026-01-31T12:00:00Z."
        ) from None


def _delivery_id(call: Call) -> int:
    return _number(call.path["delivery"], "delivery", (1 << 63) - 1)


def _number(text: str, name: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text[:20]) <= most:
        raise Invalid("invalid_request", f"{name!r} must be a number from 1 to {most}.")
    return int(text)


_P = Permission

_ROWS: tuple[tuple[str, str, str, str, Handler, Permission, dict[str, Any]], ...] = (
    ("list_{}deliveries", "GET", "/deliveries", "List deliveries of all integrations", list_all,
     _P.INTEGRATIONS_GET, {"query": (*_FILTERS, *_PAGING), "answer": DeliveryPage}),
    ("list_{}integration_deliveries", "GET", "/{integration}/deliveries",
     "List the deliveries of an integration", list_of_one, _P.INTEGRATIONS_GET,
     {"query": (*_FILTERS, *_PAGING), "answer": DeliveryPage, "errors": (404,)}),
    ("get_{}delivery", "GET", "/{integration}/deliveries/{delivery}",
     "Get a delivery with its request and response", get, _P.INTEGRATIONS_GET,
     {"answer": Document, "errors": (404,)}),
    ("replay_{}delivery", "POST", "/{integration}/deliveries/{delivery}/replay",
     "Send a delivery again", replay, _P.INTEGRATIONS_UPDATE,
     {"answer": ReplayAnswer, "errors": (404, 409)}),
    ("replay_{}deliveries", "POST", "/{integration}/deliveries/replay",
     "Send all deliveries again that did not arrive", replay_all, _P.INTEGRATIONS_UPDATE,
     {"body": ReplayBody, "answer": ReplayAnswer, "errors": (404,)}),
)  # fmt: skip


def _operations() -> Iterator[Operation]:
    for whose, scope in SCOPES:
        for name, method, below, summary, handler, permission, more in _ROWS:
            yield Operation(
                name=name.format(whose),
                method=method,
                path=f"/v1{scope}/integrations{below}",
                tag=_TAG,
                summary=summary,
                handler=handler,
                permission=permission,
                **more,
            )


OPERATIONS = tuple(_operations())
