"""Tables of what keeps accounts safe: second factors, resets, refresh tokens, and their queries."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from roadstead.identity.model import RefreshToken, SecondFactor, User
from roadstead.identity.store import (
    access_tokens,
    kind_as_read,
    scopes_as_read,
    scopes_as_stored,
    users,
)
from roadstead.storage.columns import Json, UtcTimestamp, metadata


def _user() -> Column[str]:
    return Column("user_id", String(24), ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False)


second_factors = Table(
    "second_factors",
    metadata,
    Column("user_id", String(24), ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    _user(),
    Index(None, "user_id"),
)

password_resets = Table(
    "password_resets",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    _user(),
    Column("password_version", Integer, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False),
    Index(None, "user_id"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    _user(),
    Column("client_id", Text, nullable=False),
    Column("family", String(24), nullable=False),
    Column("lifetime_s", BigInteger, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False),
    Column("used_at", UtcTimestamp),
    Column("kind", Text),
    Column("scopes", Json),
    Column("product_id", Integer),
    Index(None, "user_id"),
    Index(None, "family"),
)


def find_factor(conn: Connection, user_id: str) -> SecondFactor | None:
    """The user's second factor."""
    row = conn.execute(select(second_factors).where(second_factors.c.user_id == user_id)).first()
    if row is None:
        return None
    return SecondFactor(user_id, bytes(row.sealed_secret), row.last_step, row.created_at)


def insert_factor(conn: Connection, factor: SecondFactor) -> None:
    """Adds a second factor; a user has at most one."""
    conn.execute(
        insert(second_factors).values(
            user_id=factor.user_id,
            sealed_secret=factor.sealed_secret,
            last_step=factor.last_step,
            created_at=factor.created_at,
        )
    )


def use_step(conn: Connection, user_id: str, step: int) -> bool:
    """Marks the code of this step as used; False when it or a later one was used before."""
    changed = conn.execute(
        update(second_factors)
        .where(second_factors.c.user_id == user_id, second_factors.c.last_step < step)
        .values(last_step=step)
    )
    return changed.rowcount == 1


def delete_factor(conn: Connection, user_id: str) -> bool:
    """Removes the second factor and its recovery codes; False when there is none."""
    conn.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    gone = conn.execute(delete(second_factors).where(second_factors.c.user_id == user_id))
    return gone.rowcount == 1


def insert_recovery_codes(conn: Connection, user_id: str, digests: list[bytes]) -> None:
    """Adds recovery codes."""
    rows = [{"digest": digest, "user_id": user_id} for digest in digests]
    conn.execute(insert(recovery_codes), rows)


def use_recovery_code(conn: Connection, user_id: str, digest: bytes) -> bool:
    """Removes a recovery code; False when the user has no such one."""
    gone = conn.execute(
        delete(recovery_codes).where(
            recovery_codes.c.user_id == user_id, recovery_codes.c.digest == digest
        )
    )
    return gone.rowcount == 1


def count_recovery_codes(conn: Connection, user_id: str) -> int:
    """How many recovery codes the user has left."""
    query = select(func.count()).where(recovery_codes.c.user_id == user_id)
    return int(conn.scalar(query.select_from(recovery_codes)) or 0)


def put_reset(
    conn: Connection, digest: bytes, user_id: str, *, version: int, expires_at: datetime
) -> None:
    """Keeps a reset in place of the user's earlier ones."""
    delete_resets(conn, user_id)
    conn.execute(
        insert(password_resets).values(
            digest=digest, user_id=user_id, password_version=version, expires_at=expires_at
        )
    )


def take_reset(conn: Connection, digest: bytes) -> tuple[str, int, datetime] | None:
    """Removes a reset; gives its user id, the password version that it replaces, and its end."""
    kept = password_resets.c
    gone = delete(password_resets).where(kept.digest == digest)
    row = conn.execute(gone.returning(kept.user_id, kept.password_version, kept.expires_at)).first()
    return None if row is None else (row.user_id, row.password_version, row.expires_at)


def find_reset(conn: Connection, digest: bytes) -> tuple[str, datetime] | None:
    """The user id and the end of a reset."""
    row = conn.execute(select(password_resets).where(password_resets.c.digest == digest)).first()
    return None if row is None else (row.user_id, row.expires_at)


def delete_resets(conn: Connection, user_id: str) -> None:
    """Removes the user's resets."""
    conn.execute(delete(password_resets).where(password_resets.c.user_id == user_id))


def insert_refresh(conn: Connection, token: RefreshToken) -> None:
    """Adds a refresh token."""
    conn.execute(
        insert(refresh_tokens).values(
            digest=token.digest,
            user_id=token.user_id,
            client_id=token.client_id,
            family=token.family,
            lifetime_s=token.lifetime_s,
            expires_at=token.expires_at,
            used_at=token.used_at,
            kind=token.kind.value if token.kind else None,
            scopes=scopes_as_stored(token.scopes),
            product_id=token.product_id,
        )
    )


def find_refresh(conn: Connection, digest: bytes) -> RefreshToken | None:
    """A refresh token, used or expired or not."""
    row = conn.execute(select(refresh_tokens).where(refresh_tokens.c.digest == digest)).first()
    if row is None:
        return None
    return RefreshToken(
        digest=digest,
        user_id=row.user_id,
        client_id=row.client_id,
        family=row.family,
        lifetime_s=row.lifetime_s,
        expires_at=row.expires_at,
        used_at=row.used_at,
        kind=kind_as_read(row.kind),
        scopes=scopes_as_read(row.scopes),
        product_id=row.product_id,
    )


def use_refresh(conn: Connection, digest: bytes, at: datetime) -> bool:
    """Marks a refresh token as used; False when it was used before."""
    kept = refresh_tokens.c
    changed = conn.execute(
        update(refresh_tokens)
        .where(kept.digest == digest, kept.used_at.is_(None))
        .values(used_at=at)
    )
    return changed.rowcount == 1


def delete_family(conn: Connection, user_id: str, family: str) -> list[bytes]:
    """Removes the refresh and access tokens of one sign-in; gives the access tokens' digests."""
    conn.execute(delete(refresh_tokens).where(refresh_tokens.c.family == family))
    gone = delete(access_tokens).where(
        access_tokens.c.user_id == user_id, access_tokens.c.family == family
    )
    return [bytes(row.digest) for row in conn.execute(gone.returning(access_tokens.c.digest))]


def delete_tokens_of_client(conn: Connection, client_id: str) -> list[bytes]:
    """Removes all tokens that were issued through a client; gives the access tokens' digests."""
    conn.execute(delete(refresh_tokens).where(refresh_tokens.c.client_id == client_id))
    gone = delete(access_tokens).where(access_tokens.c.client_id == client_id)
    return [bytes(row.digest) for row in conn.execute(gone.returning(access_tokens.c.digest))]


def delete_tokens_in_product(conn: Connection, user: User, product_id: int) -> list[bytes]:
    """Removes a customer's tokens; those of a person for their own account stay."""
    of_user = access_tokens.c.user_id == user.id
    of_refresh = refresh_tokens.c.user_id == user.id
    if user.product_id != product_id:
        of_user &= access_tokens.c.product_id == product_id
        of_refresh &= refresh_tokens.c.product_id == product_id
    conn.execute(delete(refresh_tokens).where(of_refresh))
    gone = delete(access_tokens).where(of_user).returning(access_tokens.c.digest)
    return [bytes(row.digest) for row in conn.execute(gone)]


def delete_refreshes(conn: Connection, user_id: str) -> None:
    """Removes all refresh tokens of the user."""
    conn.execute(delete(refresh_tokens).where(refresh_tokens.c.user_id == user_id))


def delete_expired_refreshes(conn: Connection, user_id: str, *, at: datetime) -> None:
    """Removes the user's refresh tokens that ended by this time."""
    kept = refresh_tokens.c
    conn.execute(delete(refresh_tokens).where(kept.user_id == user_id, kept.expires_at <= at))
