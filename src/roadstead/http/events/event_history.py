"""What happened: searched in pages, or exported line by line. Ours."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

import msgspec
from starlette.responses import StreamingResponse

from roadstead.events.history import after_time, before_time
from roadstead.events.history_store import END_ID, Search
from roadstead.events.matching import EventFilter
from roadstead.events.rendering import to_history_json
from roadstead.http.events.event_reading import parse_event_id, parse_moment
from roadstead.http.operation import Call, Handler, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import from_ms, iso_ms
from roadstead.kit.errors import Invalid
from roadstead.kit.ids import EVENT_COUNTER_BITS, parse_device_id

TAG = "Event history"

NDJSON = "application/x-ndjson"

MAX_PER_PAGE = 1000
DEFAULT_PER_PAGE = 100

MAX_TEXT_CHARS = 200

HISTORY_QUERY = (
    QueryParameter("device", "Only events of this device: its id, or its name where it is yours."),
    QueryParameter("prefix", "Only events whose names begin so."),
    QueryParameter("since", "Accepted at this time (ISO 8601 with a zone) or later."),
    QueryParameter("until", "Accepted before this time."),
    QueryParameter("text", "Only events whose data contain this; upper and lower case differ."),
    QueryParameter("order", "newest (first, the default) or oldest."),
    QueryParameter("per_page", f"Events in a page, up to {MAX_PER_PAGE}."),
    QueryParameter("cursor", "Where the page begins: meta.cursor of the page before."),
    QueryParameter("format", "ndjson: everything, one JSON object a line; so does Accept."),
)

_encode = msgspec.json.Encoder().encode


class HistoryMeta(msgspec.Struct):
    """How the search went.

    ``cursor`` is null when there is no more. ``stopped_early`` says that the search ended after so
    much effort and that there may be more: go on with the cursor. ``reached_at`` says how far the
    search has come.
    """

    cursor: str | None
    stopped_early: bool
    looked_at: int
    reached_at: str | None


class HistoryEvent(msgspec.Struct):
    """An event; the last four are those of product histories."""

    id: str
    name: str
    data: str
    ttl: int
    published_at: str
    coreid: str
    userid: str | msgspec.UnsetType = msgspec.UNSET
    version: int | msgspec.UnsetType = msgspec.UNSET
    public: bool | msgspec.UnsetType = msgspec.UNSET
    productID: int | msgspec.UnsetType = msgspec.UNSET


class HistoryAnswer(msgspec.Struct):
    """One page of the history."""

    events: list[HistoryEvent]
    meta: HistoryMeta


async def read_account(call: Call) -> object:
    """The history of the caller's account."""
    device_ids = None
    if ref := call.query.get("device"):
        # What a device said while it was the caller's stays theirs, wherever it is now.
        device_id = parse_device_id(ref) or (await call.parts.devices.resolve(call.actor, ref)).id
        device_ids = frozenset({device_id})
    prefix = call.query.get("prefix", "")
    return await answer(call, EventFilter(call.actor.user_id, device_ids, prefix))


async def answer(call: Call, wanted: EventFilter) -> object:
    """A page of what the filter lets through, or all of it as lines."""
    search = parse_search(call, wanted)
    of_product = wanted.product_ids is not None
    if call.query.get("format") == "ndjson" or NDJSON in call.headers.get("accept", ""):
        exports = call.parts.events.history.exporting(call.actor.user_id)
        return StreamingResponse(_lines(call, search, of_product, exports), media_type=NDJSON)
    found = await call.parts.events.history.search(search, _per_page(call))
    reached = found.cursor
    return {
        "events": [to_history_json(one, of_product=of_product) for one in found.events],
        "meta": HistoryMeta(
            cursor=None if reached is None else str(reached),
            stopped_early=found.stopped_early,
            looked_at=found.looked_at,
            reached_at=None if reached is None else iso_ms(from_ms(reached >> EVENT_COUNTER_BITS)),
        ),
    }


def parse_search(call: Call, wanted: EventFilter) -> Search:
    """The search that the query describes.

    Raises:
        Invalid: ``bad_time``, ``bad_time_range``, ``bad_cursor``, ``bad_order`` or ``bad_text``.
    """
    query = call.query
    after_id, before_id = 0, END_ID
    if since := query.get("since"):
        after_id = after_time(parse_moment("since", since))
    if until := query.get("until"):
        before_id = before_time(parse_moment("until", until))
    if after_id >= before_id:
        raise Invalid("bad_time_range", "since must be earlier than until.")
    order = query.get("order", "newest")
    if order not in ("newest", "oldest"):
        raise Invalid("bad_order", f"order is {order[:20]!r}; it is newest or oldest.")
    text = query.get("text", "")
    if len(text) > MAX_TEXT_CHARS:
        raise Invalid("bad_text", f"text has {len(text)} characters; {MAX_TEXT_CHARS} are allowed.")
    search = Search((wanted,), after_id, before_id, order == "newest", text)
    if cursor := query.get("cursor"):
        reached = parse_event_id(cursor)
        if reached is None:
            raise Invalid("bad_cursor", "cursor must be meta.cursor of the page before.")
        search = search.beyond(reached)
    return search


async def _lines(
    call: Call, search: Search, of_product: bool, exports: AbstractContextManager[None]
) -> AsyncIterator[bytes]:
    with exports:
        async for found in call.parts.events.history.export(search):
            lines = [_encode(to_history_json(one, of_product=of_product)) for one in found]
            if lines:
                yield b"\n".join(lines) + b"\n"


def _per_page(call: Call) -> int:
    text = call.query.get("per_page") or call.query.get("perPage") or str(DEFAULT_PER_PAGE)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_PER_PAGE:
        raise Invalid("bad_page", f"per_page must be a number from 1 to {MAX_PER_PAGE}.")
    return int(text)


def history_operation(name: str, path: str, summary: str, handler: Handler) -> Operation:
    """A row of the table for one history."""
    return Operation(
        name=name,
        method="GET",
        path=path,
        tag=TAG,
        summary=summary,
        handler=handler,
        permission=Permission.EVENTS_GET,
        query=HISTORY_QUERY,
        answer=HistoryAnswer,
        errors=(429, 503),
    )


OPERATIONS = (
    history_operation(
        "search_event_history",
        "/v1/event_history",
        "Search the events of your devices and your own",
        read_account,
    ),
)
