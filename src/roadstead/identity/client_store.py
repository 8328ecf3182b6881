"""The tables ``oauth_clients`` and ``authorization_codes`` and their queries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
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
    select,
    update,
)

from roadstead.identity.store import scopes_as_read, scopes_as_stored, users
from roadstead.storage.columns import Json, UtcTimestamp, metadata

ClientType = Literal["installed", "web"]


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A program that people's or customers' tokens are issued through.

    Attributes:
        id: ``name-number``, as the field writes it.
        type: ``web`` has a redirect URI.
        account_id: the account that it acts as by its own secret: its owner's, or for a product's
            client an account of its own.
        product_id: of a product's client.
        scopes: all that its tokens may do; None for all of its account.
        secret_digest: SHA-256 of the secret.
    """

    id: str
    name: str
    type: ClientType
    account_id: str
    product_id: int | None
    redirect_uri: str | None
    scopes: frozenset[str] | None
    secret_digest: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What a person agreed to at the login page, for the client to collect.

    Attributes:
        challenge: the SHA-256 of the verifier, base64url. Spec: RFC 7636 §4.2.
    """

    digest: bytes
    client_id: str
    user_id: str
    redirect_uri: str
    challenge: str
    password_version: int
    expires_at: datetime


oauth_clients = Table(
    "oauth_clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("account_id", String(24), ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("product_id", Integer),
    Column("redirect_uri", Text),
    Column("scopes", Json),
    Column("secret_digest", LargeBinary(32), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Index(None, "account_id"),
    Index(None, "product_id"),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("client_id", Text, ForeignKey(oauth_clients.c.id, ondelete="CASCADE"), nullable=False),
    Column("user_id", String(24), ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("password_version", Integer, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False),
    Index(None, "user_id"),
    Index(None, "client_id"),
)

_C = oauth_clients.c
_A = authorization_codes.c


def insert_client(conn: Connection, client: OAuthClient) -> None:
    """Adds a client; a taken id violates the primary key."""
    conn.execute(
        insert(oauth_clients).values(
            id=client.id,
            name=client.name,
            type=client.type,
            account_id=client.account_id,
            product_id=client.product_id,
            redirect_uri=client.redirect_uri,
            scopes=scopes_as_stored(client.scopes),
            secret_digest=client.secret_digest,
            created_at=client.created_at,
        )
    )


def find_client(conn: Connection, client_id: str) -> OAuthClient | None:
    """The client with this id, whoever owns it; for proving itself."""
    row = conn.execute(select(oauth_clients).where(_C.id == client_id)).first()
    return None if row is None else _to_client(row)


def list_clients_of_product(conn: Connection, product_id: int) -> list[OAuthClient]:
    """The clients of a product, oldest first."""
    query = select(oauth_clients).where(_C.product_id == product_id)
    return _list(conn, query)


def list_clients_of_user(conn: Connection, user_id: str) -> list[OAuthClient]:
    """A person's own clients, oldest first."""
    query = select(oauth_clients).where(_C.account_id == user_id, _C.product_id.is_(None))
    return _list(conn, query)


def count_clients(conn: Connection, *, user_id: str, product_id: int | None) -> int:
    """How many clients a product has, or else a person."""
    owned = _C.product_id == product_id if product_id else _C.account_id == user_id
    return int(conn.scalar(select(func.count()).select_from(oauth_clients).where(owned)) or 0)


def update_client(
    conn: Connection, client_id: str, *, name: str, scopes: frozenset[str] | None
) -> None:
    """Changes name and scopes."""
    conn.execute(
        update(oauth_clients)
        .where(_C.id == client_id)
        .values(name=name, scopes=scopes_as_stored(scopes))
    )


def delete_client(conn: Connection, client_id: str) -> None:
    """Removes a client and the codes that wait for it."""
    conn.execute(delete(oauth_clients).where(_C.id == client_id))


def insert_authorization(conn: Connection, code: AuthorizationCode, *, at: datetime) -> None:
    """Adds a code, and forgets all that have ended."""
    conn.execute(delete(authorization_codes).where(_A.expires_at <= at))
    conn.execute(
        insert(authorization_codes).values(
            digest=code.digest,
            client_id=code.client_id,
            user_id=code.user_id,
            redirect_uri=code.redirect_uri,
            challenge=code.challenge,
            password_version=code.password_version,
            expires_at=code.expires_at,
        )
    )


def take_authorization(conn: Connection, digest: bytes) -> AuthorizationCode | None:
    """Removes a code and gives it; None when there is none such."""
    gone = delete(authorization_codes).where(_A.digest == digest).returning(*_A)
    row = conn.execute(gone).first()
    if row is None:
        return None
    return AuthorizationCode(
        digest=bytes(row.digest),
        client_id=row.client_id,
        user_id=row.user_id,
        redirect_uri=row.redirect_uri,
        challenge=row.challenge,
        password_version=row.password_version,
        expires_at=row.expires_at,
    )


def _list(conn: Connection, query: Any) -> list[OAuthClient]:
    return [_to_client(row) for row in conn.execute(query.order_by(_C.created_at, _C.id))]


def _to_client(row: Row[Any]) -> OAuthClient:
    return OAuthClient(
        id=row.id,
        name=row.name,
        type=row.type,
        account_id=row.account_id,
        product_id=row.product_id,
        redirect_uri=row.redirect_uri,
        scopes=scopes_as_read(row.scopes),
        secret_digest=bytes(row.secret_digest),
        created_at=row.created_at,
    )
