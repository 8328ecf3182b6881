"""Access tokens: issued, recognised, ended.

The text of a token exists only in the answer that hands it out; what is kept is its SHA-256 digest.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.identity import credentials, safety_store, store
from roadstead.identity.model import (
    UNLIMITED,
    AccessToken,
    Actor,
    TokenLimits,
    User,
    actor_from,
)
from roadstead.identity.recording import record
from roadstead.identity.token_cache import TokenCache, TokenFacts
from roadstead.kit.clock import Clock, iso_ms
from roadstead.kit.errors import Invalid, NotFound, Unavailable
from roadstead.kit.ids import new_access_token
from roadstead.storage import outbox
from roadstead.storage.database import Database

Kept = TypeVar("Kept")

TOUCH_EVERY_S = 60
"""Seconds between two notes of a token's use; the cache asks about this often anyway."""

_TOKEN = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new access token, in the one moment that its text exists.

    Attributes:
        token: 40 hex digits.
        expires_in_s: lifetime in seconds; None for never.
        expires_at: end of its life; None for never.
        refresh_token: 40 hex digits; None where there is none.
    """

    token: str
    expires_in_s: int | None
    expires_at: datetime | None
    refresh_token: str | None = None


class AccessTokens:
    """The tokens of all users; the accounts in ``IdentityService`` build on it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        bus: LocalBus | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._cache = TokenCache()
        if bus is not None:
            bus.subscribe("token.revoked", self._hear_token)
            bus.subscribe("user.changed", self._hear_user)

    async def issue_token(
        self,
        user: User,
        client_id: str,
        *,
        lifetime_s: int | None,
        address: str = "",
        limits: TokenLimits = UNLIMITED,
    ) -> IssuedToken:
        """Issues an access token to a user who has just logged in.

        Args:
            user: as ``log_in`` gave it.
            client_id: OAuth client through which the user came.
            lifetime_s: seconds; 0 for never; None for 90 days.
            address: network address of the caller, for the audit row.
            limits: what it gives less than the account has.

        Raises:
            Invalid: ``invalid_request`` for a lifetime out of bounds, ``invalid_grant`` when the
                password was changed since the user logged in.
        """
        now = self._clock.now()
        expires_at = credentials.token_expiry(lifetime_s, now)
        text = new_access_token()
        token = AccessToken(
            digest=digest_of(text),
            user_id=user.id,
            client_id=client_id,
            created_at=now,
            expires_at=expires_at,
            address=address or None,
            kind=limits.kind,
            scopes=limits.scopes,
            product_id=limits.product_id,
        )
        actor = actor_from(user, token, address)

        def work(conn: Connection) -> None:
            self._check_unchanged(conn, user)
            store.delete_expired_tokens(conn, user.id, at=now)
            store.insert_token(conn, token)
            self._record(conn, actor, "token.issue", user.id, None, token_facts(token))

        await self._database.write(work, durable=True)
        seconds = int((expires_at - now).total_seconds()) if expires_at else None
        return IssuedToken(text, seconds, expires_at)

    async def find_actor(self, token: str, address: str) -> Actor | None:
        """Who presents this token; None for an unknown, expired or revoked one.

        Args:
            token: text as it was presented.
            address: network address of the caller, carried by the actor into audit rows.
        """
        if not _TOKEN.fullmatch(token):
            return None
        digest = digest_of(token)
        facts = self._cache.find(digest, self._clock.monotonic())
        if facts is None:
            facts = await self._read_facts(digest)
        if facts is None or (facts.expires_at and facts.expires_at <= self._clock.now()):
            return None
        return replace(facts.actor, address=address)

    async def revoke_token(self, token: str, *, address: str = "") -> bool:
        """Ends a token; knowing it is all that is needed. False when there is no such token."""
        return await self._revoke(digest_of(token), address) if _TOKEN.fullmatch(token) else False

    async def revoke_current(self, actor: Actor) -> bool:
        """Ends the token that the actor came with; False when it had ended already."""
        return actor.token_digest is not None and await self._revoke(
            actor.token_digest, actor.address
        )

    async def revoke_all(self, actor: Actor) -> int:
        """Ends all tokens of the actor, the one in use too; gives their number."""
        gone = await self._apply(actor.user_id, lambda conn: self._revoke_all(conn, actor))
        return len(gone)

    async def revoke_own(self, actor: Actor, digest_hex: str) -> bool:
        """Ends one of the actor's tokens, named by its digest; False when they have none such."""
        if not re.fullmatch(r"[0-9a-f]{64}", digest_hex):
            return False
        digest = bytes.fromhex(digest_hex)
        found = await self._database.read(lambda conn: store.find_token(conn, digest))
        if found is None or found[0].user_id != actor.user_id:
            return False
        return await self._revoke(digest, actor.address)

    def forget(self, user_id: str) -> None:
        """Something about this user changed in the database: asks it again at the next request."""
        self._cache.drop_user(user_id)

    def forget_all(self) -> None:
        """Tokens of many accounts changed: asks them all again."""
        self._cache.clear()

    async def list_tokens(self, user: User) -> list[AccessToken]:
        """The user's valid tokens, oldest first."""
        now = self._clock.now()
        return await self._database.read(lambda conn: store.list_tokens(conn, user.id, at=now))

    async def describe_token(self, actor: Actor) -> AccessToken:
        """What is kept of the token that the actor came with.

        Raises:
            NotFound: ``token_not_found`` (revoked meanwhile, or an operator without one).
        """
        digest = actor.token_digest or b""
        found = await self._database.read(lambda conn: store.find_token(conn, digest))
        if found is None:
            raise NotFound("token_not_found", "The caller has no token.")
        return found[0]

    async def _read_facts(self, digest: bytes) -> TokenFacts | None:
        epoch = self._cache.epoch
        found = await self._database.read(lambda conn: store.find_token(conn, digest))
        if found is None:
            return None
        token, user = found
        await self._touch(token)
        facts = TokenFacts(actor_from(user, token, ""), digest, token.expires_at)
        self._cache.put(facts, self._clock.monotonic(), epoch=epoch)
        return facts

    async def _touch(self, token: AccessToken) -> None:
        """Notes the use, at most once a minute; a full disk keeps nobody from reading."""
        now = self._clock.now()
        last = token.last_used_at
        if last is None or (now - last).total_seconds() >= TOUCH_EVERY_S:
            with contextlib.suppress(Unavailable):
                await self._database.write(lambda conn: store.touch_token(conn, token.digest, now))

    @staticmethod
    def _check_unchanged(conn: Connection, user: User) -> None:
        """Refuses a user whose password was changed since they logged in."""
        stored = store.find_user(conn, user.id)
        if stored is None or stored.password_version != user.password_version:
            raise invalid_grant()

    async def _revoke(self, digest: bytes, address: str) -> bool:
        def work(conn: Connection) -> bool:
            found = store.find_token(conn, digest)
            if found is None or not store.delete_token(conn, digest):
                return False
            token, user = found
            if token.family is not None:
                safety_store.delete_family(conn, user.id, token.family)
            actor = Actor(user.id, user.email, address=address)
            self._record(conn, actor, "token.revoke", user.id, token_facts(token), None)
            outbox.append(conn, "token.revoked", digest.hex())
            return True

        revoked = await self._database.write(work, durable=True)
        self._cache.drop_token(digest)
        self._announce()
        return revoked

    def _revoke_all(self, conn: Connection, actor: Actor) -> list[bytes]:
        gone = store.delete_tokens(conn, actor.user_id)
        safety_store.delete_refreshes(conn, actor.user_id)
        before: dict[str, object] = {"tokens": len(gone)}
        self._record(conn, actor, "token.revoke_all", actor.user_id, before, None)
        for digest in gone:
            outbox.append(conn, "token.revoked", digest.hex())
        return gone

    async def _apply(self, user_id: str, work: Callable[[Connection], Kept]) -> Kept:
        kept = await self._database.write(work, durable=True)
        self._cache.drop_user(user_id)
        self._announce()
        return kept

    def _record(
        self,
        conn: Connection,
        actor: Actor,
        action: str,
        user_id: str,
        before: dict[str, object] | None,
        after: dict[str, object] | None,
    ) -> None:
        record(conn, actor, action, user_id, before, after, at=self._clock.now())

    def _hear_token(self, message: object) -> None:
        if isinstance(message, outbox.OutboxMessage):
            self._cache.drop_token(bytes.fromhex(message.key))

    def _hear_user(self, message: object) -> None:
        if isinstance(message, outbox.OutboxMessage):
            self._cache.drop_user(message.key)


def invalid_grant() -> Invalid:
    """The login failed; the sentence does not say whether the user exists."""
    return Invalid("invalid_grant", "User credentials are invalid")


def digest_of(token: str) -> bytes:
    """What is kept of a token's text."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def token_facts(token: AccessToken) -> dict[str, object]:
    """What the audit trail says of a token."""
    facts: dict[str, object] = {
        # Enough to tell tokens apart in the trail, too little to be of use to a thief.
        "token": token.digest.hex()[:12],
        "client": token.client_id,
        "expires_at": iso_ms(token.expires_at) if token.expires_at else None,
    }
    if token.scopes is not None:
        facts["scopes"] = sorted(token.scopes)
    return facts
