"""API users: programs on a team, with chosen scopes and one token that is shown once.

Source: particle cloud notes §1.8, §2.11, §3.5.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from roadstead.identity import store
from roadstead.identity.model import AccessToken, AccountKind, Actor, User
from roadstead.identity.permissions import SCOPES
from roadstead.identity.tokens import digest_of
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Invalid, TooMany
from roadstead.kit.ids import new_access_token, new_object_id
from roadstead.organizations import team_store, telling
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.model import ApiUser
from roadstead.organizations.teams import Team, member_not_found
from roadstead.storage import outbox
from roadstead.storage.database import Database

DOMAIN = "api.particle.io"
"""What the names of API users end in; tools of the field tell them by it. No letter goes there."""

REALM = "api"
"""Begins the stored name, so that no person can have it."""

CLIENT_ID = "api-user"
"""Client that their tokens are shown with."""

MAX_API_USERS = 100
"""API users of one product or organization."""

MAX_FRIENDLY_CHARS = 64


@dataclass(frozen=True, slots=True)
class IssuedApiUser:
    """An API user, and its token in the one moment that its text exists.

    Attributes:
        token: None where it stayed the one that it was.
    """

    user: ApiUser
    token: str | None


class ApiUsers:
    """API users of all teams.

    Args:
        announce: called after a change was committed that other processes must hear of.
        limits: what the plans of owners allow.
        forget: told the id of an API user whose tokens changed, so that this process knows at once.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        limits: PlanLimits,
        forget: Callable[[str], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._forget = forget
        self._announce = announce
        self._limits = limits

    async def create(
        self, actor: Actor, team: Team, friendly_name: str, scopes: Sequence[str]
    ) -> IssuedApiUser:
        """Makes an API user of a team.

        Raises:
            Invalid: ``bad_friendly_name`` or ``bad_scope``.
            Forbidden: ``plan_limit``.
            TooMany: ``too_many_api_users``.
        """
        name, wanted, now = parse_friendly_name(friendly_name), parse_scopes(scopes), self._now()
        user = User(
            id=new_object_id(),
            username=f"{REALM}:{_username(name)}",
            password_hash=None,
            is_admin=False,
            created_at=now,
            account_info={"friendly_name": name},
            kind=AccountKind.API_USER,
            product_id=team.product_id,
            organization_id=None if team.product_id is not None else team.owner.organization_id,
            scopes=wanted,
        )

        def work(conn: Connection) -> str:
            self._limits.require(conn, team.owner, "team_access_controls")
            if len(_own(conn, team)) >= MAX_API_USERS:
                raise TooMany(
                    "too_many_api_users", f"A team has at most {MAX_API_USERS} API users."
                )
            store.insert_user(conn, user)
            token = self._issue(conn, user.id)
            after: telling.Facts = {"username": user.email, "scopes": sorted(wanted)}
            telling.record(conn, actor, "api_user.create", team.key, None, after, now)
            return token

        token = await self._database.write(work, durable=True)
        return IssuedApiUser(ApiUser(user.id, user.email, name, wanted, user.product_id), token)

    async def update(
        self,
        actor: Actor,
        team: Team,
        username: str,
        *,
        friendly_name: str | None,
        scopes: Sequence[str] | None,
    ) -> IssuedApiUser:
        """Changes name or scopes; other scopes come with a new token, and the old one ends.

        Raises:
            NotFound: ``member_not_found``.
            Invalid: ``bad_friendly_name`` or ``bad_scope``.
        """
        name = None if friendly_name is None else parse_friendly_name(friendly_name)
        wanted = None if scopes is None else parse_scopes(scopes)
        now = self._now()

        def work(conn: Connection) -> IssuedApiUser:
            before = _find(conn, team, username)
            after = ApiUser(
                id=before.id,
                username=before.username,
                friendly_name=before.friendly_name if name is None else name,
                scopes=before.scopes if wanted is None else wanted,
                product_id=before.product_id,
            )
            if after == before:
                return IssuedApiUser(after, None)
            store.update_api_user(
                conn, after.id, {"friendly_name": after.friendly_name}, after.scopes
            )
            rotate = after.scopes != before.scopes
            gone = store.delete_tokens(conn, after.id) if rotate else []
            token = self._issue(conn, after.id) if rotate else None
            told = (_facts(before), _facts(after))
            telling.record(conn, actor, "api_user.update", team.key, *told, now)
            _end(conn, after.id, gone)
            return IssuedApiUser(after, token)

        issued = await self._database.write(work, durable=True)
        self._forget(issued.user.id)
        self._announce()
        return issued

    async def rotate(self, actor: Actor, team: Team, username: str) -> IssuedApiUser:
        """Gives a new token; the old one ends.

        Raises:
            NotFound: ``member_not_found``.
        """
        now = self._now()

        def work(conn: Connection) -> IssuedApiUser:
            user = _find(conn, team, username)
            gone = store.delete_tokens(conn, user.id)
            token = self._issue(conn, user.id)
            facts = _facts(user)
            telling.record(conn, actor, "api_user.rotate_token", team.key, facts, facts, now)
            _end(conn, user.id, gone)
            return IssuedApiUser(user, token)

        issued = await self._database.write(work, durable=True)
        self._forget(issued.user.id)
        self._announce()
        return issued

    async def remove(self, actor: Actor, team: Team, username: str) -> bool:
        """Removes an API user with its token; False when the team has none of this name."""
        now = self._now()

        def work(conn: Connection) -> str | None:
            user = find_api_user(conn, team, username)
            if user is None:
                return None
            gone = store.delete_tokens(conn, user.id)
            store.delete_user(conn, user.id)
            telling.record(conn, actor, "api_user.remove", team.key, _facts(user), None, now)
            _end(conn, user.id, gone)
            return user.id

        user_id = await self._database.write(work, durable=True)
        if user_id is not None:
            self._forget(user_id)
            self._announce()
        return user_id is not None

    def _issue(self, conn: Connection, user_id: str) -> str:
        text = new_access_token()
        token = AccessToken(digest_of(text), user_id, CLIENT_ID, self._now(), None)
        store.insert_token(conn, token)
        return text

    def _now(self) -> datetime:
        return self._clock.now()


def remove_all(conn: Connection, team: Team) -> list[tuple[str, list[bytes]]]:
    """Removes all API users of a team within the caller's transaction; gives ids and tokens."""
    gone = []
    for user in _own(conn, team):
        gone.append((user.id, store.delete_tokens(conn, user.id)))
        store.delete_user(conn, user.id)
    return gone


def find_api_user(conn: Connection, team: Team, username: str) -> ApiUser | None:
    """The team's own API user of this name."""
    wanted = username.strip().lower()
    return next((one for one in _own(conn, team) if one.username == wanted), None)


def parse_friendly_name(text: str) -> str:
    """The name that people give to an API user.

    Raises:
        Invalid: ``bad_friendly_name``.
    """
    name = text.strip()
    if not 1 <= len(name) <= MAX_FRIENDLY_CHARS or not name.isprintable():
        raise Invalid(
            "bad_friendly_name",
            f"friendly_name must have 1 to {MAX_FRIENDLY_CHARS} printable characters.",
        )
    return name


def parse_scopes(scopes: Sequence[str]) -> frozenset[str]:
    """Scopes that may be given.

    Raises:
        Invalid: ``bad_scope``, naming the first that does not exist.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise Invalid("bad_scope", f"There is no scope {unknown[0]!r}; see docs/people.md.")
    if not scopes:
        raise Invalid("bad_scope", "An API user needs at least one scope.")
    return frozenset(scopes)


def _username(friendly_name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", friendly_name.lower()).strip("-") or "api"
    return f"{plain}+{secrets.token_hex(5)}@{DOMAIN}"


def _own(conn: Connection, team: Team) -> list[ApiUser]:
    if team.product_id is not None:
        return team_store.list_api_users(conn, product_ids=[team.product_id])
    return team_store.list_api_users(conn, organization_id=team.owner.organization_id)


def _find(conn: Connection, team: Team, username: str) -> ApiUser:
    found = find_api_user(conn, team, username)
    if found is None:
        raise member_not_found(username)
    return found


def _facts(user: ApiUser) -> telling.Facts:
    return {
        "username": user.username,
        "friendly_name": user.friendly_name,
        "scopes": sorted(user.scopes),
    }


def _end(conn: Connection, user_id: str, gone: list[bytes]) -> None:
    for digest in gone:
        outbox.append(conn, "token.revoked", digest.hex())
    outbox.append(conn, "user.changed", user_id)
