"""Accounts: gathers the facts, decides, applies, and tells what changed.

Every change writes its audit row and its outbox row in the transaction that makes it; ``announce``
then wakes whoever carries outbox rows to the caches of this and the other processes.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.bus.local import LocalBus
from roadstead.identity import credentials, store
from roadstead.identity.hashing import PasswordHashing
from roadstead.identity.lockout import Lockout
from roadstead.identity.model import Actor, User
from roadstead.identity.recording import actor_of
from roadstead.identity.refresh import RefreshTokens
from roadstead.identity.tokens import Kept, invalid_grant
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Forbidden, Invalid, NotFound
from roadstead.kit.ids import new_object_id
from roadstead.storage import outbox
from roadstead.storage.database import Database


class AccountOpened(Protocol):
    """Who wants to know of a new account, within the transaction that creates it."""

    def __call__(self, conn: Connection, user: User, *, actor: Actor, first_admin: bool) -> None:
        """``first_admin``: the user is the first administrator of this server."""


class IdentityService(RefreshTokens):
    """People and their passwords; the classes that it builds on have what is done with tokens.

    Args:
        database: where they are kept.
        clock: for lifetimes.
        announce: called after a change was committed that other processes must hear of.
        bus: where changes made by other processes arrive; None where no cache outlives a command.
        account_opened: told of each new account.
        hasher_threads: threads that hash passwords.
        hashing: replaces the hashing, for tests that need a cheap one.
        lockout: refuses to go on guessing passwords; None to let everything pass.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        *,
        bus: LocalBus | None = None,
        account_opened: AccountOpened | None = None,
        hasher_threads: int = 2,
        hashing: PasswordHashing | None = None,
        lockout: Lockout | None = None,
    ) -> None:
        super().__init__(database, clock, announce, bus)
        self._account_opened = account_opened
        self._hashing = hashing or PasswordHashing(threads=hasher_threads)
        self._lockout = lockout or Lockout(clock, enabled=False)

    async def create_user(
        self,
        username: str,
        password: str,
        *,
        is_admin: bool = False,
        account_info: Mapping[str, object] | None = None,
        actor: Actor,
    ) -> User:
        """Creates an account.

        Args:
            username: e-mail address; kept in lower case.
            password: 8 to 1024 bytes of UTF-8.
            is_admin: makes an administrator of the whole server; only one may make another.
            account_info: facts as the client sent them.
            actor: who asks; for a sign-up an Actor with nothing but the address.

        Raises:
            Conflict: ``user_exists``.
            Invalid: ``bad_username``, ``weak_password`` or ``bad_account_info``.
            Forbidden: ``permission_denied``.
        """
        if is_admin and not actor.is_admin:
            raise Forbidden("permission_denied", "Only an administrator may create another.")
        name = credentials.parse_username(username)
        secret = credentials.parse_new_password(password, name)
        facts = credentials.merge_account_info({}, account_info or {})
        password_hash = await self._hashing.hash(secret)
        user = User(new_object_id(), name, password_hash, is_admin, self._clock.now(), facts)
        # Whoever signs up has no account yet to appear under, so it is the new one itself.
        author = actor if actor.username else Actor(user.id, name, address=actor.address)

        def work(conn: Connection) -> None:
            if store.find_user_by_name(conn, name) is not None:
                raise _user_exists(name)
            first_admin = is_admin and store.count_admins(conn) == 0
            store.insert_user(conn, user)
            self._record(conn, author, "user.create", user.id, None, _facts_of(user))
            outbox.append(conn, "user.changed", user.id)
            if self._account_opened is not None:
                self._account_opened(conn, user, actor=author, first_admin=first_admin)

        await self._write_unique_name(work, name)
        return user

    async def log_in(self, username: str, password: str, *, address: str = "") -> User:
        """The user with this name and password; takes as long for a name that nobody has.

        Raises:
            Invalid: ``invalid_grant``.
            TooMany: ``busy``, or ``locked_out`` after too many failures from this address.
        """
        async with self._lockout.attempt(address, username):
            user = await self._find_user_by_name(username)
            return await self._verify(user, password)

    async def log_in_account(self, name: str, password: str, *, address: str = "") -> User:
        """The account with this stored name, whatever its kind, and this password.

        Raises:
            Invalid: ``invalid_grant``.
            TooMany: as ``log_in``.
        """
        async with self._lockout.attempt(address, name):
            known = name if name.isascii() and name.isprintable() else ""
            user = await self._database.read(lambda conn: store.find_user_by_name(conn, known))
            return await self._verify(user, password)

    async def hash_password(self, password: str) -> str:
        """The hash of a password that ``credentials.parse_new_password`` gave.

        Raises:
            TooMany: ``busy``.
        """
        return await self._hashing.hash(password)

    async def confirm_password(self, actor: Actor, password: str) -> User:
        """The actor's account, when this is its password.

        Raises:
            Invalid: ``wrong_password``.
            TooMany: as ``log_in``.
        """
        user = await self.get_user(actor)
        try:
            async with self._lockout.attempt(actor.address, user.username):
                return await self._verify(user, password)
        except Invalid as error:
            raise _wrong_password() from error

    async def get_user(self, actor: Actor) -> User:
        """The actor's own account.

        Raises:
            NotFound: ``user_not_found`` (an operator has no account).
        """
        return await self._database.read(lambda conn: _get_user(conn, actor.user_id))

    async def change_password(
        self, actor: Actor, current: str, new: str, *, invalidate_tokens: bool
    ) -> None:
        """Sets the actor's password, and with ``invalidate_tokens`` ends all their tokens.

        Raises:
            Invalid: ``wrong_password`` or ``weak_password``.
        """
        user = await self.confirm_password(actor, current)
        password_hash = await self._hashing.hash(credentials.parse_new_password(new, user.username))

        def work(conn: Connection) -> list[bytes]:
            version = user.password_version
            if not store.update_password(conn, user.id, password_hash, version=version):
                raise _wrong_password()
            self._record(conn, actor, "user.change_password", user.id, None, None)
            outbox.append(conn, "user.changed", user.id)
            return self._revoke_all(conn, actor) if invalidate_tokens else []

        await self._apply(user.id, work)

    async def change_username(
        self, actor: Actor, current: str, username: str, *, invalidate_tokens: bool
    ) -> User:
        """Gives the actor's account another e-mail address; ``current`` is the password.

        Raises:
            Invalid: ``wrong_password`` or ``bad_username``.
            Conflict: ``user_exists``.
        """
        user = await self.confirm_password(actor, current)
        name = credentials.parse_username(username)

        def work(conn: Connection) -> None:
            holder = store.find_user_by_name(conn, name)
            if holder is not None and holder.id != user.id:
                raise _user_exists(name)
            store.update_username(conn, user.id, name)
            before: dict[str, object] = {"username": user.username}
            after: dict[str, object] = {"username": name}
            self._record(conn, actor, "user.change_username", user.id, before, after)
            outbox.append(conn, "user.changed", user.id)
            if invalidate_tokens:
                self._revoke_all(conn, actor)

        await self._write_unique_name(work, name)
        self._cache.drop_user(user.id)
        return await self.get_user(actor)

    async def update_account(self, actor: Actor, account_info: Mapping[str, object]) -> User:
        """Changes the account facts that are named, and leaves the others.

        Raises:
            Invalid: ``bad_account_info``.
        """

        def work(conn: Connection) -> User:
            user = _get_user(conn, actor.user_id)
            merged = credentials.merge_account_info(user.account_info, account_info)
            if merged != user.account_info:
                store.update_account_info(conn, user.id, merged)
                before, after = user.account_info, merged
                self._record(conn, actor, "user.update_account", user.id, before, after)
                outbox.append(conn, "user.changed", user.id)
            return _get_user(conn, actor.user_id)

        return await self._apply(actor.user_id, work)

    async def set_password(
        self, password: str, permit: Callable[[Connection], User], action: str, address: str
    ) -> User:
        """Sets a password on another proof than the old one, and ends all tokens.

        Args:
            password: as ``credentials.parse_new_password`` gave it.
            permit: in the transaction: checks and uses up the proof; gives the user.
            action: for the audit row.
            address: network address of the caller.
        """
        password_hash = await self._hashing.hash(password)

        def work(conn: Connection) -> User:
            user = permit(conn)
            version = user.password_version
            if not store.update_password(conn, user.id, password_hash, version=version):
                raise _wrong_password()
            actor = actor_of(user, address)
            self._record(conn, actor, action, user.id, None, None)
            self._revoke_all(conn, actor)
            outbox.append(conn, "user.changed", user.id)
            return user

        user = await self._database.write(work, durable=True)
        self._cache.drop_user(user.id)
        self._announce()
        return user

    def close(self) -> None:
        """Ends the hashing threads."""
        self._hashing.close()

    async def _find_user_by_name(self, username: str) -> User | None:
        try:
            name = credentials.parse_username(username)
        except Invalid:
            return None
        return await self._database.read(lambda conn: store.find_user_by_name(conn, name))

    async def _verify(self, user: User | None, password: str) -> User:
        length_bytes = credentials.password_bytes(password)
        usable = length_bytes is not None and length_bytes <= credentials.MAX_PASSWORD_BYTES
        password_hash = user.password_hash if user else None
        matches = await self._hashing.verify(
            password if usable else "", password_hash if usable else None
        )
        if user is None or password_hash is None or not matches:
            raise invalid_grant()
        if self._hashing.is_outdated(password_hash):
            await self._rehash(user.id, password, password_hash)
        return user

    async def _rehash(self, user_id: str, password: str, old_hash: str) -> None:
        new_hash = await self._hashing.hash(password)
        await self._database.write(
            lambda conn: store.replace_hash(conn, user_id, old_hash, new_hash), durable=True
        )

    async def _write_unique_name(self, work: Callable[[Connection], Kept], username: str) -> Kept:
        try:
            kept = await self._database.write(work, durable=True)
        except IntegrityError as error:
            raise _user_exists(username) from error
        self._announce()
        return kept


def _get_user(conn: Connection, user_id: str) -> User:
    user = store.find_user(conn, user_id)
    if user is None:
        raise NotFound("user_not_found", "The caller has no account.")
    return user


def _facts_of(user: User) -> dict[str, object]:
    return {"username": user.username, "is_admin": user.is_admin}


def _user_exists(username: str) -> Conflict:
    return Conflict("user_exists", f"An account with the username {username} exists already.")


def _wrong_password() -> Invalid:
    return Invalid("wrong_password", "The current password is not correct.")
