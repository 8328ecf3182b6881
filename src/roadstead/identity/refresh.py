"""Refresh tokens: exchanged for the next pair, once each; a second use ends the whole sign-in.

Every client of this level gets one with an access token that expires. It lives 14 days and each
exchange gives a new one, so that a sign-in in use goes on. Who presents a used one holds a copy:
whether it is the thief or the owner cannot be told, so all tokens of that sign-in end.

Source: particle cloud notes §2.1. Spec: RFC 6749 §6, RFC 9700 §4.14.2.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from roadstead.identity import credentials, safety_store, store
from roadstead.identity.model import (
    UNLIMITED,
    AccessToken,
    RefreshToken,
    TokenLimits,
    User,
    actor_from,
)
from roadstead.identity.recording import actor_of
from roadstead.identity.tokens import (
    AccessTokens,
    IssuedToken,
    digest_of,
    invalid_grant,
    token_facts,
)
from roadstead.kit.errors import Invalid
from roadstead.kit.ids import new_access_token, new_object_id
from roadstead.storage import outbox

REFRESH_LIFETIME_S = 14 * 24 * 3600
"""Seconds that a refresh token lives. Source: particle cloud notes §2.1."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """A used token came again: a sign-in of this user has ended."""

    user_id: str


class RefreshTokens(AccessTokens):
    """Access tokens that come with a refresh token."""

    async def issue_pair(
        self,
        user: User,
        client_id: str,
        *,
        lifetime_s: int | None,
        address: str = "",
        limits: TokenLimits = UNLIMITED,
    ) -> IssuedToken:
        """Issues an access token, and a refresh token with it unless it lives for ever.

        Raises:
            Invalid: as ``issue_token``.
        """
        family = new_object_id()
        now = self._clock.now()
        expires_at = credentials.token_expiry(lifetime_s, now)
        if expires_at is None:
            return await self.issue_token(
                user, client_id, lifetime_s=0, address=address, limits=limits
            )
        seconds = int((expires_at - now).total_seconds())

        def work(conn: Connection) -> IssuedToken:
            self._check_unchanged(conn, user)
            return self.insert_pair(conn, user, client_id, family, seconds, address, limits)

        return await self._database.write(work, durable=True)

    async def refresh(
        self, token: str, client_id: str, *, lifetime_s: int | None, address: str = ""
    ) -> IssuedToken:
        """Exchanges a refresh token for a new pair.

        Args:
            token: text of the refresh token.
            client_id: the client that it was issued to.
            lifetime_s: of the new access token; None for that of the one before.
            address: network address of the caller.

        Raises:
            Invalid: ``invalid_grant`` for one that is unknown, expired, used, or another client's;
                ``invalid_request`` for a lifetime out of bounds.
        """
        now = self._clock.now()
        if lifetime_s is not None:
            credentials.token_expiry(lifetime_s, now)
        digest = digest_of(token)

        def work(conn: Connection) -> IssuedToken | _Ended | None:
            kept = safety_store.find_refresh(conn, digest)
            user = store.find_user(conn, kept.user_id) if kept else None
            if kept is None or user is None or kept.client_id != client_id:
                return None
            if not safety_store.use_refresh(conn, digest, now):
                self._end_family(conn, user, kept, address)
                return _Ended(user.id)
            if kept.expires_at <= now:
                return None
            seconds = lifetime_s or kept.lifetime_s
            limits = TokenLimits(kept.kind, kept.scopes, kept.product_id)
            return self.insert_pair(conn, user, client_id, kept.family, seconds, address, limits)

        outcome = await self._database.write(work, durable=True)
        if isinstance(outcome, IssuedToken):
            return outcome
        if outcome is not None:
            self._cache.drop_user(outcome.user_id)
            self._announce()
        raise _refused()

    def insert_pair(
        self,
        conn: Connection,
        user: User,
        client_id: str,
        family: str,
        seconds: int,
        address: str,
        limits: TokenLimits,
    ) -> IssuedToken:
        """Adds an access token and its refresh token within the caller's transaction."""
        now = self._clock.now()
        access, refresh = new_access_token(), new_access_token()
        expires_at = now + timedelta(seconds=seconds)
        token = AccessToken(
            digest=digest_of(access),
            user_id=user.id,
            client_id=client_id,
            created_at=now,
            expires_at=expires_at,
            family=family,
            address=address or None,
            kind=limits.kind,
            scopes=limits.scopes,
            product_id=limits.product_id,
        )
        actor = actor_from(user, token, address)
        store.delete_expired_tokens(conn, user.id, at=now)
        safety_store.delete_expired_refreshes(conn, user.id, at=now)
        store.insert_token(conn, token)
        safety_store.insert_refresh(
            conn,
            RefreshToken(
                digest=digest_of(refresh),
                user_id=user.id,
                client_id=client_id,
                family=family,
                lifetime_s=seconds,
                expires_at=now + timedelta(seconds=REFRESH_LIFETIME_S),
                kind=limits.kind,
                scopes=limits.scopes,
                product_id=limits.product_id,
            ),
        )
        self._record(conn, actor, "token.issue", user.id, None, token_facts(token))
        return IssuedToken(access, seconds, expires_at, refresh)

    def _end_family(self, conn: Connection, user: User, kept: RefreshToken, address: str) -> None:
        gone = safety_store.delete_family(conn, user.id, kept.family)
        before: dict[str, object] = {"client": kept.client_id, "tokens": len(gone)}
        self._record(conn, actor_of(user, address), "token.reused", user.id, before, None)
        for digest in gone:
            outbox.append(conn, "token.revoked", digest.hex())


def _refused() -> Invalid:
    refused = invalid_grant()
    return Invalid(refused.code, "The refresh token is invalid, expired or used already.")
