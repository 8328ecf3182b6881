"""What becomes of devices whose owner's account ends."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from roadstead.devices import announcing, claim_store, store
from roadstead.identity.model import Actor, User


def release_all(
    conn: Connection, user: User, actor: Actor, at: datetime
) -> Sequence[tuple[str, str]]:
    """Releases all devices of the user, within the transaction that removes the account.

    Claim codes and transfer requests end with it.

    Returns:
        The outbox messages, topic and key, that the caller writes after its last audit row.
    """
    claim_store.delete_all_of(conn, user.id)
    released = store.list_owned(conn, user.id)
    for device in released:
        store.release_owned(conn, user.id, device.id, at)
        before: announcing.Facts = {"owner_id": user.id, "name": device.name}
        after: announcing.Facts = {"owner_id": None}
        announcing.record(conn, actor, "device.unclaim", device.id, before, after, at)
    return [(announcing.DEVICE_CHANGED, device.id) for device in released]
