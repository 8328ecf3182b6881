"""What integrations report: receivers that fail or answer again, and events that were given up.

A product's rules of the kind ``webhook`` take it. Where no rule does, the people behind the owner
of the integration get a notice: nobody must learn of a dead receiver by missing data.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from roadstead.health.alerting import alert_store, rule_store
from roadstead.health.alerting.catalogue import RuleCatalogue
from roadstead.health.alerting.evidence_store import write_evidence
from roadstead.health.alerting.evidence_words import hook_subject
from roadstead.health.alerting.model import AlertRule, Evidence, Verdict
from roadstead.kit.clock import Clock, to_ms
from roadstead.notifications.model import NoticeOwner
from roadstead.notifications.service import Notices
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal
from roadstead.storage.secret_box import SecretBox

log = logging.getLogger(__name__)

SAME_FOR_S: Final = 3600
"""A receiver that comes and goes is told of once in this time."""


MAX_WAITING: Final = 1000
"""Notices that wait to be written."""


class _Telling(NamedTuple):
    owner: NoticeOwner
    kind: str
    receiver: str
    facts: dict[str, Any]


class ReceiverReports:
    """Takes reports about the receivers of integrations."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        clock: Clock,
        box: SecretBox,
        catalogue: RuleCatalogue,
        notices: Notices,
    ) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._box = box
        self._catalogue = catalogue
        self._notices = notices
        self._waiting: asyncio.Queue[_Telling] = asyncio.Queue(MAX_WAITING)

    async def start(self) -> None:
        """After a start no integration is paused: what was is found out again, or has ended."""

        def work(conn: Connection) -> None:
            rules = [
                one for one in rule_store.list_enabled(conn, self._box)
                if one.draft.kind == "webhook"
            ]  # fmt: skip
            at_ms = to_ms(self._clock.now())
            for rule in rules:
                live = alert_store.list_alerts(
                    conn,
                    rule.product_id,
                    states=("open", "acknowledged"),
                    rule_id=rule.id,
                    limit=1000,
                )
                paused = [one for one in live if one.subject.endswith(":paused")]
                rows = [
                    Evidence(rule, one.subject, one.name, "good", at_ms, one.text) for one in paused
                ]
                if rows:
                    write_evidence(conn, rows)

        await self._database.write(work)

    def undelivered(self, owner: NoticeOwner, hook_id: str, name: str, reason: str) -> None:
        """An event was given up; counted by rules."""
        self._take(owner, hook_subject(hook_id, paused=False), name, "happened", reason[:200])

    def paused(self, owner: NoticeOwner, receiver: str, name: str, reason: str) -> None:
        """An integration, or the host that it sends to, is left alone for a while.

        Args:
            owner: whose.
            receiver: id of the integration, or of the host.
            name: in words.
            reason: why.
        """
        subject = hook_subject(receiver, paused=True)
        if not self._take(owner, subject, name, "bad", f"paused: {reason}"[:200]):
            facts = {"integration": name, "integration_id": receiver, "reason": reason[:200]}
            self._put(_Telling(owner, "integration.paused", receiver, facts))

    def resumed(self, owner: NoticeOwner, receiver: str, name: str) -> None:
        """It is sent to again."""
        subject = hook_subject(receiver, paused=True)
        if not self._take(owner, subject, name, "good", "delivers again"):
            facts = {"integration": name, "integration_id": receiver}
            self._put(_Telling(owner, "integration.resumed", receiver, facts))

    async def run(self) -> None:
        """Writes notices until it is cancelled."""
        while True:
            telling = await self._waiting.get()
            slot = int(self._clock.now().timestamp()) // SAME_FOR_S
            key = f"{telling.kind}:{telling.receiver}:{slot}"
            try:
                await self._notices.notify(
                    telling.owner, telling.kind, telling.facts, severity="warning", once_key=key
                )
            except Exception as error:
                log.warning("integration %s: nobody was told: %s", telling.receiver, error)

    def _put(self, telling: "_Telling") -> None:
        if self._waiting.full():
            log.warning("integration %s: too many notices wait", telling.receiver)
        else:
            self._waiting.put_nowait(telling)

    def _take(
        self, owner: NoticeOwner, subject: str, name: str, verdict: Verdict, text: str
    ) -> bool:
        rules = [one for one in self._rules_of(owner) if _cares(one, verdict)]
        at_ms = to_ms(self._clock.now())
        for rule in rules:
            row = Evidence(rule, subject, name, verdict, at_ms, text)
            if not self._journal.append(write_evidence, row):
                log.warning("integration %s: a report found no room in the journal", name)
        return bool(rules)

    def _rules_of(self, owner: NoticeOwner) -> Sequence[AlertRule]:
        if owner.kind != "product":
            return ()
        found = self._catalogue.rules_of(int(owner.id))
        return [one for one in found if one.draft.kind == "webhook"]


def _cares(rule: AlertRule, verdict: Verdict) -> bool:
    return verdict == "happened" or rule.draft.condition.breaker
