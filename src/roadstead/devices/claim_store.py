"""The tables ``claim_codes`` and ``transfer_requests`` and their queries."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    delete,
    insert,
    or_,
    select,
)

from roadstead.devices.model import TransferRequest
from roadstead.storage.columns import UtcTimestamp, metadata

claim_codes = Table(
    "claim_codes",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", String(24), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False),
    Column("product_id", Integer),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)

transfer_requests = Table(
    "transfer_requests",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("device_id", String(24), nullable=False),
    Column("owner_id", String(24), nullable=False),
    Column("requester_id", String(24), nullable=False),
    Column("token_digest", LargeBinary(32), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False),
    UniqueConstraint("device_id", "requester_id"),
    Index(None, "owner_id"),
    Index(None, "requester_id"),
)


def insert_code(
    conn: Connection,
    digest: bytes,
    user_id: str,
    *,
    at: datetime,
    expires_at: datetime,
    product_id: int | None = None,
) -> None:
    """Adds a claim code and forgets all that have ended; ``product_id``: for its devices alone."""
    conn.execute(delete(claim_codes).where(claim_codes.c.expires_at <= at))
    conn.execute(
        insert(claim_codes).values(
            digest=digest,
            user_id=user_id,
            created_at=at,
            expires_at=expires_at,
            product_id=product_id,
        )
    )


def count_codes(conn: Connection, user_id: str) -> int:
    """How many codes of the user are kept."""
    query = select(claim_codes.c.digest).where(claim_codes.c.user_id == user_id)
    return len(conn.execute(query).all())


def find_code_holder(
    conn: Connection, digest: bytes, *, at: datetime
) -> tuple[str, int | None] | None:
    """The user id that a valid code stands for, and the only product whose devices it gives."""
    row = conn.execute(select(claim_codes).where(claim_codes.c.digest == digest)).first()
    return None if row is None or row.expires_at <= at else (row.user_id, row.product_id)


def take_code(conn: Connection, digest: bytes) -> bool:
    """Removes a code; False when it is gone already."""
    return conn.execute(delete(claim_codes).where(claim_codes.c.digest == digest)).rowcount == 1


def put_transfer(conn: Connection, transfer: TransferRequest) -> None:
    """Keeps a request in place of an earlier one of the same person for the same device."""
    kept = transfer_requests.c
    conn.execute(
        delete(transfer_requests).where(
            or_(
                kept.expires_at <= transfer.created_at,
                (kept.device_id == transfer.device_id)
                & (kept.requester_id == transfer.requester_id),
            )
        )
    )
    conn.execute(
        insert(transfer_requests).values(
            id=transfer.id,
            device_id=transfer.device_id,
            owner_id=transfer.owner_id,
            requester_id=transfer.requester_id,
            token_digest=transfer.token_digest,
            created_at=transfer.created_at,
            expires_at=transfer.expires_at,
        )
    )


def find_transfer(conn: Connection, transfer_id: str) -> TransferRequest | None:
    """The request with this id, expired or not."""
    query = select(transfer_requests).where(transfer_requests.c.id == transfer_id)
    row = conn.execute(query).first()
    return None if row is None else _to_transfer(row)


def find_open_transfer(
    conn: Connection, device_id: str, requester_id: str
) -> TransferRequest | None:
    """The request of this person for this device, expired or not."""
    kept = transfer_requests.c
    query = select(transfer_requests).where(
        kept.device_id == device_id, kept.requester_id == requester_id
    )
    row = conn.execute(query).first()
    return None if row is None else _to_transfer(row)


def list_transfers(conn: Connection, user_id: str, *, at: datetime) -> list[TransferRequest]:
    """Valid requests that the user made or has to decide, oldest first."""
    kept = transfer_requests.c
    query = (
        select(transfer_requests)
        .where(or_(kept.owner_id == user_id, kept.requester_id == user_id), kept.expires_at > at)
        .order_by(kept.created_at, kept.id)
    )
    return [_to_transfer(row) for row in conn.execute(query)]


def delete_transfer(conn: Connection, transfer_id: str) -> bool:
    """Removes a request; False when it is gone already."""
    gone = delete(transfer_requests).where(transfer_requests.c.id == transfer_id)
    return conn.execute(gone).rowcount == 1


def delete_transfers_of_device(conn: Connection, device_id: str) -> None:
    """Removes all requests for a device, whose owner has changed."""
    conn.execute(delete(transfer_requests).where(transfer_requests.c.device_id == device_id))


def delete_all_of(conn: Connection, user_id: str, *, product_id: int | None = None) -> None:
    """Removes the claim codes and transfer requests that a user has a part in.

    With ``product_id`` only the codes for devices of that product.
    """
    kept = transfer_requests.c
    codes = delete(claim_codes).where(claim_codes.c.user_id == user_id)
    if product_id is not None:
        conn.execute(codes.where(claim_codes.c.product_id == product_id))
        return
    conn.execute(codes)
    conn.execute(
        delete(transfer_requests).where(or_(kept.owner_id == user_id, kept.requester_id == user_id))
    )


def _to_transfer(row: Row[Any]) -> TransferRequest:
    return TransferRequest(
        id=row.id,
        device_id=row.device_id,
        owner_id=row.owner_id,
        requester_id=row.requester_id,
        token_digest=bytes(row.token_digest),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
