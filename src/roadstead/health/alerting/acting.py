"""What people ask of alerts: look, acknowledge, resolve.

Whoever calls this has checked the permission in the product; every question names the product, and
what belongs to another one is not found.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from roadstead.health.alerting import alert_store, evidence_store, rule_store
from roadstead.health.alerting.model import Alert, AlertRule
from roadstead.identity.model import Actor
from roadstead.identity.recording import record_change
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Invalid, NotFound
from roadstead.products.model import Product
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox

MAX_NOTE_CHARS = 1000


class Alerts:
    """The alerts of products."""

    def __init__(self, database: Database, clock: Clock, box: SecretBox) -> None:
        self._database = database
        self._clock = clock
        self._box = box

    async def list_alerts(
        self,
        product: Product,
        *,
        states: Sequence[str],
        rule_id: str | None,
        subject: str | None,
        below_id: str | None,
        limit: int,
    ) -> list[Alert]:
        """The newest alerts, newest first."""
        return await self._database.read(
            lambda conn: alert_store.list_alerts(
                conn,
                product.id,
                states=states,
                rule_id=rule_id,
                subject=subject,
                below_id=below_id,
                limit=limit,
            )
        )

    async def count(self, product_ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """How many alerts are not resolved, by product and state."""
        return await self._database.read(lambda conn: alert_store.count_live(conn, product_ids))

    async def get_alert(self, product: Product, alert_id: str) -> Alert:
        """One alert.

        Raises:
            NotFound: ``alert_not_found``.
        """
        return await self._database.read(lambda conn: _get(conn, product, alert_id))

    async def acknowledge(self, actor: Actor, product: Product, alert_id: str, note: str) -> Alert:
        """Says that somebody looks after it; once more changes the note.

        Raises:
            NotFound: ``alert_not_found``.
            Conflict: ``alert_resolved``.
        """
        return await self._act(actor, product, alert_id, note, "acknowledge")

    async def resolve(self, actor: Actor, product: Product, alert_id: str, note: str) -> Alert:
        """Ends it by hand. It opens again when the condition begins anew.

        Raises:
            NotFound: ``alert_not_found``.
            Conflict: ``alert_resolved``.
        """
        return await self._act(actor, product, alert_id, note, "resolve")

    async def act_on_rule(
        self, actor: Actor, product: Product, rule_id: str, action: str, note: str
    ) -> int:
        """Acknowledges or resolves all live alerts of a rule; gives how many.

        Raises:
            NotFound: ``alert_rule_not_found``.
        """
        _check_note(note)
        now = self._clock.now()

        def work(conn: Connection) -> int:
            lock_rule(conn, self._box, product, rule_id)
            if action == "resolve":
                count = end_alerts(conn, rule_id, actor.username, "person", now)
            else:
                count = alert_store.acknowledge_of_rule(conn, rule_id, actor.username, note, now)
            after = {"alerts": count, "note": note}
            target = f"product/{product.id}/alert_rules/{rule_id}"
            record_change(conn, actor, f"alert.{action}_all", target, None, after, at=now)
            return count

        return await self._database.write(work, durable=True)

    async def _act(
        self, actor: Actor, product: Product, alert_id: str, note: str, action: str
    ) -> Alert:
        _check_note(note)
        now = self._clock.now()

        def work(conn: Connection) -> Alert:
            former = _get(conn, product, alert_id, lock=True)
            if former.state == "resolved":
                raise Conflict("alert_resolved", f"Alert {alert_id} is resolved already.")
            if action == "acknowledge":
                alert_store.acknowledge(conn, alert_id, actor.username, note, now)
            else:
                alert_store.resolve(conn, [alert_id], by=actor.username, reason="person", at=now)
                if note:
                    alert_store.set_note(conn, alert_id, note)
                key = (former.rule_id, former.subject)
                evidence_store.delete_watches(conn, [key])
            after: dict[str, object] = {"state": f"{action}d", "note": note}
            before: dict[str, object] = {"state": former.state, "note": former.note}
            target = f"product/{product.id}/alerts/{alert_id}"
            record_change(conn, actor, f"alert.{action}", target, before, after, at=now)
            return _get(conn, product, alert_id)

        return await self._database.write(work, durable=True)


def find_rule(conn: Connection, box: SecretBox, product: Product, rule_id: str) -> AlertRule:
    """A rule of the product.

    Raises:
        NotFound: ``alert_rule_not_found``.
    """
    rule = rule_store.find_rule(conn, box, product.id, rule_id)
    if rule is None:
        raise NotFound("alert_rule_not_found", f"Alert rule {rule_id} was not found.")
    return rule


def lock_rule(conn: Connection, box: SecretBox, product: Product, rule_id: str) -> AlertRule:
    """The same, which nobody else changes until this unit of work ends."""
    find_rule(conn, box, product, rule_id)
    return rule_store.lock_rules(conn, box, [rule_id])[rule_id]


def end_alerts(conn: Connection, rule_id: str, by: str, reason: str, now: datetime) -> int:
    """Resolves all alerts of a rule and forgets what it watches; gives how many there were."""
    evidence_store.delete_watches_of_rule(conn, rule_id)
    return alert_store.resolve_of_rule(conn, rule_id, by=by, reason=reason, at=now)


def _get(conn: Connection, product: Product, alert_id: str, *, lock: bool = False) -> Alert:
    found = alert_store.find_alert(conn, product.id, alert_id, lock=lock)
    if found is None:
        raise NotFound("alert_not_found", f"Alert {alert_id} was not found.")
    return found


def _check_note(note: str) -> None:
    if len(note) > MAX_NOTE_CHARS:
        raise Invalid("bad_note", f"note has {MAX_NOTE_CHARS} characters at most.")
