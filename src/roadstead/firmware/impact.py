"""What a release would do: the devices that it would update, counted by what they run now.

The target decision itself is asked, on facts as they would be afterwards (``impact_classes``). A
fleet is counted a page at a time, each in a read of its own, so that a look at a million devices
holds up nobody and keeps no old snapshot of the database.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from roadstead.firmware import release_store
from roadstead.firmware.impact_classes import LookAhead, count_page
from roadstead.firmware.library import get_version
from roadstead.firmware.release_rules import ReleaseWish, apply_changes, check_wish, find_changes
from roadstead.kit.clock import Clock
from roadstead.products.group_store import list_groups
from roadstead.products.model import Product
from roadstead.storage.database import Database

LOOKS_AT_ONCE: Final = 2
"""Looks at fleets at the same time; more wait, so that readers are left for everybody else."""


@dataclass(frozen=True, slots=True)
class Impact:
    """Devices that would be updated, by the version that they run now; 0 for none."""

    by_version: dict[int, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_version.values())


class FirmwareImpact:
    """Looks ahead.

    Args:
        database: where devices and releases are kept.
        clock: for the facts of the decision.
        page: members in one read; None for what is usual.
    """

    def __init__(self, database: Database, clock: Clock, page: int | None = None) -> None:
        self._database = database
        self._clock = clock
        self._page = page
        self._places = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def of_release(self, product: Product, wish: ReleaseWish) -> Impact:
        """What this release would do.

        Raises:
            Invalid: see ``check_wish``; ``unknown_group``.
            NotFound: ``firmware_not_found``.
        """
        check_wish(wish)
        now = self._clock.now()
        ahead = await self._database.read(lambda conn: look_ahead(conn, product.id, wish))
        counted: Counter[int] = Counter()
        last_id: str | None = ""
        async with self._places:
            while last_id is not None:
                work = partial(count_page, ahead=ahead, after_id=last_id, now=now, limit=self._page)
                page = await self._database.read(work)
                counted.update(page.by_version)
                last_id = page.last_id
        return _impact_of(counted)


def look_ahead(conn: Connection, product_id: int, wish: ReleaseWish) -> LookAhead:
    """What would be released to whom.

    Raises:
        Invalid: ``unknown_group``.
        NotFound: ``firmware_not_found``.
    """
    get_version(conn, product_id, wish.version)
    group_ids = {group.name: group.id for group in list_groups(conn, product_id)}
    before = release_store.find_in_force(conn, product_id)
    changes = find_changes(wish, before, group_ids)
    everybody = release_store.DEFAULT in changes
    groups = None if everybody else tuple(sorted(changes))
    return LookAhead(product_id, wish.version, before, apply_changes(before, changes), groups)


def find_impact(conn: Connection, product_id: int, wish: ReleaseWish, now: datetime) -> Impact:
    """As ``FirmwareImpact.of_release``, all of it in one snapshot."""
    ahead = look_ahead(conn, product_id, wish)
    counted: Counter[int] = Counter()
    last_id: str | None = ""
    while last_id is not None:
        page = count_page(conn, ahead, last_id, now)
        counted.update(page.by_version)
        last_id = page.last_id
    return _impact_of(counted)


def _impact_of(counted: Counter[int]) -> Impact:
    return Impact({version: counted[version] for version in sorted(counted) if counted[version]})
