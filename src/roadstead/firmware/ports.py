"""What this room asks of whoever delivers, decides about plans, and tells of events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sqlalchemy import Connection

from roadstead.products.model import Product

LookCause = Literal["release", "lock", "rollout", "changed"]
"""Why devices are looked at out of turn: a release at once, a lock with flash, a rollout's stage,
or a change of what the device is in its product (unlocked, unmarked, regrouped)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashOrder:
    """One file for one device, whatever is released to it.

    Attributes:
        product_id: product that the device belongs to; None for none.
        file_key: where the file is kept.
        file_sha256: of the file, hexadecimal.
        version: product version compiled into it; 0 for none.
        module_function: what kind of module it is.
        asked_by: user id of who asked.
    """

    device_id: str
    product_id: int | None
    file_key: str
    file_sha256: str
    file_bytes: int
    version: int
    module_function: int
    asked_by: str


class Deliveries(Protocol):
    """Whoever brings files to devices."""

    async def look(self, device_ids: Sequence[str], cause: LookCause) -> None:
        """Decides anew about these devices, and sends what is offered to those that are online.

        Returns when what is to be sent is written down; sending goes on by itself.
        """

    async def flash(self, order: FlashOrder) -> None:
        """Sends a file to a device that is online; returns once that is written down.

        Raises:
            TimedOut: ``device_offline``.
            Conflict: ``transfer_running``; ``updates_disabled``.
        """

    def flashes_running(self, conn: Connection, user_id: str) -> int:
        """Files on their way that this person asked for, within the transaction that asks."""


class NoDeliveries:
    """For tools and tests without devices: everybody waits for their next session."""

    async def look(self, device_ids: Sequence[str], cause: LookCause) -> None:
        """Nothing is sent."""

    async def flash(self, order: FlashOrder) -> None:
        """Nothing is sent."""

    def flashes_running(self, conn: Connection, user_id: str) -> int:
        """None."""
        return 0


class UpdatePlans(Protocol):
    """What the plan of a product's owner, or of a person, allows."""

    def allow_release(self, conn: Connection, product: Product, *, intelligent: bool) -> None:
        """Refuses releases, or those that are delivered at once.

        Raises:
            Forbidden: ``plan_limit``.
        """

    def flashes_at_once(self, conn: Connection, user_id: str) -> int | None:
        """How many devices a person may flash at the same time; None for any number."""


class NoPlans:
    """A server on which everything is allowed."""

    def allow_release(self, conn: Connection, product: Product, *, intelligent: bool) -> None:
        """Allowed."""

    def flashes_at_once(self, conn: Connection, user_id: str) -> int | None:
        """Any number."""
        return None
