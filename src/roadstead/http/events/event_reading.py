"""How a request says which events it wants, and from where on: for streams and histories."""

from datetime import datetime

import msgspec

from roadstead.events.history_store import END_ID
from roadstead.events.matching import EventFilter
from roadstead.events.replaying import ReplayingStream
from roadstead.events.store import find_event
from roadstead.events.streams import BlockStream
from roadstead.events.subscription_store import Ack
from roadstead.http.operation import Call, QueryParameter
from roadstead.http.sse import StreamAnswer
from roadstead.kit.clock import to_ms
from roadstead.kit.errors import Invalid, NotFound
from roadstead.kit.ids import EVENT_COUNTER_BITS

FUTURE_MS = 60_000
"""How far ahead of this server's clock an event id may be before it is no event's."""

STREAM_QUERY = (
    QueryParameter("nonce", "Sent by the official client; changes nothing."),
    QueryParameter(
        "last_event_id",
        "Begin behind this event, as the header Last-Event-ID does; 0 for all that is kept.",
    ),
    QueryParameter("subscription", "Go on where the last reader of this name stopped."),
    QueryParameter(
        "ack",
        "With a subscription: auto (what was sent counts as read) or manual (what was "
        "acknowledged does).",
    ),
)


async def open_stream(call: Call, *wanted: EventFilter) -> StreamAnswer:
    """The answer that streams what the filters let through; the caller may read all of it.

    Raises:
        Invalid: ``bad_last_event_id``, ``bad_ack`` or what the subscription refuses.
        Conflict: what the subscription refuses.
        TooMany: ``too_many_streams``.
    """
    streams = call.edge.open_streams
    streams.admit(call.caller.address)
    after_id = _last_event_id(call)
    blocks, notice = await _blocks(call, wanted, after_id)
    return StreamAnswer(
        blocks,
        streams,
        address=call.caller.address,
        token_digest=call.actor.token_digest,
        remaining_s=lambda: _remaining_s(call),
        notice=notice,
    )


async def _blocks(
    call: Call, wanted: tuple[EventFilter, ...], after_id: int | None
) -> tuple[BlockStream, bytes]:
    parts = call.parts
    name, ack = call.query.get("subscription"), _ack(call)
    if name is None and after_id is None:
        return parts.events.streams.open(*wanted), b""
    if name is not None:
        stream = await parts.events.subscriptions.open(call.actor, name, wanted, ack, after_id)
    else:
        stream = ReplayingStream(parts.events.streams, parts.events.history, wanted, after_id or 0)
    return stream, await _notice(call, stream.given_id)


async def _notice(call: Call, after_id: int) -> bytes:
    """Says that events may be missing, if the one that the reader has is not kept any more."""
    if not after_id:
        return b""
    kept = await call.parts.database.read(lambda conn: find_event(conn, after_id))
    if kept is not None:
        return b""
    return b": event %d is not kept any more; some behind it may be missing\n\n" % after_id


def _last_event_id(call: Call) -> int | None:
    text = call.query.get("last_event_id", call.headers.get("last-event-id", "")).strip()
    if not text:
        return None
    newest = (to_ms(call.parts.clock.now()) + FUTURE_MS) << EVENT_COUNTER_BITS
    number = parse_event_id(text)
    if number is None or number > newest:
        raise Invalid(
            "bad_last_event_id",
            f"Last-Event-ID {text[:40]!r} is not the id of an event: it is the number in the id: "
            "line of an event, or 0.",
        )
    return number


def parse_event_id(text: str) -> int | None:
    """The number that the text is, 0 included; None where it can be no event's."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(END_ID)):
        return None
    return min(int(text), END_ID)


def parse_moment(name: str, text: str) -> int:
    """Unix milliseconds of a time in ISO 8601.

    Raises:
        Invalid: ``bad_time``.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return max(0, to_ms(moment))
    except (ValueError, OverflowError):
        raise Invalid(
            "bad_time",
            f"{name} {text[:40]!r} must be ISO8601 formatted with a zone, as in "
            "2026-01-31T12:00:00Z.",
        ) from None


class WantedFilter(msgspec.Struct, forbid_unknown_fields=True):
    """One filter of a shared stream."""

    prefix: str = ""
    device: str | None = None
    product: str | None = None


MAX_FILTERS = 50
"""Filters of one stream; a browser with many tabs needs about one for each."""


def parse_filters(text: str) -> list[WantedFilter]:
    """The filters of a shared stream, from the JSON in its query.

    Raises:
        Invalid: ``bad_filters``.
    """
    try:
        filters = msgspec.json.decode(text.encode(), type=list[WantedFilter])
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Invalid(
            "bad_filters",
            f"filters must be a JSON list of objects with prefix, device and product: {error}.",
        ) from None
    if not 1 <= len(filters) <= MAX_FILTERS:
        raise Invalid("bad_filters", f"A stream has 1 to {MAX_FILTERS} filters.")
    return filters


def _ack(call: Call) -> Ack:
    text = call.query.get("ack", "auto")
    if text not in ("auto", "manual"):
        raise Invalid("bad_ack", f"ack is {text[:20]!r}; it is auto or manual.")
    return "manual" if text == "manual" else "auto"


async def _remaining_s(call: Call) -> float | None:
    try:
        token = await call.parts.identity.describe_token(call.actor)
    except NotFound:
        return 0.0
    if token.expires_at is None:
        return None
    return max(0.0, (token.expires_at - call.parts.clock.now()).total_seconds())
