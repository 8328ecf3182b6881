"""A product changes hands: to an organization, or back to its owner's own account.

Everything that belongs to the product goes along, because all of it refers to the product: devices,
groups, firmware, integrations, customers, clients, its own team. What changes is who is above it:
the owner, the plan, and the team of the organization.

What is shown before is made by the same function that then moves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.identity import customer_store
from roadstead.identity.model import Actor
from roadstead.identity.permissions import ROLE_PERMISSIONS, Permission
from roadstead.identity.recording import ACCESS_CHANGED, record_change
from roadstead.identity.store import find_user
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Forbidden, Invalid
from roadstead.organizations import authority, organization_store, team_store
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.model import Owner, PlanName, team_of_organization, team_of_product
from roadstead.organizations.service import organization_not_found
from roadstead.organizations.terms import FEATURE_WORDS, Feature, terms_of
from roadstead.products import group_store, store, telling
from roadstead.products.model import Product
from roadstead.products.service import name_taken, product_not_found
from roadstead.storage import outbox
from roadstead.storage.database import Database

TO_ACCOUNT = "me"
"""Names the actor's own account as where a product goes."""


@dataclass(frozen=True, slots=True)
class Move:
    """What a move changes.

    Attributes:
        source, target: e-mail address or slug.
        gaining, losing: e-mail addresses of people who come to reach the product, and who stop to.
        leaving_team: whose role on the product's own team ends, because the organization's holds.
        features_lost, features_gained: what the plans differ in.
    """

    product_id: int
    source: str
    target: str
    source_plan: PlanName
    target_plan: PlanName
    devices: int
    groups: int
    customers: int
    gaining: list[str]
    losing: list[str]
    leaving_team: list[str]
    features_lost: list[Feature]
    features_gained: list[Feature]


class ProductMoves:
    """Moves of all products.

    Args:
        announce: called after a change was committed that other processes must hear of.
        limits: what the plans of owners allow.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        limits: PlanLimits,
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._limits = limits

    async def preview(self, actor: Actor, product_id: int, target: str) -> Move:
        """What a move would change.

        Raises:
            As ``move``.
        """
        return await self._database.read(
            lambda conn: self._prepare(conn, actor, product_id, target)[1]
        )

    async def move(self, actor: Actor, product_id: int, target: str) -> Move:
        """Moves a product to an organization (id or slug), or to the actor's account (``me``).

        Raises:
            NotFound: ``organization_not_found`` or ``product_not_found``.
            Forbidden: ``permission_denied`` for who may not create products there; ``plan_limit``.
            Conflict: ``product_name_taken`` or ``already_there``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> Move:
            owner, move = self._prepare(conn, actor, product_id, target)
            self._limits.reserve_move(conn, owner, move.devices, at)
            product = _get(conn, product_id)
            store.update_owner(conn, product_id, owner, at)
            for username in move.leaving_team:
                team_store.delete_member_by_name(conn, team_of_product(product_id), username)
            _record(conn, actor, product, owner, move, at)
            telling.announce(conn, product_id)
            outbox.append(conn, ACCESS_CHANGED, "")
            return move

        try:
            moved = await self._database.write(work, durable=True)
        except IntegrityError as error:
            raise name_taken(str(product_id)) from error
        self._announce()
        return moved

    def _prepare(
        self, conn: Connection, actor: Actor, product_id: int, target: str
    ) -> tuple[Owner, Move]:
        product = _get(conn, product_id)
        owner = _target_of(conn, actor, target)
        if owner == product.owner:
            raise Conflict("already_there", "The product is there already.")
        if store.is_name_taken(conn, owner, product.name):
            raise name_taken(product.name)
        before = _people_above(conn, product.owner)
        after = _people_above(conn, owner)
        team = {one.username for one in team_store.list_members(conn, team_of_product(product.id))}
        plans = (self._limits.plan_of(conn, product.owner), self._limits.plan_of(conn, owner))
        old, new = (terms_of(plan) for plan in plans)
        self._limits.check_move(conn, owner, product.device_count)
        move = Move(
            product_id=product.id,
            source=_name_of(conn, product.owner),
            target=_name_of(conn, owner),
            source_plan=plans[0],
            target_plan=plans[1],
            devices=product.device_count,
            groups=len(group_store.list_group_names(conn, [product.id]).get(product.id, [])),
            customers=customer_store.list_customers(conn, product.id, offset=0, limit=1)[1],
            gaining=sorted(after - before - team),
            losing=sorted(before - after - team),
            leaving_team=sorted(team & after),
            features_lost=[one for one in FEATURE_WORDS if old.has(one) and not new.has(one)],
            features_gained=[one for one in FEATURE_WORDS if new.has(one) and not old.has(one)],
        )
        return owner, move


def _get(conn: Connection, product_id: int) -> Product:
    product = store.find_product(conn, product_id)
    if product is None:
        raise product_not_found(str(product_id))
    return product


def _target_of(conn: Connection, actor: Actor, target: str) -> Owner:
    """The new owner, if the actor may create products there."""
    if target == TO_ACCOUNT:
        if find_user(conn, actor.user_id) is None:
            raise Invalid("no_account", "Only an account can own a product.")
        return Owner(user_id=actor.user_id)
    found = organization_store.find_organization(conn, target.lower())
    role = authority.role_in_organization(conn, actor, found) if found else None
    if found is None or role is None:
        raise organization_not_found(target)
    if Permission.PRODUCTS_CREATE not in ROLE_PERMISSIONS[role]:
        raise Forbidden(
            "permission_denied", f"You may not create products in {found.name}, nor move one there."
        )
    return found.owner


def _people_above(conn: Connection, owner: Owner) -> set[str]:
    """E-mail addresses of who reaches a product through its owner."""
    if owner.user_id is not None:
        user = find_user(conn, owner.user_id)
        return {user.username} if user else set()
    assert owner.organization_id is not None
    team = team_of_organization(owner.organization_id)
    return {one.username for one in team_store.list_members(conn, team)}


def _name_of(conn: Connection, owner: Owner) -> str:
    if owner.user_id is not None:
        user = find_user(conn, owner.user_id)
        return user.username if user else owner.id
    found = organization_store.find_organization(conn, owner.id)
    return found.slug if found else owner.id


def _record(
    conn: Connection, actor: Actor, product: Product, owner: Owner, move: Move, at: datetime
) -> None:
    """One row on the product's trail, and one on that of each organization."""
    before: telling.Facts = {"owner_id": product.owner.id, "owner": move.source}
    after: telling.Facts = {"owner_id": owner.id, "owner": move.target}
    telling.record(conn, actor, "product.move", product.id, before, after, at)
    for one in (product.owner, owner):
        if one.organization_id is not None:
            record_change(
                conn,
                actor,
                "product.move",
                f"product/{product.id}",
                before,
                after,
                at=at,
                scope=team_of_organization(one.organization_id),
            )
