"""Deleting old events: which parts of which segments there are, and a few rows at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select

from roadstead.events.segment_store import event_places, event_segments, event_volumes
from roadstead.events.segments import VolumeRow, decode_ids
from roadstead.events.store import events
from roadstead.events.visibility import NOBODY, account_scope, product_scope

STEP_ROWS = 500
"""Rows deleted in one transaction: a few milliseconds on SQLite."""

_E, _S, _P, _V = events.c, event_segments.c, event_places.c, event_volumes.c


@dataclass(frozen=True, slots=True)
class KeptSegment:
    """A segment and who has how much of it."""

    first_id: int
    last_id: int
    volumes: list[VolumeRow]


def list_totals(conn: Connection) -> dict[str, int]:
    """Bytes kept to the plan of each payer."""
    rows = conn.execute(select(_V.payer, func.sum(_V.size_bytes)).group_by(_V.payer))
    return {payer: int(size_bytes) for payer, size_bytes in rows}


def list_sizes(conn: Connection, payer: str) -> list[tuple[int, int]]:
    """(first id, bytes) of the payer's part of each segment, newest first."""
    rows = conn.execute(
        select(_V.segment_id, _V.size_bytes).where(_V.payer == payer).order_by(_V.segment_id.desc())
    )
    return [(segment_id, size_bytes) for segment_id, size_bytes in rows]


def list_segments(conn: Connection, after_id: int, before_id: int, limit: int) -> list[KeptSegment]:
    """Segments that begin strictly between two ids, oldest first."""
    rows = conn.execute(
        select(_S.first_id, _S.last_id)
        .where(_S.first_id > after_id, _S.first_id < before_id)
        .order_by(_S.first_id)
        .limit(limit)
    ).all()
    if not rows:
        return []
    volumes: dict[int, list[VolumeRow]] = {first_id: [] for first_id, _ in rows}
    for segment_id, *facts in conn.execute(
        select(_V.segment_id, _V.payer, _V.events, _V.size_bytes).where(
            _V.segment_id >= rows[0].first_id, _V.segment_id <= rows[-1].first_id
        )
    ):
        volumes[segment_id].append(VolumeRow(*facts))
    return [KeptSegment(first_id, last_id, volumes[first_id]) for first_id, last_id in rows]


def delete_events(conn: Connection, segment: KeptSegment, payers: Sequence[str]) -> int:
    """Deletes some events of a segment that are kept to these payers' plans; gives how many.

    Fewer than ``STEP_ROWS`` means that none is left.
    """
    condition: ColumnElement[bool] = _E.id.between(segment.first_id, segment.last_id)
    if len(payers) < len(segment.volumes):
        condition = and_(condition, or_(*(_of_payer(conn, segment, one) for one in payers)))
    some = select(_E.id).where(condition).order_by(_E.id).limit(STEP_ROWS)
    ids = list(conn.scalars(some))
    if ids:
        conn.execute(delete(events).where(_E.id.in_(ids)))
    return len(ids)


def forget_parts(conn: Connection, segment: KeptSegment, payers: Sequence[str]) -> None:
    """Takes the payers' parts off the books, once their events are deleted."""
    conn.execute(
        delete(event_volumes).where(_V.segment_id == segment.first_id, _V.payer.in_(payers))
    )


def forget_segment(conn: Connection, segment: KeptSegment) -> bool:
    """Deletes some of what is kept of a segment without events; False when nothing is left."""
    of_segment = _P.segment_id == segment.first_id
    places = list(conn.scalars(select(_P.place).where(of_segment).limit(STEP_ROWS)))
    if places:
        conn.execute(delete(event_places).where(of_segment, _P.place.in_(places)))
    if len(places) == STEP_ROWS:
        return True
    conn.execute(delete(event_segments).where(_S.first_id == segment.first_id))
    return False


def _of_payer(conn: Connection, segment: KeptSegment, payer: str) -> ColumnElement[bool]:
    """Which events are a payer's; found by the segment's list where there is one."""
    if payer == NOBODY:
        return and_(_E.owner_id.is_(None), _E.product_id.is_(None))
    if payer.startswith(product_scope(0)[0]):
        whose: ColumnElement[bool] = _E.product_id == int(payer[1:])
    else:
        assert payer == account_scope(payer[1:])
        whose = and_(_E.owner_id == payer[1:], _E.product_id.is_(None))
    stored = conn.scalar(select(_P.ids).where(_P.segment_id == segment.first_id, _P.place == payer))
    if stored is None or len(stored) > 8 * STEP_ROWS:
        return whose
    return and_(whose, _E.id.in_(decode_ids(stored)))
