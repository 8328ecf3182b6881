"""What follows an attempt: events for the device and its owner, a row, another attempt or none."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from roadstead.events.ingest import EventIngest
from roadstead.events.limits import DEFAULT_TTL_S
from roadstead.events.model import Event
from roadstead.integrations import replies
from roadstead.integrations.delivery_store import AttemptRow, write_attempts
from roadstead.integrations.model import Delivery, Integration, Outcome, WebhookSettings
from roadstead.integrations.retry import (
    GiveUp,
    next_attempt,
    parse_retry_after,
    succeeded,
)
from roadstead.integrations.sending import Prepared, answer_record
from roadstead.outbound.http_messages import HttpAnswer
from roadstead.storage.journal import Journal

log = logging.getLogger(__name__)

ROOM_WAIT_S = 0.05
ROOM_TRIES = 200
"""An answer waits for room in the journal at most ten seconds."""


Told = Literal["success", "failure", "sleep"]
"""``sleep``: it waits for a host that is left alone; it will end one way or the other later."""

WatchOutcomes = Callable[[Event, Told], None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, done.

    Attributes:
        began_ms, took_ms: Unix milliseconds, milliseconds.
        prepared: the request; None when it could not be made.
        answer: what came back, if anything did.
        failure: kind of the reason why nothing did.
        error: the reason in words.
    """

    began_ms: int
    took_ms: int
    prepared: Prepared | None
    answer: HttpAnswer | None = None
    failure: str | None = None
    error: str | None = None

    @property
    def status(self) -> int | None:
        """Status of the answer."""
        return self.answer.status if self.answer else None

    @property
    def ok(self) -> bool:
        """Whether the receiver took it."""
        return succeeded(self.status)

    @property
    def reason(self) -> str | None:
        """Why it was no success, as the field words it."""
        if self.ok:
            return None
        if self.answer is not None:
            return replies.status_message(self.answer.status)
        return self.error or "no answer from the host"


class Settling:
    """Settles attempts.

    Args:
        journal: where rows go.
        ingest: where events go.
        scale: shrinks the pauses between attempts, for tests and measurements.
        given_up: told of each delivery that was given up: hook and reason.

    Attributes:
        outcomes: how many deliveries ended how, and ``retried``.
        lost_replies: events about deliveries that the journal had no room for.
    """

    def __init__(
        self,
        journal: Journal,
        ingest: EventIngest,
        *,
        scale: float = 1.0,
        given_up: Callable[[str, str], None] | None = None,
    ) -> None:
        self._given_up = given_up
        self._journal = journal
        self._ingest = ingest
        self._scale = scale
        self._watch: WatchOutcomes | None = None
        self.outcomes: Counter[str] = Counter()
        self.lost_replies = 0

    def watch_outcomes(self, watch: "WatchOutcomes") -> None:
        """Tells ``watch`` how every later delivery ended, and which had to wait for a host."""
        self._watch = watch

    async def settle(
        self, hook: Integration, deliveries: Sequence[Delivery], attempt: Attempt
    ) -> int | None:
        """Settles all deliveries of one request.

        Returns:
            Unix milliseconds at which they are tried again, None when they have ended.
        """
        made = max(one.attempts for one in deliveries) + 1
        retry_at_ms, outcome = self._verdict(hook, made, attempt)
        problems = await self._reply(hook, deliveries, attempt, ended=retry_at_ms is None)
        for delivery, problem in zip(deliveries, problems, strict=True):
            self._write(delivery, attempt, retry_at_ms, outcome, problem)
        return retry_at_ms

    def expire(self, delivery: Delivery, now_ms: int) -> None:
        """Ends a delivery that could not be tried for too long."""
        attempt = Attempt(now_ms, 0, None, failure="expired", error="it waited for a day")
        self._write(delivery, attempt, None, "expired", None, count=False)

    async def tell_waiting(self, hook: Integration, delivery: Delivery) -> None:
        """Tells its owner, once, that a delivery waits for a host that is asleep."""
        if delivery.told:
            return
        delivery.told = True
        if self._watch is not None:
            self._watch(delivery.event, "sleep")
        found = replies.error_replies(_webhook(hook), hook.owner, delivery.event, replies.SLEEPING)
        await self._publish_all(delivery.event, found.events)

    def _verdict(
        self, hook: Integration, made: int, attempt: Attempt
    ) -> tuple[int | None, Outcome | None]:
        if attempt.ok:
            return None, "delivered"
        answer = attempt.answer
        verdict = next_attempt(
            made,
            max_attempts=hook.settings.max_attempts,
            status=attempt.status,
            failure=attempt.failure,
            retry_after_s=parse_retry_after(answer.headers.get("retry-after")) if answer else None,
            scale=self._scale,
        )
        if isinstance(verdict, GiveUp):
            return None, "rejected" if verdict.rejected else "failed"
        return attempt.began_ms + attempt.took_ms + int(verdict.after_s * 1000), None

    async def _reply(
        self, hook: Integration, deliveries: Sequence[Delivery], attempt: Attempt, *, ended: bool
    ) -> list[str | None]:
        """Publishes what the attempt means to devices and owners; gives problems, one each."""
        problems: list[str | None] = []
        settings = _webhook(hook)
        for number, delivery in enumerate(deliveries):
            event, events, problem = delivery.event, [], None
            if attempt.answer is not None and not any("status" in one for one in delivery.log):
                events.append(replies.sent_reply(event))
            if attempt.ok and attempt.answer is not None and settings is not None and not number:
                # A batch has one answer: it goes to the topic of its first event.
                found = replies.answer_replies(settings, hook.owner, event, attempt.answer)
                events, problem = events + found.events, found.problem
            elif not attempt.ok and ended:
                message = attempt.reason or ""
                found = replies.error_replies(settings, hook.owner, event, message)
                events, problem = events + found.events, found.problem
            lost = await self._publish_all(event, events)
            problems.append("an answer was lost: the server was too busy" if lost else problem)
        return problems

    async def _publish_all(self, about: Event, events: Sequence[tuple[str, bytes]]) -> bool:
        lost = False
        for name, data in events:
            for _ in range(ROOM_TRIES):
                if self._publish(about, name, data):
                    break
                await asyncio.sleep(ROOM_WAIT_S)
            else:
                self.lost_replies += 1
                lost = True
        return lost

    def _publish(self, about: Event, name: str, data: bytes) -> bool:
        accepted = self._ingest.accept(
            name=name,
            payload=data or None,
            content_format=None,
            ttl_s=DEFAULT_TTL_S,
            source="system",
            device_id=None,
            owner_id=about.owner_id,
            product_id=about.product_id,
            firmware_version=about.firmware_version,
            reacted_to=False,
        )
        return accepted is not None

    def _write(
        self,
        delivery: Delivery,
        attempt: Attempt,
        retry_at_ms: int | None,
        outcome: Outcome | None,
        problem: str | None,
        *,
        count: bool = True,
    ) -> None:
        ended_ms = attempt.began_ms + attempt.took_ms
        delivery.attempts += count
        delivery.log.append(log_line(attempt))
        delivery.next_at_ms = retry_at_ms if retry_at_ms is not None else ended_ms
        prepared, answer = attempt.prepared, attempt.answer
        secrets = prepared.secrets if prepared else ()
        row = AttemptRow(
            id=delivery.id,
            state="done" if outcome else "waiting",
            attempts=delivery.attempts,
            next_at_ms=delivery.next_at_ms,
            outcome=outcome,
            finished_at_ms=ended_ms if outcome else None,
            request=prepared.record if prepared else None,
            response=answer_record(answer, secrets) if answer else None,
            error=attempt.reason or problem,
            log=delivery.log,
        )
        self.outcomes[outcome or "retried"] += 1
        if outcome is not None and self._watch is not None:
            self._watch(delivery.event, "success" if outcome == "delivered" else "failure")
        if self._given_up is not None and outcome in ("failed", "rejected", "expired"):
            self._given_up(delivery.hook_id, row.error or outcome)
        if not self._journal.append(write_attempts, row, _report(delivery.id)):
            log.error("delivery %d: its outcome was not written; it will be repeated", delivery.id)


def _webhook(hook: Integration) -> WebhookSettings | None:
    return hook.settings if isinstance(hook.settings, WebhookSettings) else None


def log_line(attempt: Attempt) -> dict[str, object]:
    """An attempt in the log of its delivery."""
    line: dict[str, object] = {"at_ms": attempt.began_ms, "took_ms": attempt.took_ms}
    if attempt.status is not None:
        line["status"] = attempt.status
    if attempt.failure:
        line["failure"] = attempt.failure
    if attempt.error:
        line["error"] = attempt.error
    return line


def _report(delivery_id: int) -> Callable[[Exception | None], None]:
    def report(error: Exception | None) -> None:
        if error is not None:
            log.error("delivery %d: its outcome was not written: %s", delivery_id, error)

    return report
