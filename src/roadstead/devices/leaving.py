"""What becomes of devices whose owner's account ends."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from roadstead.devices import announcing, claim_store, store
from roadstead.devices.model import Device
from roadstead.identity.model import Actor, User


def release_of_customer(
    conn: Connection, user: User, actor: Actor, at: datetime, *, product_id: int
) -> Sequence[tuple[str, str]]:
    """Releases a customer's devices of one product; claim codes and requests for them end.

    Returns:
        As ``release_all``.
    """
    claim_store.delete_all_of(conn, user.id, product_id=product_id)
    mine = store.list_owned(conn, user.id)
    return _release(conn, user, [one for one in mine if one.product_id == product_id], actor, at)


def release_all(
    conn: Connection, user: User, actor: Actor, at: datetime
) -> Sequence[tuple[str, str]]:
    """Releases all devices of the user, within the transaction that removes the account.

    Claim codes and transfer requests end with it.

    Returns:
        The outbox messages, topic and key, that the caller writes after its last audit row.
    """
    claim_store.delete_all_of(conn, user.id)
    return _release(conn, user, store.list_owned(conn, user.id), actor, at)


def _release(
    conn: Connection, user: User, released: list[Device], actor: Actor, at: datetime
) -> list[tuple[str, str]]:
    for device in released:
        store.release_owned(conn, user.id, device.id, at)
        before: announcing.Facts = {"owner_id": user.id, "name": device.name}
        after: announcing.Facts = {"owner_id": None}
        announcing.record(conn, actor, "device.unclaim", device.id, before, after, at)
    return [(announcing.DEVICE_CHANGED, device.id) for device in released]
