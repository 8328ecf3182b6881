"""Changes of a product, and its end, each step within a transaction of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from roadstead.devices import announcing, product_store
from roadstead.identity.model import Actor
from roadstead.kit.errors import Conflict
from roadstead.products import (
    group_store,
    import_store,
    membership_store,
    naming,
    store,
    telling,
)
from roadstead.products.admitting import dismiss
from roadstead.products.firmware_port import ProductFirmware
from roadstead.products.model import Product
from roadstead.products.preferences import change_settings
from roadstead.storage import outbox

STEP_DEVICES = 500
"""Devices taken out of a product that ends, in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChange:
    """What is to be changed of a product; None leaves as it is.

    Attributes:
        settings: those that change.
    """

    name: str | None = None
    slug: str | None = None
    description: str | None = None
    platform_id: int | None = None
    settings: Mapping[str, object] | None = None


def change_product(
    conn: Connection, actor: Actor, product_id: int, change: ProductChange, at: datetime
) -> Product | None:
    """The product as it is then; None when it is gone.

    Raises:
        Invalid: as at creation.
        Conflict: ``product_name_taken``, ``slug_taken``; ``product_has_devices`` when another
            platform is wanted for a product with devices.
    """
    store.lock_creation(conn)
    product = store.find_product(conn, product_id)
    if product is None:
        return None
    values = _parse(conn, product, change)
    if not values:
        return product
    store.update_product(conn, product_id, values, at)
    changed = store.find_product(conn, product_id)
    before = {name: _plain(getattr(product, name)) for name in values}
    after = {name: _plain(getattr(changed, name)) for name in values}
    telling.record(conn, actor, "product.update", product_id, before, after, at)
    telling.announce(conn, product_id)
    return changed


def empty_some(
    conn: Connection, actor: Actor, product: Product, firmware: ProductFirmware, at: datetime
) -> int | None:
    """Takes some devices out of a product that is to end.

    Gives the number of its members among them; None once none of any kind is left.
    """
    found = membership_store.list_some(conn, product.id, STEP_DEVICES)
    members = [one.device_id for one in found if one.standing == "member"]
    others = [one.device_id for one in found if one.standing != "member"]
    known = product_store.find_standings(conn, members)
    if members:
        after: dict[str, object] = {"count": len(members)}
        telling.record(conn, actor, "product.remove_devices", product.id, after, None, at)
    dismiss(conn, product, [known[one] for one in members], firmware, at)
    # Nobody is refused by a product that is no more.
    waiting = [one.device_id for one in found if one.standing == "quarantined"]
    refused = [one for one in found if one.standing == "denied"]
    membership_store.delete_entries(conn, product.id, waiting, "quarantined")
    denied_ids = [*(one.device_id for one in refused), *members]
    gone = membership_store.delete_entries(conn, product.id, denied_ids, "denied")
    store.count_devices(conn, product.id, quarantined=-len(waiting), denied=-len(gone))
    product_store.release_quarantined(conn, [*others, *members])
    outbox.append_many(conn, announcing.DEVICE_CHANGED, [*members, *others])
    return len(members) if found else None


def delete_product(
    conn: Connection, actor: Actor, product: Product, firmware: ProductFirmware, at: datetime
) -> list[str]:
    """Deletes a product that has no devices; gives the names of files that nobody needs any more.

    Raises:
        Conflict: ``product_has_devices``: some came in meanwhile.
    """
    current = store.find_product(conn, product.id)
    if current is None:
        return []
    if current.device_count:
        raise has_devices(current)
    files = firmware.product_gone(conn, product.id)
    import_store.delete_imports(conn, product.id)
    group_store.delete_all(conn, product.id)
    store.delete_product(conn, product.id)
    before: dict[str, object] = {"name": product.name, "slug": product.slug}
    telling.record(conn, actor, "product.delete", product.id, before, None, at)
    telling.announce(conn, product.id)
    return files


def has_devices(product: Product) -> Conflict:
    """A product with devices is not deleted by accident."""
    return Conflict(
        "product_has_devices",
        f"The product has {product.device_count} devices; remove them first, or say "
        "remove_devices=true.",
        {"device_count": product.device_count},
    )


def _parse(conn: Connection, product: Product, change: ProductChange) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if change.name is not None:
        values["name"] = naming.parse_product_name(change.name)
        if store.is_name_taken(conn, product.owner, values["name"], except_id=product.id):
            raise Conflict(
                "product_name_taken", f"Another of your products is named {values['name']!r}."
            )
    if change.slug is not None:
        values["slug"] = naming.parse_slug(change.slug)
        if store.is_slug_taken(conn, values["slug"], except_id=product.id):
            raise Conflict("slug_taken", f"The slug {values['slug']!r} is taken; choose another.")
    if change.description is not None:
        values["description"] = naming.parse_description(change.description)
    if change.platform_id is not None and change.platform_id != product.platform_id:
        values["platform_id"] = naming.parse_platform_id(change.platform_id)
        if product.device_count:
            raise Conflict(
                "product_has_devices", "The platform of a product with devices cannot be changed."
            )
    if change.settings is not None:
        values["settings"] = change_settings(product.settings, change.settings)
    return {name: value for name, value in values.items() if value != getattr(product, name)}


def _plain(value: object) -> object:
    return msgspec.to_builtins(value)
