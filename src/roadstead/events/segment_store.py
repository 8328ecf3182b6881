"""The tables ``event_segments``, ``event_places`` and ``event_volumes``.

A segment is named by the id of its first event. Rows of places come in order, at the end of the
table, and are never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    func,
    select,
)

from roadstead.events.segments import SegmentDraft
from roadstead.events.store import events
from roadstead.storage.columns import metadata
from roadstead.storage.copying import copy_rows

_BIG = BigInteger().with_variant(Integer, "sqlite")

event_segments = Table(
    "event_segments",
    metadata,
    Column("first_id", _BIG, primary_key=True, autoincrement=False),
    Column("last_id", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
)

event_places = Table(
    "event_places",
    metadata,
    Column("segment_id", BigInteger, primary_key=True),
    Column("place", String(25), primary_key=True),
    Column("events", Integer, nullable=False),
    Column("ids", LargeBinary),
    sqlite_with_rowid=False,
)

event_volumes = Table(
    "event_volumes",
    metadata,
    Column("payer", String(25), primary_key=True),
    Column("segment_id", BigInteger, primary_key=True, index=True),
    Column("events", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

_S, _P, _E = event_segments.c, event_places.c, events.c
_PLACE_COLUMNS = tuple(event_places.c.keys())


@dataclass(frozen=True, slots=True)
class PlaceInSegment:
    """What a segment says of one place.

    Attributes:
        first_id, last_id: of the segment.
        segment_events: events in the segment.
        events: those of the place.
        ids: the list as stored; None where they are dense.
    """

    first_id: int
    last_id: int
    segment_events: int
    events: int
    ids: bytes | None


def covered_id(conn: Connection) -> int:
    """The greatest id that is in a segment; 0 without segments."""
    newest = select(_S.last_id).order_by(_S.first_id.desc()).limit(1)
    return int(conn.scalar(newest) or 0)


def put_segment(conn: Connection, draft: SegmentDraft) -> bool:
    """Stores a segment; False where somebody else has stored one from the same place on."""
    if covered_id(conn) > draft.after_id:
        return False
    conn.execute(
        event_segments.insert().values(
            first_id=draft.first_id, last_id=draft.last_id, events=draft.events
        )
    )
    rows = [(draft.first_id, one.place, one.events, one.ids) for one in draft.places()]
    if conn.dialect.name == "sqlite":
        names = ", ".join(_PLACE_COLUMNS)
        insert = f"INSERT INTO event_places ({names}) VALUES (?, ?, ?, ?)"  # noqa: S608
        conn.exec_driver_sql(insert, rows)
    else:
        copy_rows(conn, "event_places", _PLACE_COLUMNS, rows)
    volumes = [
        {
            "payer": one.payer,
            "segment_id": draft.first_id,
            "events": one.events,
            "size_bytes": one.size_bytes,
        }
        for one in draft.volumes()
    ]
    conn.execute(event_volumes.insert(), volumes)
    return True


def rows_to_place(
    conn: Connection, after_id: int, limit: int
) -> Sequence[tuple[int, str | None, str | None, int | None, int]]:
    """What ``SegmentDraft.add`` takes, of the next events."""
    size = func.coalesce(func.length(_E.payload), 0) + func.length(_E.name)
    query = select(_E.id, _E.device_id, _E.owner_id, _E.product_id, size)
    rows = conn.execute(query.where(_E.id > after_id).order_by(_E.id).limit(limit))
    return [(a, b, c, d, e) for a, b, c, d, e in rows]


def segments_with(
    conn: Connection,
    places: Sequence[str],
    *,
    after_id: int,
    before_id: int,
    newest_first: bool,
    limit: int,
) -> list[PlaceInSegment]:
    """The segments between two ids (exclusive) that have events of any of the places.

    Returns:
        At most ``limit`` rows, one for each segment and place, by segment.
    """
    order = _S.first_id.desc() if newest_first else _S.first_id
    query = (
        select(_S.first_id, _S.last_id, _S.events, _P.events, _P.ids)
        .join(event_places, _P.segment_id == _S.first_id)
        .where(_S.first_id < before_id, _S.first_id >= _reaching(conn, after_id))
        .where(_S.last_id > after_id)
        .where(_P.place.in_(places))
        .order_by(order)
        .limit(limit)
    )
    return [PlaceInSegment(*row) for row in conn.execute(query)]


def _reaching(conn: Connection, after_id: int) -> int:
    """First id of the segment that the id lies in, so that the range is one of the key."""
    inside = select(_S.first_id).where(_S.first_id <= after_id).order_by(_S.first_id.desc())
    return int(conn.scalar(inside.limit(1)) or 0)
