"""What became of each delivery, for its owner; and sending again what did not arrive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from roadstead.identity.model import Actor
from roadstead.identity.recording import record_change
from roadstead.integrations import delivery_queries
from roadstead.integrations.catalogue import DUE
from roadstead.integrations.delivery_queries import DeliveryFilter
from roadstead.integrations.delivery_store import DeliveryRow
from roadstead.integrations.model import Integration
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, NotFound
from roadstead.storage import outbox
from roadstead.storage.database import Database

STEP_ROWS = 500
"""Deliveries set in one transaction."""

MAX_REPLAYED = 50_000
"""Deliveries set by one request; a hundred short transactions."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did.

    Attributes:
        count: deliveries that are sent again.
        more: there are others, beyond what one request may set.
    """

    count: int
    more: bool


class DeliveryLog:
    """The deliveries of all hooks; who asks has found the hook among their own before."""

    def __init__(self, database: Database, clock: Clock, announce: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce

    async def list_deliveries(
        self,
        hooks: Sequence[Integration],
        wanted: DeliveryFilter,
        *,
        below_id: int | None = None,
        limit: int,
    ) -> list[DeliveryRow]:
        """Deliveries of these hooks, newest first."""
        ids = [hook.id for hook in hooks]
        return await self._database.read(
            lambda conn: delivery_queries.list_deliveries(
                conn, ids, wanted, below_id=below_id, limit=limit
            )
        )

    async def get_delivery(self, hook: Integration, delivery_id: int) -> DeliveryRow:
        """One delivery.

        Raises:
            NotFound: ``delivery_not_found``.
        """
        row = await self._database.read(
            lambda conn: delivery_queries.find_delivery(conn, [hook.id], delivery_id)
        )
        if row is None:
            raise _not_found(delivery_id)
        return row

    async def replay(self, actor: Actor, hook: Integration, delivery_id: int) -> None:
        """Sends a delivery again that has ended, whatever became of it.

        Its receiver knows it by its old id.

        Raises:
            NotFound: ``delivery_not_found``.
            Conflict: ``delivery_waits``.
        """

        def work(conn: Connection) -> None:
            now_ms = self._clock.now_ms()
            if not delivery_queries.send_again(conn, hook.id, delivery_id, now_ms):
                if delivery_queries.find_delivery(conn, [hook.id], delivery_id) is None:
                    raise _not_found(delivery_id)
                raise Conflict("delivery_waits", "This delivery waits to be sent already.")
            self._record(conn, actor, hook, {"delivery": str(delivery_id)})

        await self._database.write(work)
        self._announce()

    async def replay_all(self, actor: Actor, hook: Integration, wanted: DeliveryFilter) -> Replayed:
        """Sends all deliveries of a filter again that have ended, oldest first."""
        count = 0
        while count < MAX_REPLAYED:
            step = await self._database.write(lambda conn: self._step(conn, actor, hook, wanted))
            if step:
                self._announce()
            count += step
            if step < STEP_ROWS:
                return Replayed(count, more=False)
        return Replayed(count, more=True)

    def _step(
        self, conn: Connection, actor: Actor, hook: Integration, wanted: DeliveryFilter
    ) -> int:
        now_ms = self._clock.now_ms()
        step = delivery_queries.send_some_again(conn, hook.id, wanted, now_ms, STEP_ROWS)
        if step:
            self._record(conn, actor, hook, {"deliveries": step, "outcome": wanted.outcome})
        return step

    def _record(
        self, conn: Connection, actor: Actor, hook: Integration, after: dict[str, Any]
    ) -> None:
        record_change(
            conn,
            actor,
            "integration.replay",
            f"integration/{hook.id}",
            None,
            after,
            at=self._clock.now(),
        )
        outbox.append(conn, DUE, hook.id)


def _not_found(delivery_id: int) -> NotFound:
    return NotFound("delivery_not_found", f"There is no delivery {delivery_id} here.")
