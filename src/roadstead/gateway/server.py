"""The device edge as a whole: built by main, started, run, stopped; its link is for everybody."""

import asyncio
import gc
import logging
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.bus.local import LocalBus
from roadstead.devices.announcing import DEVICE_CHANGED, KEY_CHANGED
from roadstead.devices.model import DeviceIdentity
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.reports import DeviceReports
from roadstead.events.ingest import TOPIC as EVENT_TOPIC
from roadstead.events.ingest import EventIngest
from roadstead.gateway.admission import Admission
from roadstead.gateway.connection import Connection
from roadstead.gateway.connections import Connections
from roadstead.gateway.counters import Counters
from roadstead.gateway.delivery import EventDelivery
from roadstead.gateway.link import GatewayLink
from roadstead.gateway.performing import Performer
from roadstead.gateway.runner import Runner
from roadstead.gateway.session_keeping import Loaded, SessionKeeper
from roadstead.gateway.state import DeviceState
from roadstead.gateway.storing import Storing, VitalsSink
from roadstead.gateway.udp_socket import Address, UdpSocket, open_udp_socket
from roadstead.gateway.wire import Wire
from roadstead.kit.clock import Clock, to_ms
from roadstead.protocol.dtls.server import DtlsServer
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal
from roadstead.storage.outbox import OutboxMessage
from roadstead.storage.secret_box import SecretBox

log = logging.getLogger(__name__)

TICK_S = 0.1
"""Seconds between two looks at the timers; the shortest of them is a device's repetition at 4 s."""

FLUSH_EVERY_TICKS = 10
"""Ticks between two flushes of session positions: one second."""

RECENT_IDS_TICKS = 3000
"""Ticks until the message ids of before the start are forgotten: five minutes."""

COOKIE_SECRET_BYTES = 32

DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How this gateway behaves.

    Attributes:
        unknown_devices: what happens to a device whose key nobody registered. In quarantine it may
            connect and say hello; it is answered, nothing of it is kept and its events go to
            nobody.
        shard: first byte of the connection ids handed out; one per process.
        session_expiry_s: silence after which a session is deleted.
    """

    unknown_devices: Literal["refuse", "quarantine"] = "refuse"
    shard: int = 0
    session_expiry_s: float = 30 * DAY_S


class Sample(msgspec.Struct, frozen=True):
    """One number for the metrics page; same shape as there."""

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    value: float
    labels: dict[str, str] = {}


class Gateway:
    """Devices over UDP.

    Args:
        settings: see GatewaySettings.
        server_key: the P-256 key that devices have as their server's.
        database: for sessions.
        journal: for what may be written a little later.
        box: encrypts session keys at rest.
        registry: which devices there are.
        reports: keeps what they say of themselves.
        presence: keeps who is online.
        ingest: takes their events.
        bus: committed events and changes of devices come over it.
        vitals_sink: stores and publishes vitals.

    Attributes:
        link: asks connected devices; implements ``devices.link.DeviceLink``.
        counters: what happened so far.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        server_key: ec.EllipticCurvePrivateKey,
        database: Database,
        journal: Journal,
        box: SecretBox,
        registry: DeviceRegistry,
        reports: DeviceReports,
        presence: PresenceBoard,
        ingest: EventIngest,
        bus: LocalBus,
        clock: Clock,
        vitals_sink: VitalsSink,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.counters = Counters()
        self._settings = settings
        self._database = database
        self._registry = registry
        self._presence = presence
        self._bus = bus
        self._clock = clock
        self._dtls = DtlsServer(
            private_key=server_key,
            cookie_secret=random(COOKIE_SECRET_BYTES),
            shard=settings.shard,
            random=random,
        )
        self._connections = Connections()
        self._keeper = SessionKeeper(
            database,
            journal,
            box,
            clock,
            self._dtls,
            self.counters,
            shard=settings.shard,
            expiry_s=settings.session_expiry_s,
        )
        self._wire = Wire(self._dtls, clock, random, self._keeper.take_recent_message_ids)
        self._runner = Runner(
            dtls=self._dtls,
            wire=self._wire,
            connections=self._connections,
            keeper=self._keeper,
            presence=presence,
            clock=clock,
            counters=self.counters,
            expiry_s=settings.session_expiry_s,
        )
        self._join(random, reports, ingest, vitals_sink)
        self.link = GatewayLink(
            connections=self._connections,
            performer=self._runner.performer,
            wire=self._wire,
            registry=registry,
            counters=self.counters,
        )
        self._socket: UdpSocket | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self._subscriptions = [
            bus.subscribe(EVENT_TOPIC, self._runner.delivery.on_event),
            bus.subscribe(DEVICE_CHANGED, self._on_device_changed),
            bus.subscribe(KEY_CHANGED, self._on_key_changed),
        ]

    async def start(self, address: Address) -> Address:
        """Takes over the stored sessions and binds the socket; gives its real address.

        Nothing is read from it before ``run``.

        Raises:
            Unavailable: the database cannot be reached.
            OSError: the address is in use or is none of this machine.
        """
        self._socket = await open_udp_socket(*address)
        self._wire.attach(self._socket)
        # Sessions live for weeks: the collector need not look at them, now or later.
        gc.disable()
        try:
            await self._take_over_all()
        finally:
            gc.freeze()
            gc.enable()
        log.info("took over %d device sessions", len(self._connections))
        return self._socket.address

    async def run(self) -> None:
        """Serves devices until ``stop``."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            if self._socket is not None:
                self._socket.start(self._runner.receive, self._runner.drain)
            ticking = tasks.create_task(self._tick())
            await self._stopping.wait()
            ticking.cancel()
        self._tasks = None

    async def stop(self) -> None:
        """Takes no more datagrams, hands what is known to the journal and ends ``run``.

        Devices stay as they are: their sessions go on with the next process.
        """
        if self._socket is not None:
            self._socket.pause()
        for subscription in self._subscriptions:
            subscription.close()
        self._runner.admission.close()
        self._keeper.flush()
        self._presence.flush()
        self._stopping.set()

    def close_socket(self) -> None:
        """Closes the socket, at the very end: acknowledgements of the last events still leave."""
        self._runner.drain()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def samples(self) -> Iterator[Sample]:
        """The numbers of the device edge."""
        for field in msgspec.structs.fields(Counters):
            value = getattr(self.counters, field.name)
            yield _counter(f"gateway_{field.name}", value)
        if self._socket is not None:
            yield _counter("gateway_datagrams_received", self._socket.received)
            yield _counter("gateway_datagrams_sent", self._socket.sent)
            yield _counter("gateway_datagrams_unsent", self._socket.dropped)
        for name, value in self._dtls_counters():
            if name == "half_open":
                yield _gauge("dtls_half_open", value)
            else:
                yield _counter(f"dtls_{name}", value)
        yield _gauge("device_sessions", self._dtls.session_count)
        yield _gauge("devices_online", self._presence.online_count)

    def _dtls_counters(self) -> Iterator[tuple[str, int]]:
        counters = self._dtls.counters
        for name in type(counters).__slots__:
            yield name, getattr(counters, name)

    def _join(
        self,
        random: Callable[[int], bytes],
        reports: DeviceReports,
        ingest: EventIngest,
        vitals_sink: VitalsSink,
    ) -> None:
        runner = self._runner
        runner.admission = Admission(
            self._dtls,
            self._registry,
            self._keeper,
            self._connections,
            self._clock,
            self.counters,
            random,
            unknown_devices=self._settings.unknown_devices,
            spawn=self._spawn,
            adopt=runner.adopt,
            drain=runner.drain,
        )
        runner.delivery = EventDelivery(
            self._connections, self.counters, self._wire.ask, self._wire.flush
        )
        runner.performer = Performer(
            wire=self._wire,
            presence=self._presence,
            ingest=ingest,
            delivery=runner.delivery,
            refusals=runner.admission.refusals,
            clock=self._clock,
            counters=self.counters,
            random=random,
            drop=runner.drop,
            watch=runner.watch,
        )
        runner.performer.storing = Storing(
            wire=self._wire,
            connections=self._connections,
            keeper=self._keeper,
            registry=self._registry,
            reports=reports,
            vitals_sink=vitals_sink,
            clock=self._clock,
            counters=self.counters,
            spawn=self._spawn,
            go_on=runner.performer.go_on,
        )

    def _spawn(self, job: Coroutine[Any, Any, None]) -> None:
        if self._tasks is None or self._stopping.is_set():
            job.close()
            return
        self._tasks.create_task(self._guarded(job))

    async def _guarded(self, job: Coroutine[Any, Any, None]) -> None:
        try:
            await job
        except Exception:
            self.counters.callback_errors += 1
            log.exception("a job of the device edge failed")

    async def _tick(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(TICK_S)
            count += 1
            try:
                self._runner.tick()
                if count % FLUSH_EVERY_TICKS == 0:
                    self._keeper.flush()
                    self._runner.performer.retry_pending()
                if count == RECENT_IDS_TICKS:
                    self._keeper.forget_recent_message_ids()
            except Exception:
                self.counters.callback_errors += 1
                log.exception("the timers of the device edge failed")

    async def _take_over_all(self) -> None:
        online = await self._presence.load(self._database)
        loaded = await self._keeper.load()
        device_ids = [one.device_id for one in loaded if one.device_id]
        identities = await self._registry.find_identities(device_ids)
        for one in sorted(loaded, key=lambda one: one.heard_ms, reverse=True):
            self._take_over(one, identities.get(one.device_id))
        at = self._clock.now()
        for device_id in online:
            if self._connections.find(device_id) is None:
                self._presence.offline(device_id, at)

    def _take_over(self, loaded: Loaded, identity: DeviceIdentity | None) -> None:
        """Makes the connection of a stored session; one with another key than now is dropped."""
        state = DeviceState(loaded.device_id, identity)
        state.hello = loaded.hello
        state.subscriptions = loaded.subscriptions
        now = self._clock.monotonic()
        connection = Connection(loaded.session, loaded.row_key, state, now)
        digest = None if identity is None else identity.spki_digest
        refused = identity is None and self._settings.unknown_devices == "refuse"
        if refused or (identity is not None and digest != loaded.session.spki_digest):
            self._dtls.forget(loaded.session)
            self._keeper.delete(connection)
            return
        loaded.session.context = connection
        state.online = identity is not None and self._presence.is_online(loaded.device_id)
        if not state.online:
            silent_s = (to_ms(self._clock.now()) - loaded.heard_ms) / 1000
            connection.heard_at = now - max(0.0, silent_s)
        self._runner.adopt(connection)

    def _on_device_changed(self, message: object) -> None:
        if isinstance(message, OutboxMessage) and self._connections.find(message.key) is not None:
            self._spawn(self._learn_identity(message.key))

    async def _learn_identity(self, device_id: str) -> None:
        identity = await self._registry.find_identity(device_id)
        for connection in self._connections.list_all(device_id):
            if identity is None:
                self._runner.drop(connection, "the device is not registered any more")
            else:
                connection.state.identity = identity
                if self._connections.speaks(connection):
                    self._connections.index(connection)

    def _on_key_changed(self, message: object) -> None:
        if isinstance(message, OutboxMessage):
            self._spawn(self._check_key(message.key))

    async def _check_key(self, device_id: str) -> None:
        """Sessions that were proven by another key end; so do those of a former stranger."""
        identity = await self._registry.find_identity(device_id)
        digest = None if identity is None else identity.spki_digest
        for connection in self._connections.list_all(device_id):
            if connection.session.spki_digest != digest:
                self._runner.drop(connection, "another key is registered now")
        for connection in list(self._connections.strangers):
            if connection.state.device_id == device_id:
                self._runner.drop(connection, "the device is registered now")
        if identity is not None:
            await self._learn_identity(device_id)


def _counter(name: str, value: float) -> Sample:
    return Sample(f"roadstead_{name}_total", name.replace("_", " "), "counter", value)


def _gauge(name: str, value: float) -> Sample:
    return Sample(f"roadstead_{name}", name.replace("_", " "), "gauge", value)
