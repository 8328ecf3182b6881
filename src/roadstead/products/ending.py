"""The end of a product: a job, for one with a million devices takes minutes.

Each step is a short transaction that renews a lease and says how far the work is: first what other
rooms keep of the product, then its devices, some at a time, then the product, then its files.
Whoever has the lease goes on where another stopped, whatever became of it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection

from roadstead.identity.model import Actor
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Unavailable
from roadstead.kit.ids import new_object_id
from roadstead.products import ending_store, store
from roadstead.products.editing import delete_product, empty_some, has_devices
from roadstead.products.ending_store import ProductEnding
from roadstead.products.firmware_port import ProductFirmware
from roadstead.products.model import Product
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

LEASE_S = 30.0
"""Seconds for which a lease holds; renewed with every step, which takes some milliseconds."""

POLL_S = 5.0
"""Seconds between two looks for work that another process left."""

PAUSE_S = 0.002
"""Between two steps, so that others who write and read get their turn."""

Leftovers = Callable[[Connection, Product, Actor, datetime], int]
"""Deletes some rows that are kept of a product, at most as many as one short transaction takes;
gives their number, 0 when there are none."""


class ProductEndings:
    """Deletes products.

    Args:
        database: where they are kept.
        clock: for times.
        announce: called after a change was committed that other processes must hear of.
        firmware: told of a product's end.
        leftovers: what other rooms keep of products.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        firmware: ProductFirmware,
        leftovers: Sequence[Leftovers] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._firmware = firmware
        self._leftovers = leftovers
        self._name = new_object_id()
        self._wake = asyncio.Event()
        self._at_work: set[int] = set()

    async def start(
        self, actor: Actor, product: Product, *, remove_devices: bool = False
    ) -> ProductEnding:
        """Has a product deleted with all that belongs to it; gives how far that is.

        Its devices are taken out; they stay registered and their owners'. To ask again is no error.

        Args:
            actor: who asks.
            product: theirs.
            remove_devices: take out the devices that it has; else it must have none.

        Raises:
            Conflict: ``product_has_devices``, ``product_ends``; nothing was changed.
        """
        at = self._clock.now()

        def work(conn: Connection) -> ProductEnding:
            store.lock_creation(conn)  # of two who ask at once, one finds the other's row
            current = store.find_product(conn, product.id) or product
            wanted = ProductEnding(product.id, actor, at, current.device_count, 0, None)
            known = ending_store.find_ending(conn, product.id)
            if known is not None and known.files is None:
                return known
            if known is not None:
                raise Conflict(
                    "product_ends",
                    "Files of an earlier product with this number are being removed; try again in "
                    "a moment.",
                )
            if current.device_count and not remove_devices:
                raise has_devices(current)
            ending_store.insert_ending(conn, wanted)
            return wanted

        ending = await self._database.write(work, durable=True)
        self._wake.set()
        return ending

    async def delete(self, actor: Actor, product: Product, *, remove_devices: bool = False) -> None:
        """As ``start``, and returns when nothing of the product is left.

        Raises:
            Conflict: ``product_has_devices``; nothing was changed.
        """
        await self.start(actor, product, remove_devices=remove_devices)
        while await self.find(product.id) is not None:
            if not await self._work_on(product.id):
                await asyncio.sleep(POLL_S / 50)

    async def find(self, product_id: int) -> ProductEnding | None:
        """How far the end of a product is; None when nobody deletes it, or all is done."""
        return await self._database.read(lambda conn: ending_store.find_ending(conn, product_id))

    async def run(self) -> None:
        """Works on what was asked for until it is cancelled."""
        if self._database.dialect == "sqlite":
            # One process has the file, so whoever had a lease before is dead.
            await self._database.write(ending_store.release_all)
        while True:
            try:
                for product_id in await self._free():
                    await self._work_on(product_id)
            except Unavailable as error:
                log.warning("products that are being deleted wait: %s", error.message)
            except Exception:
                log.exception("a product could not be deleted; it is tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            self._wake.clear()

    async def _free(self) -> list[int]:
        now = self._clock.now()
        return await self._database.read(lambda conn: ending_store.list_free(conn, now))

    async def _work_on(self, product_id: int) -> bool:
        """Takes the end of a product as far as it goes; False when others are at it."""
        if product_id in self._at_work:
            return False
        self._at_work.add(product_id)
        try:
            steps, more = 0, True
            while more:
                more = await self._database.write(
                    lambda conn: self._step(conn, product_id), durable=True
                )
                steps += more
                self._announce()
                await asyncio.sleep(PAUSE_S)
            await self._drop_files(product_id)
        finally:
            self._at_work.discard(product_id)
        return steps > 0

    def _step(self, conn: Connection, product_id: int) -> bool:
        """Does a little of it; False when the rows are gone, or the lease is lost."""
        now = self._clock.now()
        until = now + timedelta(seconds=LEASE_S)
        if not ending_store.take(conn, product_id, self._name, now, until):
            return False
        ending = ending_store.find_ending(conn, product_id)
        product = store.find_product(conn, product_id)
        if ending is None or ending.files is not None:
            return False
        if product is None:
            ending_store.put_files(conn, product_id, [])
            return True
        actor = ending.actor
        # Before the devices: what customers own is found by its product.
        if any(delete_some(conn, product, actor, now) for delete_some in self._leftovers):
            return True
        removed = empty_some(conn, actor, product, self._firmware, now)
        if removed is not None:
            ending_store.count_removed(conn, product_id, removed)
            return True
        try:
            files = delete_product(conn, actor, product, self._firmware, now)
        except Conflict:
            return True  # some came in meanwhile
        ending_store.put_files(conn, product_id, files)
        return True

    async def _drop_files(self, product_id: int) -> None:
        ending = await self.find(product_id)
        if ending is None or ending.files is None:
            return
        # A row is there as long as its files may be: what dies in between is done again.
        await self._firmware.drop_files(list(ending.files))
        await self._database.write(lambda conn: ending_store.delete_ending(conn, product_id))
