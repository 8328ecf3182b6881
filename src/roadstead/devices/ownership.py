"""Whose a device was, and since when: read from the audit trail.

Names are told with care: who has a device now learns that it had other owners, and not who they
were; a product's team learns the names of who got it while it was the product's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from roadstead.audit import trail
from roadstead.audit.trail import AuditRow
from roadstead.devices import store
from roadstead.devices.errors import device_not_found
from roadstead.devices.service import DeviceService
from roadstead.identity.model import Actor
from roadstead.identity.store import find_user
from roadstead.kit.ids import parse_device_id
from roadstead.storage.database import Database

MAX_ROWS = 2000
"""Newest changes of a device that are looked through."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """A time in which a device was somebody's.

    Attributes:
        owner_id: user id; None while it was nobody's.
        until: None for the present one.
        how: the action that began it, for example ``device.claim``.
        scope: the trail that the change stands on; a product's while the device belonged to it.
    """

    owner_id: str | None
    since: datetime
    until: datetime | None
    how: str
    scope: str | None


@dataclass(frozen=True, slots=True)
class OwnershipView:
    """A time as somebody sees it.

    Attributes:
        owner: e-mail address; None when it was nobody's, or is not shown.
        owned: whether it was somebody's.
    """

    owner: str | None
    owned: bool
    since: datetime
    until: datetime | None
    how: str


class OwnershipHistory:
    """Histories of all devices."""

    def __init__(self, database: Database, devices: DeviceService) -> None:
        self._database = database
        self._devices = devices

    async def of_own(self, actor: Actor, ref: str) -> list[OwnershipView]:
        """The history of one of the actor's devices, newest first; only their own name is told.

        Raises:
            NotFound: ``device_not_found``.
        """
        device = await self._devices.resolve(actor, ref)

        def work(conn: Connection) -> list[OwnershipView]:
            times = _read(conn, device.id)
            return [_view(conn, one, told=one.owner_id == actor.user_id) for one in times]

        return await self._database.read(work)

    async def of_product(self, product_id: int, ref: str) -> list[OwnershipView]:
        """The history of a device of a product, newest first.

        Raises:
            NotFound: ``device_not_found``.
        """
        device_id = parse_device_id(ref)

        def work(conn: Connection) -> list[OwnershipView]:
            device = store.find_device(conn, device_id) if device_id else None
            if device is None or device.product_id != product_id:
                raise device_not_found(ref)
            scope = f"product/{product_id}"
            times = _read(conn, device.id)
            return [_view(conn, one, told=one.scope == scope) for one in times]

        return await self._database.read(work)


def times_of(rows: Sequence[AuditRow]) -> list[Ownership]:
    """The times of ownership that changes tell of. Pure.

    Args:
        rows: changes of one device, newest first; those that do not name an owner are passed over.
    """
    times: list[Ownership] = []
    until: datetime | None = None
    for row in rows:
        if row.after is None or "owner_id" not in row.after:
            continue
        owner_id = row.after["owner_id"]
        if row.before is not None and row.before.get("owner_id", "") == owner_id:
            continue
        times.append(Ownership(owner_id, row.at, until, row.action, row.scope))
        until = row.at
    return times


def _read(conn: Connection, device_id: str) -> list[Ownership]:
    return times_of(trail.list_rows(conn, target=f"device/{device_id}", limit=MAX_ROWS))


def _view(conn: Connection, one: Ownership, *, told: bool) -> OwnershipView:
    user = find_user(conn, one.owner_id) if told and one.owner_id else None
    return OwnershipView(
        owner=user.email if user else None,
        owned=one.owner_id is not None,
        since=one.since,
        until=one.until,
        how=one.how,
    )
