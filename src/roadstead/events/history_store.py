"""Reading the history, one bounded step at a time, in either direction.

A step reads a few segments, or a stretch of what has no segment yet, and says how far it came. SQL
narrows; whether a reader gets an event is decided by ``events.matching`` alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    and_,
    func,
    literal,
    not_,
    or_,
    select,
)

from roadstead.events.matching import EventFilter, Filters, matches_any
from roadstead.events.model import Event
from roadstead.events.rendering import TEXT_FORMATS, data_text
from roadstead.events.segment_store import PlaceInSegment, covered_id, segments_with
from roadstead.events.segments import decode_ids, places_of
from roadstead.events.store import events, newest_id, to_event

STEP_EVENTS = 20_000
"""Events that one step looks at, about: 20 ms on SQLite, so that other readers get their turn."""

SEGMENTS_PER_STEP = 8

IDS_PER_QUERY = 500
"""Ids looked up in one statement; SQLite takes up to 32,766 parameters."""

END_ID = (1 << 63) - 1
"""Above every id."""

_E = events.c

_TEXT_FORMATS = sorted(number for number in TEXT_FORMATS if number is not None)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for.

    Attributes:
        wanted: whose events, of which devices and names.
        after_id, before_id: ids strictly between which to look.
        newest_first: the direction.
        text: part of the data as readers see it, case-sensitive; empty for any.
    """

    wanted: Filters
    after_id: int = 0
    before_id: int = END_ID
    newest_first: bool = True
    text: str = ""

    def beyond(self, event_id: int) -> "Search":
        """The same search for what comes behind this id in its direction."""
        after, before = self.after_id, self.before_id
        if self.newest_first:
            before = event_id
        else:
            after = event_id
        return Search(self.wanted, after, before, self.newest_first, self.text)

    @property
    def is_empty(self) -> bool:
        """Nothing lies between its ids."""
        return self.before_id - self.after_id <= 1


@dataclass(frozen=True, slots=True)
class Step:
    """What one step gave.

    Attributes:
        found: events in the order of the search.
        looked_at: how many events were looked at, about.
        reached_id: everything up to this id, it included, was looked at, in the search's direction.
        is_end: there is nothing behind it.
    """

    found: list[Event]
    looked_at: int
    reached_id: int
    is_end: bool


def take_step(conn: Connection, search: Search, limit: int) -> Step:
    """Looks on, until ``limit`` events are found or the step is long enough."""
    covered = covered_id(conn)
    if search.newest_first and search.before_id - 1 > covered:
        tail = Search(search.wanted, max(search.after_id, covered), search.before_id, True)
        step = _read_through(conn, search, tail, limit)
        if not step.is_end:
            return step
        reached = max(search.after_id, covered) + 1
        return Step(step.found, step.looked_at, reached, search.after_id >= covered)
    if not search.newest_first and search.after_id >= covered:
        return _read_through(conn, search, search, limit)
    return _read_segments(conn, search, limit, covered)


def _read_segments(conn: Connection, search: Search, limit: int, covered: int) -> Step:
    places = places_of(search.wanted)
    most = SEGMENTS_PER_STEP * max(1, len(places))
    rows = segments_with(
        conn,
        places,
        after_id=search.after_id,
        before_id=search.before_id,
        newest_first=search.newest_first,
        limit=most,
    )
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row.first_id)]
    if len(rows) == most:
        groups.pop()  # it may not be whole
    found: list[Event] = []
    looked_at = 0
    for group in groups:
        step = _read_segment(conn, search, group, limit - len(found))
        found += step.found
        looked_at += step.looked_at
        if not step.is_end or len(found) >= limit or looked_at >= STEP_EVENTS:
            return Step(found, looked_at, step.reached_id, False)
    if groups and len(rows) == most:
        edge = groups[-1][0].first_id if search.newest_first else groups[-1][0].last_id
        return Step(found, looked_at, edge, False)
    if search.newest_first:
        return Step(found, looked_at, search.after_id + 1, True)
    return Step(
        found, looked_at, min(covered, search.before_id - 1), search.before_id - 1 <= covered
    )


def _read_segment(
    conn: Connection, search: Search, group: Sequence[PlaceInSegment], limit: int
) -> Step:
    one = group[0]
    first = max(one.first_id, search.after_id + 1)
    last = min(one.last_id, search.before_id - 1)
    if any(row.ids is None for row in group):
        inside = Search(search.wanted, first - 1, last + 1, search.newest_first)
        return _read_through(conn, search, inside, limit)
    listed = {number for row in group for number in decode_ids(row.ids or b"")}
    ids = sorted((n for n in listed if first <= n <= last), reverse=search.newest_first)
    found: list[Event] = []
    looked_at = 0
    for begin in range(0, len(ids), IDS_PER_QUERY):
        part = ids[begin : begin + IDS_PER_QUERY]
        looked_at += len(part)
        room = limit - len(found)
        rows = _fetch(conn, search, _E.id.in_(part), room)
        found += _decide(rows, search)
        if len(rows) >= room:
            return Step(found, looked_at, rows[-1].id, False)
    return Step(found, looked_at, first if search.newest_first else last, True)


def _read_through(conn: Connection, search: Search, inside: Search, limit: int) -> Step:
    """Reads every event between the ids of ``inside``, in the direction of ``search``."""
    backward = search.newest_first
    stretch = and_(_E.id > inside.after_id, _E.id < inside.before_id)
    order = _E.id.desc() if backward else _E.id
    edge = conn.scalar(
        select(_E.id).where(stretch).order_by(order).offset(STEP_EVENTS - 1).limit(1)
    )
    if edge is not None:
        stretch = and_(stretch, _E.id >= edge if backward else _E.id <= edge)
    rows = _fetch(conn, search, stretch, limit)
    found = _decide(rows, search)
    if len(rows) >= limit:
        return Step(found, len(rows), rows[-1].id, False)
    if edge is not None:
        return Step(found, STEP_EVENTS, int(edge), False)
    looked_at = conn.scalar(select(func.count(_E.id)).where(stretch)) or 0
    if backward:
        return Step(found, looked_at, inside.after_id + 1, True)
    # Ids are in the order of commits: nothing will ever appear below the newest one.
    reached = min(inside.before_id - 1, max(newest_id(conn), inside.after_id))
    return Step(found, looked_at, reached, True)


def _fetch(conn: Connection, search: Search, where: ColumnElement[bool], limit: int) -> list[Event]:
    order = _E.id.desc() if search.newest_first else _E.id
    query = select(events).where(where, or_(*map(_condition, search.wanted)))
    if search.text:
        query = query.where(_may_hold(search.text, conn.dialect.name))
    return [to_event(row) for row in conn.execute(query.order_by(order).limit(limit))]


def _decide(rows: Sequence[Event], search: Search) -> list[Event]:
    return [
        one
        for one in rows
        if matches_any(one, search.wanted) and (not search.text or search.text in data_text(one))
    ]


def _condition(one: EventFilter) -> ColumnElement[bool]:
    if one.owner_id is not None:
        whose: ColumnElement[bool] = _E.owner_id == one.owner_id
    else:
        whose = _E.product_id.in_(one.product_ids or ())
    if one.device_ids is not None:
        whose = and_(whose, _E.device_id.in_(one.device_ids))
    if one.prefix:
        whose = and_(whose, func.substr(_E.name, 1, len(one.prefix)) == one.prefix)
    return whose


def _may_hold(text: str, dialect: str) -> ColumnElement[bool]:
    """Data that may hold the text; data in no text format are decoded before that is decided."""
    needle = literal(text.encode(), LargeBinary)
    if dialect == "sqlite":
        at: ColumnElement[int] = func.instr(_E.payload, needle)
    else:
        at = func.position(needle.op("IN")(_E.payload))
    is_text = or_(_E.content_format.is_(None), _E.content_format.in_(_TEXT_FORMATS))
    return or_(at > 0, not_(is_text))
