"""Which organization owns a product, in memory: asked for each event of a product."""

import asyncio
import logging

from sqlalchemy import Connection, select

from roadstead.bus.local import LocalBus
from roadstead.products.store import products
from roadstead.products.telling import PRODUCT_CHANGED
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

RETRY_S = 1.0


class ProductOwners:
    """The organizations of products, kept current by what the outbox tells."""

    def __init__(self, database: Database, bus: LocalBus) -> None:
        self._database = database
        self._organizations: dict[int, str] = {}
        self._wake = asyncio.Event()
        bus.subscribe(PRODUCT_CHANGED, lambda message: self._wake.set())

    def organization_of(self, product_id: int) -> str | None:
        """Id of the organization; None for a product of a person."""
        return self._organizations.get(product_id)

    async def start(self) -> None:
        """Reads them all: there are as many as products, and few of those."""
        self._organizations = await self._database.read(_organizations)

    async def run(self) -> None:
        """Follows changes until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.start()
            except Exception as error:
                log.warning("owners of products cannot be read: %s", error)
                self._wake.set()
                await asyncio.sleep(RETRY_S)


def _organizations(conn: Connection) -> dict[int, str]:
    owner = products.c.owner_organization_id
    rows = conn.execute(select(products.c.id, owner).where(owner.is_not(None)))
    return {row.id: row.owner_organization_id for row in rows}
