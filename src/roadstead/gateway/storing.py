"""What devices tell of themselves, on its way to the database.

Each of these runs beside the loop and goes on with what has to wait for the commit, first of all
the acknowledgement. A request whose storing failed is given back: the device repeats it, and its
repeat is treated as new.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

import msgspec

from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.reports import DeviceReports, HelloFacts
from roadstead.devices.updates import UpdateDesk
from roadstead.gateway.connection import Connection
from roadstead.gateway.connections import Connections
from roadstead.gateway.counters import Counters
from roadstead.gateway.effects import (
    Acknowledge,
    ClaimByCode,
    CloseSession,
    Effect,
    PublishEvent,
    SetSafeMode,
    StoreApplication,
    StoreFacts,
    StoreHello,
    StoreSubscriptions,
    StoreSystem,
    StoreUpdateFlags,
    StoreVitals,
    Succeed,
)
from roadstead.gateway.session_keeping import SessionKeeper
from roadstead.gateway.udp_socket import show_host
from roadstead.gateway.wire import Wire
from roadstead.kit.clock import Clock
from roadstead.protocol.coap.events import Request

log = logging.getLogger(__name__)

WRONG_KEY = "its key is not the one that is registered for this device"

UNKNOWN_KEY = "no device is registered with its key"
FIRST_KEY = "its first key is registered now; it comes back by it"

APP_HASH_EVENT = "spark/device/app-hash"
"""Published when the device reports another application; the data is its SHA-256 in hex."""

SAFE_MODE_EVENT = "spark/status/safe-mode"
"""Published when the device runs without its application; the data are its modules."""

USER_MODULE = "u"
"""Function of the application's module in the JSON form. Source: device protocol notes §3.5.3."""

VitalsSink = Callable[[str, Any, dict[str, object]], Awaitable[object]]
"""Stores and publishes vitals: device id, readings, the server's own part."""

Spawn = Callable[[Coroutine[Any, Any, None]], None]
Keep = Callable[[], Awaitable[object]]
GoOn = Callable[[Connection, Iterable[Effect]], None]


class Storing:
    """Stores facts, then goes on.

    Args:
        spawn: runs a short job beside the loop.
        go_on: carries out effects later, if the connection still stands.
        keeps_strangers: devices that nobody registered stay connected.

    Attributes:
        desk: decides about updates; None where nobody does.
    """

    desk: UpdateDesk | None = None

    def __init__(
        self,
        *,
        wire: Wire,
        connections: Connections,
        keeper: SessionKeeper,
        registry: DeviceRegistry,
        reports: DeviceReports,
        vitals_sink: VitalsSink,
        clock: Clock,
        counters: Counters,
        spawn: Spawn,
        go_on: GoOn,
        keeps_strangers: bool = True,
    ) -> None:
        self._keeps_strangers = keeps_strangers
        self._wire = wire
        self._connections = connections
        self._keeper = keeper
        self._registry = registry
        self._reports = reports
        self._vitals_sink = vitals_sink
        self._clock = clock
        self._counters = counters
        self._spawn = spawn
        self._go_on = go_on

    def hello(self, connection: Connection, effect: StoreHello) -> None:
        """The Hello goes to the session and to the device; the newest one speaks for it."""
        self._run(
            connection, effect.receipt, effect.then, partial(self._keep_hello, connection, effect)
        )

    def facts(self, connection: Connection, effect: StoreFacts) -> None:
        """Facts of the Hello that came later."""
        self._run(connection, effect.receipt, effect.then, partial(self._keep_facts, connection))

    def application(self, connection: Connection, effect: StoreApplication) -> None:
        """Functions and variables."""
        keep = partial(
            self._reports.application,
            connection.state.device_id,
            list(effect.functions),
            effect.variables,
        )
        self._run(connection, effect.receipt, effect.then, keep)

    def system(self, connection: Connection, effect: StoreSystem) -> None:
        """Modules."""
        keep = partial(self._keep_system, connection, effect.description)
        self._run(connection, effect.receipt, effect.then, keep)

    def subscriptions(self, connection: Connection, effect: StoreSubscriptions) -> None:
        """The list of filters, which counts at once for what this process delivers."""
        self._connections.index(connection)
        keep = partial(_committed, partial(self._keeper.store_subscriptions, connection))
        self._run(connection, effect.receipt, effect.then, keep)

    def update_flags(self, connection: Connection, effect: StoreUpdateFlags) -> None:
        """Consent to updates."""
        keep = partial(
            self._reports.updates_flags, connection.state.device_id, effect.enabled, effect.forced
        )
        self._run(connection, effect.receipt, effect.then, keep)

    def claim(self, connection: Connection, effect: ClaimByCode) -> None:
        """A claim code, whose owner the device has from now on."""
        then = (Acknowledge(effect.receipt),)
        self._run(connection, effect.receipt, then, partial(self._keep_claim, connection, effect))

    def vitals(self, connection: Connection, effect: StoreVitals) -> None:
        """Vitals, with what the server itself measured."""
        keep = partial(
            self._vitals_sink,
            connection.state.device_id,
            effect.readings,
            self._service_facts(connection),
        )
        then: list[Effect] = []
        if effect.receipt is not None:
            then.append(Acknowledge(effect.receipt))
        if effect.call is not None:
            then.append(Succeed(effect.call))
        self._run(connection, effect.receipt, tuple(then), keep)

    def safe_mode(self, connection: Connection, effect: SetSafeMode) -> None:
        """The device runs without its application; readers get its modules."""
        self._run(connection, None, (), partial(self._keep_safe_mode, connection, effect))

    def _run(
        self,
        connection: Connection,
        receipt: Request | None,
        then: tuple[Effect, ...],
        keep: Keep,
    ) -> None:
        self._spawn(self._keep_and_go_on(connection, receipt, then, keep))

    async def _keep_and_go_on(
        self,
        connection: Connection,
        receipt: Request | None,
        then: tuple[Effect, ...],
        keep: Keep,
    ) -> None:
        try:
            await keep()
        except Exception as error:
            self._counters.reports_failed += 1
            device_id = connection.state.device_id
            log.warning("what device %s told was not stored: %s", device_id, error)
            if receipt is not None:
                self._wire.give_back(connection, receipt)
            return
        self._go_on(connection, then)

    async def _keep_hello(self, connection: Connection, effect: StoreHello) -> None:
        state = connection.state
        if state.stranger and not await self._accept_stranger(connection):
            return
        await _committed(partial(self._keeper.store_hello, connection))
        if not state.stranger:
            await self._report_hello(connection, handshake=effect.handshake)
        self._connections.index(connection)

    async def _report_hello(self, connection: Connection, *, handshake: bool) -> None:
        """What follows from the Hello is known before anything is published of the device."""
        device_id, facts = connection.state.device_id, hello_facts(connection)
        if await self._reports.hello(device_id, facts, handshake=handshake):
            await self._learn_identity(connection)

    async def _learn_identity(self, connection: Connection) -> None:
        device_id = connection.state.device_id
        self._registry.forget(device_id)
        identity = await self._registry.find_identity(device_id)
        if identity is not None:
            connection.state.identity = identity

    async def _accept_stranger(self, connection: Connection) -> bool:
        """A device with an unknown key may be anybody but a device that is known.

        One that was imported without a key may have the one that it came with; it comes back by a
        new handshake, as itself.
        """
        device_id = connection.state.device_id
        known = await self._registry.find_identity(device_id)
        if known is not None and known.spki_digest is None:
            digest = connection.session.spki_digest
            if await self._registry.first_keys.adopt(device_id, digest):
                log.info("device %s came with its first key, which its product trusts", device_id)
                self._registry.forget(device_id)
                self._go_on(connection, [CloseSession(FIRST_KEY)])
                return False
        if known is not None or not self._keeps_strangers:
            self._go_on(connection, [CloseSession(WRONG_KEY if known else UNKNOWN_KEY)])
            return False
        log.info("device %s is in quarantine: nobody registered its key", device_id)
        return True

    async def _keep_facts(self, connection: Connection) -> None:
        await _committed(partial(self._keeper.store_facts, connection))
        if not connection.state.stranger:
            await self._report_hello(connection, handshake=False)

    async def _keep_system(self, connection: Connection, description: dict[str, object]) -> None:
        device_id = connection.state.device_id
        before = await self._registry.find_description(device_id)
        await self._reports.system(device_id, description)
        if connection.state.safe_mode and self.desk is not None:
            self.desk.safe_mode(device_id, description)
        app_hash = app_hash_of(description)
        if app_hash and before is not None and app_hash != app_hash_of(before.system or {}):
            event = PublishEvent(APP_HASH_EVENT, app_hash.encode(), source="system")
            self._go_on(connection, [event])

    async def _keep_claim(self, connection: Connection, effect: ClaimByCode) -> None:
        device_id, host = connection.state.device_id, show_host(connection.session.address)
        if await self._reports.claim_code(device_id, effect.code, host):
            self._counters.claim_codes_used += 1
            # What it says next must reach its owner already.
            self._registry.forget(device_id)
            identity = await self._registry.find_identity(device_id)
            if identity is not None and self._connections.speaks(connection):
                connection.state.identity = identity
                self._connections.index(connection)
            self._go_on(connection, effect.success)
        else:
            self._counters.claim_codes_refused += 1
            log.info("device %s said a claim code that is not valid", device_id)

    async def _keep_safe_mode(self, connection: Connection, effect: SetSafeMode) -> None:
        device_id = connection.state.device_id
        await self._reports.safe_mode(device_id, True)
        description = effect.description
        if description is None:
            known = await self._registry.find_description(device_id)
            description = None if known is None else known.system
        payload = msgspec.json.encode(description or {})
        self._go_on(connection, [PublishEvent(SAFE_MODE_EVENT, payload, source="system")])
        if self.desk is not None:
            self.desk.safe_mode(device_id, description or {})

    def _service_facts(self, connection: Connection) -> dict[str, object]:
        uptime_s = int(self._clock.monotonic() - connection.opened_at)
        facts: dict[str, object] = {
            "device": {"status": "ok"},
            "cloud": {"uptime": uptime_s, "publish": {"sent": connection.events_received}},
        }
        if connection.round_trip_ms is not None:
            facts["coap"] = {"round_trip": connection.round_trip_ms}
        return facts


def hello_facts(connection: Connection) -> HelloFacts:
    """What the Hello says, as the registry keeps it."""
    hello = connection.state.hello
    assert hello is not None
    return HelloFacts(
        product_id=hello.product_id,
        product_version=hello.product_version,
        platform_id=hello.platform_id,
        system_version=hello.system_version,
        flags=hello.flags,
        max_message_size=hello.max_message_bytes,
        max_binary_bytes=hello.max_binary_bytes,
        ota_chunk_bytes=hello.ota_chunk_bytes,
    )


def app_hash_of(description: dict[str, Any]) -> str:
    """SHA-256 of the application by the modules that a device reports; empty if it has none."""
    for module in description.get("m", ()):
        if module.get("f") == USER_MODULE and module.get("u"):
            return str(module["u"]).lower()
    return ""


async def _committed(append: Callable[[Callable[[Exception | None], None]], None]) -> None:
    """Waits for a row of the journal.

    Raises:
        Exception: what kept the row from being written.
    """
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_committed(error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    append(on_committed)
    await future
