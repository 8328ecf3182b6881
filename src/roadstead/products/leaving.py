"""What becomes of products whose owner's account ends."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from roadstead.identity.model import Actor, User
from roadstead.kit.errors import Conflict
from roadstead.products import store
from roadstead.products.model import Owner


def refuse_product_owners(
    conn: Connection, user: User, actor: Actor, at: datetime
) -> Sequence[tuple[str, str]]:
    """Keeps an account from ending while it owns products; fills ``identity.AccountClosing``.

    Raises:
        Conflict: ``owns_products``: a fleet must not lose its owner by accident.
    """
    mine = store.list_products_of(conn, [Owner(user_id=user.id)])
    if mine:
        names = ", ".join(product.slug for product in mine[:5])
        raise Conflict(
            "owns_products", f"The account owns products ({names}); delete or hand them over first."
        )
    return ()
