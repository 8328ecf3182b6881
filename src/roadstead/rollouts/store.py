"""The tables of rollouts and their queries: the same on both engines.

Members are kept in the order of the draw: their key begins with the draw number, so that a stage is
a range of keys and the next devices are a short read, in a fleet of any size.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    or_,
    select,
    update,
)

from roadstead.devices.store import devices
from roadstead.products.store import products
from roadstead.rollouts.model import ENDED_STATES, Member, Policy, Rollout
from roadstead.storage.columns import Json, UtcTimestamp, metadata

rollouts = Table(
    "rollouts",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("product_id", Integer, ForeignKey(products.c.id), nullable=False),
    Column("version", Integer, nullable=False),
    Column("previous_version", Integer),
    Column("groups", Json, nullable=False),
    Column("filter_text", Text, nullable=False),
    Column("policy", Json, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("text", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("members", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("totals", Json, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("offered", Integer, nullable=False),
    Column("cursor", String(48), nullable=False),
    Column("stage_cursor", String(48), nullable=False),
    Column("stage_opened_at", UtcTimestamp),
    Column("soaking_since", UtcTimestamp),
    Column("looks", Integer, nullable=False),
    Column("last_look_at", UtcTimestamp),
    Column("extended_at", UtcTimestamp),
    Column("paused_at", UtcTimestamp),
    Column("odd", Json, nullable=False),
    Column("released", Boolean, nullable=False),
    Column("last_offer_at", UtcTimestamp),
    Column("step", Integer, nullable=False),
    Column("due_at", UtcTimestamp),
    Column("created_by", String(24), nullable=False),
    Column("created_by_name", Text, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("approved_by", String(24)),
    Column("started_at", UtcTimestamp),
    Column("ended_at", UtcTimestamp),
    Column("intelligent", Boolean, nullable=False),
    Column("rollback_of", String(24)),
    Column("replaced", Json, nullable=False),
    Column("leased_by", String(32)),
    Column("leased_until", UtcTimestamp),
    Index("ix_rollouts_of_product", "product_id", "created_at"),
    Index("ix_rollouts_due", "due_at"),
)

rollout_members = Table(
    "rollout_members",
    metadata,
    Column("rollout_id", String(24), ForeignKey(rollouts.c.id), primary_key=True),
    Column("order", String(48), primary_key=True),
    Column("device_id", String(24), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("assigned", Boolean, nullable=False),
    Column("previous_version", Integer),
    Column("offered_at", UtcTimestamp),
    Column("ended_at", UtcTimestamp),
    UniqueConstraint("rollout_id", "device_id"),
    Index("ix_rollout_members_of_device", "device_id"),
    Index("ix_rollout_members_by_state", "rollout_id", "state", "zone", "order"),
)

_R = rollouts.c
_M = rollout_members.c

_OWN_COLUMNS = tuple(Rollout.__dataclass_fields__)


def insert_rollout(conn: Connection, rollout: Rollout) -> None:
    """Adds a rollout."""
    conn.execute(insert(rollouts).values(**_values(rollout)))


def begin_step(conn: Connection, seen: Rollout) -> Rollout | None:
    """Takes the right to change a rollout until the end of the transaction.

    Returns:
        The rollout to go on with; None when somebody has changed it since it was read.
    """
    done = conn.execute(
        update(rollouts).where(_R.id == seen.id, _R.step == seen.step).values(step=seen.step + 1)
    )
    return replace(seen, step=seen.step + 1) if done.rowcount == 1 else None


def save_rollout(conn: Connection, seen: Rollout, changed: Rollout) -> bool:
    """Writes a rollout in the place of the one that was seen.

    Returns:
        False, and nothing is written, when somebody else has changed it since: what was decided
        on the old facts must then be decided again.
    """
    values = _values(replace(changed, step=seen.step + 1))
    done = conn.execute(
        update(rollouts).where(_R.id == seen.id, _R.step == seen.step).values(**values)
    )
    return done.rowcount == 1


def find_rollout(conn: Connection, product_id: int, rollout_id: str) -> Rollout | None:
    """A rollout of this product."""
    query = select(rollouts).where(_R.product_id == product_id, _R.id == rollout_id)
    row = conn.execute(query).first()
    return None if row is None else _to_rollout(row)


def find_any(conn: Connection, rollout_id: str) -> Rollout | None:
    """A rollout of whatever product; for the engine, never for a person's request."""
    row = conn.execute(select(rollouts).where(_R.id == rollout_id)).first()
    return None if row is None else _to_rollout(row)


def list_rollouts(
    conn: Connection, product_id: int, *, offset: int, limit: int
) -> tuple[list[Rollout], int]:
    """Rollouts of the product, the newest first, and how many there are."""
    query = select(rollouts).where(_R.product_id == product_id)
    rows = conn.execute(query.order_by(_R.created_at.desc(), _R.id).offset(offset).limit(limit))
    count = select(func.count()).where(_R.product_id == product_id)
    return [_to_rollout(row) for row in rows], int(conn.execute(count).scalar_one())


def list_unfinished(conn: Connection, product_id: int | None = None) -> list[Rollout]:
    """Rollouts that are not over, the highest priority first."""
    query = select(rollouts).where(_R.state.not_in(ENDED_STATES))
    if product_id is not None:
        query = query.where(_R.product_id == product_id)
    found = [_to_rollout(row) for row in conn.execute(query.order_by(_R.created_at, _R.id))]
    return sorted(found, key=lambda one: -one.policy.priority)


def lease_due(
    conn: Connection, worker: str, now: datetime, until: datetime, limit: int
) -> list[Rollout]:
    """Takes rollouts that are due and that no other worker has; for a while, in case it dies."""
    free = or_(_R.leased_until.is_(None), _R.leased_until <= now)
    query = select(rollouts).where(_R.due_at <= now, free).order_by(_R.due_at).limit(limit)
    found = [_to_rollout(row) for row in conn.execute(query.with_for_update(skip_locked=True))]
    if found:
        conn.execute(
            update(rollouts)
            .where(_R.id.in_([one.id for one in found]))
            .values(leased_by=worker, leased_until=until)
        )
    return found


def end_lease(conn: Connection, rollout_id: str, worker: str) -> None:
    """Gives a rollout back."""
    conn.execute(
        update(rollouts)
        .where(_R.id == rollout_id, _R.leased_by == worker)
        .values(leased_by=None, leased_until=None)
    )


def next_due_at(conn: Connection) -> datetime | None:
    """When the next rollout is due; None when none is."""
    at: datetime | None = conn.execute(
        select(_R.due_at).where(_R.due_at.is_not(None)).order_by(_R.due_at).limit(1)
    ).scalar()
    return at


def insert_members(conn: Connection, members: Iterable[Member]) -> None:
    """Adds devices; one that is there already violates a key."""
    rows = [{name: getattr(one, name) for name in Member.__dataclass_fields__} for one in members]
    if rows:
        conn.execute(insert(rollout_members), rows)


def find_member(conn: Connection, rollout_id: str, device_id: str) -> Member | None:
    """A device of a rollout."""
    query = select(rollout_members).where(_M.rollout_id == rollout_id, _M.device_id == device_id)
    row = conn.execute(query).first()
    return None if row is None else _to_member(row)


def list_members(
    conn: Connection,
    rollout_id: str,
    *,
    after: str = "",
    up_to: str | None = None,
    states: Sequence[str] = (),
    limit: int,
    newest_first: bool = False,
) -> list[Member]:
    """Devices in the order of the draw, behind ``after`` and up to and with ``up_to``."""
    query = select(rollout_members).where(_M.rollout_id == rollout_id, _M.order > after)
    if up_to is not None:
        query = query.where(_M.order <= up_to)
    if states:
        query = query.where(_M.state.in_(states))
    order = _M.order.desc() if newest_first else _M.order
    return [_to_member(row) for row in conn.execute(query.order_by(order).limit(limit))]


def list_to_assign(
    conn: Connection, rollout_id: str, zone: str, *, assigned: bool, limit: int
) -> list[Member]:
    """Offered devices of a time zone whose assignment is written, or is not."""
    query = select(rollout_members).where(
        _M.rollout_id == rollout_id,
        _M.state == "offered",
        _M.zone == zone,
        _M.assigned == assigned,
    )
    return [_to_member(row) for row in conn.execute(query.order_by(_M.order).limit(limit))]


def list_zones(conn: Connection, rollout_id: str) -> list[str]:
    """Time zones of the devices that have an offer and are not done."""
    query = select(_M.zone).where(_M.rollout_id == rollout_id, _M.state == "offered").distinct()
    return sorted(conn.scalars(query))


def count_members(conn: Connection, rollout_id: str) -> dict[str, int]:
    """Devices by state."""
    query = select(_M.state, func.count()).where(_M.rollout_id == rollout_id).group_by(_M.state)
    return {state: int(count) for state, count in conn.execute(query)}


def count_range(
    conn: Connection, rollout_id: str, after: str, up_to: str, states: Sequence[str] = ()
) -> int:
    """Devices behind ``after`` and up to and with ``up_to``."""
    query = select(func.count()).where(
        _M.rollout_id == rollout_id, _M.order > after, _M.order <= up_to
    )
    if states:
        query = query.where(_M.state.in_(states))
    return int(conn.execute(query).scalar_one())


def change_members(
    conn: Connection, rollout_id: str, device_ids: Sequence[str], **values: Any
) -> int:
    """Changes columns of devices; gives the number of rows."""
    changed = 0
    for start in range(0, len(device_ids), 500):
        some = device_ids[start : start + 500]
        changed += conn.execute(
            update(rollout_members)
            .where(_M.rollout_id == rollout_id, _M.device_id.in_(some))
            .values(**values)
        ).rowcount
    return changed


def unassign_all(conn: Connection, rollout_id: str) -> None:
    """Notes that no offered device has its assignment any more."""
    conn.execute(
        update(rollout_members)
        .where(_M.rollout_id == rollout_id, _M.state == "offered", _M.assigned)
        .values(assigned=False)
    )


def hasten(conn: Connection, rollout_id: str, now: datetime) -> None:
    """Makes a running rollout due now: a place among its concurrent devices is free."""
    conn.execute(
        update(rollouts)
        .where(_R.id == rollout_id, _R.state == "running", _R.due_at > now)
        .values(due_at=now)
    )


def end_member(
    conn: Connection, rollout_id: str, device_id: str, state: str, reason: str, at: datetime
) -> bool:
    """Notes that an offered device is done; False when it was not offered, or is done already."""
    done = conn.execute(
        update(rollout_members)
        .where(_M.rollout_id == rollout_id, _M.device_id == device_id, _M.state == "offered")
        .values(state=state, reason=reason, ended_at=at)
    )
    return done.rowcount == 1


def note_updated(conn: Connection, rollout: Rollout, at: datetime) -> int:
    """Notes which offered devices run what they shall run; gives their number."""
    wanted = rollout.version if rollout.rollback_of is None else _M.previous_version
    runs = select(devices.c.id).where(
        devices.c.id == _M.device_id, devices.c.firmware_version == wanted
    )
    return conn.execute(
        update(rollout_members)
        .where(_M.rollout_id == rollout.id, _M.state == "offered", runs.exists())
        .values(state="updated", ended_at=at)
    ).rowcount


def memberships_of(conn: Connection, device_ids: Sequence[str]) -> list[Member]:
    """The places of devices in all rollouts that are not over."""
    found: list[Member] = []
    for start in range(0, len(device_ids), 500):
        query = (
            select(rollout_members)
            .join_from(rollout_members, rollouts, _M.rollout_id == _R.id)
            .where(
                _M.device_id.in_(device_ids[start : start + 500]),
                _R.state.not_in(ENDED_STATES),
            )
        )
        found += [_to_member(row) for row in conn.execute(query)]
    return found


def pass_over(conn: Connection, device_ids: Sequence[str], reason: str) -> None:
    """Devices that left their product are passed over in whatever rollout they wait."""
    for start in range(0, len(device_ids), 500):
        conn.execute(
            update(rollout_members)
            .where(
                _M.device_id.in_(device_ids[start : start + 500]),
                _M.state.in_(("waiting", "offered")),
            )
            .values(state="skipped", reason=reason, assigned=False)
        )


def delete_all(conn: Connection, product_id: int) -> None:
    """Removes every rollout of a product that is deleted."""
    own = select(_R.id).where(_R.product_id == product_id)
    conn.execute(rollout_members.delete().where(_M.rollout_id.in_(own)))
    conn.execute(rollouts.delete().where(_R.product_id == product_id))


def _values(rollout: Rollout) -> dict[str, Any]:
    values = {name: getattr(rollout, name) for name in _OWN_COLUMNS}
    values["policy"] = msgspec.to_builtins(rollout.policy)
    values["groups"] = list(rollout.groups)
    values["totals"] = list(rollout.totals)
    values["odd"] = sorted(rollout.odd)
    values["replaced"] = dict(rollout.replaced)
    return values


def _to_rollout(row: Row[Any]) -> Rollout:
    fields = {name: row._mapping[name] for name in _OWN_COLUMNS}
    fields["policy"] = msgspec.convert(fields["policy"], Policy)
    fields["groups"] = tuple(fields["groups"])
    fields["totals"] = tuple(fields["totals"])
    fields["odd"] = frozenset(fields["odd"])
    return Rollout(**fields)


def _to_member(row: Row[Any]) -> Member:
    return Member(**row._mapping)
