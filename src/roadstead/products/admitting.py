"""Devices come into a product, leave it, wait before it: the rows and counters of each step.

All of it happens within the caller's transaction: the membership in ``devices``, the row in
``product_devices``, groups and counters change together or not at all.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from roadstead.devices import product_store
from roadstead.devices.membership import named_product
from roadstead.devices.naming import name_key
from roadstead.devices.product_store import DeviceStanding
from roadstead.kit.clock import from_ms
from roadstead.kit.errors import Conflict
from roadstead.products import group_store, membership_store, store
from roadstead.products.firmware_port import ProductFirmware
from roadstead.products.model import Product, ProductDevice


@dataclass(frozen=True, slots=True)
class Admission:
    """Devices that are let in, each in no product until now.

    Attributes:
        unknown: ids of devices that nobody has seen yet.
        known: what is known of the others.
        by: user id of who lets them in; None for the server itself.
    """

    unknown: Sequence[str]
    known: Sequence[DeviceStanding]
    by: str | None
    at: datetime


def admit(
    conn: Connection, product: Product, admission: Admission, firmware: ProductFirmware
) -> None:
    """Lets devices in; service begins at once for those that are connected.

    Raises:
        Conflict: ``device_moved``: somebody put one of them elsewhere in this moment.
    """
    at = admission.at
    product_store.insert_product_devices(
        conn,
        admission.unknown,
        product_id=product.id,
        platform_id=product.platform_id,
        at=at,
    )
    known_ids = [one.id for one in admission.known]
    if not product_store.join_product(conn, known_ids, product.id, at):
        raise moved_meanwhile()
    unsure = [one.id for one in admission.known if one.platform_id is None]
    product_store.set_platform(conn, unsure, product.platform_id)
    clear_waiting(conn, product.id, known_ids)
    entries = [_entry(product.id, None, device_id, admission) for device_id in admission.unknown]
    entries += [_entry(product.id, one, one.id, admission) for one in admission.known]
    names = {one.id: name_key(one.name) for one in admission.known if one.name}
    membership_store.insert_entries(conn, entries, names)
    store.count_devices(conn, product.id, members=len(entries))
    firmware.counts_changed(conn, product.id, Counter(one.firmware_version for one in entries))


def clear_waiting(conn: Connection, product_id: int, device_ids: Sequence[str]) -> None:
    """Ends what devices were to products that they do not belong to: refused here, waiting there.

    Counters of products are changed in the order of their numbers, lest two imports lock each
    other out.
    """
    if not device_ids:
        return
    waiting: dict[int, list[str]] = {}
    for device_id, other_id in membership_store.find_quarantines(conn, device_ids).items():
        waiting.setdefault(other_id, []).append(device_id)
    denied = membership_store.delete_entries(conn, product_id, device_ids, "denied")
    for other_id in sorted({*waiting, product_id}):
        ids = waiting.get(other_id, [])
        gone = membership_store.delete_entries(conn, other_id, ids, "quarantined") if ids else []
        refused = len(denied) if other_id == product_id else 0
        store.count_devices(conn, other_id, quarantined=-len(gone), denied=-refused)


def dismiss(
    conn: Connection,
    product: Product,
    devices: Sequence[DeviceStanding],
    firmware: ProductFirmware,
    at: datetime,
) -> None:
    """Takes members out. One whose firmware names the product is refused from now on.

    Raises:
        Conflict: ``device_moved``.
    """
    if not devices:
        return
    ids = [one.id for one in devices]
    if not product_store.leave_product(conn, ids, product.id, at):
        raise moved_meanwhile()
    group_store.leave_all(conn, product.id, ids)
    membership_store.delete_entries(conn, product.id, ids, "member")
    refused = [
        one.id
        for one in devices
        if named_product(one.firmware_product_id, one.platform_id) == product.id
    ]
    deny(conn, product.id, refused, at)
    for device_id in refused:
        product_store.set_quarantined(conn, device_id, True)
    store.count_devices(conn, product.id, members=-len(ids), denied=len(refused))
    versions = Counter(one.firmware_version for one in devices)
    changes = {version: -number for version, number in versions.items()}
    firmware.counts_changed(conn, product.id, changes)
    firmware.members_gone(conn, product.id, ids)


def deny(conn: Connection, product_id: int, device_ids: Sequence[str], at: datetime) -> None:
    """Writes the rows of refused devices; their counter is the caller's."""
    entries = [
        ProductDevice(product_id=product_id, device_id=device_id, standing="denied", updated_at=at)
        for device_id in device_ids
    ]
    membership_store.insert_entries(conn, entries, {})


def _entry(
    product_id: int, known: DeviceStanding | None, device_id: str, admission: Admission
) -> ProductDevice:
    at = admission.at
    handshake_ms = None if known is None else known.last_handshake_ms
    return ProductDevice(
        product_id=product_id,
        device_id=device_id,
        imported_at=at,
        imported_by=admission.by,
        first_connected_at=at if known is not None and known.online else None,
        last_handshake_at=None if handshake_ms is None else from_ms(handshake_ms),
        firmware_version=0 if known is None else known.firmware_version,
        updated_at=at,
    )


def moved_meanwhile() -> Conflict:
    """Two requests about one device at once."""
    return Conflict(
        "device_moved", "One of the devices was put into another product just now; try again."
    )
