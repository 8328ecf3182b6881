"""The team of a product or an organization: who is on it, with which role, and leaving it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from roadstead.identity.model import Actor, User
from roadstead.identity.permissions import Role
from roadstead.identity.safety_store import find_factor
from roadstead.identity.store import find_user, find_user_by_name
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, NotFound
from roadstead.organizations import team_store, telling
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.model import (
    ApiUser,
    Invitation,
    Member,
    Organization,
    Owner,
    team_of_organization,
    team_of_product,
)
from roadstead.organizations.roles import check_role
from roadstead.storage.database import Database


@dataclass(frozen=True, slots=True)
class Team:
    """The team that a request is about.

    Attributes:
        key: ``organization/ID`` or ``product/ID``.
        name: of the product or organization, for letters.
        owner: whose plan counts.
        product_id: of a product's team.
    """

    key: str
    name: str
    owner: Owner
    product_id: int | None = None

    @property
    def above(self) -> str | None:
        """Key of the team of the organization that a product belongs to."""
        if self.product_id is None or self.owner.organization_id is None:
            return None
        return team_of_organization(self.owner.organization_id)


def team_for_organization(organization: Organization) -> Team:
    """The team of an organization."""
    return Team(organization.team, organization.name, organization.owner)


def team_for_product(product_id: int, name: str, owner: Owner) -> Team:
    """The team of a product."""
    return Team(team_of_product(product_id), name, owner, product_id)


@dataclass(frozen=True, slots=True)
class Roster:
    """A team as its members see it.

    Attributes:
        members: the owner first; those of the organization of a product are among them.
        invitations: whose answer is waited for.
    """

    members: list[Member]
    api_users: list[ApiUser]
    invitations: list[Invitation]


class Teams:
    """Members of all teams.

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

    async def list_team(self, team: Team) -> Roster:
        """Everybody on a team."""
        now = self._clock.now()

        def work(conn: Connection) -> Roster:
            return Roster(
                _members(conn, team),
                _api_users(conn, team),
                team_store.list_invitations(conn, team.key, at=now),
            )

        return await self._database.read(work)

    async def change_role(self, actor: Actor, team: Team, username: str, role: Role) -> Member:
        """Gives a member another role.

        Raises:
            NotFound: ``member_not_found``.
            Conflict: ``owner_is_fixed``; ``member_of_organization`` for who is on the team of the
                product's organization.
            Forbidden: ``plan_limit``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> Member:
            check_role(self._limits.plan_of(conn, team.owner), role)
            user, before = _find_member(conn, team, username)
            team_store.update_role(conn, team.key, user.id, role)
            facts: telling.Facts = {"username": user.username, "role": before.value}
            after: telling.Facts = {"username": user.username, "role": role.value}
            telling.record(conn, actor, "team.change_role", team.key, facts, after, at)
            telling.announce(conn, [user.id])
            return _to_member(conn, user, role)

        member = await self._database.write(work, durable=True)
        self._announce()
        return member

    async def remove(self, actor: Actor, team: Team, username: str) -> None:
        """Takes somebody off a team: a member, or who was invited and has not answered.

        Raises:
            NotFound: ``member_not_found``.
            Conflict: ``owner_is_fixed`` or ``member_of_organization``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> None:
            if _withdraw(conn, actor, team, username, at):
                return
            user, role = _find_member(conn, team, username)
            self._take_off(conn, actor, team, user, role)

        await self._database.write(work, durable=True)
        self._announce()

    async def leave(self, actor: Actor, team: Team) -> None:
        """Takes the actor off a team.

        Raises:
            NotFound, Conflict: as ``remove``.
        """

        def work(conn: Connection) -> None:
            user, role = _find_member(conn, team, actor.username)
            self._take_off(conn, actor, team, user, role)

        await self._database.write(work, durable=True)
        self._announce()

    def _take_off(self, conn: Connection, actor: Actor, team: Team, user: User, role: Role) -> None:
        team_store.delete_member(conn, team.key, user.id)
        before: telling.Facts = {"username": user.username, "role": role.value}
        telling.record(conn, actor, "team.remove", team.key, before, None, self._clock.now())
        telling.announce(conn, [user.id])


def _members(conn: Connection, team: Team) -> list[Member]:
    found = team_store.list_members(conn, team.above) if team.above else []
    known = {member.user_id for member in found}
    own = team_store.list_members(conn, team.key)
    found += [member for member in own if member.user_id not in known]
    owner = find_user(conn, team.owner.user_id) if team.owner.user_id else None
    if owner is not None:
        found.insert(0, _to_member(conn, owner, Role.OWNER))
    return sorted(found, key=lambda member: member.role is not Role.OWNER)


def _api_users(conn: Connection, team: Team) -> list[ApiUser]:
    products = [] if team.product_id is None else [team.product_id]
    return team_store.list_api_users(
        conn, organization_id=team.owner.organization_id, product_ids=products
    )


def _find_member(conn: Connection, team: Team, username: str) -> tuple[User, Role]:
    """A member who can be changed, with the role on this team."""
    user = find_user_by_name(conn, username.strip().lower())
    role = team_store.find_role(conn, team.key, user.id) if user else None
    if user is not None and (role is Role.OWNER or user.id == team.owner.user_id):
        raise Conflict(
            "owner_is_fixed",
            f"{user.username} is the owner, who can be neither changed nor removed.",
        )
    if user is not None and role is None and _is_above(conn, team, user):
        raise Conflict(
            "member_of_organization",
            f"{user.username} is on the team of the organization; change it there.",
        )
    if user is None or role is None:
        raise member_not_found(username)
    return user, role


def _is_above(conn: Connection, team: Team, user: User) -> bool:
    return team.above is not None and team_store.find_role(conn, team.above, user.id) is not None


def _withdraw(conn: Connection, actor: Actor, team: Team, username: str, at: datetime) -> bool:
    """Takes back an invitation that was not answered; False when there is none."""
    invitation = team_store.find_invitation_of(conn, team.key, username.strip().lower())
    if invitation is None:
        return False
    team_store.delete_invitation(conn, invitation.id)
    before: telling.Facts = {"email": invitation.email, "role": invitation.role.value}
    telling.record(conn, actor, "team.withdraw_invitation", team.key, before, None, at)
    return True


def _to_member(conn: Connection, user: User, role: Role) -> Member:
    has_mfa = find_factor(conn, user.id) is not None
    return Member(user.id, user.username, role, has_mfa, user.password_hash is not None)


def member_not_found(username: str) -> NotFound:
    """Nobody of this name is on the team."""
    return NotFound("member_not_found", f"{username} is not on this team.")
