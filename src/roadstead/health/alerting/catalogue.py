"""All rules that are on, in memory, by product: whoever takes an event asks without a query."""

import asyncio
import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.health.alerting import rule_store
from roadstead.health.alerting.model import AlertRule
from roadstead.storage import outbox
from roadstead.storage.database import Database
from roadstead.storage.outbox import OutboxMessage
from roadstead.storage.secret_box import SecretBox

log = logging.getLogger(__name__)

RULES_CHANGED = "alert_rules.changed"
"""Outbox topic, keyed by product: a rule came, went or changed."""

RETRY_S = 1.0


def announce(conn: Connection, product_id: int) -> None:
    """Writes the outbox row of a change; afterwards no audit row in this transaction."""
    outbox.append(conn, RULES_CHANGED, str(product_id))


class RuleCatalogue:
    """The rules; another process learns of a change within a second."""

    def __init__(self, database: Database, box: SecretBox, bus: LocalBus) -> None:
        self._database = database
        self._box = box
        self._rules: dict[int, tuple[AlertRule, ...]] = {}
        self._stale: dict[int, None] = {}
        self._wake = asyncio.Event()
        bus.subscribe(RULES_CHANGED, self._on_changed)

    def rules_of(self, product_id: int) -> Sequence[AlertRule]:
        """The rules of a product that are on."""
        return self._rules.get(product_id, ())

    async def start(self) -> None:
        """Reads all of them; before any event is taken."""
        found = await self._database.read(lambda conn: rule_store.list_enabled(conn, self._box))
        by_product: dict[int, list[AlertRule]] = {}
        for rule in found:
            by_product.setdefault(rule.product_id, []).append(rule)
        self._rules = {product: tuple(rules) for product, rules in by_product.items()}

    async def reload(self, product_id: int) -> None:
        """Reads those of a product anew."""
        found = await self._database.read(
            lambda conn: rule_store.list_rules(conn, self._box, product_id)
        )
        rules = tuple(one for one in found if one.draft.enabled)
        if rules:
            self._rules[product_id] = rules
        else:
            self._rules.pop(product_id, None)

    async def run(self) -> None:
        """Follows changes until it is cancelled; a database that is away only delays it."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._stale:
                product_id = next(iter(self._stale))
                try:
                    del self._stale[product_id]
                    await self.reload(product_id)
                except Exception as error:
                    self._stale[product_id] = None
                    log.warning("rules of product %d are read later: %s", product_id, error)
                    await asyncio.sleep(RETRY_S)

    def _on_changed(self, message: object) -> None:
        if isinstance(message, OutboxMessage):
            self._stale[int(message.key)] = None
            self._wake.set()
