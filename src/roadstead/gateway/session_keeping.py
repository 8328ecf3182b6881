"""Sessions across restarts: taken over at start, kept up to date, deleted in small steps.

What is stored when: the session itself before the device may use it; reserved record numbers in
blocks, ahead of their use; Hello and subscriptions before they are acknowledged: all of these so
that they survive a power loss. The newest number received, the address and the time follow about
once a second, for sessions that were heard.
"""

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import msgspec

from roadstead.events.store import recent_message_ids
from roadstead.gateway.connection import Connection
from roadstead.gateway.counters import Counters
from roadstead.gateway.session_store import (
    ReservationLost,
    SessionRow,
    delete_sessions,
    read_sessions,
    take_over_sessions,
    write_facts,
    write_hellos,
    write_limits,
    write_positions,
    write_sessions,
    write_subscriptions,
)
from roadstead.gateway.state import DeviceState, without_id
from roadstead.kit.clock import Clock
from roadstead.protocol.dtls.server import DtlsServer
from roadstead.protocol.dtls.session import Session
from roadstead.protocol.dtls.snapshot import SessionSnapshot
from roadstead.protocol.messages.hello import Hello
from roadstead.protocol.messages.subscription import DeviceSubscription
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal, OnCommitted, RowWriter
from roadstead.storage.secret_box import SecretBox

log = logging.getLogger(__name__)

SEQUENCE_BLOCK = 4096
"""Record numbers reserved at a time: one small write for 2,000 to 4,000 messages."""

REPEAT_MEMORY_S = 120.0
"""Seconds before the start whose events are known by message id: a device repeats its last one
for at most 42 s, and the process was away for a while."""

SESSIONS_PER_READ = 500
"""Sessions read at once while they are taken over."""

SAME_WORDS = 1024
"""Different Hellos, and lists of subscriptions, remembered while sessions are taken over."""

KEY_BYTES = 8
"""Length of a session's key, that of a connection id."""


class Loaded(NamedTuple):
    """A session taken over: what is needed to make its connection."""

    session: Session
    row_key: bytes
    device_id: str
    hello: Hello | None
    subscriptions: tuple[DeviceSubscription, ...]
    heard_ms: int


class SessionKeeper:
    """Stores sessions; all writes but the first of a session pass through the journal.

    Args:
        shard: first byte of the connection ids of this process.
        expiry_s: sessions silent for longer are not taken over.
    """

    def __init__(
        self,
        database: Database,
        journal: Journal,
        box: SecretBox,
        clock: Clock,
        dtls: DtlsServer,
        counters: Counters,
        *,
        shard: int,
        expiry_s: float,
    ) -> None:
        self._database = database
        self._journal = journal
        self._box = box
        self._clock = clock
        self._dtls = dtls
        self._counters = counters
        self._shard = shard
        self._expiry_s = expiry_s
        self._heard: set[Connection] = set()
        self._warm: set[Connection] = set()
        self._later: deque[Callable[[], None]] = deque()
        self._recent: dict[str, list[int]] = {}

    async def load(self) -> AsyncIterator[list[Loaded]]:
        """Takes over the sessions of this shard, the one heard last first, some hundred at a time.

        Their numbers are reserved and committed before the first is given. Read all at once, the
        rows of a large fleet would leave holes in the memory of the process that nothing else fits.

        Raises:
            Unavailable: the database cannot be reached.
        """
        now_ms = self._clock.now_ms()
        keys = await self._database.write(
            partial(
                take_over_sessions,
                shard=self._shard,
                block=SEQUENCE_BLOCK,
                silent_since_ms=now_ms - int(self._expiry_s * 1000),
            ),
            durable=True,
        )
        since_ms = now_ms - int(REPEAT_MEMORY_S * 1000)
        for device_id, message_id in await self._database.read(
            lambda conn: recent_message_ids(conn, since_ms)
        ):
            self._recent.setdefault(device_id, []).append(message_id)
        for begin in range(0, len(keys), SESSIONS_PER_READ):
            part = keys[begin : begin + SESSIONS_PER_READ]
            rows = await self._database.read(partial(read_sessions, keys=part))
            loaded = [one for row in rows if (one := self._restore(row)) is not None]
            self._counters.sessions_loaded += len(loaded)
            yield loaded

    def take_recent_message_ids(self, device_id: str) -> list[int]:
        """Ids of the device's events that were committed shortly before the start; once."""
        return self._recent.pop(device_id, [])

    def forget_recent_message_ids(self) -> None:
        """Drops what nobody asked for; no device repeats its messages for that long."""
        self._recent.clear()

    async def store(
        self, session: Session, device_id: str, random: Callable[[int], bytes]
    ) -> bytes:
        """Stores a new session durably; gives its key.

        Raises:
            Unavailable: it could not be stored; the device must not use it.
        """
        key = session.cid or random(KEY_BYTES)
        host, port = session.address
        row = SessionRow(
            session_key=key,
            shard=self._shard,
            device_id=device_id,
            sealed=self._box.seal(session.snapshot().encode(), key),
            tx_limit=session.tx_limit,
            rx_highest=session.rx_highest,
            host=host,
            port=port,
            hello=None,
            subscriptions="[]",
            heard_ms=self._clock.now_ms(),
        )
        # Devices that come back together share a commit, and with it its wait for the disk.
        await self._journal.write(write_sessions, row, durable=True)
        return key

    def raise_limit(self, connection: Connection) -> None:
        """Reserves the next block of numbers; they may be used once it is committed.

        A session that another process has taken over falls silent here when its block is used up,
        so that no number is used by both; its device comes back by a handshake.
        """
        if connection.extending or not connection.alive:
            return
        connection.extending = True
        known = connection.session.tx_limit
        limit = known + SEQUENCE_BLOCK

        def on_committed(error: Exception | None) -> None:
            connection.extending = False
            if isinstance(error, ReservationLost):
                log.error(
                    "a device session ends: %s; does another server use this database?", error
                )
            elif error is not None:
                log.warning("a reservation of record numbers was not stored: %s", error)
                self._later.append(partial(self.raise_limit, connection))
            elif connection.alive:
                self._dtls.extend_sequence(connection.session, limit)

        row = (connection.row_key, known, limit)
        self._append(write_limits, row, on_committed, durable=True)

    def note_heard(self, connection: Connection) -> None:
        """Marks a session whose position is to be stored with the next flush."""
        self._heard.add(connection)

    def flush(self) -> None:
        """Hands the positions of the sessions that were heard to the journal.

        Those that have fallen silent since the last flush drop their ciphers: a kilobyte each, and
        made again in a microsecond.
        """
        self._run_later()
        heard_ms = self._clock.now_ms()
        heard, self._heard = self._heard, set()
        for connection in self._warm - heard:
            connection.session.cool()
        self._warm = heard
        for connection in heard:
            if connection.alive:
                session = connection.session
                row = (connection.row_key, session.rx_highest, *session.address, heard_ms)
                # With the journal full the next flush has a newer position, so none is kept.
                if not self._journal.append(write_positions, row):
                    self._heard.add(connection)

    def store_hello(
        self, connection: Connection, on_committed: Callable[[Exception | None], None]
    ) -> None:
        """Stores the Hello and clears the subscriptions."""
        state = connection.state
        facts = msgspec.json.encode(state.hello).decode()
        row = (connection.row_key, state.device_id, facts)
        self._append(write_hellos, row, on_committed, durable=True)

    def store_facts(
        self, connection: Connection, on_committed: Callable[[Exception | None], None]
    ) -> None:
        """Stores facts that belong to the Hello and came later."""
        facts = msgspec.json.encode(connection.state.hello).decode()
        self._append(write_facts, (connection.row_key, facts), on_committed, durable=True)

    def store_subscriptions(
        self, connection: Connection, on_committed: Callable[[Exception | None], None]
    ) -> None:
        """Stores the subscriptions as they are now."""
        row = (connection.row_key, encode_subscriptions(connection.state))
        if not self._journal.append(write_subscriptions, row, on_committed, durable=True):
            # Made anew then: a newer list may be written meanwhile.
            self._later.append(partial(self.store_subscriptions, connection, on_committed))

    def delete(self, connection: Connection) -> None:
        """Deletes a session that was dropped."""
        self._heard.discard(connection)
        self._append(delete_sessions, connection.row_key)

    def _append(
        self,
        writer: RowWriter,
        row: Any,
        on_committed: OnCommitted | None = None,
        *,
        durable: bool = False,
    ) -> None:
        if not self._journal.append(writer, row, on_committed, durable=durable):
            again = partial(self._append, writer, row, on_committed, durable=durable)
            self._later.append(again)

    def _run_later(self) -> None:
        for _ in range(len(self._later)):
            self._later.popleft()()

    def _restore(self, row: SessionRow) -> Loaded | None:
        try:
            snapshot = SessionSnapshot.decode(self._box.open(row.sealed, row.session_key))
            hello = None if row.hello is None else _decode_hello(row.hello)
            subscriptions = _decode_subscriptions(row.subscriptions)
        except Exception:
            # A key file that was replaced, or a damaged row: the device will handshake anew.
            log.exception("a stored session of device %s cannot be read", row.device_id or "?")
            self._counters.sessions_lost += 1
            return None
        snapshot = snapshot.advanced(
            tx_limit=row.tx_limit - SEQUENCE_BLOCK,
            rx_highest=row.rx_highest,
            address=None if snapshot.address == (row.host, row.port) else (row.host, row.port),
            device_id=bytes.fromhex(row.device_id) if row.device_id else None,
        )
        session = self._dtls.restore(snapshot, self._clock.monotonic())
        self._dtls.extend_sequence(session, row.tx_limit)
        # Nothing of the row is kept where there is an equal: parts of rows would hold the memory of
        # all of them for the life of the process.
        key = bytes(row.session_key)
        if session.cid is not None and session.cid == key:
            key = session.cid
        return Loaded(session, key, row.device_id, hello, subscriptions, row.heard_ms)


_HELLO = msgspec.json.Decoder(Hello)
_SUBSCRIPTIONS = msgspec.json.Decoder(tuple[DeviceSubscription, ...])


# Devices with the same firmware say the same; one value of it serves them all.
@lru_cache(SAME_WORDS)
def _decode_hello(text: str) -> Hello:
    return without_id(_HELLO.decode(text))


@lru_cache(SAME_WORDS)
def _decode_subscriptions(text: str) -> tuple[DeviceSubscription, ...]:
    return _SUBSCRIPTIONS.decode(text)


def encode_subscriptions(state: DeviceState) -> str:
    """The subscriptions as they are stored."""
    return msgspec.json.encode(state.subscriptions).decode()
