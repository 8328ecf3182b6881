"""Signing in: which proofs give which token.

Source: particle cloud notes §2.1.
"""

from sqlalchemy import Connection

from roadstead.identity import store
from roadstead.identity.model import UNLIMITED, TokenLimits, User
from roadstead.identity.second_factor import SecondFactors, expired
from roadstead.identity.service import IdentityService
from roadstead.identity.tokens import IssuedToken
from roadstead.storage.database import Database


class SignIn:
    """The grants of the account level.

    Args:
        database: where accounts are.
        identity: passwords and tokens.
        factors: second factors.
    """

    def __init__(
        self, database: Database, identity: IdentityService, factors: SecondFactors
    ) -> None:
        self._database = database
        self._identity = identity
        self._factors = factors

    async def with_password(
        self,
        username: str,
        password: str,
        client_id: str,
        *,
        lifetime_s: int | None,
        address: str,
        limits: TokenLimits = UNLIMITED,
    ) -> IssuedToken:
        """Tokens for a username and a password.

        Raises:
            Invalid: ``invalid_grant``; ``invalid_request`` for a lifetime out of bounds.
            Forbidden: ``mfa_required``, with an ``mfa_token`` for the next step.
            TooMany: ``locked_out`` or ``busy``.
        """
        user = await self._identity.log_in(username, password, address=address)
        if await self._factors.is_enabled(user.id):
            raise self._factors.challenge(user, client_id, lifetime_s)
        return await self._identity.issue_pair(
            user, client_id, lifetime_s=lifetime_s, address=address, limits=limits
        )

    async def with_code(
        self,
        mfa_token: str,
        code: str,
        client_id: str,
        *,
        address: str,
        limits: TokenLimits = UNLIMITED,
    ) -> IssuedToken:
        """Tokens for the ``mfa_token`` of a right password and a code.

        Raises:
            Invalid: ``invalid_grant``.
            TooMany: ``locked_out``.
        """
        user = await self.check_code(mfa_token, code, client_id, address=address)
        lifetime_s = self._factors.open_challenge(mfa_token).lifetime_s
        return await self._identity.issue_pair(
            user, client_id, lifetime_s=lifetime_s, address=address, limits=limits
        )

    async def check_for(
        self, username: str, password: str, client_id: str, *, address: str
    ) -> User:
        """Who proves themselves to a client, for no token of their own.

        Raises:
            Invalid, Forbidden, TooMany: as ``with_password``.
        """
        user = await self._identity.log_in(username, password, address=address)
        if await self._factors.is_enabled(user.id):
            raise self._factors.challenge(user, client_id, None)
        return user

    async def check_code(self, mfa_token: str, code: str, client_id: str, *, address: str) -> User:
        """Who completes a sign-in to a client by a code.

        Raises:
            Invalid, TooMany: as ``with_code``.
        """
        challenge = self._factors.open_challenge(mfa_token)
        user = await self._find_user(challenge.user_id)
        if user is None or challenge.client_id != client_id:
            raise expired()
        if user.password_version != challenge.password_version:
            raise expired()
        await self._factors.check(user, code, address)
        return user

    async def check(self, username: str, password: str, code: str, address: str) -> User:
        """Who proves themselves for one request alone.

        Raises:
            Invalid: ``invalid_grant``.
            Forbidden: ``mfa_required`` where a code is needed and none came.
            TooMany: ``locked_out`` or ``busy``.
        """
        user = await self._identity.log_in(username, password, address=address)
        if await self._factors.is_enabled(user.id):
            if not code:
                raise self._factors.challenge(user, "", None)
            await self._factors.check(user, code, address)
        return user

    async def _find_user(self, user_id: str) -> User | None:
        def work(conn: Connection) -> User | None:
            return store.find_user(conn, user_id)

        return await self._database.read(work)
