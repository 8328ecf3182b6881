"""Device sessions in the database: what a restarted process needs to go on with each device.

A session is committed before the device may use it. Its record numbers are reserved in blocks:
``tx_limit`` is the first number that is not reserved, and a process that takes the sessions over
begins at the stored limit, after it has committed the next one. So no number is ever used twice,
however often a process dies (AES-CCM must never see a nonce again).

Writers named ``write_…`` and ``delete_sessions`` take many rows at once and run in the journal.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from roadstead.storage.columns import metadata

device_sessions = Table(
    "device_sessions",
    metadata,
    Column("session_key", LargeBinary, primary_key=True),
    Column("shard", Integer, nullable=False),
    Column("device_id", String(24), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("tx_limit", BigInteger, nullable=False),
    Column("rx_highest", BigInteger, nullable=False),
    Column("host", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("hello", Text, nullable=True),
    Column("subscriptions", Text, nullable=False),
    Column("heard_ms", BigInteger, nullable=False),
    Index("ix_device_sessions_shard_heard_ms", "shard", "heard_ms"),
)


class SessionRow(msgspec.Struct, frozen=True, gc=False):
    """One stored session.

    Attributes:
        session_key: primary key; the connection id where the session has one.
        shard: first byte of the connection ids that its process hands out.
        device_id: 24-hex id; empty while nobody knows whose session it is.
        sealed: snapshot of the protected session, encrypted with ``session_key`` as context.
        tx_limit: first record number that is not reserved.
        rx_highest: highest record number seen from the device, at most about a second old.
        host: last address of the device.
        port: its port.
        hello: what the device said of itself in its Hello, as JSON; None before the Hello.
        subscriptions: its subscriptions, as JSON.
        heard_ms: Unix milliseconds when the device was last heard on this session.
    """

    session_key: bytes
    shard: int
    device_id: str
    sealed: bytes
    tx_limit: int
    rx_highest: int
    host: str
    port: int
    hello: str | None
    subscriptions: str
    heard_ms: int


_TABLE = device_sessions.c
_BY_KEY = _TABLE.session_key == bindparam("key")
_SET_LIMIT = (
    update(device_sessions)
    .where(_BY_KEY, _TABLE.tx_limit == bindparam("known"))
    .values(tx_limit=bindparam("limit"))
)
_SET_POSITION = (
    update(device_sessions)
    .where(_BY_KEY)
    .values(
        rx_highest=bindparam("highest"),
        host=bindparam("new_host"),
        port=bindparam("new_port"),
        heard_ms=bindparam("heard"),
    )
)
_SET_HELLO = (
    update(device_sessions)
    .where(_BY_KEY)
    .values(device_id=bindparam("device"), hello=bindparam("facts"), subscriptions="[]")
)
_SET_FACTS = update(device_sessions).where(_BY_KEY).values(hello=bindparam("facts"))
_SET_SUBSCRIPTIONS = (
    update(device_sessions).where(_BY_KEY).values(subscriptions=bindparam("filters"))
)
_DELETE = delete(device_sessions).where(_BY_KEY)


def write_sessions(conn: Connection, rows: Sequence[SessionRow]) -> None:
    """Stores new sessions; their commit must be durable, and precede their use by the device."""
    _run(conn, insert(device_sessions), [msgspec.structs.asdict(row) for row in rows])


def take_over_sessions(
    conn: Connection, *, shard: int, block: int, silent_since_ms: int
) -> list[bytes]:
    """Reserves the next ``block`` of numbers for every session of a shard.

    After the commit of this unit of work, ``read_sessions`` gives the sessions with ``tx_limit``
    as the new limit; the first number that may be used is ``tx_limit - block``. Sessions not heard
    since ``silent_since_ms`` are deleted.

    Returns:
        The keys of all sessions, the one heard last first.
    """
    of_shard = _TABLE.shard == shard
    conn.execute(delete(device_sessions).where(of_shard, _TABLE.heard_ms < silent_since_ms))
    conn.execute(update(device_sessions).where(of_shard).values(tx_limit=_TABLE.tx_limit + block))
    keys = select(_TABLE.session_key).where(of_shard).order_by(_TABLE.heard_ms.desc())
    return [bytes(key) for key in conn.scalars(keys)]


def read_sessions(conn: Connection, keys: Sequence[bytes]) -> list[SessionRow]:
    """The sessions with these keys, in their order; at most some hundred at a time."""
    rows = conn.execute(select(device_sessions).where(_TABLE.session_key.in_(keys)))
    found = {bytes(row.session_key): SessionRow(*row) for row in rows}
    return [found[key] for key in keys if key in found]


class ReservationLost(Exception):
    """The stored limit is not the one that this process knows: another has reserved since."""


def write_limits(conn: Connection, rows: Sequence[tuple[bytes, int, int]]) -> None:
    """Raises reservations: rows of (session key, limit as this process knows it, new limit).

    Raises:
        ReservationLost: the session was taken over by another process, or is gone; its numbers
            above the known limit are not this process's to use.
    """
    for key, known, limit in rows:
        changed = conn.execute(_SET_LIMIT, {"key": key, "known": known, "limit": limit})
        if changed.rowcount != 1:
            raise ReservationLost(f"the session {key.hex()} is not this process's any more")


def write_positions(conn: Connection, rows: Sequence[tuple[bytes, int, str, int, int]]) -> None:
    """Rows of (session key, highest number received, host, port, heard at in Unix ms)."""
    _run(
        conn,
        _SET_POSITION,
        [
            {"key": key, "highest": highest, "new_host": host, "new_port": port, "heard": heard}
            for key, highest, host, port, heard in rows
        ],
    )


def write_hellos(conn: Connection, rows: Sequence[tuple[bytes, str, str]]) -> None:
    """Rows of (session key, device id, Hello as JSON); a Hello clears the subscriptions."""
    _run(
        conn,
        _SET_HELLO,
        [{"key": key, "device": device_id, "facts": facts} for key, device_id, facts in rows],
    )


def write_facts(conn: Connection, rows: Sequence[tuple[bytes, str]]) -> None:
    """Rows of (session key, Hello as JSON), without a new Hello."""
    _run(conn, _SET_FACTS, [{"key": key, "facts": facts} for key, facts in rows])


def write_subscriptions(conn: Connection, rows: Sequence[tuple[bytes, str]]) -> None:
    """Rows of (session key, subscriptions as JSON)."""
    _run(conn, _SET_SUBSCRIPTIONS, [{"key": key, "filters": filters} for key, filters in rows])


def delete_sessions(conn: Connection, rows: Sequence[bytes]) -> None:
    """Deletes sessions by their keys; unknown ones are passed over."""
    _run(conn, _DELETE, [{"key": key} for key in rows])


def _run(conn: Connection, statement: Any, parameters: list[dict[str, Any]]) -> None:
    if parameters:
        conn.execute(statement, parameters)
