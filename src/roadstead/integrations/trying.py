"""One request at once: what ``test`` does, and what every delivery does in the end."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from roadstead.events.model import Event
from roadstead.integrations.delivery_store import (
    AttemptRow,
    encode_event,
    new_row,
    write_attempts,
    write_deliveries,
)
from roadstead.integrations.model import Delivery, Integration, Kind
from roadstead.integrations.sending import Prepared, Sender, answer_record
from roadstead.integrations.settling import Attempt, log_line
from roadstead.integrations.template import TemplateFailure
from roadstead.kit.clock import Clock
from roadstead.kit.ids import EventIds
from roadstead.outbound.http_messages import HttpFailure
from roadstead.storage.database import Database


class Trying:
    """Sends single requests.

    Args:
        senders: one for each kind.
        ids: gives ids to deliveries; shared with the engine.
    """

    def __init__(
        self, database: Database, clock: Clock, senders: Mapping[Kind, Sender], ids: EventIds
    ) -> None:
        self._database = database
        self._clock = clock
        self._senders = senders
        self._ids = ids

    def prepare(
        self, hook: Integration, events: Sequence[Event], delivery_id: int
    ) -> Prepared | Attempt:
        """The request, or the attempt that has failed because it cannot be made."""
        began_ms = self._clock.now_ms()
        try:
            return self._senders[hook.kind].prepare(hook, events, f"msg_{delivery_id}")
        except TemplateFailure as failure:
            return Attempt(began_ms, 0, None, failure="bad_template", error=str(failure))

    async def attempt(self, hook: Integration, prepared: Prepared) -> Attempt:
        """Sends a request once."""
        began_ms, began_s = self._clock.now_ms(), self._clock.monotonic()
        answer = failure = error = None
        try:
            answer = await self._senders[hook.kind].send(hook, prepared)
        except HttpFailure as refused:
            failure, error = refused.kind, str(refused)
        took_ms = int((self._clock.monotonic() - began_s) * 1000)
        return Attempt(began_ms, took_ms, prepared, answer, failure, error)

    async def try_once(self, hook: Integration, event: Event) -> Attempt:
        """Sends one request for an event, and writes it down among the deliveries."""
        at_ms = event.published_at_ms
        delivery = Delivery(self._ids.next(at_ms), hook.id, event, at_ms, at_ms)
        prepared = self.prepare(hook, [event], delivery.id)
        attempt = prepared
        if isinstance(prepared, Prepared):
            attempt = await self.attempt(hook, prepared)
        assert isinstance(attempt, Attempt)
        await self._database.write(lambda conn: _write(conn, delivery, attempt))
        return attempt


def _write(conn: Connection, delivery: Delivery, attempt: Attempt) -> None:
    write_deliveries(conn, [new_row(delivery, encode_event(delivery.event), 0)])
    ended_ms = attempt.began_ms + attempt.took_ms
    prepared, answer = attempt.prepared, attempt.answer
    secrets = prepared.secrets if prepared else ()
    row = AttemptRow(
        id=delivery.id,
        state="done",
        attempts=1,
        next_at_ms=ended_ms,
        outcome="delivered" if attempt.ok else "failed",
        finished_at_ms=ended_ms,
        request=prepared.record if prepared else None,
        response=answer_record(answer, secrets) if answer else None,
        error=attempt.reason,
        log=[{**log_line(attempt), "test": True}],
    )
    write_attempts(conn, [row])
