"""Groups of a product's devices: created, listed, changed, deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.identity.model import Actor
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, NotFound
from roadstead.kit.ids import new_object_id
from roadstead.products import group_store, telling
from roadstead.products.firmware_port import NO_FIRMWARE, ProductFirmware
from roadstead.products.group_membership import MAX_GROUPS, too_many_groups
from roadstead.products.group_naming import parse_color, parse_group_name
from roadstead.products.group_plan import require_groups
from roadstead.products.model import DeviceGroup, Product
from roadstead.products.naming import parse_description
from roadstead.storage.database import Database, Result

EMPTY_ROWS = 1000
"""Members taken out of a deleted group in one transaction: some milliseconds on SQLite."""


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group and the version that is released to it; None for none."""

    group: DeviceGroup
    fw_version: int | None = None


class DeviceGroups:
    """Groups of products.

    Args:
        database: where they are kept.
        clock: for the time of a change.
        announce: called after a change was committed that other processes must hear of.
        firmware: knows what is released to groups, and is told of deleted ones.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        firmware: ProductFirmware = NO_FIRMWARE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._firmware = firmware

    async def list_groups(self, product: Product, name: str = "") -> list[GroupView]:
        """The product's groups whose name has this part, by name."""

        def work(conn: Connection) -> list[GroupView]:
            versions = self._firmware.versions_of_groups(conn, product.id)
            found = group_store.list_groups(conn, product.id)
            return [
                GroupView(group, versions.get(group.id)) for group in found if name in group.name
            ]

        return await self._database.read(work)

    async def get_group(self, product: Product, name: str) -> GroupView:
        """One group.

        Raises:
            NotFound: ``group_not_found``.
        """

        def work(conn: Connection) -> GroupView:
            group = _get(conn, product, name)
            versions = self._firmware.versions_of_groups(conn, product.id)
            return GroupView(group, versions.get(group.id))

        return await self._database.read(work)

    async def create(
        self, actor: Actor, product: Product, name: str, description: str = "", color: str = ""
    ) -> DeviceGroup:
        """Makes a group.

        Raises:
            Invalid: ``bad_group_name``, ``bad_group_color``, ``bad_description`` or
                ``too_many_groups``.
            Conflict: ``group_name_taken``.
            Forbidden: ``plan_limit``.
        """
        at = self._clock.now()
        group = DeviceGroup(
            id=new_object_id(),
            product_id=product.id,
            name=parse_group_name(name),
            description=parse_description(description),
            color=parse_color(color),
            created_at=at,
            updated_at=at,
        )

        def work(conn: Connection) -> None:
            require_groups(conn, product.id)
            if group_store.find_group(conn, product.id, group.name) is not None:
                raise name_taken(group.name)
            if group_store.count_groups(conn, product.id) >= MAX_GROUPS:
                raise too_many_groups()
            group_store.insert_group(conn, group)
            _tell(conn, actor, "group.create", product.id, None, _facts(group), at)

        await self._write(work, group.name)
        return group

    async def update(
        self,
        actor: Actor,
        product: Product,
        name: str,
        *,
        new_name: str | None = None,
        description: str | None = None,
        color: str | None = None,
    ) -> DeviceGroup:
        """Changes what is given of a group.

        Raises:
            NotFound: ``group_not_found``.
            Invalid: ``bad_group_name``, ``bad_group_color`` or ``bad_description``.
            Conflict: ``group_name_taken``.
        """
        values: dict[str, Any] = {}
        if new_name is not None:
            values["name"] = parse_group_name(new_name)
        if description is not None:
            values["description"] = parse_description(description)
        if color is not None:
            values["color"] = parse_color(color)
        at = self._clock.now()

        def work(conn: Connection) -> DeviceGroup:
            group = _get(conn, product, name)
            wanted = values.get("name", group.name)
            if wanted != group.name and group_store.find_group(conn, product.id, wanted):
                raise name_taken(wanted)
            group_store.update_group(conn, product.id, group.id, values, at)
            changed = _get(conn, product, wanted)
            before, after = _facts(group), _facts(changed)
            _tell(conn, actor, "group.update", product.id, before, after, at)
            return changed

        return await self._write(work, values.get("name", name))

    async def delete(self, actor: Actor, product: Product, name: str) -> None:
        """Deletes a group; its devices are in it no more from this moment on.

        Raises:
            NotFound: ``group_not_found``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> None:
            group = _get(conn, product, name)
            self._firmware.group_gone(conn, product.id, group.id)
            group_store.update_group(conn, product.id, group.id, {"name": None}, at)
            _tell(conn, actor, "group.delete", product.id, _facts(group), None, at)

        await self._database.write(work)
        self._announce()
        await self.empty_deleted()

    async def empty_deleted(self) -> None:
        """Takes the members out of deleted groups, some at a time; also those of an earlier run."""
        for group_id in await self._database.read(group_store.list_emptying):
            more = True
            while more:
                more = await self._database.write(
                    lambda conn, gone=group_id: group_store.empty_some(  # type: ignore[misc]
                        conn, gone, EMPTY_ROWS
                    )
                )

    async def _write(self, work: Callable[[Connection], Result], name: str) -> Result:
        try:
            result = await self._database.write(work)
        except IntegrityError as error:
            raise name_taken(name) from error
        self._announce()
        return result


def _get(conn: Connection, product: Product, name: str) -> DeviceGroup:
    group = group_store.find_group(conn, product.id, name) if name.isprintable() else None
    if group is None:
        raise NotFound("group_not_found", f"The product has no group {name!r}.")
    return group


def _tell(
    conn: Connection,
    actor: Actor,
    action: str,
    product_id: int,
    before: telling.Facts,
    after: telling.Facts,
    at: datetime,
) -> None:
    telling.record(conn, actor, action, product_id, before, after, at)
    telling.announce(conn, product_id)


def _facts(group: DeviceGroup) -> telling.Facts:
    return {"name": group.name, "description": group.description, "color": group.color}


def name_taken(name: str) -> Conflict:
    """The product has such a group."""
    return Conflict("group_name_taken", f"The product has a group {name!r} already.")
