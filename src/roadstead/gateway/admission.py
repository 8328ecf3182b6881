"""Handshakes: bounded, queued behind established devices, their mathematics in threads.

A storm of new devices must not be felt by those that are connected. Handshake datagrams wait in a
queue of their own and are taken a few at a time; what finds no room is shed and counted, and the
device tries again. What checks and agrees on keys runs in two threads, beside the loop.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal

from roadstead.devices.registry import DeviceIdentity, DeviceRegistry
from roadstead.gateway.connection import Connection
from roadstead.gateway.connections import Connections
from roadstead.gateway.counters import Counters
from roadstead.gateway.refusals import RefusalLog
from roadstead.gateway.session_keeping import SessionKeeper
from roadstead.gateway.state import DeviceState
from roadstead.gateway.tracing import DeviceTraces
from roadstead.gateway.udp_socket import Address, show_host
from roadstead.kit.clock import Clock
from roadstead.kit.errors import DomainError
from roadstead.protocol.dtls.crypto_jobs import CryptoJob, CryptoResult, FlightJob
from roadstead.protocol.dtls.events import (
    CryptoNeeded,
    HandshakeFailed,
    KeyOffered,
    ServerEvent,
    SessionReady,
)
from roadstead.protocol.dtls.server import DtlsServer
from roadstead.protocol.dtls.session import Session

log = logging.getLogger(__name__)

ROUTINE_ENDS = frozenset({"expired", "restarted", "displaced", "key_refused"})
"""Ends of a handshake that are nobody's fault, or that were written down when they were decided."""

QUEUE_LIMIT = 1024
"""Handshake datagrams that may wait: about a second of work, well below the device's first
timer of 3 s, after which it repeats them anyway."""

PER_TURN = 8
"""Handshake datagrams taken in one turn of the loop, about a millisecond of parsing."""

CRYPTO_THREADS = 2
"""Threads for the longer computations on elliptic curves; they run beside the loop."""

STRANGERS_LIMIT = 1000
"""Sessions of unregistered devices that may be open at once, so that strangers cannot fill the
database."""

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Admission:
    """Lets devices in.

    Args:
        unknown_devices: what happens to a device whose key nobody registered.
        spawn: runs a short job beside the loop.
        adopt: takes over a session that was stored and confirmed.
        drain: looks at what the sessions did and sends what waits.
    """

    def __init__(
        self,
        dtls: DtlsServer,
        registry: DeviceRegistry,
        keeper: SessionKeeper,
        connections: Connections,
        clock: Clock,
        counters: Counters,
        random: Callable[[int], bytes],
        traces: DeviceTraces,
        *,
        unknown_devices: Literal["refuse", "quarantine"],
        spawn: Spawn,
        adopt: Callable[[Connection], None],
        drain: Callable[[], None],
    ) -> None:
        self.refusals = RefusalLog()
        self._dtls = dtls
        self._registry = registry
        self._keeper = keeper
        self._connections = connections
        self._clock = clock
        self._counters = counters
        self._random = random
        self._traces = traces
        self._quarantine = unknown_devices == "quarantine"
        self._spawn = spawn
        self._adopt = adopt
        self._drain = drain
        self._queue: deque[tuple[bytes, Address]] = deque()
        self._scheduled = False
        self._threads = ThreadPoolExecutor(CRYPTO_THREADS, thread_name_prefix="handshake")

    def offer(self, datagram: bytes, address: Address) -> None:
        """Queues a handshake datagram, or sheds it."""
        if len(self._queue) >= QUEUE_LIMIT:
            self._counters.handshakes_queued_dropped += 1
            return
        self._queue.append((datagram, address))
        self._schedule()

    def on_event(self, event: ServerEvent) -> None:
        """An event of a handshake. While it is dealt with, others go on."""
        match event:
            case KeyOffered():
                self._spawn(self._decide(event))
            case CryptoNeeded(job):
                self._compute(job)
            case SessionReady(session):
                self._spawn(self._confirm(session))
            case HandshakeFailed(address, reason):
                self._traces.on_handshake_failed(address, reason)
                self._note_failed(show_host(address), reason)
            case _:
                log.error("an event without a handler: %r", event)

    def _note_failed(self, host: str, reason: str) -> None:
        if reason in ROUTINE_ENDS:
            log.debug("handshake from %s ended: %s", host, reason)
        else:
            self.refusals.note(f"a handshake of {host}", reason, host, self._clock.monotonic())

    def close(self) -> None:
        """Ends the threads and forgets what waits."""
        self._queue.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._take_some)

    def _take_some(self) -> None:
        self._scheduled = False
        now = self._clock.monotonic()
        for _ in range(min(PER_TURN, len(self._queue))):
            self._dtls.receive(*self._queue.popleft(), now)
        self._drain()
        if self._queue:
            self._schedule()

    def _compute(self, job: CryptoJob) -> None:
        if isinstance(job, FlightJob):
            # Shorter than the way to a thread and back.
            self._dtls.finish(job, self._run_here(job), self._clock.monotonic())
            return
        loop = asyncio.get_running_loop()
        future: Future[CryptoResult] = self._threads.submit(job.run)

        def hand_over(done: "Future[CryptoResult]") -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(self._finish, job, done)

        future.add_done_callback(hand_over)

    def _run_here(self, job: FlightJob) -> CryptoResult | None:
        try:
            return job.run()
        except Exception:
            # The place of the job must be given back, or no handshake could begin some day.
            log.exception("a handshake could not be computed")
            return None

    def _finish(self, job: CryptoJob, done: "Future[CryptoResult]") -> None:
        if done.cancelled():
            return
        if done.exception() is not None:
            log.error("a handshake could not be computed: %s", done.exception())
            self._dtls.finish(job, None, self._clock.monotonic())
            self._drain()
            return
        self._dtls.finish(job, done.result(), self._clock.monotonic())
        self._drain()

    async def _decide(self, event: KeyOffered) -> None:
        try:
            identity = await self._registry.find_by_key(event.spki)
            stranger_may_speak = self._quarantine or (
                identity is None and await self._registry.first_keys.wanted()
            )
        except DomainError as error:
            # The database is away: the device is turned away now and tries again by itself.
            log.warning("a device key could not be looked up: %s", error)
            self._dtls.refuse_key(event.handshake, self._clock.monotonic())
            self._drain()
            return
        now = self._clock.monotonic()
        if identity is not None:
            device_id = bytes.fromhex(identity.device_id)
            self._traces.on_key_offered(identity.device_id, event.address)
            self._dtls.accept_key(event.handshake, now, device_id=device_id)
        elif stranger_may_speak and len(self._connections.strangers) < STRANGERS_LIMIT:
            self._counters.keys_quarantined += 1
            self._registry.first_keys.keep(event.spki)
            self._dtls.accept_key(event.handshake, now, device_id=None)
        else:
            self._counters.keys_refused += 1
            self._refuse_key(event, now)
        self._drain()

    def _refuse_key(self, event: KeyOffered, now: float) -> None:
        digest = hashlib.sha256(event.spki).hexdigest()
        reason = "no device is registered with this key"
        self._traces.on_key_refused(digest, event.address)
        self.refusals.note(f"key {digest[:16]}", reason, show_host(event.address), now)
        self._dtls.refuse_key(event.handshake, now)

    async def _confirm(self, session: Session) -> None:
        device_id = "" if session.device_id is None else session.device_id.hex()
        try:
            key = await self._keeper.store(session, device_id, self._random)
        except Exception as error:
            self._give_up(session, error)
            return
        connection = Connection(session, key, DeviceState(device_id, None), 0.0)
        try:
            # Only now, and with nothing to wait for after it: its key or owner may have changed
            # since the key was accepted, and changes are told to connections that stand.
            identity = await self._find_identity(session)
        except Exception as error:
            self._keeper.delete(connection)
            self._give_up(session, error)
            return
        if identity is None and session.device_id is not None:
            self._keeper.delete(connection)
            self._give_up(session, "its key is not registered any more")
            return
        connection.state.identity = identity
        self._begin(connection)

    def _begin(self, connection: Connection) -> None:
        now = self._clock.monotonic()
        connection.opened_at = connection.heard_at = now
        connection.session.context = connection
        self._counters.handshakes_done += 1
        self._adopt(connection)
        self._dtls.confirm(connection.session, now)
        self._drain()

    def _give_up(self, session: Session, reason: object) -> None:
        log.warning("a new session could not be kept: %s", reason)
        self._counters.sessions_lost += 1
        self._dtls.abandon(session)

    async def _find_identity(self, session: Session) -> DeviceIdentity | None:
        """The device of a session, None when the key that it proved is not that device's (now)."""
        if session.device_id is None:
            return None
        identity = await self._registry.find_identity(session.device_id.hex())
        if identity is None or identity.spki_digest != session.spki_digest:
            return None
        return identity
