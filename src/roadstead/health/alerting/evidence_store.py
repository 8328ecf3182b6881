"""The tables ``alert_watches`` and ``offline_devices``, and how they are written.

Both are written in the very transaction of the event that they follow from: a process that dies
has either kept both or neither, and the device sends its event again.

``offline_devices`` has a row for each device of a product that was online and went, by the moment
at which it went. "Who is offline for longer than N" is one stretch of that index; nothing ever
looks through the devices.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    text,
    tuple_,
)

from roadstead.devices.store import devices
from roadstead.firmware.delivery.store import list_history
from roadstead.health.alerting import alert_store
from roadstead.health.alerting.alert_store import KEYS_AT_ONCE
from roadstead.health.alerting.evidence_words import LAST_VERSION_OF
from roadstead.health.alerting.hysteresis import next_watch
from roadstead.health.alerting.model import Evidence, PresenceChange, Watch
from roadstead.health.alerting.rule_store import alert_rules
from roadstead.kit.clock import to_ms
from roadstead.storage.columns import Json, metadata
from roadstead.storage.sweeping import STEP_ROWS

MAX_WITHIN_S = 7 * 86_400
"""Longest time within which a rule counts."""

_waits = text("due_ms IS NOT NULL")

alert_watches = Table(
    "alert_watches",
    metadata,
    Column("rule_id", String(24), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("bad", Boolean, nullable=False),
    Column("since_ms", BigInteger, nullable=False, index=True),
    Column("due_ms", BigInteger),
    Column("text", Text, nullable=False),
    Column("times", Json, nullable=False),
    Index("ix_alert_watches_due_ms", "due_ms", sqlite_where=_waits, postgresql_where=_waits),
)

offline_devices = Table(
    "offline_devices",
    metadata,
    Column("device_id", String(24), primary_key=True),
    Column("product_id", Integer, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Index(None, "product_id", "since_ms", "device_id"),
)

_W = alert_watches.c
_O = offline_devices.c

_PUT_WATCH = text(
    """
    INSERT INTO alert_watches (rule_id, subject, name, bad, since_ms, due_ms, text, times)
    VALUES (:rule_id, :subject, :name, :bad, :since_ms, :due_ms, :text, :times)
    ON CONFLICT (rule_id, subject) DO UPDATE SET
        name = excluded.name, bad = excluded.bad, since_ms = excluded.since_ms,
        due_ms = excluded.due_ms, text = excluded.text, times = excluded.times
    """
).bindparams(bindparam("times", type_=Json))

_PUT_OFFLINE = text(
    """
    INSERT INTO offline_devices (device_id, product_id, since_ms)
    VALUES (:device_id, :product_id, :since_ms)
    ON CONFLICT (device_id) DO UPDATE SET
        product_id = excluded.product_id, since_ms = excluded.since_ms
    """
)

Key = tuple[str, str]
"""Rule and subject."""


def write_evidence(conn: Connection, rows: Sequence[Evidence]) -> None:
    """Takes note of what was heard; a writer of the journal. Costs the same for any fleet."""
    rows = [_with_version(conn, one) for one in rows]
    keys = list(dict.fromkeys((one.rule.id, one.subject) for one in rows))
    watches = find_watches(conn, keys)
    live = alert_store.find_live(conn, keys)
    names = _names(conn, [one.subject for one in rows if not one.name])
    before = dict(watches)
    for one in rows:
        key = (one.rule.id, one.subject)
        watch = next_watch(
            one.rule,
            watches.get(key),
            is_open=key in live,
            verdict=one.verdict,
            at_ms=one.at_ms,
            text=one.text,
        )
        if watch is None:
            watches.pop(key, None)
        else:
            watches[key] = watch
    told = {(one.rule.id, one.subject): one.name or names.get(one.subject, "") for one in rows}
    changed = {key: one for key, one in watches.items() if before.get(key) != one}
    put_watches(conn, changed, told)
    delete_watches(conn, [key for key in before if key not in watches])


def write_presence_changes(conn: Connection, rows: Sequence[PresenceChange]) -> None:
    """Takes note of devices that came and went; a writer of the journal.

    A device that came has its alerts of ``offline`` resolved when they are due to be.
    """
    last = {one.device_id: one for one in rows}
    gone = [one for one in last.values() if not one.online]
    back = [one.device_id for one in last.values() if one.online]
    if gone:
        conn.execute(
            _PUT_OFFLINE,
            [
                {"device_id": one.device_id, "product_id": one.product_id, "since_ms": one.at_ms}
                for one in gone
            ],
        )
    forget_offline(conn, back)
    live = alert_store.list_live_of_subjects(conn, list(last), "offline")
    pauses = _clear_after_ms(conn, {one.rule_id for one in live})
    ending: dict[Key, Watch] = {}
    for one in live:
        at_ms = last[one.subject].at_ms
        due_ms = at_ms + pauses.get(one.rule_id, 0)
        ending[one.rule_id, one.subject] = Watch(False, at_ms, due_ms, one.text)
    put_watches(
        conn,
        {key: watch for key, watch in ending.items() if last[key[1]].online},
        {(one.rule_id, one.subject): one.name for one in live},
    )
    delete_watches(conn, [key for key in ending if not last[key[1]].online])


def find_watches(conn: Connection, keys: Iterable[Key]) -> dict[Key, Watch]:
    """What is watched of these rules and subjects, locked until the transaction ends.

    So what is decided of a subject elsewhere is either not begun or committed.
    """
    found: dict[Key, Watch] = {}
    wanted = list(keys)
    for begin in range(0, len(wanted), KEYS_AT_ONCE):
        some = wanted[begin : begin + KEYS_AT_ONCE]
        query = select(alert_watches).where(tuple_(_W.rule_id, _W.subject).in_(some))
        query = query.with_for_update()
        found |= {(row.rule_id, row.subject): _to_watch(row) for row in conn.execute(query)}
    return found


def is_watch_due(conn: Connection, now_ms: int) -> bool:
    """Whether an alert is to be opened or resolved."""
    query = select(_W.rule_id).where(_W.due_ms <= now_ms).limit(1)
    return conn.execute(query).first() is not None


def take_due_watches(conn: Connection, now_ms: int, limit: int) -> list[tuple[Key, str, Watch]]:
    """What is due, locked, the longest due first: key, name, watch."""
    query = select(alert_watches).where(_W.due_ms <= now_ms).order_by(_W.due_ms).limit(limit)
    rows = conn.execute(query.with_for_update(skip_locked=True))
    return [((row.rule_id, row.subject), row.name, _to_watch(row)) for row in rows]


def put_watches(conn: Connection, watches: Mapping[Key, Watch], names: Mapping[Key, str]) -> None:
    """Keeps what is watched."""
    rows = [
        {
            "rule_id": key[0],
            "subject": key[1],
            "name": names.get(key, ""),
            "bad": one.bad,
            "since_ms": one.since_ms,
            "due_ms": one.due_ms,
            "text": one.text,
            "times": list(one.times),
        }
        for key, one in watches.items()
    ]
    if rows:
        conn.execute(_PUT_WATCH, rows)


def delete_watches(conn: Connection, keys: Sequence[Key]) -> None:
    """These subjects are at rest."""
    for begin in range(0, len(keys), KEYS_AT_ONCE):
        some = list(keys[begin : begin + KEYS_AT_ONCE])
        conn.execute(delete(alert_watches).where(tuple_(_W.rule_id, _W.subject).in_(some)))


def delete_watches_of_rule(conn: Connection, rule_id: str) -> None:
    """The rule watches nothing any more."""
    conn.execute(delete(alert_watches).where(_W.rule_id == rule_id))


def delete_watches_of_product(conn: Connection, product_id: int) -> None:
    """The rules of a product that is deleted watch nothing any more."""
    rules = select(alert_rules.c.id).where(alert_rules.c.product_id == product_id)
    conn.execute(delete(alert_watches).where(_W.rule_id.in_(rules)))


def delete_idle_watches(conn: Connection, now: datetime) -> int:
    """Deletes some counts of which nothing counts any more; gives how many."""
    old = to_ms(now) - MAX_WITHIN_S * 1000
    query = select(_W.rule_id, _W.subject).where(_W.since_ms < old, _W.due_ms.is_(None))
    keys = [(row.rule_id, row.subject) for row in conn.execute(query.limit(STEP_ROWS))]
    delete_watches(conn, keys)
    return len(keys)


def list_offline(
    conn: Connection, product_id: int, after: tuple[int, str], until_ms: int, limit: int
) -> list[tuple[str, int]]:
    """Devices that went after a place in the index and until a time, in its order, locked.

    A device that comes back meanwhile waits, and then sees the alert that was opened.

    Returns:
        Device and Unix milliseconds.
    """
    query = (
        select(_O.device_id, _O.since_ms)
        .where(_O.product_id == product_id, _O.since_ms <= until_ms, _O.since_ms >= after[0])
        .where(tuple_(_O.since_ms, _O.device_id) > tuple_(*after))
        .order_by(_O.since_ms, _O.device_id)
        .limit(limit)
        .with_for_update()
    )
    return [(row.device_id, row.since_ms) for row in conn.execute(query)]


def next_offline_ms(conn: Connection, product_id: int, after_ms: int) -> int | None:
    """When the first device after a time went."""
    query = select(func.min(_O.since_ms)).where(_O.product_id == product_id, _O.since_ms > after_ms)
    found = conn.execute(query).scalar()
    return None if found is None else int(found)


def forget_offline(conn: Connection, device_ids: Sequence[str]) -> None:
    """These devices are online, or in no product."""
    for begin in range(0, len(device_ids), KEYS_AT_ONCE):
        some = list(device_ids[begin : begin + KEYS_AT_ONCE])
        conn.execute(delete(offline_devices).where(_O.device_id.in_(some)))


def delete_of_product(conn: Connection, product_id: int) -> None:
    """Forgets who is offline in a product that is deleted."""
    conn.execute(delete(offline_devices).where(_O.product_id == product_id))


def _clear_after_ms(conn: Connection, rule_ids: Collection[str]) -> dict[str, int]:
    query = select(alert_rules.c.id, alert_rules.c.draft).where(alert_rules.c.id.in_(rule_ids))
    return {row.id: row.draft.get("clear_after_s", 0) * 1000 for row in conn.execute(query)}


def _with_version(conn: Connection, one: Evidence) -> Evidence:
    """Evidence about a version is told by a device: the version is that of its last delivery."""
    if not one.subject.startswith(LAST_VERSION_OF):
        return one
    device_id = one.subject.removeprefix(LAST_VERSION_OF)
    last = list_history(conn, device_id, limit=1)
    version = last[0].version if last else 0
    return one._replace(subject=f"version:{version}", name=f"version {version}")


def _names(conn: Connection, subjects: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    unique = list(dict.fromkeys(subjects))
    for begin in range(0, len(unique), KEYS_AT_ONCE):
        some = unique[begin : begin + KEYS_AT_ONCE]
        query = select(devices.c.id, devices.c.name).where(devices.c.id.in_(some))
        found |= {row.id: row.name or "" for row in conn.execute(query)}
    return found


def _to_watch(row: Any) -> Watch:
    return Watch(row.bad, row.since_ms, row.due_ms, row.text, tuple(row.times))
