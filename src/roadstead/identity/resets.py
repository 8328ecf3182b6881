"""A new password by mail: asked for by anybody, set by who reads the mailbox.

Source: particle cloud notes §2.2. The answer is the same for an address that nobody has, and so
is its time, because the rest happens afterwards.
"""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection

from roadstead.identity import credentials, letters, safety_store, store
from roadstead.identity.customers import realm_name
from roadstead.identity.model import User
from roadstead.identity.recording import actor_of, record
from roadstead.identity.service import IdentityService
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Invalid
from roadstead.outbound.mailbox import Mailbox
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

RESET_LIFETIME_S = 3600
"""Seconds that a reset stays valid: time to read mail, not to find it in an old mailbox."""

MAX_REQUESTS = 100
"""Requests worked on at once; a wave of more is a wave of noise and is dropped."""

TOKEN_BYTES = 20


class PasswordResets:
    """Resets of forgotten passwords.

    Args:
        database: where they are kept.
        identity: the accounts.
        mailbox: where letters are posted.
        origin: gives the origin under which people reach this server, at the time of the letter;
            never taken from a request, whose sender could choose where the link leads.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        identity: IdentityService,
        mailbox: Mailbox,
        origin: Callable[[], str],
    ) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity
        self._mailbox = mailbox
        self._origin = origin
        self._running: set[asyncio.Task[None]] = set()

    def request(self, username: str, address: str) -> None:
        """Sends a letter to this person, if there is one; returns at once and says nothing."""
        self._begin(username, None, address)

    def request_customer(self, product_id: int, email: str, address: str) -> None:
        """Sends a letter to a simple customer of a product, if there is one; likewise."""
        self._begin(email, product_id, address)

    def _begin(self, email: str, product_id: int | None, address: str) -> None:
        if len(self._running) >= MAX_REQUESTS:
            log.warning("password reset: %d requests at once; one was dropped", MAX_REQUESTS)
            return
        task = asyncio.create_task(self._request(email, product_id, address))
        self._running.add(task)
        task.add_done_callback(self._done)

    async def find_username(self, token: str) -> str | None:
        """Whose password a valid token resets."""
        digest, now = _digest(token), self._clock.now()

        def work(conn: Connection) -> str | None:
            found = safety_store.find_reset(conn, digest)
            user = store.find_user(conn, found[0]) if found and found[1] > now else None
            return user.email if user else None

        return await self._database.read(work)

    async def reset(self, token: str, new_password: str, address: str) -> None:
        """Sets a new password and ends all tokens; the token is used up then.

        Raises:
            Invalid: ``invalid_reset_token``, or ``weak_password`` (the token stays valid).
        """
        username = await self.find_username(token)
        if username is None:
            raise _invalid_token()
        password = credentials.parse_new_password(new_password, username)
        await self._identity.set_password(
            password, lambda conn: self._take(conn, token), "user.reset_password", address
        )
        self._mailbox.post(letters.password_changed_letter(username))

    async def close(self) -> None:
        """Ends what is being worked on."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _take(self, conn: Connection, token: str) -> User:
        taken = safety_store.take_reset(conn, _digest(token))
        user = store.find_user(conn, taken[0]) if taken else None
        if taken is None or user is None or taken[2] <= self._clock.now():
            raise _invalid_token()
        if taken[1] != user.password_version:
            raise _invalid_token()
        return user

    async def _request(self, email: str, product_id: int | None, address: str) -> None:
        try:
            recipient = credentials.parse_username(email)
        except Invalid:
            return
        name = recipient if product_id is None else realm_name(product_id, recipient)
        token, now = secrets.token_hex(TOKEN_BYTES), self._clock.now()

        def work(conn: Connection) -> bool:
            user = store.find_user_by_name(conn, name)
            if user is None or (product_id is not None and user.password_hash is None):
                return False
            safety_store.put_reset(
                conn,
                _digest(token),
                user.id,
                version=user.password_version,
                expires_at=now + timedelta(seconds=RESET_LIFETIME_S),
            )
            actor = actor_of(user, address)
            record(conn, actor, "user.request_reset", user.id, None, None, at=now)
            return True

        if await self._database.write(work, durable=True):
            self._mailbox.post(letters.reset_letter(recipient, self._origin(), token))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("password reset: a request failed", exc_info=task.exception())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).digest()


def _invalid_token() -> Invalid:
    return Invalid(
        "invalid_reset_token",
        "This reset is not valid any more; ask for a new letter.",
    )
