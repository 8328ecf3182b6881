"""What firmware, health and rollouts answer to products: their port has one place to be filled."""

from collections.abc import Sequence

from sqlalchemy import Connection

from roadstead.firmware.for_products import FirmwareOfProducts
from roadstead.health import condition_store
from roadstead.health.alerting import leaving
from roadstead.health.condition import HOUR_MS
from roadstead.kit.clock import to_ms
from roadstead.rollouts import look_store, store, trace_store
from roadstead.rollouts.policy_store import delete_policy


class FirmwareAndRollouts(FirmwareOfProducts):
    """Keeps rollouts and the sums of fleets in step with products, too."""

    def members_gone(self, conn: Connection, product_id: int, device_ids: Sequence[str]) -> None:
        """They get nothing more by rollouts, their alerts end, and their past is forgotten."""
        super().members_gone(conn, product_id, device_ids)
        store.pass_over(conn, device_ids, "not_a_member")
        trace_store.forget_devices(conn, device_ids)
        hour = to_ms(self._clock.now()) // HOUR_MS
        condition_store.members_gone(conn, product_id, device_ids, hour)
        leaving.devices_left(conn, device_ids, self._clock.now())

    def product_gone(self, conn: Connection, product_id: int) -> list[str]:
        """Its rollouts and alerts go with it."""
        leaving.product_gone(conn, product_id)
        delete_policy(conn, product_id)
        condition_store.product_gone(conn, product_id)
        look_store.delete_all(conn, product_id)
        store.delete_all(conn, product_id)
        return super().product_gone(conn, product_id)
