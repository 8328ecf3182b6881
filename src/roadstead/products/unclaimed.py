"""Products whose unclaimed devices hear no events, in memory: asked for each event to a device.

The setting ``unclaimed_events`` of a product says it. All events are private; a maker who claims
devices as they are sold may want those that nobody owns yet to hear nothing.

Source: particle cloud notes §1.5, §3.4.1.
"""

import asyncio
import logging

import msgspec
from sqlalchemy import Connection, select

from roadstead.bus.local import LocalBus
from roadstead.products.model import ProductSettings
from roadstead.products.store import products
from roadstead.products.telling import PRODUCT_CHANGED
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

RETRY_S = 1.0


class QuietProducts:
    """Kept current by what the outbox tells.

    Args:
        bus: where changes of products are heard of.
    """

    def __init__(self, database: Database, bus: LocalBus) -> None:
        self._database = database
        self._quiet: frozenset[int] = frozenset()
        self._wake = asyncio.Event()
        bus.subscribe(PRODUCT_CHANGED, lambda message: self._wake.set())

    def is_quiet(self, product_id: int) -> bool:
        """Whether unclaimed devices of this product get no events."""
        return product_id in self._quiet

    async def start(self) -> None:
        """Reads them all: there are as many as products, and few of those."""
        self._quiet = await self._database.read(_quiet)

    async def run(self) -> None:
        """Follows changes until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.start()
            except Exception as error:
                log.warning("settings of products cannot be read: %s", error)
                self._wake.set()
                await asyncio.sleep(RETRY_S)


def _quiet(conn: Connection) -> frozenset[int]:
    rows = conn.execute(select(products.c.id, products.c.settings))
    return frozenset(
        row.id
        for row in rows
        if not msgspec.convert(row.settings, ProductSettings).unclaimed_events
    )
