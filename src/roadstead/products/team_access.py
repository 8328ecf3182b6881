"""What somebody may do with a product, from its owner, its team and that of its organization."""

from collections.abc import Sequence

from sqlalchemy import Connection

from roadstead.identity.customer_store import find_customer
from roadstead.identity.model import Actor
from roadstead.identity.store import find_user
from roadstead.organizations import authority, team_store
from roadstead.organizations.model import team_of_organization, team_of_product
from roadstead.products.access import Rights
from roadstead.products.model import Owner, Product


class TeamAccess:
    """Fills the port ``products.access.ProductAccess``."""

    def rights_of(self, conn: Connection, actor: Actor, product: Product) -> Rights:
        """What the actor may do with the product; empty for a stranger.

        Raises:
            Forbidden: ``mfa_enrolment_required``.
        """
        return authority.rights_on_product(conn, actor, product.id, product.owner)

    def may_own(self, conn: Connection, user_id: str, product: Product) -> bool:
        """The product's team, its organization's, and its customers."""
        if self.in_team(conn, user_id, product):
            return True
        return find_customer(conn, product.id, user_id) is not None

    def in_team(self, conn: Connection, user_id: str, product: Product) -> bool:
        """The owner, and who is on the product's team or its organization's."""
        if find_user(conn, user_id) is None:
            return False
        if product.owner.user_id is not None and product.owner.user_id == user_id:
            return True
        teams = [team_of_product(product.id)]
        if product.owner.organization_id is not None:
            teams.append(team_of_organization(product.owner.organization_id))
        return any(team_store.find_role(conn, team, user_id) is not None for team in teams)

    def owners_for(self, conn: Connection, actor: Actor) -> Sequence[Owner]:
        """The actor themselves, then their organizations."""
        teams = authority.teams_of(conn, actor)
        kind = "organization/"
        ids = [key.removeprefix(kind) for key in teams if key.startswith(kind)]
        mine = [Owner(user_id=actor.user_id)] if actor.user_id else []
        return [*mine, *(Owner(organization_id=one) for one in ids)]

    def products_for(self, conn: Connection, actor: Actor) -> Sequence[int]:
        """The numbers of products on whose own team the actor is."""
        kind = "product/"
        teams = authority.teams_of(conn, actor)
        return [int(key.removeprefix(kind)) for key in teams if key.startswith(kind)]
