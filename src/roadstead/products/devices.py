"""The devices of a product: listed, looked at, changed, let in and taken out.

Everywhere the product is one that whoever asks reached with the permission for what they ask.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from roadstead.devices import announcing, product_store
from roadstead.devices import store as device_store
from roadstead.devices.errors import not_in_product
from roadstead.devices.model import DeviceView
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.presence_store import find_presence_of
from roadstead.devices.reaching import may_see
from roadstead.devices.registry import DeviceRegistry
from roadstead.identity.model import AccountKind, Actor
from roadstead.identity.store import find_user
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Invalid
from roadstead.kit.ids import parse_device_id
from roadstead.kit.paging import Page
from roadstead.products import group_membership, group_store, membership_store, store
from roadstead.products.access import ProductAccess
from roadstead.products.admitting import clear_waiting, deny, dismiss
from roadstead.products.firmware_port import NO_FIRMWARE, ProductFirmware
from roadstead.products.gatekeeping import Gatekeeper
from roadstead.products.listing import MAX_PER_PAGE, DeviceQuery, list_page
from roadstead.products.model import DeviceGroup, Product, ProductDevice
from roadstead.storage.database import Database

MAX_BATCH_DEVICES = 1000
"""Devices of one batch edit; a list of more goes in several."""


@dataclass(frozen=True, slots=True)
class ProductDeviceView:
    """A device as its product's team sees it.

    Attributes:
        groups: names of its groups, sorted.
        target: the version that is released to it, by its groups or to all; None for none.
    """

    entry: ProductDevice
    view: DeviceView
    groups: list[str]
    target: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChange:
    """What is to be changed of a device in its product; None leaves as it is.

    Attributes:
        groups: names of all groups that it is to be in.
    """

    development: bool | None = None
    groups: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What a device is in its product after a change."""

    id: str
    development: bool
    groups: list[str]
    updated_at: datetime


class ProductDevices:
    """Devices of products.

    Args:
        database: where they are kept.
        clock: for the time of a change.
        announce: called after a change was committed that other processes must hear of.
        access: who belongs to a product's team.
        registry: told of changes, so that the gateway knows them at once.
        presence: who is online now.
        gatekeeper: told whose membership changed.
        firmware: knows what is released, and is told who leaves.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        access: ProductAccess,
        registry: DeviceRegistry,
        presence: PresenceBoard,
        gatekeeper: Gatekeeper,
        firmware: ProductFirmware = NO_FIRMWARE,
    ) -> None:
        self._firmware = firmware
        self._database = database
        self._clock = clock
        self._announce = announce
        self._access = access
        self._registry = registry
        self._presence = presence
        self._gatekeeper = gatekeeper

    async def list_devices(
        self, actor: Actor, product: Product, wanted: DeviceQuery
    ) -> Page[ProductDeviceView]:
        """A page of the product's devices; a customer gets their own alone.

        Raises:
            Invalid: ``bad_page``.
        """
        if wanted.page < 1 or not 1 <= wanted.per_page <= MAX_PER_PAGE:
            raise Invalid(
                "bad_page", f"Pages begin at 1 and have 1 to {MAX_PER_PAGE} devices each."
            )

        if actor.kind is AccountKind.CUSTOMER:
            wanted = replace(wanted, owner_id=actor.user_id)

        def work(conn: Connection) -> Page[ProductDeviceView]:
            current = store.find_product(conn, product.id) or product
            listed, total = list_page(conn, current, wanted)
            ids = [one.device.id for one in listed]
            groups = group_store.groups_of_devices(conn, product.id, ids)
            targets = self._targets(conn, [one.entry for one in listed], groups)
            views = [
                ProductDeviceView(
                    one.entry,
                    DeviceView(
                        one.device,
                        self._presence.overlay(one.device.id, one.stored),
                        one.owner_name,
                    ),
                    [group.name for group in groups.get(one.device.id, ())],
                    targets.get(one.device.id),
                )
                for one in listed
            ]
            return Page(views, wanted.page, wanted.per_page, total)

        return await self._database.read(work)

    async def get_device(self, actor: Actor, product: Product, ref: str) -> ProductDeviceView:
        """A device of the product, or one that waits for it or was refused.

        A customer finds their own alone.

        Raises:
            NotFound: ``not_in_product``.
        """

        def work(conn: Connection) -> ProductDeviceView:
            entry = find_entry(conn, product.id, ref)
            device = device_store.find_device(conn, entry.device_id)
            if device is None or not may_see(actor, device.owner_id):
                raise not_in_product()
            owner = find_user(conn, device.owner_id) if device.owner_id else None
            presence = self._presence.overlay(device.id, find_presence_of(conn, device.id))
            view = DeviceView(device, presence, None if owner is None else owner.username)
            groups = group_store.groups_of_devices(conn, product.id, [entry.device_id])
            names = [group.name for group in groups.get(entry.device_id, ())]
            target = self._targets(conn, [entry], groups).get(entry.device_id)
            return ProductDeviceView(entry, view, names, target)

        return await self._database.read(work)

    async def update(
        self, actor: Actor, product: Product, ref: str, change: DeviceChange
    ) -> Changed:
        """Changes what a member is in the product.

        Raises:
            NotFound: ``not_in_product``.
            Conflict: ``not_a_member`` of a device that waits or was refused.
            Invalid: ``bad_group_name`` or ``too_many_groups``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> Changed:
            entry = find_member(conn, product.id, ref)
            groups = before_groups = _group_names(conn, entry)
            before: dict[str, object] = {}
            after: dict[str, object] = {}
            if change.development is not None:
                before["development"], after["development"] = entry.development, change.development
                values = {"development": change.development}
                membership_store.update_entry(conn, product.id, entry.device_id, values, at)
            if change.groups is not None:
                groups = group_membership.set_groups(
                    conn, product.id, change.groups, entry.device_id, at
                )
                before["groups"], after["groups"] = before_groups, groups
            announcing.record(
                conn, actor, "device.update_in_product", entry.device_id, before, after, at
            )
            announcing.announce(conn, [announcing.DEVICE_CHANGED], entry.device_id)
            development = entry.development if change.development is None else change.development
            return Changed(entry.device_id, development, groups, at)

        changed = await self._database.write(work)
        self._settle([changed.id])
        return changed

    async def update_many(
        self,
        actor: Actor,
        product: Product,
        refs: Sequence[str],
        *,
        add: Collection[str] = (),
        remove: Collection[str] = (),
        development: bool | None = None,
    ) -> list[str]:
        """Changes many members at once, all or none; gives their ids.

        Args:
            actor: who asks.
            product: theirs.
            refs: device ids in any case.
            add: names of groups to put them into.
            remove: names of groups to take them out of.
            development: whether they are development devices; None leaves as it is.

        Raises:
            NotFound: ``not_in_product``, naming those that are no members.
            Invalid: ``too_many_devices``, ``bad_group_name`` or ``too_many_groups``.
        """
        if not 1 <= len(refs) <= MAX_BATCH_DEVICES:
            raise Invalid(
                "too_many_devices",
                f"A batch has 1 to {MAX_BATCH_DEVICES} devices, not {len(refs)}.",
            )
        ids = list(dict.fromkeys(parse_device_id(ref) or ref for ref in refs))
        at = self._clock.now()

        def work(conn: Connection) -> None:
            entries = membership_store.find_many(conn, product.id, ids)
            members = {one for one, entry in entries.items() if entry.standing == "member"}
            missing = [device_id for device_id in ids if device_id not in members]
            if missing:
                error = not_in_product()
                error.detail["devices"] = missing
                raise error
            group_membership.leave_groups(conn, product.id, remove, ids)
            group_membership.join_groups(conn, product.id, add, ids, at)
            if development is not None:
                values = {"development": development}
                membership_store.update_entries(conn, product.id, ids, values, at)
            _record_batch(conn, actor, ids, add, remove, development, at)
            for device_id in ids:
                announcing.announce(conn, [announcing.DEVICE_CHANGED], device_id)

        await self._database.write(work)
        self._settle(ids)
        return ids

    async def remove(self, actor: Actor, product: Product, ref: str, *, deny_it: bool) -> str:
        """Takes a device out of the product, or refuses one that waits. Gives the device id.

        A device whose firmware still names the product is refused from then on, so that it does
        not come to wait again; any is if that is wanted. A device that a customer owns is released.

        Raises:
            NotFound: ``not_in_product``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> str:
            entry = find_entry(conn, product.id, ref)
            device_id = entry.device_id
            known = product_store.find_standings(conn, [device_id])[device_id]
            before: announcing.Facts = {"standing": entry.standing, "product_id": product.id}
            action = "device.deny" if deny_it else "device.remove_from_product"
            # Recorded first: whose device it was decides whose audit trail tells of it.
            announcing.record(conn, actor, action, device_id, before, None, at)
            if entry.standing == "member":
                self._release_customer(conn, product, known, at)
                dismiss(conn, product, [known], self._firmware, at)
            else:
                clear_waiting(conn, product.id, [device_id])
            if deny_it and membership_store.find_in_product(conn, product.id, device_id) is None:
                deny(conn, product.id, [device_id], at)
                store.count_devices(conn, product.id, denied=1)
            announcing.announce(conn, [announcing.DEVICE_CHANGED], device_id)
            return device_id

        device_id = await self._database.write(work, durable=True)
        self._settle([device_id])
        return device_id

    async def unclaim(self, actor: Actor, product: Product, ref: str) -> str:
        """Ends the ownership of a member, whoever owns it. Gives the device id.

        Raises:
            NotFound: ``not_in_product``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> str:
            entry = find_member(conn, product.id, ref)
            device = device_store.find_device(conn, entry.device_id)
            if device is not None and device.owner_id is not None:
                device_store.release_owned(conn, device.owner_id, device.id, at)
                before: announcing.Facts = {"owner_id": device.owner_id}
                after: announcing.Facts = {"owner_id": None}
                announcing.record(conn, actor, "device.unclaim", device.id, before, after, at)
                announcing.announce(conn, [announcing.DEVICE_CHANGED], device.id)
            return entry.device_id

        device_id = await self._database.write(work, durable=True)
        self._settle([device_id])
        return device_id

    def _targets(
        self,
        conn: Connection,
        entries: Sequence[ProductDevice],
        groups: Mapping[str, Sequence[DeviceGroup]],
    ) -> Mapping[str, int | None]:
        members = [one for one in entries if one.standing == "member"]
        if not members:
            return {}
        mine = {one.device_id: groups.get(one.device_id, ()) for one in members}
        return self._firmware.released_targets(conn, members[0].product_id, mine)

    def _release_customer(
        self,
        conn: Connection,
        product: Product,
        known: product_store.DeviceStanding,
        at: datetime,
    ) -> None:
        if known.owner_id is not None and not self._access.in_team(conn, known.owner_id, product):
            device_store.release_owned(conn, known.owner_id, known.id, at)

    def _settle(self, device_ids: Sequence[str]) -> None:
        for device_id in device_ids:
            self._registry.forget(device_id)
            self._gatekeeper.forget(device_id)
        self._announce()


def find_entry(conn: Connection, product_id: int, ref: str) -> ProductDevice:
    """What the device that ``ref`` means is in the product.

    Raises:
        NotFound: ``not_in_product``.
    """
    device_id = parse_device_id(ref)
    entry = membership_store.find_in_product(conn, product_id, device_id) if device_id else None
    if entry is None:
        raise not_in_product()
    return entry


def find_member(conn: Connection, product_id: int, ref: str) -> ProductDevice:
    """Likewise, of a device that belongs to the product.

    Raises:
        NotFound: ``not_in_product``.
        Conflict: ``not_a_member``.
    """
    entry = find_entry(conn, product_id, ref)
    if entry.standing != "member":
        word = "waits for approval" if entry.standing == "quarantined" else "was refused"
        raise Conflict("not_a_member", f"The device {word}; import it to let it in.")
    return entry


def lock_to_version(
    conn: Connection, product_id: int, device_id: str, version: int | None, at: datetime
) -> None:
    """Locks a member to a firmware version, or ends that with None; what follows is firmware's."""
    values: dict[str, Any] = {"desired_firmware_version": version}
    membership_store.update_entry(conn, product_id, device_id, values, at)


def _group_names(conn: Connection, entry: ProductDevice) -> list[str]:
    found = group_store.groups_of_devices(conn, entry.product_id, [entry.device_id])
    return [group.name for group in found.get(entry.device_id, ())]


def _record_batch(
    conn: Connection,
    actor: Actor,
    ids: Sequence[str],
    add: Collection[str],
    remove: Collection[str],
    development: bool | None,
    at: datetime,
) -> None:
    after: dict[str, object] = {"add": sorted(add), "remove": sorted(remove)}
    if development is not None:
        after["development"] = development
    for device_id in ids:
        announcing.record(conn, actor, "device.update_in_product", device_id, None, {**after}, at)
