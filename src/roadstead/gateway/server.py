"""The device edge as a whole: built by main, started, run, stopped; its link is for everybody."""

import asyncio
import gc
import logging
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.bus.local import LocalBus
from roadstead.devices.announcing import DEVICE_CHANGED, KEY_CHANGED
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.reports import DeviceReports
from roadstead.devices.updates import UpdateDesk
from roadstead.events.ingest import TOPIC as EVENT_TOPIC
from roadstead.events.ingest import EventIngest
from roadstead.gateway.admission import Admission
from roadstead.gateway.connections import Connections
from roadstead.gateway.continuity import Continuity
from roadstead.gateway.counters import Counters
from roadstead.gateway.delivery import EventDelivery
from roadstead.gateway.event_rate import EventRate
from roadstead.gateway.link import GatewayLink
from roadstead.gateway.performing import Performer
from roadstead.gateway.quota import MESSAGES_PER_S
from roadstead.gateway.runner import Runner
from roadstead.gateway.samples import Sample, edge_samples, gauge
from roadstead.gateway.session_keeping import SessionKeeper
from roadstead.gateway.storing import Storing, VitalsSink
from roadstead.gateway.tracing import DeviceTraces
from roadstead.gateway.udp_socket import Address, UdpSocket, open_udp_socket
from roadstead.gateway.updates import DEFAULT_BYTES_PER_S, Updates
from roadstead.gateway.wire import Wire
from roadstead.kit.clock import Clock
from roadstead.protocol.dtls.server import DtlsServer
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal
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
        messages_per_s: messages of one device taken in a second; see ``quota``.
        events_per_s: events of one device taken in a second; 0 for no limit; see ``event_rate``.
        update_bytes_per_s: content of updates sent to all devices together.
    """

    unknown_devices: Literal["refuse", "quarantine"] = "refuse"
    shard: int = 0
    session_expiry_s: float = 30 * DAY_S
    messages_per_s: int = MESSAGES_PER_S
    events_per_s: int = 0
    update_bytes_per_s: float = DEFAULT_BYTES_PER_S


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
        is_quiet: whether devices of a product that nobody owns get no events.

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
        is_quiet: Callable[[int], bool] = lambda _: False,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.counters = Counters()
        self._is_quiet = is_quiet
        self._traces = DeviceTraces(clock)
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
            messages_per_s=settings.messages_per_s,
        )
        self._join(random, reports, ingest, vitals_sink)
        self.link = GatewayLink(
            connections=self._connections,
            performer=self._runner.performer,
            wire=self._wire,
            registry=registry,
            counters=self.counters,
            updates=self._runner.updates,
        )
        self._continuity = Continuity(
            dtls=self._dtls,
            connections=self._connections,
            keeper=self._keeper,
            registry=registry,
            presence=presence,
            ingest=ingest,
            database=database,
            clock=clock,
            runner=self._runner,
            spawn=self._spawn,
            keeps_strangers=settings.unknown_devices == "quarantine",
        )
        self._socket: UdpSocket | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self._subscriptions = [
            bus.subscribe(EVENT_TOPIC, self._runner.delivery.on_event),
            bus.subscribe(DEVICE_CHANGED, self._continuity.on_device_changed),
            bus.subscribe(KEY_CHANGED, self._continuity.on_key_changed),
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
            await self._continuity.take_over()
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

    def attach(self, desk: UpdateDesk) -> None:
        """Lets ``desk`` decide about updates; before ``start``."""
        self._runner.performer.desk = self._runner.performer.storing.desk = desk

    def samples(self) -> Iterator[Sample]:
        """The numbers of the device edge."""
        yield from edge_samples(self.counters, self._dtls, self._socket)
        yield gauge("devices_online", self._presence.online_count)
        yield gauge("updates_running", len(self._runner.updates))

    @property
    def session_count(self) -> int:
        """Sessions in memory, of devices that are connected or were lately."""
        return self._dtls.session_count

    @property
    def updates_running(self) -> int:
        """Updates that are being sent."""
        return len(self._runner.updates)

    def trace(self, device_id: str) -> dict[str, Any]:
        """How far a device got, as ``tracing`` describes, and what arrived here at all."""
        document = self._traces.describe(device_id, self._connections.find(device_id))
        address = None if self._socket is None else self._socket.address
        received = 0 if self._socket is None else self._socket.received
        return document | {
            "udp": None if address is None else list(address),
            "datagrams_received": received,
        }

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
            self._traces,
            unknown_devices=self._settings.unknown_devices,
            spawn=self._spawn,
            adopt=runner.adopt,
            drain=runner.drain,
        )
        runner.delivery = EventDelivery(
            self._connections, self.counters, self._wire.ask, self._wire.flush, self._is_quiet
        )
        runner.updates = Updates(
            self._wire, self._clock, self.counters, self._settings.update_bytes_per_s
        )
        runner.performer = Performer(
            wire=self._wire,
            presence=self._presence,
            ingest=ingest,
            delivery=runner.delivery,
            updates=runner.updates,
            refusals=runner.admission.refusals,
            clock=self._clock,
            counters=self.counters,
            traces=self._traces,
            random=random,
            drop=runner.drop,
            watch=runner.watch,
            rate=EventRate(per_s) if (per_s := self._settings.events_per_s) else None,
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
            keeps_strangers=self._settings.unknown_devices == "quarantine",
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
