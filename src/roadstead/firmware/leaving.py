"""What becomes of firmware when the account of somebody who uploaded or released it is deleted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from roadstead.firmware import release_store, store
from roadstead.firmware.delivery import store as delivery_store
from roadstead.identity.model import Actor, User


def forget_person(
    conn: Connection, user: User, actor: Actor, at: datetime
) -> Sequence[tuple[str, str]]:
    """Takes the person out of versions, releases and histories, which stay their products'.

    Within the transaction that removes the account.
    """
    store.forget_person(conn, user.id)
    release_store.forget_person(conn, user.id)
    delivery_store.forget_person(conn, user.id)
    return ()
