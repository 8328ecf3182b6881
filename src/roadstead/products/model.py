"""The values of this room: a product, its settings, a device in it, a group of devices."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from roadstead.organizations.model import Owner as Owner

Quarantine = Literal["manual", "automatic"]
"""``manual``: a person approves; ``automatic``: a device that nobody or the team owns is let in."""

Standing = Literal["member", "quarantined", "denied"]
"""What a device is to a product. ``member``: it was imported or approved; ``quarantined``: its
firmware names the product and nobody let it in yet; ``denied``: it was refused or taken out."""


class OptIn(msgspec.Struct, frozen=True):
    """A setting that is on or off, as the field nests it."""

    opt_in: bool = False


class ProductSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a product's owner decides; kept as JSON, so a new one needs no new column.

    Attributes:
        quarantine: what becomes of a device that names the product and was not imported.
        trust_first_key: the first key that an imported device shows is taken for its own.
        release_requires_proof: a version must have run on a device before it can be released.
        unclaimed_events: devices that nobody owns receive events of the product.
        location, known_application: kept for the field's clients; nothing here depends on them.
    """

    quarantine: Quarantine = "manual"
    trust_first_key: bool = False
    release_requires_proof: bool = True
    unclaimed_events: bool = True
    location: OptIn = OptIn()
    known_application: OptIn = OptIn()


DEFAULT_SETTINGS = ProductSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product.

    Attributes:
        id: 1 to 65535, as firmware may name it.
        slug: its name in addresses; unique on the server, never only digits.
        name: unique among its owner's products in any case.
        platform_id: hardware platform of all its devices.
        device_count: devices that belong to it.
        quarantined_count, denied_count: devices that wait for approval, and that were refused.
    """

    id: int
    slug: str
    name: str
    description: str
    platform_id: int
    owner: Owner
    settings: ProductSettings = DEFAULT_SETTINGS
    device_count: int = 0
    quarantined_count: int = 0
    denied_count: int = 0
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDevice:
    """What a device is in a product; the device itself is in ``devices``.

    Attributes:
        standing: whether it belongs to the product.
        development: left alone by releases and locks.
        desired_firmware_version: version that it is locked to; None while it is not.
        imported_at: when it was let in; None while it was not.
        imported_by: user id of who let it in; None for nobody in particular.
        first_connected_at: when its service began: the first time that it was connected as a
            member; None until then.
        last_handshake_at: its last full handshake, for sorting; None for never.
        firmware_version: what it last reported, for sorting; 0 for none.
    """

    product_id: int
    device_id: str
    standing: Standing = "member"
    development: bool = False
    desired_firmware_version: int | None = None
    imported_at: datetime | None = None
    imported_by: str | None = None
    first_connected_at: datetime | None = None
    last_handshake_at: datetime | None = None
    firmware_version: int = 0
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGroup:
    """A group of devices of one product.

    Attributes:
        id: stable while it is renamed; for others to refer to.
        name: lower-case letters, digits, ``-`` and ``_``; unique in the product.
        color: ``#rrggbb``.
        device_count: how many devices are in it.
    """

    id: str
    product_id: int
    name: str
    description: str = ""
    color: str = ""
    device_count: int = 0
    created_at: datetime
    updated_at: datetime
