"""The tables ``users`` and ``access_tokens`` and their queries: the same on both engines."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from roadstead.identity.model import AccessToken, AccountKind, User
from roadstead.storage.columns import Json, UtcTimestamp, metadata

users = Table(
    "users",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("password_hash", Text),
    Column("password_version", Integer, nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("account_info", Json, nullable=False),
    Column("kind", Text, nullable=False, server_default="person"),
    Column("product_id", Integer),
    Column("organization_id", String(24)),
    Column("scopes", Json),
    Index(None, "product_id"),
    Index(None, "organization_id"),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", String(24), ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("expires_at", UtcTimestamp),
    Column("family", String(24)),
    Column("address", Text),
    Column("last_used_at", UtcTimestamp),
    Column("kind", Text),
    Column("scopes", Json),
    Column("product_id", Integer),
    Index(None, "user_id"),
)


def insert_user(conn: Connection, user: User) -> None:
    """Adds an account; a taken user name violates the unique constraint."""
    conn.execute(
        insert(users).values(
            id=user.id,
            username=user.username,
            password_hash=user.password_hash,
            password_version=user.password_version,
            is_admin=user.is_admin,
            created_at=user.created_at,
            account_info=user.account_info,
            kind=user.kind.value,
            product_id=user.product_id,
            organization_id=user.organization_id,
            scopes=scopes_as_stored(user.scopes),
        )
    )


def scopes_as_stored(scopes: frozenset[str] | None) -> list[str] | None:
    """Scopes as a column keeps them."""
    return None if scopes is None else sorted(scopes)


def scopes_as_read(stored: list[str] | None) -> frozenset[str] | None:
    """Scopes from what a column keeps."""
    return None if stored is None else frozenset(stored)


def kind_as_read(stored: str | None) -> AccountKind | None:
    """A kind of account from what a column keeps."""
    return None if stored is None else AccountKind(stored)


def find_user(conn: Connection, user_id: str) -> User | None:
    """The account with this id."""
    row = conn.execute(select(users).where(users.c.id == user_id)).first()
    return None if row is None else _to_user(row)


def find_user_by_name(conn: Connection, username: str) -> User | None:
    """The account with this user name, given in lower case."""
    row = conn.execute(select(users).where(users.c.username == username)).first()
    return None if row is None else _to_user(row)


def find_usernames(conn: Connection, user_ids: Iterable[str]) -> dict[str, str]:
    """User names by id, of those of these accounts that there are."""
    query = select(users.c.id, users.c.username).where(users.c.id.in_(sorted(user_ids)))
    return {row.id: row.username for row in conn.execute(query)}


def count_admins(conn: Connection) -> int:
    """Number of administrators of the whole server."""
    count = conn.scalar(select(func.count()).select_from(users).where(users.c.is_admin))
    return int(count or 0)


def update_password(conn: Connection, user_id: str, password_hash: str, *, version: int) -> bool:
    """Stores the hash of a new password; ``version`` is the one that it replaces.

    Returns:
        False when the password was changed meanwhile; nothing is stored then.
    """
    changed = conn.execute(
        update(users)
        .where(users.c.id == user_id, users.c.password_version == version)
        .values(password_hash=password_hash, password_version=version + 1)
    )
    return changed.rowcount == 1


def replace_hash(conn: Connection, user_id: str, old_hash: str, new_hash: str) -> None:
    """Stores another hash of the same password, unless the password was changed meanwhile."""
    conn.execute(
        update(users)
        .where(users.c.id == user_id, users.c.password_hash == old_hash)
        .values(password_hash=new_hash)
    )


def update_username(conn: Connection, user_id: str, username: str) -> None:
    """Renames an account; a taken user name violates the unique constraint."""
    conn.execute(update(users).where(users.c.id == user_id).values(username=username))


def update_account_info(conn: Connection, user_id: str, account_info: dict[str, object]) -> None:
    """Replaces the account facts."""
    conn.execute(update(users).where(users.c.id == user_id).values(account_info=account_info))


def update_api_user(
    conn: Connection, user_id: str, account_info: dict[str, object], scopes: frozenset[str]
) -> None:
    """Replaces the account facts and the scopes of an API user."""
    values = {"account_info": account_info, "scopes": scopes_as_stored(scopes)}
    conn.execute(update(users).where(users.c.id == user_id).values(**values))


def insert_token(conn: Connection, token: AccessToken) -> None:
    """Adds an issued token."""
    conn.execute(
        insert(access_tokens).values(
            digest=token.digest,
            user_id=token.user_id,
            client_id=token.client_id,
            created_at=token.created_at,
            expires_at=token.expires_at,
            family=token.family,
            address=token.address,
            kind=token.kind.value if token.kind else None,
            scopes=scopes_as_stored(token.scopes),
            product_id=token.product_id,
        )
    )


def find_token(conn: Connection, digest: bytes) -> tuple[AccessToken, User] | None:
    """A token, expired or not, and its user."""
    row = conn.execute(
        select(users, *(column.label(f"token_{column.name}") for column in access_tokens.c))
        .join_from(access_tokens, users, users.c.id == access_tokens.c.user_id)
        .where(access_tokens.c.digest == digest)
    ).first()
    if row is None:
        return None
    token = AccessToken(
        digest=digest,
        user_id=row.id,
        client_id=row.token_client_id,
        created_at=row.token_created_at,
        expires_at=row.token_expires_at,
        family=row.token_family,
        address=row.token_address,
        last_used_at=row.token_last_used_at,
        kind=kind_as_read(row.token_kind),
        scopes=scopes_as_read(row.token_scopes),
        product_id=row.token_product_id,
    )
    return token, _to_user(row)


def list_tokens(conn: Connection, user_id: str, *, at: datetime) -> list[AccessToken]:
    """The user's tokens that are valid at this time, oldest first."""
    rows = conn.execute(
        select(access_tokens)
        .where(access_tokens.c.user_id == user_id)
        .where(or_(access_tokens.c.expires_at.is_(None), access_tokens.c.expires_at > at))
        .order_by(access_tokens.c.created_at, access_tokens.c.digest)
    )
    return [_to_token(row) for row in rows]


def touch_token(conn: Connection, digest: bytes, at: datetime) -> None:
    """Notes the use of a token."""
    conn.execute(
        update(access_tokens).where(access_tokens.c.digest == digest).values(last_used_at=at)
    )


def delete_user(conn: Connection, user_id: str) -> None:
    """Removes an account with its tokens."""
    conn.execute(delete(users).where(users.c.id == user_id))


def delete_token(conn: Connection, digest: bytes) -> bool:
    """Removes one token; False when there is none."""
    return conn.execute(delete(access_tokens).where(access_tokens.c.digest == digest)).rowcount == 1


def delete_tokens(conn: Connection, user_id: str) -> list[bytes]:
    """Removes all tokens of a user; gives their digests."""
    gone = delete(access_tokens).where(access_tokens.c.user_id == user_id)
    return [bytes(row.digest) for row in conn.execute(gone.returning(access_tokens.c.digest))]


def delete_expired_tokens(conn: Connection, user_id: str, *, at: datetime) -> None:
    """Removes the user's tokens that ended by this time."""
    conn.execute(
        delete(access_tokens).where(
            access_tokens.c.user_id == user_id, access_tokens.c.expires_at <= at
        )
    )


def _to_user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        username=row.username,
        password_hash=row.password_hash,
        is_admin=row.is_admin,
        created_at=row.created_at,
        account_info=row.account_info,
        password_version=row.password_version,
        kind=AccountKind(row.kind),
        product_id=row.product_id,
        organization_id=row.organization_id,
        scopes=scopes_as_read(row.scopes),
    )


def _to_token(row: Row[Any]) -> AccessToken:
    return AccessToken(
        digest=bytes(row.digest),
        user_id=row.user_id,
        client_id=row.client_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        family=row.family,
        address=row.address,
        last_used_at=row.last_used_at,
        kind=kind_as_read(row.kind),
        scopes=scopes_as_read(row.scopes),
        product_id=row.product_id,
    )
