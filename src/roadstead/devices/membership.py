"""The port to products: what they have to say about a device.

Devices know no products. What depends on one (who may claim, ask or rename a device of it, what a
device may do whose firmware names it) is asked here, within the transaction of the change, so that
the answer holds for it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from roadstead.devices.naming import PLATFORMS
from roadstead.identity.model import Actor
from roadstead.identity.permissions import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A device said Hello; its facts as they stand in the transaction.

    Attributes:
        product_id: product that it belongs to; None for none.
        named_product_id: product that its firmware names; None when that names none.
        owner_id: user id of who claimed it.
        firmware_version, former_version: of its application, now and before; 0 for none.
        quarantined: whether its events went to nobody until now.
        handshake: the Hello began a new session.
    """

    device_id: str
    product_id: int | None
    named_product_id: int | None
    owner_id: str | None
    platform_id: int
    firmware_version: int
    former_version: int
    quarantined: bool
    handshake: bool
    at: datetime


class DeviceProducts(Protocol):
    """What the room of products answers."""

    def arrived(self, conn: Connection, arrival: Arrival) -> bool:
        """Takes note of a Hello; True when what the gateway knows of the device changed."""

    def rights_of(self, conn: Connection, actor: Actor, product_id: int) -> frozenset[Permission]:
        """What somebody may do with devices of a product; empty for a stranger."""

    def may_own(self, conn: Connection, user_id: str, product_id: int) -> bool:
        """Whether a person may come to own devices of a product."""

    def in_team(self, conn: Connection, user_id: str, product_id: int) -> bool:
        """Whether a person belongs to the team of a product."""

    def take_room(self, conn: Connection, user_id: str, at: datetime) -> None:
        """Takes room in a person's plan for one more device outside products.

        To be asked before anything is locked or written in the transaction.

        Raises:
            Forbidden: ``plan_limit``.
        """

    def trusts_first_key(self, conn: Connection, product_id: int) -> bool:
        """Whether the first key that a device of the product shows is taken for its own."""

    def some_trust_first_keys(self, conn: Connection) -> bool:
        """Whether any product trusts first keys."""

    def renamed(self, conn: Connection, product_id: int, device_id: str, name: str | None) -> None:
        """Takes note of a device's name, by which lists are sorted."""


class NoProducts:
    """For tools and tests that have no products; every device is its owner's alone."""

    def arrived(self, conn: Connection, arrival: Arrival) -> bool:
        """Nothing depends on it."""
        return False

    def rights_of(self, conn: Connection, actor: Actor, product_id: int) -> frozenset[Permission]:
        """None."""
        return frozenset()

    def may_own(self, conn: Connection, user_id: str, product_id: int) -> bool:
        """Nobody."""
        return False

    def in_team(self, conn: Connection, user_id: str, product_id: int) -> bool:
        """Nobody."""
        return False

    def take_room(self, conn: Connection, user_id: str, at: datetime) -> None:
        """There is no limit."""

    def trusts_first_key(self, conn: Connection, product_id: int) -> bool:
        """Never."""
        return False

    def some_trust_first_keys(self, conn: Connection) -> bool:
        """None."""
        return False

    def renamed(self, conn: Connection, product_id: int, device_id: str, name: str | None) -> None:
        """Nothing depends on it."""


NO_PRODUCTS = NoProducts()


def named_product(firmware_product_id: int | None, platform_id: int | None) -> int | None:
    """The product that a device's firmware names; None when it names none.

    Device OS 4 and newer has no product ids: its devices tell the number of their platform there,
    as those do that run an application without one. Source: particle cloud notes §3.2.
    """
    if firmware_product_id is None or firmware_product_id == platform_id:
        return None
    return None if firmware_product_id in PLATFORMS else firmware_product_id


def product_of_events(
    product_id: int | None, firmware_product_id: int | None, platform_id: int | None
) -> int | None:
    """The product whose part a device is; None for one whose firmware names another.

    Such a device belongs to its product and is kept from acting as it: no events, no firmware.
    """
    named = named_product(firmware_product_id, platform_id)
    return product_id if named is None or named == product_id else None
