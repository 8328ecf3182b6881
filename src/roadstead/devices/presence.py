"""Who is online: kept in memory, written behind in small batches.

The gateway tells every message that it hears; that costs one store into a dictionary. What changed
is written every two seconds, and nothing ever goes through the whole fleet.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from roadstead.devices.model import Presence
from roadstead.devices.presence_store import (
    PresenceRow,
    list_online,
    to_presence,
    write_presence,
)
from roadstead.kit.clock import Clock, to_ms
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

FLUSH_EVERY_S = 2.0
"""Seconds between two writes: how old ``last_heard`` may be after the process died."""


class PresenceBoard:
    """The connections of this process's devices.

    Devices that are online are in memory; so are those that went, until that is written.

    Args:
        journal: writes what changed.
        clock: for the times.
        came_online: told of each device that is connected, with a new session or an old one.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        came_online: Callable[[str, datetime], None] | None = None,
    ) -> None:
        self._came_online = came_online
        self._journal = journal
        self._clock = clock
        self._rows: dict[str, PresenceRow] = {}
        self._changed: dict[str, None] = {}
        self._heard: dict[str, float] = {}
        self._online = 0

    @property
    def online_count(self) -> int:
        """Devices online now."""
        return self._online

    def online(self, device_id: str, address: str, at: datetime, handshake: bool) -> None:
        """The device is connected.

        Args:
            device_id: 24 lower-case hex digits.
            address: its network address, without the port.
            at: when it came.
            handshake: it made a full handshake; a resumed session is none.
        """
        before = self._rows.get(device_id)
        at_ms = to_ms(at)
        known_ms = None if before is None else before.last_handshake_ms
        handshake_ms = at_ms if handshake else known_ms
        self._put(PresenceRow(device_id, True, at_ms, handshake_ms, address), before)
        if self._came_online is not None:
            self._came_online(device_id, at)

    def heard(self, device_id: str) -> None:
        """A message of the device arrived."""
        self._heard[device_id] = self._clock.monotonic()

    def offline(self, device_id: str, at: datetime) -> None:
        """The device is not connected any more; ``at`` changes no time that is kept."""
        self._settle(device_id, self._offset_ms())
        before = self._rows.get(device_id)
        if before is None:
            self._put(PresenceRow(device_id, False, None, None, None), None)
        elif before.online:
            self._put(_with(before, online=False), before)

    def is_online(self, device_id: str) -> bool:
        """True while the device is connected."""
        row = self._rows.get(device_id)
        return row is not None and row.online

    def find(self, device_id: str) -> Presence | None:
        """What is in memory of this device; None when only the database may know it."""
        self._settle(device_id, self._offset_ms())
        row = self._rows.get(device_id)
        return None if row is None else to_presence(row)

    def overlay(self, device_id: str, stored: Presence | None) -> Presence:
        """What is known now: memory first, then what was stored."""
        stored = stored or Presence()
        now = self.find(device_id)
        if now is None:
            return stored
        return Presence(
            now.online,
            now.last_heard_at or stored.last_heard_at,
            now.last_handshake_at or stored.last_handshake_at,
            now.last_ip_address or stored.last_ip_address,
        )

    async def load(self, database: Database) -> list[str]:
        """Takes over who was online when the process before this one ended.

        Returns:
            Their ids; whoever calls this decides how long they may stay silent, and calls
            ``offline`` for those that did not come back.
        """
        rows = await database.read(list_online)
        for row in rows:
            if row.device_id not in self._rows:
                self._rows[row.device_id] = row
                self._online += 1
        return [row.device_id for row in rows]

    async def run(self) -> None:
        """Writes what changed every ``FLUSH_EVERY_S``; ends with a last write when cancelled."""
        try:
            while True:
                await asyncio.sleep(FLUSH_EVERY_S)
                self.flush()
        finally:
            self.flush()

    def write_now(self, device_id: str) -> None:
        """Hands one device's change to the journal without waiting for the next flush.

        For what readers of the stream are told in the same moment: a crash must not forget it.
        """
        if device_id in self._changed and self._write(self._rows[device_id]):
            del self._changed[device_id]

    def flush(self) -> int:
        """Hands what changed to the journal; gives the number of rows.

        What the journal has no room for, or fails to write, stays to be written.
        """
        heard, self._heard = self._heard, {}
        offset_ms = self._offset_ms()
        for device_id, moment in heard.items():
            self._note_heard(device_id, int(moment * 1000) + offset_ms)
        changed, self._changed = self._changed, {}
        count = 0
        for device_id in changed:
            if self._write(self._rows[device_id]):
                count += 1
            else:
                self._changed[device_id] = None
        return count

    def _write(self, row: PresenceRow) -> bool:
        return self._journal.append(write_presence, row, lambda error: self._written(row, error))

    def _written(self, row: PresenceRow, error: Exception | None) -> None:
        device_id = row.device_id
        if error is not None:
            # A later row may have been written meanwhile, and be forgotten already.
            if device_id in self._rows:
                self._changed.setdefault(device_id)
        elif not row.online and self._rows.get(device_id) is row:
            # Written, and not changed since: the database knows all of it.
            del self._rows[device_id]
            self._changed.pop(device_id, None)

    def _settle(self, device_id: str, offset_ms: int) -> None:
        moment = self._heard.pop(device_id, None)
        if moment is not None:
            self._note_heard(device_id, int(moment * 1000) + offset_ms)

    def _note_heard(self, device_id: str, at_ms: int) -> None:
        before = self._rows.get(device_id)
        if before is None:
            # Not online here (a stranger, or one that just went): nothing to keep.
            return
        self._put(_with(before, last_heard_ms=at_ms), before)

    def _put(self, row: PresenceRow, before: PresenceRow | None) -> None:
        self._online += row.online - (before is not None and before.online)
        self._rows[row.device_id] = row
        self._changed[row.device_id] = None

    def _offset_ms(self) -> int:
        """From monotonic to Unix milliseconds."""
        return self._clock.now_ms() - int(self._clock.monotonic() * 1000)


def _with(
    row: PresenceRow, *, online: bool | None = None, last_heard_ms: int | None = None
) -> PresenceRow:
    return PresenceRow(
        row.device_id,
        row.online if online is None else online,
        row.last_heard_ms if last_heard_ms is None else last_heard_ms,
        row.last_handshake_ms,
        row.last_ip_address,
    )
