"""Invitations to teams: sent by mail, answered with an account or by opening one.

The secret in the letter proves that its reader has the mailbox. Whoever has an account with that
address may answer through the API as well. An invitation ends after two weeks.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from roadstead.identity.credentials import parse_username
from roadstead.identity.model import Actor, User
from roadstead.identity.permissions import LADDER, Role
from roadstead.identity.recording import actor_of
from roadstead.identity.service import IdentityService
from roadstead.identity.store import find_user_by_name
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, NotFound, TooMany
from roadstead.kit.ids import new_object_id
from roadstead.organizations import team_store, telling
from roadstead.organizations.letters import invitation_letter
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.model import Invitation, team_of_product
from roadstead.organizations.roles import check_role
from roadstead.organizations.teams import Team
from roadstead.outbound.mailbox import Mailbox
from roadstead.storage.database import Database

INVITATION_LIFETIME_S = 14 * 24 * 3600
"""Seconds that an invitation waits for its answer."""

MAX_MEMBERS = 1000
"""Members and open invitations of one team; a list is one answer."""


class ProductsOf(Protocol):
    """Who knows the products of an organization; asked within the transaction."""

    def __call__(self, conn: Connection, organization_id: str) -> Sequence[int]:
        """Their numbers."""


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation as the invited person sees it.

    Attributes:
        has_account: they have an account with the address already.
    """

    invitation: Invitation
    has_account: bool


class Invitations:
    """Invitations to all teams.

    Args:
        identity: where accounts are opened.
        limits: what the plans of owners allow.
        products_of: the products whose own teams somebody leaves by joining the organization.
        announce: called after a change was committed that other processes must hear of.
        mailbox: where letters are posted.
        origin: gives the origin under which people reach this server.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        identity: IdentityService,
        limits: PlanLimits,
        products_of: ProductsOf,
        announce: Callable[[], None],
        mailbox: Mailbox,
        origin: Callable[[], str],
    ) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity
        self._limits = limits
        self._products_of = products_of
        self._announce = announce
        self._mailbox = mailbox
        self._origin = origin

    async def invite(self, actor: Actor, team: Team, email: str, role: Role) -> Invitation:
        """Asks somebody onto a team; a second invitation takes the place of the first.

        Raises:
            Invalid: ``bad_username``.
            Conflict: ``member_already``.
            Forbidden: ``plan_limit``.
            TooMany: ``team_full``.
        """
        name, now, token = parse_username(email), self._clock.now(), secrets.token_hex(20)
        invitation = Invitation(
            id=new_object_id(),
            team=team.key,
            team_name=team.name,
            email=name,
            role=role,
            invited_by=actor.user_id,
            token_digest=_digest(token),
            created_at=now,
            expires_at=now + timedelta(seconds=INVITATION_LIFETIME_S),
        )

        def work(conn: Connection) -> bool:
            self._limits.require(conn, team.owner, "team_members")
            check_role(self._limits.plan_of(conn, team.owner), role)
            user = find_user_by_name(conn, name)
            if user is not None and _is_member(conn, team, user):
                raise Conflict("member_already", f"{name} is on this team already.")
            waiting = team_store.count_invitations(conn, team.key, at=now)
            if waiting + len(team_store.list_members(conn, team.key)) >= MAX_MEMBERS:
                raise TooMany("team_full", f"A team has at most {MAX_MEMBERS} members.")
            team_store.put_invitation(conn, invitation)
            after: telling.Facts = {"email": name, "role": role.value}
            telling.record(conn, actor, "team.invite", team.key, None, after, now)
            return user is not None

        known = await self._database.write(work, durable=True)
        self._mailbox.post(
            invitation_letter(invitation, actor.username, self._origin(), token, known=known)
        )
        return invitation

    async def list_for(self, actor: Actor) -> list[Invitation]:
        """Invitations that wait for the actor's answer, oldest first."""
        now = self._clock.now()
        return await self._database.read(
            lambda conn: team_store.list_invitations_to(conn, actor.username, at=now)
        )

    async def decide(self, actor: Actor, invitation_id: str, *, accept: bool) -> None:
        """The actor's own answer.

        Raises:
            NotFound: ``invitation_not_found``.
        """

        def find(conn: Connection) -> tuple[Invitation, Actor] | None:
            found = team_store.find_invitation(conn, invitation_id)
            return (found, actor) if found and found.email == actor.username else None

        await self._decide(find, accept=accept)

    async def find_by_token(self, token: str) -> Invited | None:
        """What the reader of the letter sees; None when it is void."""
        now = self._clock.now()

        def work(conn: Connection) -> Invited | None:
            found = team_store.find_invitation_by_token(conn, _digest(token))
            if found is None or found.expires_at <= now:
                return None
            return Invited(found, find_user_by_name(conn, found.email) is not None)

        return await self._database.read(work)

    async def decide_by_token(self, token: str, address: str, *, accept: bool) -> None:
        """The answer of the letter's reader, who has an account or declines.

        Raises:
            NotFound: ``invitation_not_found``.
        """

        def find(conn: Connection) -> tuple[Invitation, Actor] | None:
            found = team_store.find_invitation_by_token(conn, _digest(token))
            user = find_user_by_name(conn, found.email) if found else None
            if found is None or (accept and user is None):
                return None
            actor = actor_of(user, address) if user else Actor("", found.email, address=address)
            return found, actor

        await self._decide(find, accept=accept)

    async def sign_up(
        self, token: str, password: str, account_info: dict[str, object], address: str
    ) -> User:
        """Opens an account for the letter's reader and lets it join.

        Raises:
            NotFound: ``invitation_not_found``.
            Invalid: ``weak_password``.
            Conflict: ``user_exists``.
        """
        invited = await self.find_by_token(token)
        if invited is None:
            raise invitation_not_found()
        user = await self._identity.create_user(
            invited.invitation.email,
            password,
            account_info=account_info,
            actor=Actor("", "", address=address),
        )
        await self.decide_by_token(token, address, accept=True)
        return user

    async def _decide(
        self, find: Callable[[Connection], tuple[Invitation, Actor] | None], *, accept: bool
    ) -> None:
        now = self._clock.now()

        def work(conn: Connection) -> None:
            found = find(conn)
            if found is None or found[0].expires_at <= now:
                raise invitation_not_found()
            invitation, actor = found
            if not team_store.delete_invitation(conn, invitation.id):
                raise invitation_not_found()
            facts: telling.Facts = {"email": invitation.email, "role": invitation.role.value}
            if not accept:
                telling.record(conn, actor, "team.decline", invitation.team, facts, None, now)
                return
            self._join(conn, invitation, actor)
            telling.record(conn, actor, "team.join", invitation.team, None, facts, now)
            telling.announce(conn, [actor.user_id])

        await self._database.write(work, durable=True)
        self._announce()

    def _join(self, conn: Connection, invitation: Invitation, actor: Actor) -> None:
        held = team_store.find_role(conn, invitation.team, actor.user_id)
        if held is None:
            now = self._clock.now()
            team_store.insert_member(conn, invitation.team, actor.user_id, invitation.role, now)
        elif LADDER.index(held) < LADDER.index(invitation.role):
            team_store.update_role(conn, invitation.team, actor.user_id, invitation.role)
        kind, _, team_id = invitation.team.partition("/")
        if kind == "organization":
            # The organization's role holds in all its products, so a role in one is given up.
            teams = [team_of_product(number) for number in self._products_of(conn, team_id)]
            team_store.delete_memberships(conn, actor.user_id, teams)


def _is_member(conn: Connection, team: Team, user: User) -> bool:
    if user.id == team.owner.user_id:
        return True
    keys = [team.key, *([team.above] if team.above else [])]
    return any(team_store.find_role(conn, key, user.id) is not None for key in keys)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).digest()


def invitation_not_found() -> NotFound:
    """The invitation is unknown, somebody else's, answered, taken back or too old."""
    return NotFound("invitation_not_found", "There is no such invitation, or it has ended.")
