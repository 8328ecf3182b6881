"""What the plan of a product's owner has room for: asked through a small port."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from roadstead.organizations.limits import PlanLimits
from roadstead.products.model import Product


class DeviceAllowance(Protocol):
    """Asked before anything is locked or written in the transaction that adds the devices."""

    def reserve(self, conn: Connection, product: Product, wanted: int, at: datetime) -> int:
        """How many of the wanted devices may be added to the product now."""

    def take_outside(self, conn: Connection, user_id: str, at: datetime) -> None:
        """Takes room for one device outside products.

        Raises:
            Forbidden: ``plan_limit``.
        """


class PlanAllowance:
    """By the plan that the owner is on."""

    def __init__(self, limits: PlanLimits) -> None:
        self._limits = limits

    def reserve(self, conn: Connection, product: Product, wanted: int, at: datetime) -> int:
        """As many as the plan has room for."""
        reservation = self._limits.reserve_in_product(conn, product.owner, product.id, wanted, at)
        return reservation.granted

    def take_outside(self, conn: Connection, user_id: str, at: datetime) -> None:
        """If the plan has room.

        Raises:
            Forbidden: ``plan_limit``.
        """
        reservation = self._limits.reserve_outside_products(conn, user_id, 1, at)
        if not reservation.granted:
            raise reservation.refusal()


class Unlimited:
    """For a server without plans."""

    def reserve(self, conn: Connection, product: Product, wanted: int, at: datetime) -> int:
        """All of them."""
        return wanted

    def take_outside(self, conn: Connection, user_id: str, at: datetime) -> None:
        """Always."""
