"""A person takes a device that is nobody's, and how a change of a device is told."""

from datetime import datetime

from sqlalchemy import Connection

from roadstead.devices import announcing, store
from roadstead.devices.errors import belongs_to_product, belongs_to_someone_else, device_unknown
from roadstead.devices.membership import DeviceProducts
from roadstead.identity.model import Actor
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Conflict


def take(
    conn: Connection,
    products: DeviceProducts,
    actor: Actor,
    device_id: str,
    is_online: bool,
    at: datetime,
) -> bool:
    """Claims within a transaction; False when the actor owned the device already.

    Raises:
        NotFound: ``device_unknown``.
        Forbidden: it belongs to somebody else, or to a product in which the actor may not act.
        Conflict: ``claim_needs_online``.
    """
    device = store.find_device(conn, device_id)
    if device is None:
        raise device_unknown()
    if device.owner_id == actor.user_id:
        return False
    if device.owner_id is not None:
        raise belongs_to_someone_else()
    if device.product_id is not None:
        # Who owns a device may do everything with it, so viewing its product is not enough.
        if Permission.DEVICES_UPDATE not in products.rights_of(conn, actor, device.product_id):
            raise belongs_to_product()
    elif not is_online:
        raise Conflict(
            "claim_needs_online",
            f"Device {device_id} is not online; switch it on, then claim it.",
        )
    else:
        products.take_room(conn, actor.user_id, at)
    if not store.claim_unowned(conn, device_id, actor.user_id, at):
        raise belongs_to_someone_else()
    before: announcing.Facts = {"owner_id": None}
    after: announcing.Facts = {"owner_id": actor.user_id}
    tell(conn, actor, "device.claim", device_id, before, after, at)
    return True


def tell(
    conn: Connection,
    actor: Actor,
    action: str,
    device_id: str,
    before: announcing.Facts,
    after: announcing.Facts,
    at: datetime,
) -> str:
    """Writes the audit row and the outbox row of a change; gives the device id."""
    announcing.record(conn, actor, action, device_id, before, after, at)
    announcing.announce(conn, [announcing.DEVICE_CHANGED], device_id)
    return device_id
