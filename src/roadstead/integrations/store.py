"""The table of integrations: the same on both engines.

What an owner set, secrets included, is one sealed value: nothing in the database or its backups
tells a password, a token in a URL, or a signing key.
"""

from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
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

from roadstead.integrations.model import (
    Integration,
    MqttSettings,
    Owner,
    Settings,
    SigningKey,
    WebhookSettings,
)
from roadstead.storage.columns import UtcTimestamp, metadata
from roadstead.storage.secret_box import SecretBox

integrations = Table(
    "integrations",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("owner_kind", String(12), nullable=False),
    Column("owner_id", String(24), nullable=False),
    Column("kind", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("device_id", String(24)),
    Column("disabled", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("template", Text),
    Column("created_by", String(24), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Index(None, "owner_kind", "owner_id", "id"),
)


class _Sealed(msgspec.Struct, frozen=True):
    """What is sealed; the kind of the settings stands in a column."""

    settings: msgspec.Raw
    keys: tuple[SigningKey, ...]


_KINDS: dict[str, type[Settings]] = {"Webhook": WebhookSettings, "Mqtt": MqttSettings}


def insert_integration(conn: Connection, box: SecretBox, hook: Integration) -> None:
    """Adds an integration."""
    conn.execute(insert(integrations).values(_columns(box, hook)))


def update_integration(conn: Connection, box: SecretBox, hook: Integration) -> bool:
    """Replaces an integration of the same owner; False when it is gone."""
    changed = conn.execute(
        update(integrations).where(_is(hook.owner, hook.id)).values(_columns(box, hook))
    )
    return changed.rowcount == 1


def find_integration(
    conn: Connection, box: SecretBox, owner: Owner, hook_id: str
) -> Integration | None:
    """An integration of this owner."""
    row = conn.execute(select(integrations).where(_is(owner, hook_id))).first()
    return None if row is None else _to_integration(box, row)


def find_any(conn: Connection, box: SecretBox, hook_id: str) -> Integration | None:
    """An integration by its id alone; for what acts for the server itself."""
    row = conn.execute(select(integrations).where(integrations.c.id == hook_id)).first()
    return None if row is None else _to_integration(box, row)


def list_integrations(conn: Connection, box: SecretBox, owner: Owner) -> list[Integration]:
    """The integrations of an owner, oldest first."""
    query = select(integrations).where(_owned(owner)).order_by(integrations.c.id)
    return [_to_integration(box, row) for row in conn.execute(query)]


def list_all(conn: Connection, box: SecretBox) -> list[Integration]:
    """All integrations of the server."""
    return [_to_integration(box, row) for row in conn.execute(select(integrations))]


def count_integrations(conn: Connection, owner: Owner) -> int:
    """How many an owner has."""
    query = select(func.count()).select_from(integrations).where(_owned(owner))
    return int(conn.execute(query).scalar_one())


def delete_integration(conn: Connection, owner: Owner, hook_id: str) -> bool:
    """Removes an integration of this owner; False when there is none."""
    return conn.execute(delete(integrations).where(_is(owner, hook_id))).rowcount == 1


def _is(owner: Owner, hook_id: str) -> Any:
    return _owned(owner) & (integrations.c.id == hook_id)


def _owned(owner: Owner) -> Any:
    table = integrations.c
    return (table.owner_kind == owner.kind) & (table.owner_id == owner.id)


def _columns(box: SecretBox, hook: Integration) -> dict[str, Any]:
    content = _Sealed(msgspec.Raw(msgspec.msgpack.encode(hook.settings)), hook.keys)
    return {
        "id": hook.id,
        "owner_kind": hook.owner.kind,
        "owner_id": hook.owner.id,
        "kind": hook.kind,
        "event": hook.event,
        "name": hook.name,
        "device_id": hook.device_id,
        "disabled": hook.disabled,
        "sealed": box.seal(msgspec.msgpack.encode(content), _context(hook.id)),
        "template": hook.template,
        "created_by": hook.created_by,
        "created_at": hook.created_at,
        "updated_at": hook.updated_at,
    }


def _to_integration(box: SecretBox, row: Any) -> Integration:
    opened = box.open(bytes(row.sealed), _context(row.id))
    content = msgspec.msgpack.decode(opened, type=_Sealed)
    settings: Settings = msgspec.msgpack.decode(content.settings, type=_KINDS[row.kind])
    return Integration(
        id=row.id,
        owner=Owner(row.owner_kind, row.owner_id),
        kind=row.kind,
        event=row.event,
        name=row.name,
        device_id=row.device_id,
        disabled=row.disabled,
        settings=settings,
        keys=content.keys,
        template=row.template,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _context(hook_id: str) -> bytes:
    return b"integration:" + hook_id.encode()
