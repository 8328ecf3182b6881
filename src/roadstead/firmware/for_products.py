"""What firmware answers to products: fills the port ``products.firmware_port.ProductFirmware``."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from sqlalchemy import Connection

from roadstead.firmware import assignment_store, count_store, release_store, store
from roadstead.firmware.target_rules import TargetFacts
from roadstead.firmware.targeting import choose_version
from roadstead.kit.clock import Clock
from roadstead.products.model import DeviceGroup

DropFiles = Callable[[list[str]], Awaitable[None]]


class FirmwareOfProducts:
    """Keeps what belongs to firmware in step with products, their groups and their devices.

    Args:
        clock: for the facts of a decision.
        drop_files: deletes files by their names.
    """

    def __init__(self, clock: Clock, drop_files: DropFiles | None = None) -> None:
        self._clock = clock
        self._drop_files = drop_files

    def counts_changed(self, conn: Connection, product_id: int, changes: Mapping[int, int]) -> None:
        """So many more or fewer members run each version now."""
        count_store.shift_counts(conn, product_id, changes)

    def members_gone(self, conn: Connection, product_id: int, device_ids: Sequence[str]) -> None:
        """What a rollout assigned to them ends."""
        assignment_store.forget_devices(conn, product_id, device_ids)

    def group_gone(self, conn: Connection, product_id: int, group_id: str) -> None:
        """What was released to it is withdrawn."""
        release_store.drop_groups(conn, product_id, [group_id])

    def product_gone(self, conn: Connection, product_id: int) -> list[str]:
        """Its versions, releases, assignments and counts go; gives the names of its files."""
        assignment_store.delete_all(conn, product_id)
        release_store.delete_all(conn, product_id)
        count_store.delete_all(conn, product_id)
        return store.delete_all(conn, product_id)

    async def drop_files(self, names: list[str]) -> None:
        """Deletes files of a product that is gone."""
        if names and self._drop_files is not None:
            await self._drop_files(names)

    def versions_of_groups(self, conn: Connection, product_id: int) -> Mapping[str, int]:
        """The version that is released to each group, by group id."""
        return release_store.find_in_force(conn, product_id).groups

    def released_targets(
        self,
        conn: Connection,
        product_id: int,
        groups: Mapping[str, Sequence[DeviceGroup]],
    ) -> Mapping[str, int | None]:
        """The version that is released to each device, by its groups or to all."""
        in_force = release_store.find_in_force(conn, product_id)
        now = self._clock.now()
        targets: dict[str, int | None] = {}
        for device_id, mine in groups.items():
            released = {
                group.name: in_force.groups[group.id]
                for group in mine
                if group.id in in_force.groups
            }
            facts = TargetFacts(now=now, group_releases=released, default_version=in_force.default)
            targets[device_id] = choose_version(facts)
        return targets
