"""What becomes of alerts when devices leave a product, or a product is deleted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from roadstead.health.alerting import alert_store, evidence_store, rule_store


def devices_left(conn: Connection, device_ids: Sequence[str], at: datetime) -> None:
    """Their alerts end, and nobody waits for them; within the transaction in which they leave."""
    evidence_store.forget_offline(conn, device_ids)
    live = alert_store.list_live_of_subjects(conn, device_ids)
    alert_store.resolve(conn, [one.id for one in live], by="", reason="left", at=at)
    evidence_store.delete_watches(conn, [(one.rule_id, one.subject) for one in live])


def product_gone(conn: Connection, product_id: int) -> None:
    """Its rules and alerts go with it."""
    evidence_store.delete_of_product(conn, product_id)
    evidence_store.delete_watches_of_product(conn, product_id)
    rule_store.delete_of_product(conn, product_id)
    alert_store.delete_of_product(conn, product_id)
