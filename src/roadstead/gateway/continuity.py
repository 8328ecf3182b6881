"""Sessions go on while everything around them changes: restarts, owners, keys.

A session is worth as much as the key that opened it: it ends when another key is registered for
its device. An owner may change at any time, and with it who gets the device's events.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from roadstead.devices.model import DeviceIdentity
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.registry import DeviceRegistry
from roadstead.events.ingest import EventIngest
from roadstead.events.limits import DEFAULT_TTL_S
from roadstead.gateway.connection import Connection
from roadstead.gateway.connections import Connections
from roadstead.gateway.hello_rules import STATUS_EVENT
from roadstead.gateway.runner import Runner
from roadstead.gateway.session_keeping import Loaded, SessionKeeper
from roadstead.gateway.state import DeviceState
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.protocol.dtls.server import DtlsServer
from roadstead.storage.database import Database
from roadstead.storage.outbox import OutboxMessage

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""Seconds between two questions to a database that is away."""


class Continuity:
    """Takes sessions over at the start, and keeps them in step with the registry.

    Args:
        spawn: runs a short job beside the loop.
        keeps_strangers: whether sessions of unregistered devices are taken over.
    """

    def __init__(
        self,
        *,
        dtls: DtlsServer,
        connections: Connections,
        keeper: SessionKeeper,
        registry: DeviceRegistry,
        presence: PresenceBoard,
        ingest: EventIngest,
        database: Database,
        clock: Clock,
        runner: Runner,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        keeps_strangers: bool,
    ) -> None:
        self._dtls = dtls
        self._connections = connections
        self._keeper = keeper
        self._registry = registry
        self._presence = presence
        self._ingest = ingest
        self._database = database
        self._clock = clock
        self._runner = runner
        self._spawn = spawn
        self._keeps_strangers = keeps_strangers

    async def take_over(self) -> None:
        """Goes on with every stored session; devices that were online get their time anew.

        Raises:
            Unavailable: the database cannot be reached.
        """
        online = await self._presence.load(self._database)
        async for loaded in self._keeper.load():
            device_ids = [one.device_id for one in loaded if one.device_id]
            identities = await self._registry.find_identities(device_ids)
            for one in loaded:
                self._take_over_one(one, identities.get(one.device_id))
        lost = [one for one in online if self._connections.find(one) is None]
        for device_id, identity in (await self._registry.find_identities(lost)).items():
            self._tell_lost(device_id, identity)

    def on_device_changed(self, message: object) -> None:
        """Somebody changed what is registered of a device."""
        if isinstance(message, OutboxMessage) and self._connections.find(message.key) is not None:
            self._spawn(self._learn_identity(message.key))

    def on_key_changed(self, message: object) -> None:
        """Somebody registered a key for a device."""
        if isinstance(message, OutboxMessage):
            self._spawn(self._check_key(message.key))

    def _take_over_one(self, loaded: Loaded, identity: DeviceIdentity | None) -> None:
        device_id = loaded.device_id if identity is None else identity.device_id
        state = DeviceState(device_id, identity)
        state.hello = loaded.hello
        state.subscriptions = loaded.subscriptions
        now = self._clock.monotonic()
        connection = Connection(loaded.session, loaded.row_key, state, now)
        connection.taken_over = True
        if not self._may_go_on(loaded, identity):
            self._dtls.forget(loaded.session)
            self._keeper.delete(connection)
            return
        if identity is not None and identity.spki_digest is not None:
            loaded.session.spki_digest = identity.spki_digest  # equal, and one is enough
        loaded.session.context = connection
        state.online = identity is not None and self._presence.is_online(loaded.device_id)
        if not state.online:
            silent_s = (self._clock.now_ms() - loaded.heard_ms) / 1000
            connection.heard_at = now - max(0.0, silent_s)
        self._runner.adopt(connection)

    def _tell_lost(self, device_id: str, identity: DeviceIdentity) -> None:
        """A device that was online and has no session any more must come back by a handshake."""
        self._presence.offline(device_id, self._clock.now())
        if identity.quarantined:
            return
        self._ingest.accept(
            name=STATUS_EVENT,
            payload=b"offline",
            content_format=None,
            ttl_s=DEFAULT_TTL_S,
            source="system",
            device_id=device_id,
            owner_id=identity.owner_id,
            product_id=identity.product_id,
            firmware_version=0,
        )

    def _may_go_on(self, loaded: Loaded, identity: DeviceIdentity | None) -> bool:
        if identity is None:
            return self._keeps_strangers
        return identity.spki_digest == loaded.session.spki_digest

    async def _learn_identity(self, device_id: str) -> None:
        identity = await self._find_identity(device_id)
        for connection in self._connections.list_all(device_id):
            if identity is None:
                self._runner.drop(connection, "the device is not registered any more")
            else:
                former, connection.state.identity = connection.state.identity, identity
                if former is not None and former.owner_id != identity.owner_id:
                    self._runner.delivery.discard_waiting(connection)
                if self._connections.speaks(connection):
                    self._connections.index(connection)

    async def _check_key(self, device_id: str) -> None:
        """Sessions that were proven by another key end; so do those of a former stranger."""
        identity = await self._find_identity(device_id)
        digest = None if identity is None else identity.spki_digest
        for connection in self._connections.list_all(device_id):
            if connection.session.spki_digest != digest:
                self._runner.drop(connection, "another key is registered now")
        for connection in list(self._connections.strangers):
            if connection.state.device_id == device_id:
                self._runner.drop(connection, "the device is registered now")
        if identity is not None:
            await self._learn_identity(device_id)

    async def _find_identity(self, device_id: str) -> DeviceIdentity | None:
        """What is registered now; waits while the database is away, for nobody tells it again."""
        while True:
            try:
                return await self._registry.find_identity(device_id)
            except Unavailable as error:
                log.warning("a change of device %s waits for the database: %s", device_id, error)
                await asyncio.sleep(RETRY_S)
