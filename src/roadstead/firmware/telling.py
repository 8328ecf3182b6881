"""How a change of a product's firmware is told: outbox, and the product's stream."""

import msgspec
from sqlalchemy import Connection

from roadstead.events.ingest import EventIngest
from roadstead.storage import outbox

FIRMWARE_CHANGED = "firmware.changed"
"""Outbox topic, keyed by product id: a version came or went, a release, a lock."""

EVENT_TTL_S = 60

Facts = dict[str, object] | None


def announce(conn: Connection, product_id: int) -> None:
    """Writes the outbox row of a change; afterwards no audit row in this transaction."""
    outbox.append(conn, FIRMWARE_CHANGED, str(product_id))


def publish(ingest: EventIngest, product_id: int, name: str, facts: dict[str, object]) -> None:
    """Publishes an event about a product on its stream, as from the API."""
    ingest.accept(
        name=name,
        payload=msgspec.json.encode(facts),
        content_format=None,
        ttl_s=EVENT_TTL_S,
        source="api",
        device_id=None,
        owner_id=None,
        product_id=product_id,
        firmware_version=0,
    )
