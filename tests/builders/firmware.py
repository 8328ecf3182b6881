"""Products with firmware, straight in the tables; images of each kind."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from roadstead.devices.model import Device
from roadstead.devices.store import insert_device
from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.images.image_builder import build_user_module, make_code
from roadstead.firmware.model import FirmwareVersion
from roadstead.firmware.release_store import DEFAULT, put_targets
from roadstead.firmware.store import insert_version
from roadstead.products.group_store import device_group_members, device_groups
from roadstead.products.membership_store import insert_entries
from roadstead.products.model import Owner, Product, ProductDevice
from roadstead.products.store import insert_product

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BORON = 13
P2 = 32
OWNER = Owner(user_id="a" * 24)


def make_image(version: int, platform_id: int = BORON, size: int = 2000, **what: Any) -> bytes:
    """An application, the same bytes for the same arguments."""
    code = make_code(f"{platform_id}/{version}", size)
    return build_user_module(platform_id, code, product_version=version, **what)


def make_id(number: int) -> str:
    return f"e00fce68{number:016x}"


def make_version(product_id: int, version: int, **changes: Any) -> FirmwareVersion:
    key = f"firmware/{product_id}/{version}.bin"
    values: dict[str, Any] = {
        "id": f"{product_id:012x}{version:012x}",
        "title": f"v{version}",
        "description": "",
        "mandatory": False,
        "file_name": "firmware.bin",
        "size_bytes": 1000,
        "sha256": "0" * 64,
        "blob_key": key,
        "application_bytes": 1000,
        "application_sha256": "0" * 64,
        "application_key": key,
        "module_sha256": "0" * 64,
        "crc32": 1,
        "platform_id": BORON,
        "dependencies": (),
        "uploaded_at": NOW,
        "uploaded_by": None,
        "updated_at": NOW,
    }
    return FirmwareVersion(product_id=product_id, version=version, **{**values, **changes})


def add_product(conn: Connection, product_id: int = 14_000, **changes: Any) -> Product:
    values: dict[str, Any] = {
        "slug": f"product-{product_id}",
        "name": f"Product {product_id}",
        "description": "",
        "platform_id": BORON,
        "owner": OWNER,
        "created_at": NOW,
        "updated_at": NOW,
    }
    product = Product(id=product_id, **{**values, **changes})
    insert_product(conn, product)
    return product


def add_version(conn: Connection, product_id: int, version: int, **changes: Any) -> FirmwareVersion:
    made = make_version(product_id, version, **changes)
    insert_version(conn, made)
    return made


def add_group(conn: Connection, product_id: int, name: str) -> str:
    group_id = (
        f"{product_id:08x}".ljust(24, "0")[: 24 - len(name)] + name.encode().hex()[: len(name)]
    )
    conn.execute(
        device_groups.insert().values(
            id=group_id,
            product_id=product_id,
            name=name,
            description="",
            color="#000000",
            device_count=0,
            created_at=NOW,
            updated_at=NOW,
        )
    )
    return group_id


def add_device(
    conn: Connection,
    number: int,
    product_id: int,
    *group_ids: str,
    standing: str = "member",
    development: bool = False,
    locked: int | None = None,
    handshake_at: datetime | None = None,
    **device: Any,
) -> str:
    """A Boron that runs version 4 on Device OS 6.2, in a product."""
    values: dict[str, Any] = {
        "platform_id": BORON,
        "firmware_version": 4,
        "system_version": 6200,
        "system_description": describe(6200),
        "product_id": product_id if standing == "member" else None,
        "created_at": NOW,
        "updated_at": NOW,
    }
    made = Device(id=make_id(number), **{**values, **device})
    insert_device(conn, made)
    entry = ProductDevice(
        product_id=product_id,
        device_id=made.id,
        standing=standing,  # type: ignore[arg-type]
        development=development,
        desired_firmware_version=locked,
        last_handshake_at=handshake_at,
        firmware_version=made.firmware_version,
        updated_at=NOW,
    )
    insert_entries(conn, [entry], {})
    for group_id in group_ids:
        conn.execute(device_group_members.insert().values(group_id=group_id, device_id=made.id))
    return made.id


def release(conn: Connection, product_id: int, version: int, group_id: str = DEFAULT) -> None:
    put_targets(conn, product_id, "0" * 24, {group_id: version})


def needs_device_os(number: int) -> tuple[Dependency, ...]:
    return (Dependency(4, 1, number),)


def describe(system_version: int) -> dict[str, Any]:
    """What a device says that runs this Device OS."""
    return {
        "p": BORON,
        "m": [
            {"f": "b", "n": "0", "v": 2400, "l": "m", "vc": 30, "vv": 30},
            {"f": "s", "n": "1", "v": system_version, "l": "m", "vc": 30, "vv": 30},
            {"f": "s", "n": "1", "v": system_version + 900, "l": "f", "vc": 30, "vv": 30},
            {"f": "u", "n": "2", "v": 6, "l": "m", "vc": 30, "vv": 30, "u": "ab" * 32},
        ],
    }
