"""Login with one's own account: a code at the login page, exchanged for a customer's token.

The code belongs to one client, one redirect URI and one secret of the app's (PKCE, which nobody may
leave out), counts once, and ends after a minute. What the app gets is never the person's account:
it may do with the person's devices what a customer may.

Source: particle cloud notes §1.9, §2.1. Spec: RFC 6749 §4.1, RFC 7636, RFC 9700 §2.1.
"""

import base64
import hashlib
import hmac
import re
from datetime import timedelta

from sqlalchemy import Connection

from roadstead.identity import client_store, customers, store
from roadstead.identity.client_store import AuthorizationCode, OAuthClient
from roadstead.identity.model import AccountKind, TokenLimits, User
from roadstead.identity.recording import actor_of
from roadstead.identity.service import IdentityService
from roadstead.identity.tokens import IssuedToken, digest_of, invalid_grant
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Invalid
from roadstead.kit.ids import new_access_token
from roadstead.storage.database import Database

CODE_LIFETIME_S = 60
"""Seconds between the login page and the app's request. Spec: RFC 6749 §4.1.2 (at most 600)."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Authorizations:
    """Codes of all clients."""

    def __init__(self, database: Database, clock: Clock, identity: IdentityService) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity

    async def grant(
        self, client: OAuthClient, user: User, redirect_uri: str, challenge: str
    ) -> str:
        """A code that stands for this person's consent to this client."""
        text, now = new_access_token(), self._clock.now()
        code = AuthorizationCode(
            digest=digest_of(text),
            client_id=client.id,
            user_id=user.id,
            redirect_uri=redirect_uri,
            challenge=challenge,
            password_version=user.password_version,
            expires_at=now + timedelta(seconds=CODE_LIFETIME_S),
        )
        await self._database.write(
            lambda conn: client_store.insert_authorization(conn, code, at=now), durable=True
        )
        return text

    async def exchange(
        self,
        client: OAuthClient,
        text: str,
        redirect_uri: str,
        verifier: str,
        *,
        lifetime_s: int | None,
        address: str,
    ) -> IssuedToken:
        """Tokens for a code; whatever comes of it, the code is used up.

        Raises:
            Invalid: ``invalid_grant``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> User | None:
            code = client_store.take_authorization(conn, digest_of(text))
            user = store.find_user(conn, code.user_id) if code else None
            if code is None or user is None or code.expires_at <= now:
                return None
            if code.client_id != client.id or code.redirect_uri != redirect_uri:
                return None
            if user.password_version != code.password_version:
                return None
            if not proves(verifier, code.challenge):
                return None
            if client.product_id is not None:
                actor = actor_of(user, address)
                customers.join_by_login(conn, user, client.product_id, actor, now)
            return user

        user = await self._database.write(work, durable=True)
        if user is None:
            refused = invalid_grant()
            refused.message = "The code is invalid, expired or used already."
            raise refused
        limits = TokenLimits(kind=AccountKind.CUSTOMER, product_id=client.product_id)
        return await self._identity.issue_pair(
            user, client.id, lifetime_s=lifetime_s, address=address, limits=limits
        )


def parse_challenge(challenge: str, method: str) -> str:
    """The challenge of a request.

    Raises:
        Invalid: ``invalid_request``.
    """
    if method != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise Invalid(
            "invalid_request", "PKCE is required: send code_challenge with method S256 (RFC 7636)."
        )
    return challenge


def proves(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the secret behind the challenge. Spec: RFC 7636 §4.6."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    computed = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return hmac.compare_digest(computed, challenge)
