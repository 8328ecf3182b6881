"""What somebody may do with a product: asked through a small port.

This room knows who owns a product; who belongs to its team, and in which role, is known elsewhere.
"""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from roadstead.identity.model import Actor
from roadstead.identity.permissions import ROLE_PERMISSIONS, Permission, Role
from roadstead.products.model import Owner, Product

Rights = frozenset[Permission]
"""What somebody may do with a product; empty means that they may not even know of it."""

ALL_RIGHTS: Rights = ROLE_PERMISSIONS[Role.OWNER]


class ProductAccess(Protocol):
    """Asked within a transaction, so that what it says holds for the change that follows."""

    def rights_of(self, conn: Connection, actor: Actor, product: Product) -> Rights:
        """What the actor may do with the product; empty for a stranger."""

    def may_own(self, conn: Connection, user_id: str, product: Product) -> bool:
        """Whether a person may claim devices of the product: its team, or a customer of it."""

    def in_team(self, conn: Connection, user_id: str, product: Product) -> bool:
        """Whether a person belongs to the product's team."""

    def owners_for(self, conn: Connection, actor: Actor) -> Sequence[Owner]:
        """The owners whose products are listed for the actor: themselves first."""

    def products_for(self, conn: Connection, actor: Actor) -> Sequence[int]:
        """The numbers of further products that are listed for the actor."""


class OwnerAccess:
    """The owner alone: for a server without teams and organizations."""

    def rights_of(self, conn: Connection, actor: Actor, product: Product) -> Rights:
        """All for the owner and for administrators of the server, nothing for others."""
        is_owner = bool(actor.user_id) and product.owner.user_id == actor.user_id
        return ALL_RIGHTS if is_owner or actor.is_admin else frozenset()

    def may_own(self, conn: Connection, user_id: str, product: Product) -> bool:
        """The owner alone."""
        return self.in_team(conn, user_id, product)

    def in_team(self, conn: Connection, user_id: str, product: Product) -> bool:
        """The owner alone."""
        return product.owner.user_id == user_id

    def owners_for(self, conn: Connection, actor: Actor) -> Sequence[Owner]:
        """The actor alone."""
        return (Owner(user_id=actor.user_id),) if actor.user_id else ()

    def products_for(self, conn: Connection, actor: Actor) -> Sequence[int]:
        """None."""
        return ()
