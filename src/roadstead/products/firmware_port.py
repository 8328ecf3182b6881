"""The port to firmware: what products tell it and ask it, within the transaction of a change."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection

from roadstead.products.model import DeviceGroup


class ProductFirmware(Protocol):
    """What the room of firmware answers."""

    def counts_changed(self, conn: Connection, product_id: int, changes: Mapping[int, int]) -> None:
        """So many more or fewer members run each version now; 0 stands for none."""

    def members_gone(self, conn: Connection, product_id: int, device_ids: Sequence[str]) -> None:
        """These devices belong to the product no more."""

    def group_gone(self, conn: Connection, product_id: int, group_id: str) -> None:
        """The group is deleted."""

    def product_gone(self, conn: Connection, product_id: int) -> list[str]:
        """The product is deleted; gives the names of files that nobody needs any more."""

    async def drop_files(self, names: list[str]) -> None:
        """Deletes those files, after the commit."""

    def versions_of_groups(self, conn: Connection, product_id: int) -> Mapping[str, int]:
        """The version that is released to each group, by group id."""

    def released_targets(
        self,
        conn: Connection,
        product_id: int,
        groups: Mapping[str, Sequence[DeviceGroup]],
    ) -> Mapping[str, int | None]:
        """The version that is released to each device, by its groups or to all."""


class NoFirmware:
    """For a server without firmware: nothing is released."""

    def counts_changed(self, conn: Connection, product_id: int, changes: Mapping[int, int]) -> None:
        """Nothing is counted."""

    def members_gone(self, conn: Connection, product_id: int, device_ids: Sequence[str]) -> None:
        """Nothing is kept of them."""

    def group_gone(self, conn: Connection, product_id: int, group_id: str) -> None:
        """Nothing is kept of it."""

    def product_gone(self, conn: Connection, product_id: int) -> list[str]:
        """Nothing is kept of it."""
        return []

    async def drop_files(self, names: list[str]) -> None:
        """There are none."""

    def versions_of_groups(self, conn: Connection, product_id: int) -> Mapping[str, int]:
        """None."""
        return {}

    def released_targets(
        self,
        conn: Connection,
        product_id: int,
        groups: Mapping[str, Sequence[DeviceGroup]],
    ) -> Mapping[str, int | None]:
        """None."""
        return {}


NO_FIRMWARE = NoFirmware()
