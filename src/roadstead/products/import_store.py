"""The tables ``device_imports`` and ``device_import_chunks``: long lists on their way in.

A list is cut into chunks when it arrives. The transaction that imports a chunk writes its results
into the chunk's row, so that after a crash each line was imported once or not at all, and the
results account for every line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    delete,
    insert,
    or_,
    select,
    update,
)

from roadstead.identity.model import Actor
from roadstead.products.actor_documents import actor_document, to_actor
from roadstead.products.device_lists import Line
from roadstead.products.importing import ImportOrder, LineResult
from roadstead.products.store import products
from roadstead.storage.columns import Json, UtcTimestamp, metadata

ImportState = Literal["queued", "running", "done"]

KEEP_DAYS = 7
"""How long the results of an import can be fetched."""

device_imports = Table(
    "device_imports",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("product_id", Integer, ForeignKey(products.c.id), nullable=False),
    # With all that limits them, so that a job may do no more than its request might have done.
    Column("actor", Json, nullable=False),
    Column("wanted", Json, nullable=False),
    Column("total_lines", Integer, nullable=False),
    Column("done_lines", Integer, nullable=False),
    Column("counts", Json, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("lease_owner", String(24)),
    Column("lease_until", UtcTimestamp),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("finished_at", UtcTimestamp),
    Index(None, "product_id", "created_at"),
    Index(None, "finished_at"),
)

device_import_chunks = Table(
    "device_import_chunks",
    metadata,
    Column(
        "import_id",
        String(24),
        ForeignKey(device_imports.c.id, ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", Integer, primary_key=True),
    # Cleared once its results are there.
    Column("lines", Json),
    Column("results", Json),
)

_I = device_imports.c
_C = device_import_chunks.c


@dataclass(frozen=True, slots=True)
class DeviceImport:
    """A list on its way in.

    Attributes:
        complete: all of its chunks were stored; until then nobody works on it.
        counts: lines by result, so far.
    """

    id: str
    product_id: int
    actor: Actor
    order: ImportOrder
    total_lines: int
    done_lines: int
    created_at: datetime
    finished_at: datetime | None
    leased: bool
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> ImportState:
        """Where it is."""
        if self.finished_at is not None:
            return "done"
        return "running" if self.leased else "queued"


def insert_import(conn: Connection, one: DeviceImport) -> None:
    """Adds an import whose lines are still to be stored."""
    conn.execute(
        insert(device_imports).values(
            id=one.id,
            product_id=one.product_id,
            actor=actor_document(one.actor),
            wanted={
                "claim_user_id": one.order.claim_user_id,
                "groups": list(one.order.groups),
                "move": one.order.move,
            },
            total_lines=0,
            done_lines=0,
            counts={},
            complete=False,
            created_at=one.created_at,
        )
    )


def insert_chunk(conn: Connection, import_id: str, number: int, lines: Sequence[Line]) -> None:
    """Adds some lines of it."""
    values = {"import_id": import_id, "number": number, "lines": [list(line) for line in lines]}
    conn.execute(insert(device_import_chunks).values(**values))


def complete(conn: Connection, import_id: str, total_lines: int) -> None:
    """All lines are stored; the work may begin."""
    keyed = update(device_imports).where(_I.id == import_id)
    conn.execute(keyed.values(complete=True, total_lines=total_lines))


def take_next(conn: Connection, owner: str, at: datetime, until: datetime) -> str | None:
    """Leases the oldest import that nobody works on; gives its id."""
    free = or_(_I.lease_until.is_(None), _I.lease_until < at)
    oldest = (
        select(_I.id)
        .where(_I.finished_at.is_(None), _I.complete, free)
        .order_by(_I.created_at, _I.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    import_id = conn.scalar(oldest)
    if import_id is not None:
        keyed = update(device_imports).where(_I.id == import_id)
        conn.execute(keyed.values(lease_owner=owner, lease_until=until))
    return import_id


def release_all(conn: Connection) -> None:
    """Ends all leases; for the one process of a database that has just started."""
    held = update(device_imports).where(_I.lease_owner.is_not(None))
    conn.execute(held.values(lease_owner=None, lease_until=None))


def renew(conn: Connection, import_id: str, owner: str, until: datetime) -> bool:
    """Keeps a lease; False when somebody else has it now, or the import is gone."""
    mine = (_I.id == import_id, _I.lease_owner == owner, _I.finished_at.is_(None))
    return conn.execute(update(device_imports).where(*mine).values(lease_until=until)).rowcount == 1


def find_import(conn: Connection, product_id: int, import_id: str) -> DeviceImport | None:
    """The product's import with this id."""
    query = select(device_imports).where(_I.product_id == product_id, _I.id == import_id)
    row = conn.execute(query).first()
    return None if row is None else _to_import(row)


def find_any(conn: Connection, import_id: str) -> DeviceImport | None:
    """The import with this id, for whoever has its lease."""
    row = conn.execute(select(device_imports).where(_I.id == import_id)).first()
    return None if row is None else _to_import(row)


def list_imports(conn: Connection, product_id: int, limit: int) -> list[DeviceImport]:
    """The newest imports of the product, newest first."""
    query = select(device_imports).where(_I.product_id == product_id, _I.complete)
    rows = conn.execute(query.order_by(_I.created_at.desc(), _I.id.desc()).limit(limit))
    return [_to_import(row) for row in rows]


def find_undone(conn: Connection, import_id: str) -> tuple[int, list[Line]] | None:
    """Number and lines of the first chunk that has no results yet."""
    query = select(_C.number, _C.lines).where(_C.import_id == import_id, _C.results.is_(None))
    row = conn.execute(query.order_by(_C.number).limit(1)).first()
    return None if row is None else (row.number, [Line(*line) for line in row.lines])


def put_results(
    conn: Connection, one: DeviceImport, number: int, results: Sequence[LineResult]
) -> None:
    """Writes the results of a chunk, in the transaction that imported it."""
    keyed = update(device_import_chunks).where(_C.import_id == one.id, _C.number == number)
    conn.execute(keyed.values(lines=None, results=[list(result) for result in results]))
    counts = dict(one.counts)
    for result in results:
        counts[result.result] = counts.get(result.result, 0) + 1
    values = {"done_lines": one.done_lines + len(results), "counts": counts}
    conn.execute(update(device_imports).where(_I.id == one.id).values(**values))


def finish(conn: Connection, import_id: str, at: datetime) -> None:
    """The work is done."""
    values = {"finished_at": at, "lease_owner": None, "lease_until": None}
    conn.execute(update(device_imports).where(_I.id == import_id).values(**values))


def read_results(conn: Connection, import_id: str, number: int) -> list[LineResult] | None:
    """The results of one chunk; None where there is no such chunk or it is not done."""
    query = select(_C.results).where(_C.import_id == import_id, _C.number == number)
    found = conn.scalar(query)
    return None if found is None else [LineResult(*result) for result in found]


def is_old(now: datetime) -> ColumnElement[bool]:
    """Condition: finished so long ago that nobody will ask any more."""
    return _I.finished_at < now - timedelta(days=KEEP_DAYS)


def is_abandoned(now: datetime) -> ColumnElement[bool]:
    """Condition: its lines were never all stored, for whoever sent them went away."""
    return (~_I.complete) & (_I.created_at < now - timedelta(days=1))


def delete_imports(conn: Connection, product_id: int) -> None:
    """Forgets all imports of a product that is deleted."""
    conn.execute(delete(device_imports).where(_I.product_id == product_id))


def _to_import(row: Row[Any]) -> DeviceImport:
    wanted = row.wanted
    return DeviceImport(
        id=row.id,
        product_id=row.product_id,
        actor=to_actor(row.actor),
        order=ImportOrder(
            claim_user_id=wanted["claim_user_id"],
            groups=tuple(wanted["groups"]),
            move=wanted["move"],
            import_id=row.id,
        ),
        total_lines=row.total_lines,
        done_lines=row.done_lines,
        created_at=row.created_at,
        finished_at=row.finished_at,
        leased=row.lease_owner is not None,
        counts=row.counts,
    )
