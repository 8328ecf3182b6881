"""What plans count, and which products an organization has: answers to ports of organizations."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, select

from roadstead.devices.store import devices
from roadstead.organizations.model import Owner
from roadstead.products.store import products

_P = products.c


class ProductDeviceCounts:
    """Fills the port ``organizations.limits.DeviceCounts``."""

    def outside_products(self, conn: Connection, user_id: str) -> int:
        """Devices that a person has claimed and that are in no product."""
        query = select(func.count()).select_from(devices)
        mine = (devices.c.owner_id == user_id) & devices.c.product_id.is_(None)
        return int(conn.scalar(query.where(mine)) or 0)

    def in_product(self, conn: Connection, product_id: int) -> int:
        """Devices of one product."""
        return int(conn.scalar(select(_P.device_count).where(_P.id == product_id)) or 0)

    def in_products_of(self, conn: Connection, owner: Owner) -> int:
        """Devices of all products of an owner."""
        query = select(func.coalesce(func.sum(_P.device_count), 0)).where(_owned_by(owner))
        return int(conn.scalar(query) or 0)

    def in_largest_product_of(self, conn: Connection, owner: Owner) -> int:
        """Devices of that product of an owner that has the most."""
        query = select(func.coalesce(func.max(_P.device_count), 0)).where(_owned_by(owner))
        return int(conn.scalar(query) or 0)


def product_ids_of(conn: Connection, organization_id: str) -> Sequence[int]:
    """The numbers of an organization's products; fills ``organizations.invitations.ProductsOf``."""
    owner = Owner(organization_id=organization_id)
    return list(conn.scalars(select(_P.id).where(_owned_by(owner)).order_by(_P.id)))


def _owned_by(owner: Owner) -> ColumnElement[bool]:
    if owner.organization_id is not None:
        return _P.owner_organization_id == owner.organization_id
    return _P.owner_user_id == owner.user_id
