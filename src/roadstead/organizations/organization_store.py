"""The table ``organizations`` and its queries."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Row,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from roadstead.organizations.model import Organization
from roadstead.storage.columns import UtcTimestamp, metadata

organizations = Table(
    "organizations",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("owner_id", String(24), nullable=False, index=True),
    Column("mfa_required", Boolean, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
)

_O = organizations.c


def insert_organization(conn: Connection, one: Organization) -> None:
    """Adds an organization; a taken slug violates the unique constraint."""
    conn.execute(
        insert(organizations).values(
            id=one.id,
            slug=one.slug,
            name=one.name,
            owner_id=one.owner_id,
            mfa_required=one.mfa_required,
            created_at=one.created_at,
        )
    )


def find_organization(conn: Connection, ref: str) -> Organization | None:
    """The organization with this id or this slug, whoever asks; for the authority alone."""
    row = conn.execute(select(organizations).where((_O.id == ref) | (_O.slug == ref))).first()
    return None if row is None else _to_organization(row)


def lock_organization(conn: Connection, organization_id: str) -> Organization | None:
    """The organization, kept from other writers until the transaction ends."""
    query = select(organizations).where(_O.id == organization_id).with_for_update()
    row = conn.execute(query).first()
    return None if row is None else _to_organization(row)


def list_by_ids(conn: Connection, ids: list[str]) -> list[Organization]:
    """The organizations with these ids, by name."""
    query = select(organizations).where(_O.id.in_(ids)).order_by(_O.name, _O.id)
    return [_to_organization(row) for row in conn.execute(query)]


def list_owned_by(conn: Connection, user_id: str) -> list[Organization]:
    """The organizations whose owner is this user."""
    query = select(organizations).where(_O.owner_id == user_id).order_by(_O.name, _O.id)
    return [_to_organization(row) for row in conn.execute(query)]


def update_organization(conn: Connection, organization_id: str, **values: object) -> None:
    """Changes name, slug, owner_id or mfa_required."""
    conn.execute(update(organizations).where(_O.id == organization_id).values(**values))


def delete_organization(conn: Connection, organization_id: str) -> None:
    """Removes an organization."""
    conn.execute(delete(organizations).where(_O.id == organization_id))


def _to_organization(row: Row[Any]) -> Organization:
    return Organization(
        id=row.id,
        slug=row.slug,
        name=row.name,
        owner_id=row.owner_id,
        mfa_required=row.mfa_required,
        created_at=row.created_at,
    )
