"""The table ``rollout_policies``: the policy by which a product's releases go out at once."""

from typing import Any

import msgspec
from sqlalchemy import Column, Connection, ForeignKey, Integer, Table, select, text

from roadstead.products.store import products
from roadstead.rollouts.model import Policy
from roadstead.storage.columns import Json, metadata

rollout_policies = Table(
    "rollout_policies",
    metadata,
    Column("product_id", Integer, ForeignKey(products.c.id), primary_key=True),
    Column("policy", Json, nullable=False),
)

_PUT = text(
    """
    INSERT INTO rollout_policies (product_id, policy) VALUES (:product_id, :policy)
    ON CONFLICT (product_id) DO UPDATE SET policy = excluded.policy
    """
)


def find_policy(conn: Connection, product_id: int) -> Policy | None:
    """The product's own policy; None when it has the shipped one."""
    query = select(rollout_policies.c.policy).where(rollout_policies.c.product_id == product_id)
    found: Any = conn.execute(query).scalar()
    return None if found is None else msgspec.convert(found, Policy)


def put_policy(conn: Connection, product_id: int, policy: Policy) -> None:
    """Keeps the product's own policy."""
    conn.execute(_PUT, {"product_id": product_id, "policy": msgspec.json.encode(policy).decode()})


def delete_policy(conn: Connection, product_id: int) -> None:
    """Goes back to the shipped policy."""
    conn.execute(rollout_policies.delete().where(rollout_policies.c.product_id == product_id))
