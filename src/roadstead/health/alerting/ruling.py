"""What people ask of rules.

Whoever calls this has checked the permission in the product; every question names the product, and
what belongs to another one is not found.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from roadstead.health.alerting import alert_store, catalogue, rule_store
from roadstead.health.alerting.acting import end_alerts, find_rule, lock_rule
from roadstead.health.alerting.catalogue import RuleCatalogue
from roadstead.health.alerting.checking import MAX_RULES, check_draft
from roadstead.health.alerting.model import AlertRule, RuleDraft
from roadstead.health.alerting.people import PeopleOf, check_people, recipients_of
from roadstead.health.alerting.previewing import Preview, preview
from roadstead.health.alerting.scoping import unknown_groups
from roadstead.health.alerting.telling import test_facts
from roadstead.identity.model import Actor
from roadstead.identity.recording import record_change
from roadstead.kit.clock import Clock, to_ms
from roadstead.kit.errors import Conflict, Invalid
from roadstead.kit.ids import new_object_id
from roadstead.notifications.model import NoticeOwner
from roadstead.notifications.service import Notices
from roadstead.products.model import Product
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox

CHECKED = frozenset({"offline", "fleet_online"})
"""Kinds of rules that look by themselves; the others are told by events."""


@dataclass(frozen=True, slots=True)
class ToldPeople:
    """Who is told by a rule now.

    Attributes:
        mail: addresses that get letters.
        webhook: a webhook is called.
    """

    mail: tuple[str, ...]
    webhook: bool


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule with how it stands.

    Attributes:
        live: its alerts that are not resolved.
    """

    rule: AlertRule
    live: int
    told: ToldPeople


Allow = Callable[[Connection, Product], None]
"""Refuses a product whose plan has no alerts."""


class AlertRules:
    """The rules of products.

    Args:
        allow: asked before a rule is made, changed, tried or tested.
        announce: called after a change was committed that other processes must hear of.
        wake: called when something may be due.
        people_of: who may see a product.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        box: SecretBox,
        rules: RuleCatalogue,
        notices: Notices,
        allow: Allow,
        announce: Callable[[], None],
        wake: Callable[[], None],
        people_of: PeopleOf,
    ) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._rules = rules
        self._notices = notices
        self._allow = allow
        self._announce = announce
        self._wake = wake
        self._people_of = people_of

    async def list_rules(self, product: Product) -> list[RuleState]:
        """All rules of the product, oldest first."""

        def work(conn: Connection) -> list[RuleState]:
            live = alert_store.count_live_by_rule(conn, product.id)
            found = rule_store.list_rules(conn, self._box, product.id)
            return [self._state(conn, one, live.get(one.id, 0)) for one in found]

        return await self._database.read(work)

    async def get_rule(self, product: Product, rule_id: str) -> RuleState:
        """One rule.

        Raises:
            NotFound: ``alert_rule_not_found``.
        """

        def work(conn: Connection) -> RuleState:
            rule = find_rule(conn, self._box, product, rule_id)
            live = alert_store.count_live_by_rule(conn, product.id)
            return self._state(conn, rule, live.get(rule.id, 0))

        return await self._database.read(work)

    async def create_rule(self, actor: Actor, product: Product, draft: RuleDraft) -> RuleState:
        """Makes a rule; it looks at once.

        Raises:
            Forbidden: ``plan_limit``.
            Invalid: ``bad_rule``.
            Conflict: ``too_many_rules``.
        """
        check_draft(draft)
        now = self._clock.now()
        rule = AlertRule(new_object_id(), product.id, draft, actor.username, now, now)

        def work(conn: Connection) -> None:
            self._check(conn, product, draft)
            if rule_store.count_rules(conn, product.id) >= MAX_RULES:
                raise Conflict("too_many_rules", f"A product has {MAX_RULES} alert rules at most.")
            rule_store.insert_rule(conn, self._box, rule, _check_due(draft, now))
            self._record(conn, actor, product, "alert_rule.create", rule.id, None, draft)
            catalogue.announce(conn, product.id)

        await self._database.write(work, durable=True)
        await self._changed(product)
        return await self.get_rule(product, rule.id)

    async def change_rule(
        self, actor: Actor, product: Product, rule_id: str, draft: RuleDraft
    ) -> RuleState:
        """Replaces a rule. With another condition its alerts end, and it looks anew.

        Raises:
            NotFound: ``alert_rule_not_found``.
            Forbidden: ``plan_limit``.
            Invalid: ``bad_rule``.
        """
        check_draft(draft)
        now = self._clock.now()

        def work(conn: Connection) -> None:
            former = lock_rule(conn, self._box, product, rule_id)
            self._check(conn, product, draft)
            rule = replace(former, draft=draft, updated_at=now)
            rule_store.replace_rule(conn, self._box, rule, _check_due(draft, now))
            if not draft.enabled or _decides(former.draft) != _decides(draft):
                reason = "rule_changed" if draft.enabled else "rule_off"
                end_alerts(conn, rule_id, actor.username, reason, now)
            self._record(conn, actor, product, "alert_rule.update", rule_id, former.draft, draft)
            catalogue.announce(conn, product.id)

        await self._database.write(work, durable=True)
        await self._changed(product)
        return await self.get_rule(product, rule_id)

    async def delete_rule(self, actor: Actor, product: Product, rule_id: str) -> None:
        """Deletes a rule. Its alerts end, and stay in the history.

        Raises:
            NotFound: ``alert_rule_not_found``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> None:
            former = lock_rule(conn, self._box, product, rule_id)
            end_alerts(conn, rule_id, actor.username, "rule_deleted", now)
            rule_store.delete_rule(conn, rule_id)
            self._record(conn, actor, product, "alert_rule.delete", rule_id, former.draft, None)
            catalogue.announce(conn, product.id)

        await self._database.write(work, durable=True)
        await self._changed(product)

    async def test_rule(self, actor: Actor, product: Product, rule_id: str) -> str:
        """Sends a notice that is marked as a test, to whom the rule tells; gives its id.

        Raises:
            NotFound: ``alert_rule_not_found``.
            Forbidden: ``plan_limit``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> str:
            rule = lock_rule(conn, self._box, product, rule_id)
            self._allow(conn, product)
            notice_id = self._notices.notify_in(
                conn,
                NoticeOwner("product", str(product.id)),
                "alert.test",
                {**test_facts(conn, rule), "asked_by": actor.username},
                severity=rule.draft.severity,
                recipients=recipients_of(conn, self._people_of, rule),
            )
            assert notice_id is not None
            rule_store.note_tested(conn, rule_id, now, notice_id)
            self._record(conn, actor, product, "alert_rule.test", rule_id, None, None)
            return notice_id

        notice_id = await self._database.write(work, durable=True)
        self._notices.wake()
        return notice_id

    async def preview(self, product: Product, draft: RuleDraft) -> Preview:
        """How many would match a rule now; nothing is kept.

        Raises:
            Forbidden: ``plan_limit``.
            Invalid: ``bad_rule``.
        """
        check_draft(draft)
        now = self._clock.now()
        rule = AlertRule("", product.id, draft, "", now, now)

        def work(conn: Connection) -> Preview:
            self._check(conn, product, draft)
            return preview(conn, rule, now)

        return await self._database.read(work)

    async def _changed(self, product: Product) -> None:
        self._announce()
        await self._rules.reload(product.id)
        self._wake()

    def _state(self, conn: Connection, rule: AlertRule, live: int) -> RuleState:
        own = recipients_of(conn, self._people_of, rule)
        if own is not None:
            return RuleState(rule, live, ToldPeople(own.mail, own.webhook_url is not None))
        owner = NoticeOwner("product", str(rule.product_id))
        mail, hook = self._notices.told_by(conn, owner, "alert.opened", rule.draft.severity)
        return RuleState(rule, live, ToldPeople(tuple(mail), hook))

    def _check(self, conn: Connection, product: Product, draft: RuleDraft) -> None:
        self._allow(conn, product)
        unknown = unknown_groups(conn, product.id, draft.scope.groups)
        if unknown:
            raise Invalid("bad_rule", f"scope.groups: no group is named {', '.join(unknown)}.")
        check_people(conn, self._people_of, product.id, draft)

    def _record(
        self,
        conn: Connection,
        actor: Actor,
        product: Product,
        action: str,
        rule_id: str,
        before: RuleDraft | None,
        after: RuleDraft | None,
    ) -> None:
        target = f"product/{product.id}/alert_rules/{rule_id}"
        facts = _shown(before), _shown(after)
        record_change(conn, actor, action, target, *facts, at=self._clock.now())


def _check_due(draft: RuleDraft, now: datetime) -> int | None:
    return to_ms(now) if draft.kind in CHECKED else None


def _decides(draft: RuleDraft) -> tuple[object, ...]:
    """What alerts are decided by; another name or recipient ends none."""
    return draft.kind, draft.condition, draft.scope


def _shown(draft: RuleDraft | None) -> dict[str, Any] | None:
    """A rule in the audit trail: the URL of a webhook may hold a secret."""
    if draft is None:
        return None
    shown: dict[str, Any] = msgspec.to_builtins(draft)
    recipients = shown.get("recipients")
    if recipients and recipients["webhook_url"]:
        recipients["webhook_url"] = "set"
    return shown
