"""All integrations in memory, kept current by what the outbox tells."""

import asyncio
import logging
from collections.abc import Callable

from roadstead.bus.local import LocalBus
from roadstead.integrations import store
from roadstead.integrations.engine import DeliveryEngine
from roadstead.integrations.matching import HookIndex
from roadstead.storage.database import Database
from roadstead.storage.outbox import OutboxMessage
from roadstead.storage.secret_box import SecretBox

log = logging.getLogger(__name__)

CHANGED = "integration.changed"
"""Outbox topic: an integration was made, changed or removed; keyed by its id."""

DUE = "integration.due"
"""Outbox topic: deliveries of an integration are due, because somebody replayed them."""

RESET = "integration.reset"
"""Outbox topic: the breakers of an integration are to be closed."""

RETRY_S = 1.0


class Catalogue:
    """Carries integrations from the database to the index of this process.

    Args:
        hooks: the index.
        engine: told of what changed.
        listeners: told of each changed id, too.
    """

    def __init__(
        self,
        database: Database,
        box: SecretBox,
        bus: LocalBus,
        hooks: HookIndex,
        engine: DeliveryEngine,
        reset: Callable[[str], None],
        listeners: tuple[Callable[[str], None], ...] = (),
    ) -> None:
        self._database = database
        self._box = box
        self._hooks = hooks
        self._engine = engine
        self._reset = reset
        self._listeners = listeners
        self._changed: dict[str, None] = {}
        self._wake = asyncio.Event()
        bus.subscribe(CHANGED, self._on_changed)
        bus.subscribe(DUE, self._on_due)
        bus.subscribe(RESET, self._on_reset)

    async def start(self) -> None:
        """Reads all integrations; before any event is accepted."""
        for hook in await self._database.read(lambda conn: store.list_all(conn, self._box)):
            self._hooks.put(hook)

    async def refresh(self, hook_id: str) -> None:
        """Reads one integration again."""
        hook = await self._database.read(lambda conn: store.find_any(conn, self._box, hook_id))
        if hook is None:
            self._hooks.drop(hook_id)
        else:
            self._hooks.put(hook)
        self._engine.on_hook_changed(hook_id)
        for listener in self._listeners:
            listener(hook_id)

    async def run(self) -> None:
        """Follows changes until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._changed:
                hook_id = next(iter(self._changed))
                try:
                    await self.refresh(hook_id)
                except Exception as error:
                    log.warning("integration %s cannot be read again: %s", hook_id, error)
                    await asyncio.sleep(RETRY_S)
                    continue
                self._changed.pop(hook_id, None)

    def _on_changed(self, message: object) -> None:
        if isinstance(message, OutboxMessage):
            self._changed[message.key] = None
            self._wake.set()

    def _on_due(self, message: object) -> None:
        if isinstance(message, OutboxMessage):
            self._engine.on_due(message.key)

    def _on_reset(self, message: object) -> None:
        if isinstance(message, OutboxMessage):
            self._reset(message.key)
