"""How many devices an owner may add, decided inside the transaction that adds them.

Whoever adds devices reserves them first. The reservation locks the owner's row in ``plans`` until
the transaction ends, so two imports at once are counted one after the other, on SQLite (one writer)
and on PostgreSQL (the row lock) alike; it must therefore come before every other lock, audit rows
above all. Nothing is counted for a plan without limits.

A limit refuses what is new. Nothing here looks at devices that are there already.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, select

from roadstead.kit.errors import Forbidden
from roadstead.organizations import store
from roadstead.organizations.model import Owner, PlanName
from roadstead.organizations.terms import Feature, PlanTerms, require, terms_of


class DeviceCounts(Protocol):
    """Who knows how many devices there are; asked within the transaction."""

    def outside_products(self, conn: Connection, user_id: str) -> int:
        """Devices that a person has claimed and that are in no product."""

    def in_product(self, conn: Connection, product_id: int) -> int:
        """Devices of one product."""

    def in_products_of(self, conn: Connection, owner: Owner) -> int:
        """Devices of all products of an owner."""

    def in_largest_product_of(self, conn: Connection, owner: Owner) -> int:
        """Devices of that product of an owner that has the most."""


@dataclass(frozen=True, slots=True)
class PlanUse:
    """How much of a plan is used.

    Attributes:
        devices: in products and outside.
        limit_reached: there is no room left, somewhere.
    """

    devices: int
    limit_reached: bool


@dataclass(frozen=True, slots=True)
class Reservation:
    """How many more devices an owner may add now.

    Attributes:
        granted: how many of the wanted ones.
        limit: the limit that counted; None where there is none.
        used: how many count against it already.
        where: what the limit is about, as words.
    """

    plan: PlanName
    wanted: int
    granted: int
    limit: int | None = None
    used: int = 0
    where: str = ""

    def refusal(self) -> Forbidden:
        """What to say of the devices that were not granted: ``plan_limit``."""
        return Forbidden(
            "plan_limit",
            f"The {self.plan} plan has room for {self.limit} devices {self.where}; {self.used} are "
            f"there already, so {self.wanted - self.granted} of {self.wanted} were refused. "
            "Remove devices, or ask the people who run this server for a larger plan.",
            {
                "plan": self.plan,
                "limit": self.limit,
                "used": self.used,
                "refused": self.wanted - self.granted,
            },
        )


class PlanLimits:
    """What the plans of owners allow.

    Args:
        counts: who counts devices.
        default_plan: plan of an owner whose plan was never set.
    """

    def __init__(self, counts: DeviceCounts, *, default_plan: PlanName) -> None:
        self._counts = counts
        self._default_plan = default_plan

    def plan_of(self, conn: Connection, owner: Owner) -> PlanName:
        """The plan that an owner is on."""
        return store.find_plan(conn, owner.id) or self._default_plan

    def terms_of(self, conn: Connection, owner: Owner) -> PlanTerms:
        """What that plan allows."""
        return terms_of(self.plan_of(conn, owner))

    def require(self, conn: Connection, owner: Owner, feature: Feature) -> None:
        """Refuses a feature that the owner's plan does not include.

        Raises:
            Forbidden: ``plan_limit``.
        """
        require(self.plan_of(conn, owner), feature)

    def reserve_in_product(
        self, conn: Connection, owner: Owner, product_id: int, wanted: int, at: datetime
    ) -> Reservation:
        """Room for devices that are to be added to a product; the caller adds no more than that."""
        plan, terms = self._lock(conn, owner, at)
        if terms.devices_per_product is not None:
            used = self._counts.in_product(conn, product_id)
            return _reservation(plan, wanted, terms.devices_per_product, used, "in one product")
        if terms.devices_per_account is not None:
            used = self._of_account(conn, owner)
            return _reservation(plan, wanted, terms.devices_per_account, used, "in one account")
        return Reservation(plan, wanted, wanted)

    def reserve_outside_products(
        self, conn: Connection, user_id: str, wanted: int, at: datetime
    ) -> Reservation:
        """Room for devices that a person is to claim outside products."""
        owner = Owner(user_id=user_id)
        plan, terms = self._lock(conn, owner, at)
        if terms.devices_outside_products is not None:
            used = self._counts.outside_products(conn, user_id)
            limit, where = terms.devices_outside_products, "outside products"
            return _reservation(plan, wanted, limit, used, where)
        if terms.devices_per_account is not None:
            used = self._of_account(conn, owner)
            return _reservation(plan, wanted, terms.devices_per_account, used, "in one account")
        return Reservation(plan, wanted, wanted)

    def check_move(self, conn: Connection, owner: Owner, devices: int) -> None:
        """Refuses a product that the new owner's plan has no room for.

        Raises:
            Forbidden: ``plan_limit``.
        """
        plan = self.plan_of(conn, owner)
        terms = terms_of(plan)
        if terms.devices_per_product is not None:
            room = _reservation(plan, devices, terms.devices_per_product, 0, "in one product")
        elif terms.devices_per_account is not None:
            used = self._of_account(conn, owner)
            room = _reservation(plan, devices, terms.devices_per_account, used, "in one account")
        else:
            return
        if room.granted < devices:
            raise room.refusal()

    def reserve_move(self, conn: Connection, owner: Owner, devices: int, at: datetime) -> None:
        """As ``check_move``, with the new owner's row locked until the transaction ends.

        Raises:
            Forbidden: ``plan_limit``.
        """
        self._lock(conn, owner, at)
        self.check_move(conn, owner, devices)

    def use_of(self, conn: Connection, owner: Owner) -> PlanUse:
        """How much of the plan an owner uses now."""
        terms = self.terms_of(conn, owner)
        in_products = self._counts.in_products_of(conn, owner)
        outside = self._counts.outside_products(conn, owner.user_id) if owner.user_id else 0
        full = (
            _is_full(terms.devices_per_account, in_products + outside),
            _is_full(terms.devices_outside_products, outside),
            _is_full(terms.devices_per_product, self._counts.in_largest_product_of(conn, owner)),
        )
        return PlanUse(in_products + outside, any(full))

    def _of_account(self, conn: Connection, owner: Owner) -> int:
        used = self._counts.in_products_of(conn, owner)
        if owner.user_id is not None:
            used += self._counts.outside_products(conn, owner.user_id)
        return used

    def _lock(self, conn: Connection, owner: Owner, at: datetime) -> tuple[PlanName, PlanTerms]:
        """The plan, with the owner's row locked until the transaction ends."""
        if conn.dialect.name == "postgresql":
            store.ensure_plan(conn, owner.id, self._default_plan, at)
            row = select(store.plans.c.plan).where(store.plans.c.owner_id == owner.id)
            conn.execute(row.with_for_update())
        plan = self.plan_of(conn, owner)
        return plan, terms_of(plan)


def _is_full(limit: int | None, used: int) -> bool:
    return limit is not None and used >= limit


def _reservation(plan: PlanName, wanted: int, limit: int, used: int, where: str) -> Reservation:
    granted = max(0, min(wanted, limit - used))
    return Reservation(plan, wanted, granted, limit, used, where)
