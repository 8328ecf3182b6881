"""What an actor is to a product or an organization: the one place that gathers this.

A person's role comes from three sides: they own the product, they are on the team of its
organization, or on its own team; the largest one holds. All is asked within the caller's
transaction, so that a change counts from the moment of its commit.
"""

from sqlalchemy import Connection

from roadstead.identity.model import AccountKind, Actor
from roadstead.identity.permissions import LADDER, Permission, Role, rights_of
from roadstead.identity.safety_store import find_factor
from roadstead.kit.errors import Forbidden
from roadstead.organizations import organization_store, team_store
from roadstead.organizations.model import (
    Organization,
    Owner,
    team_of_organization,
    team_of_product,
)


def rights_on_product(
    conn: Connection, actor: Actor, product_id: int, owner: Owner
) -> frozenset[Permission]:
    """What the actor may do with a product; empty for a stranger.

    Raises:
        Forbidden: ``mfa_enrolment_required`` when only a second factor is missing.
    """
    return rights_of(actor, role_on_product(conn, actor, product_id, owner))


def role_on_product(conn: Connection, actor: Actor, product_id: int, owner: Owner) -> Role | None:
    """What the actor is to a product; None for a stranger.

    Raises:
        Forbidden: ``mfa_enrolment_required``.
    """
    if actor.kind is not AccountKind.PERSON:
        return _role_of_program(actor, product_id, owner)
    if owner.user_id is not None and owner.user_id == actor.user_id:
        return Role.OWNER
    held = [team_store.find_role(conn, team_of_product(product_id), actor.user_id)]
    if owner.organization_id is not None:
        team = team_of_organization(owner.organization_id)
        held.append(team_store.find_role(conn, team, actor.user_id))
    found = [role for role in held if role is not None]
    if not found:
        return None
    if owner.organization_id is not None:
        _check_factor(conn, actor, owner.organization_id)
    return max(found, key=LADDER.index)


def role_in_organization(conn: Connection, actor: Actor, organization: Organization) -> Role | None:
    """What the actor is to an organization; None for a stranger.

    Raises:
        Forbidden: ``mfa_enrolment_required``.
    """
    if actor.kind is AccountKind.API_USER:
        return Role.PROGRAM if actor.organization_id == organization.id else None
    if actor.kind is not AccountKind.PERSON:
        return None
    role = team_store.find_role(conn, organization.team, actor.user_id)
    if role is not None:
        _check_factor(conn, actor, organization.id)
    return role


def teams_of(conn: Connection, actor: Actor) -> dict[str, Role]:
    """The teams of an actor by key, with the role on each; those that a rule closes are left out.

    An organization stands for all its products, which are not listed here.
    """
    if actor.kind is AccountKind.API_USER:
        if actor.organization_id is not None:
            return {team_of_organization(actor.organization_id): Role.PROGRAM}
        return {team_of_product(actor.product_id): Role.PROGRAM} if actor.product_id else {}
    if actor.kind is AccountKind.CLIENT:
        return {team_of_product(actor.product_id): Role.PROGRAM} if actor.product_id else {}
    if actor.kind is AccountKind.CUSTOMER or not actor.user_id:
        return {}
    roles = team_store.list_roles(conn, actor.user_id)
    ids = [key.partition("/")[2] for key in roles if key.startswith("organization/")]
    demanding = [one for one in organization_store.list_by_ids(conn, ids) if one.mfa_required]
    if demanding and find_factor(conn, actor.user_id) is None:
        for one in demanding:
            del roles[one.team]
    return roles


def _check_factor(conn: Connection, actor: Actor, organization_id: str) -> None:
    organization = organization_store.find_organization(conn, organization_id)
    if organization is None or not organization.mfa_required:
        return
    if find_factor(conn, actor.user_id) is None:
        raise Forbidden(
            "mfa_enrolment_required",
            f"{organization.name} requires a second factor: enable one for your account first "
            "(GET /v1/user/mfa-enable).",
        )


def _role_of_program(actor: Actor, product_id: int, owner: Owner) -> Role | None:
    if actor.product_id == product_id:
        return Role.CUSTOMER if actor.kind is AccountKind.CUSTOMER else Role.PROGRAM
    if actor.kind is AccountKind.API_USER and owner.organization_id is not None:
        return Role.PROGRAM if actor.organization_id == owner.organization_id else None
    return None
