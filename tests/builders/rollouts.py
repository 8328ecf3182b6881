"""A product with devices and versions, and rollouts over it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from roadstead.devices.presence_store import PresenceRow, write_presence
from roadstead.devices.store import devices
from roadstead.firmware.model import FirmwareVersion
from roadstead.firmware.store import insert_version
from roadstead.products.membership_store import product_devices
from roadstead.products.store import products
from roadstead.rollouts.model import Policy, Rollout

PRODUCT = 7
ARGON = 12


def device_ids(count: int) -> list[str]:
    return [f"{number:024x}" for number in range(1, count + 1)]


def insert_product(conn: Connection, at: datetime, product_id: int = PRODUCT) -> None:
    conn.execute(
        insert(products).values(
            id=product_id,
            slug=f"product-{product_id}",
            name=f"Product {product_id}",
            name_key=f"product {product_id}",
            description="",
            platform_id=ARGON,
            owner_user_id="0" * 24,
            settings={},
            device_count=0,
            quarantined_count=0,
            denied_count=0,
            created_at=at,
            updated_at=at,
        )
    )


def insert_devices(
    conn: Connection,
    ids: Iterable[str],
    at: datetime,
    *,
    product_id: int = PRODUCT,
    version: int = 1,
    online: bool = True,
) -> None:
    """Members of the product that are connected."""
    ids = list(ids)
    device: dict[str, Any] = {
        "product_id": product_id,
        "platform_id": ARGON,
        "firmware_version": version,
        "system_version": 6200,
        "hello_flags": 0,
        "safe_mode": False,
        "quarantined": False,
        "created_at": at,
        "updated_at": at,
    }
    conn.execute(insert(devices), [{"id": one, **device} for one in ids])
    member: dict[str, Any] = {
        "product_id": product_id,
        "standing": "member",
        "development": False,
        "last_handshake_ms": 0,
        "firmware_version": version,
        "updated_at": at,
    }
    conn.execute(
        insert(product_devices), [{"device_id": one, "name_key": one, **member} for one in ids]
    )
    if online:
        write_presence(conn, [PresenceRow(one, True, 0, 0, None) for one in ids])


def run_version(conn: Connection, ids: Iterable[str], version: int) -> None:
    """The devices said hello with this version."""
    query = update(devices).where(devices.c.id.in_(list(ids)))
    conn.execute(query.values(firmware_version=version))


def insert_firmware(
    conn: Connection,
    version: int,
    at: datetime,
    *,
    product_id: int = PRODUCT,
    proven: bool = True,
) -> None:
    conn_version = FirmwareVersion(
        id=f"{product_id:08x}{version:016x}",
        product_id=product_id,
        version=version,
        title=f"v{version}",
        description="",
        mandatory=False,
        file_name="firmware.bin",
        size_bytes=10_000,
        sha256="0" * 64,
        blob_key="x",
        application_bytes=10_000,
        application_sha256="0" * 64,
        application_key="x",
        module_sha256="0" * 64,
        crc32=0,
        platform_id=ARGON,
        dependencies=(),
        uploaded_at=at,
        uploaded_by=None,
        updated_at=at,
        proven_at=at if proven else None,
        proven_by="f" * 24 if proven else None,
    )
    insert_version(conn, conn_version)


def make_rollout(at: datetime, *, version: int = 2, policy: Policy | None = None) -> Rollout:
    return Rollout(
        id="a" * 24,
        product_id=PRODUCT,
        version=version,
        policy=policy or Policy(),
        size_bytes=10_000,
        created_at=at,
        due_at=at,
    )
