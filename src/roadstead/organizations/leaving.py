"""What becomes of organizations whose owner's account ends."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from roadstead.identity.model import Actor, User
from roadstead.kit.errors import Conflict
from roadstead.organizations import organization_store


def refuse_owners(
    conn: Connection, user: User, actor: Actor, at: datetime
) -> Sequence[tuple[str, str]]:
    """Keeps an account from ending while it owns organizations; fills ``AccountClosing``.

    Raises:
        Conflict: ``owns_organizations``: an organization is never without its owner.
    """
    mine = organization_store.list_owned_by(conn, user.id)
    if mine:
        names = ", ".join(one.slug for one in mine[:5])
        raise Conflict(
            "owns_organizations",
            f"The account owns organizations ({names}); hand them over or remove them first.",
        )
    return ()
