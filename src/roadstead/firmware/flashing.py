"""Flashing one device with a file: somebody's own, or a development device of a product."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.devices import announcing
from roadstead.devices.link import DeviceLink
from roadstead.devices.model import Device
from roadstead.firmware.content import Content, assets_not_offered, read_content, sha256_hex
from roadstead.firmware.delivery.model import DELIVERY_ENDED, DeliveryEnded
from roadstead.firmware.files import FirmwareFiles
from roadstead.firmware.plan_rules import allow_flash
from roadstead.firmware.ports import Deliveries
from roadstead.firmware.reported import modules_of
from roadstead.firmware.target_rules import (
    TargetFacts,
    VersionFacts,
    hold_missing_modules,
    hold_too_large,
    hold_wrong_platform,
)
from roadstead.identity.model import Actor
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Invalid, TimedOut
from roadstead.kit.ids import new_object_id
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.model import Owner
from roadstead.products.membership_store import find_in_product
from roadstead.products.store import find_product
from roadstead.storage.database import Database

FOLDER: Final = "flash"
"""Where files lie that were sent to one device and belong to no version."""


@dataclass(frozen=True, slots=True)
class Flashed:
    """A flash that has begun."""

    device_id: str
    file_name: str
    size_bytes: int


class FirmwareFlashing:
    """Sends files to single devices.

    Args:
        database: where what a device is in a product is kept.
        clock: for the time of a change.
        files: where the file is kept while it is sent.
        link: knows who is connected.
        limits: what plans allow.
        deliveries: brings the file.
        bus: tells when a delivery has ended, and with it the need for its file.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        files: FirmwareFiles,
        link: DeviceLink,
        limits: PlanLimits,
        deliveries: Deliveries,
        bus: LocalBus,
    ) -> None:
        self._database = database
        self._clock = clock
        self._files = files
        self._link = link
        self._limits = limits
        self._deliveries = deliveries
        self._dropping: set[asyncio.Task[None]] = set()
        bus.subscribe(DELIVERY_ENDED, self._hear_ended)

    async def flash(
        self, actor: Actor, device: Device, file_name: str, read: Callable[[], bytes]
    ) -> Flashed:
        """Begins to send a file.

        Args:
            actor: who may update the device.
            device: which device.
            file_name: for the audit trail.
            read: gives the file; called once, in a thread.

        Raises:
            ImageRefused: the file is no image; ``wrong_platform``, ``too_large``,
                ``needs_newer_device_os``, ``missing_modules``: it is not for this device.
            Conflict: ``not_a_development_device``; ``update_running``; ``updates_disabled``.
            Forbidden: ``plan_limit``.
            TimedOut: ``device_offline``.
            NotOffered: ``assets_not_offered``.
        """
        await self._database.read(lambda conn: self._check(conn, actor, device))
        content = await asyncio.to_thread(lambda: read_content(read()))
        _check_content(content, device, self._clock)
        if not self._link.is_online(device.id):
            raise TimedOut(
                "device_offline", f"Device {device.id} is not online; switch it on and try again."
            )
        digest = await asyncio.to_thread(sha256_hex, content.application)
        key = f"{FOLDER}/{new_object_id()}/file"
        await self._files.blobs.put(key, content.application)
        try:
            await self._deliveries.flash(
                device.id,
                file_key=key,
                file_sha256=digest,
                file_bytes=len(content.application),
                version=content.image.product_version or 0,
                asked_by=actor.user_id or None,
            )
        except BaseException:
            await self._files.drop([key])
            raise
        at = self._clock.now()
        facts: announcing.Facts = {"file": file_name, "sha256": digest}
        await self._database.write(
            lambda conn: announcing.record(conn, actor, "device.flash", device.id, None, facts, at)
        )
        return Flashed(device.id, file_name, len(content.application))

    def _check(self, conn: Connection, actor: Actor, device: Device) -> None:
        owner = Owner(user_id=device.owner_id or actor.user_id or None)
        if device.product_id is not None:
            entry = find_in_product(conn, device.product_id, device.id)
            if entry is None or not entry.development:
                raise _not_development(device)
            product = find_product(conn, device.product_id)
            owner = product.owner if product is not None else owner
        if owner.user_id or owner.organization_id:
            allow_flash(conn, self._limits, owner, self._deliveries.flashing(actor.user_id))

    def _hear_ended(self, message: object) -> None:
        if isinstance(message, DeliveryEnded) and message.delivery.file_key.startswith(FOLDER):
            task = asyncio.ensure_future(self._files.drop([message.delivery.file_key]))
            self._dropping.add(task)
            task.add_done_callback(self._dropping.discard)


def _check_content(content: Content, device: Device, clock: Clock) -> None:
    image = content.image
    if image.assets:
        raise assets_not_offered("The application")
    wanted = VersionFacts(len(content.application), image.platform_id, image.dependencies)
    number = image.product_version or 0
    facts = TargetFacts(
        now=clock.now(),
        versions={number: wanted},
        platform_id=device.platform_id,
        modules=modules_of(device.system_description),
        max_binary_bytes=device.max_binary_bytes or 0,
        online=device.system_description is not None,
    )
    for holds in (hold_wrong_platform, hold_too_large, hold_missing_modules):
        objection = holds(facts, number)
        if objection is not None:
            words = objection.text.replace(f"Version {number}", "The file", 1)
            raise Invalid(objection.reason, words)


def _not_development(device: Device) -> Conflict:
    return Conflict(
        "not_a_development_device",
        f"Device {device.id} belongs to a product, which would put its own version back. Mark it "
        "as a development device first (development: true), or lock it to a version and flash "
        "that.",
    )
