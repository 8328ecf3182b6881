"""A history of millions of events, written as the server would have written it, only faster."""

import sqlite3
import time
from pathlib import Path
from random import Random

import msgspec

from roadstead.events.model import Event
from roadstead.events.segment_store import event_places, event_segments, event_volumes
from roadstead.events.segments import SEGMENT_EVENTS, SegmentDraft
from roadstead.events.store import events
from roadstead.kit.ids import EVENT_COUNTER_BITS

NAMES = ("cold/temperature", "cold/door", "spark/status", "battery/level")
RARE_NAME = "cold/alarm"
RARE_ONE_IN = 100_000
DAYS = 6.5


def add_history(folder: Path, count: int, owner_id: str, devices: int) -> list[str]:
    """Writes events of the last days, and their segments.

    Returns:
        Ids of the devices; the last one has said two things, the others about the same.
    """
    random = Random(7)
    ids = [random.randbytes(12).hex() for _ in range(devices)]
    connection = sqlite3.connect(folder / "roadstead.db", isolation_level=None)
    for pragma in ("synchronous=OFF", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
    now_ms = int(time.time() * 1000)
    start_ms = now_ms - int(DAYS * 86_400_000)
    step = (now_ms - 60_000 - start_ms) / count
    insert = _insert(events)
    draft = SegmentDraft(0)
    for begin in range(0, count, SEGMENT_EVENTS):
        rows = []
        for number in range(begin, min(begin + SEGMENT_EVENTS, count)):
            at_ms = start_ms + int(number * step)
            silent = number in (count // 3, count // 2)
            device = ids[-1] if silent else ids[random.randrange(devices - 1)]
            name = RARE_NAME if number % RARE_ONE_IN == 5 else NAMES[number % len(NAMES)]
            payload = b'{"c":-18.25,"n":%d}' % number
            event = Event(
                id=(at_ms << EVENT_COUNTER_BITS) + number % 1000,
                name=name,
                payload=payload,
                published_at_ms=at_ms,
                device_id=device,
                owner_id=owner_id,
                message_id=number & 0xFFFF,
            )
            rows.append(msgspec.structs.astuple(event))
            draft.add(event.id, device, owner_id, None, len(name) + len(payload))
        connection.execute("BEGIN")
        connection.executemany(insert, rows)
        _put(connection, draft)
        connection.execute("COMMIT")
        draft = SegmentDraft(draft.last_id)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return ids


def _put(connection: sqlite3.Connection, draft: SegmentDraft) -> None:
    segment = (draft.first_id, draft.last_id, draft.events)
    connection.execute(_insert(event_segments), segment)
    places = [(draft.first_id, one.place, one.events, one.ids) for one in draft.places()]
    connection.executemany(_insert(event_places), places)
    volumes = [(one.payer, draft.first_id, one.events, one.size_bytes) for one in draft.volumes()]
    connection.executemany(_insert(event_volumes), volumes)


def _insert(table) -> str:
    marks = ", ".join("?" * len(table.c))
    return f"INSERT INTO {table.name} ({', '.join(table.c.keys())}) VALUES ({marks})"
