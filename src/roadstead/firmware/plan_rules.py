"""What the plan of an owner allows with firmware: releases, and flashes at the same time."""

from typing import Final

from sqlalchemy import Connection

from roadstead.kit.errors import Forbidden
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.model import Owner
from roadstead.products.model import Product

ONE: Final = 1


def allow_release(
    conn: Connection,
    limits: PlanLimits,
    product: Product,
    *,
    intelligent: bool,
    security_fix: bool = False,
) -> None:
    """Refuses a release that the plan of the product's owner does not include.

    A release marked as a security fix is never held back: no plan may keep devices in danger.

    Raises:
        Forbidden: ``plan_limit``.
    """
    if security_fix:
        return
    if limits.terms_of(conn, product.owner).updates == "device":
        plan = limits.plan_of(conn, product.owner)
        raise Forbidden(
            "plan_limit",
            f"The {plan} plan updates one device at a time (lock and flash it); releases to groups "
            "and to all need the product plan. Ask the people who run this server for it.",
            {"plan": plan, "feature": "releases", "needed_plan": "product"},
        )
    if intelligent:
        limits.require(conn, product.owner, "intelligent_ota")


def allow_flash(conn: Connection, limits: PlanLimits, owner: Owner, running: int) -> None:
    """Refuses a flash beside others where the plan allows one at a time.

    Args:
        conn: the unit of work.
        limits: what plans allow.
        owner: whose plan counts: of the product's owner, else of the person.
        running: how many are on their way.

    Raises:
        Forbidden: ``plan_limit``.
    """
    if running < ONE or limits.terms_of(conn, owner).updates != "device":
        return
    plan = limits.plan_of(conn, owner)
    raise Forbidden(
        "plan_limit",
        f"The {plan} plan flashes one device at a time, and one is being flashed; wait until it is "
        "done.",
        {"plan": plan, "limit": ONE, "used": running},
    )
