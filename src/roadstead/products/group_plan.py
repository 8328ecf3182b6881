"""Whether the plan of a product's owner has groups: asked where a group is about to be made."""

from sqlalchemy import Connection

from roadstead.organizations.store import find_plan
from roadstead.organizations.terms import require
from roadstead.products import store


def require_groups(conn: Connection, product_id: int) -> None:
    """Refuses a new group where the plan has none; groups that are there stay usable.

    Raises:
        Forbidden: ``plan_limit``.
    """
    product = store.find_product(conn, product_id)
    plan = find_plan(conn, product.owner.id) if product is not None else None
    # Accounts and organizations get their plan as they are made; without one nothing is refused.
    if plan is not None:
        require(plan, "groups")
