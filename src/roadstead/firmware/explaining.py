"""Why a device runs what it runs, why not yet what it should, and what would change that."""

from typing import Any

from sqlalchemy import Connection

from roadstead.devices.link import DeviceLink
from roadstead.firmware.delivery.model import Delivery
from roadstead.firmware.delivery.store import list_in_product
from roadstead.firmware.facts import Surroundings, gather_in_product
from roadstead.firmware.ports import Deliveries
from roadstead.firmware.remedies import remedy_of
from roadstead.firmware.targeting import decide, explain
from roadstead.kit.clock import Clock, to_ms
from roadstead.kit.errors import NotFound
from roadstead.products.membership_store import find_in_product
from roadstead.products.model import Product
from roadstead.storage.database import Database


class FirmwareExplaining:
    """Makes the decision and puts it into words.

    Args:
        database: where the facts are.
        clock: for the time of the decision.
        link: knows who is connected.
        deliveries: knows what is on its way, and what failed.
    """

    def __init__(
        self, database: Database, clock: Clock, link: DeviceLink, deliveries: Deliveries
    ) -> None:
        self._database = database
        self._clock = clock
        self._link = link
        self._deliveries = deliveries

    async def explain(self, product: Product, device_id: str) -> dict[str, Any]:
        """The firmware target of a device in a product.

        The document is that of ``targeting.explain`` with ``id`` and ``would_change``: what has to
        happen, by whom, for another answer; None when nothing has to.

        Raises:
            NotFound: ``not_in_product``.
        """
        around = Surroundings(
            self._clock.now(),
            online=frozenset([device_id] if self._link.is_online(device_id) else []),
            transfers=self._deliveries.transfer_states([device_id]),
        )
        found = await self._database.read(
            lambda conn: gather_in_product(conn, product.id, [device_id], around)
        )
        facts = found.get(device_id)
        if facts is None:
            raise _not_in_product()
        decision = decide(facts)
        document = explain(facts, decision)
        return {"id": device_id, **document, "would_change": remedy_of(facts, decision)}

    async def history(
        self, product: Product, device_id: str, *, before: str = "", limit: int
    ) -> list[Delivery]:
        """The updates of a device in a product, newest first; those behind ``before``.

        Raises:
            NotFound: ``not_in_product``.
        """

        def work(conn: Connection) -> list[Delivery]:
            entry = find_in_product(conn, product.id, device_id)
            if entry is None:
                raise _not_in_product()
            since = to_ms(entry.imported_at) if entry.imported_at else 0
            return list_in_product(
                conn, product.id, device_id, since_ms=since, before_id=before, limit=limit
            )

        return await self._database.read(work)


def _not_in_product() -> NotFound:
    return NotFound("not_in_product", "Device not found for this product")
