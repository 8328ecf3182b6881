"""Locks: one device of a product runs one version, whatever is released to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from roadstead.devices import announcing
from roadstead.firmware.content import assets_not_offered
from roadstead.firmware.library import get_version
from roadstead.firmware.ports import Deliveries
from roadstead.firmware.targeting import Hold
from roadstead.identity.model import Actor
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Invalid
from roadstead.products.devices import find_member, lock_to_version
from roadstead.products.model import Product
from roadstead.storage.database import Database


@dataclass(frozen=True, slots=True)
class Locked:
    """The answer to a lock.

    Attributes:
        version: what the device is locked to; None once it is free.
        hold: why a flash does not begin at once, as a code; None when it does or was not asked for.
    """

    id: str
    version: int | None
    updated_at: datetime
    hold: str | None = None


class FirmwareLocks:
    """Locks of devices in products, and updates without consent.

    Whether the actor may do this with the product's devices is the caller's to check.

    Args:
        database: where they are kept.
        clock: for the time of a change.
        announce: called after a change was committed that other processes must hear of.
        deliveries: flashes at once.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        deliveries: Deliveries,
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._deliveries = deliveries

    async def lock(
        self, actor: Actor, product: Product, ref: str, version: int | None, *, flash: bool = False
    ) -> Locked:
        """Locks a device to a version, or frees it with None.

        Args:
            actor: who asks.
            product: whose device it is.
            ref: the device's id.
            version: which version.
            flash: update it at once, if it is connected and agrees; else at its next session.

        Raises:
            NotFound: ``not_in_product``; ``firmware_not_found``.
            Conflict: ``not_a_member``; ``development_device`` of a flash.
            Invalid: ``nothing_to_flash``: a flash without a version.
            NotOffered: ``assets_not_offered``.
        """
        if flash and version is None:
            raise Invalid("nothing_to_flash", "flash goes with a desired_firmware_version.")
        at = self._clock.now()

        def work(conn: Connection) -> str:
            entry = find_member(conn, product.id, ref)
            if version is not None and get_version(conn, product.id, version).assets:
                raise assets_not_offered(f"Version {version}")
            if flash and entry.development:
                raise _is_development(entry.device_id)
            lock_to_version(conn, product.id, entry.device_id, version, at)
            before: announcing.Facts = {"desired_firmware_version": entry.desired_firmware_version}
            after: announcing.Facts = {"desired_firmware_version": version}
            action = "device.unlock" if version is None else "device.lock"
            announcing.record(conn, actor, action, entry.device_id, before, after, at)
            announcing.announce(conn, [announcing.DEVICE_CHANGED], entry.device_id)
            return entry.device_id

        device_id = await self._database.write(work)
        self._announce()
        hold = await self._flash(device_id, actor) if flash else None
        return Locked(device_id, version, at, hold)

    async def force(self, actor: Actor, device_id: str, forced: bool) -> None:
        """Has a device take updates without its consent, or not any more.

        Args:
            actor: who may do this with the device.
            device_id: which device.
            forced: on or off.

        Raises:
            Unavailable: the database cannot be reached.
        """
        at, was = self._clock.now(), self._deliveries.is_forced(device_id)
        await self._deliveries.force([device_id], forced)

        def work(conn: Connection) -> None:
            before: announcing.Facts = {"firmware_updates_forced": was}
            after: announcing.Facts = {"firmware_updates_forced": forced}
            announcing.record(conn, actor, "device.force_updates", device_id, before, after, at)

        await self._database.write(work)

    async def _flash(self, device_id: str, actor: Actor) -> str | None:
        decided = await self._deliveries.ask(
            [device_id], cause="lock", asked_by=actor.user_id or None
        )
        decision = decided.get(device_id)
        return decision.reason if isinstance(decision, Hold) else None


def _is_development(device_id: str) -> Conflict:
    return Conflict(
        "development_device",
        f"Device {device_id} is a development device, which ignores locks; unmark it "
        "(development: false), or flash a file to it.",
    )
