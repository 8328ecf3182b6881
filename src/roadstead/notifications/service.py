"""Preferences of owners, and the one door by which notices come in."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection

from roadstead.kit.clock import Clock, to_ms
from roadstead.kit.errors import Invalid
from roadstead.kit.ids import new_object_id
from roadstead.notifications import store
from roadstead.notifications.model import (
    Channel,
    Notice,
    NoticeOwner,
    Preferences,
    Recipients,
    Sending,
    Severity,
    is_muted,
    severity_reaches,
)
from roadstead.notifications.quiet import check_quiet, quiet_until
from roadstead.notifications.store import Kept
from roadstead.outbound.signing import SECRET_BYTES
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox

MAX_MUTED = 100
MAX_URL_CHARS = 2048
MAX_FACTS_BYTES = 16 * 1024

MAX_PER_HOUR = 200
"""Notices of one owner; a fleet that falls silent at once must not become ten thousand letters.
What comes beyond is kept and shown, and not sent."""


class Addresses(Protocol):
    """Who the people behind an owner are; filled by whoever knows accounts and teams."""

    def __call__(self, conn: Connection, owner: NoticeOwner) -> Sequence[str]:
        """E-mail addresses: the account's own, or those of the owner and the administrators."""


Record = Callable[[Connection, str, str, dict[str, Any], dict[str, Any]], None]
"""Writes the audit row of a change: action, target, before, after."""


class Notices:
    """Takes notices and keeps what owners want of them.

    Args:
        box: seals preferences: the URL of a webhook may hold a secret.
        addresses: see there.
        wake: called after a notice was committed.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        box: SecretBox,
        addresses: Addresses,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._addresses = addresses
        self.wake = wake

    async def notify(
        self,
        owner: NoticeOwner,
        kind: str,
        facts: Mapping[str, Any],
        *,
        severity: Severity = "warning",
        once_key: str | None = None,
    ) -> str | None:
        """Tells the people behind an owner; returns when the notice is committed.

        Args:
            owner: whom.
            kind: what happened, words joined by dots.
            facts: JSON values by name.
            severity: how much it matters.
            once_key: what it is about; a second notice with the same key is none.

        Returns:
            The notice's id; None when it was told already.
        """
        notice_id = await self._database.write(
            lambda conn: self.notify_in(
                conn, owner, kind, facts, severity=severity, once_key=once_key
            )
        )
        self.wake()
        return notice_id

    def notify_in(
        self,
        conn: Connection,
        owner: NoticeOwner,
        kind: str,
        facts: Mapping[str, Any],
        *,
        severity: Severity = "warning",
        once_key: str | None = None,
        recipients: Recipients | None = None,
    ) -> str | None:
        """The same within the transaction of what it tells of; call ``wake`` afterwards.

        ``recipients`` get it in the place of those whom the owner's preferences name.
        """
        if once_key is not None and store.was_told(conn, owner, once_key):
            return None
        kept = store.find_preferences(conn, self._box, owner)
        preferences = kept.preferences if kept else Preferences()
        now = self._clock.now()
        told = _bounded(facts)
        # Begins with the milliseconds, so that pages of notices are in order of time.
        notice_id = f"{to_ms(now):012x}{secrets.token_hex(6)}"
        notice = Notice(notice_id, owner, kind, severity, told, now)
        ways: list[Sending] = []
        if store.count_since(conn, owner, now - timedelta(hours=1)) < MAX_PER_HOUR:
            if recipients is None:
                ways = self._ways(conn, notice, preferences)
            else:
                ways = self._own_ways(conn, notice, recipients, kept)
        store.insert_notice(conn, notice, once_key, ways)
        return notice.id

    async def get_preferences(self, owner: NoticeOwner) -> Preferences:
        """What an owner has set, or what holds while they have set nothing."""
        kept = await self._database.read(
            lambda conn: store.find_preferences(conn, self._box, owner)
        )
        return kept.preferences if kept else Preferences()

    async def set_preferences(
        self, owner: NoticeOwner, wanted: Preferences, record: Record
    ) -> Preferences:
        """Replaces what an owner has set.

        Raises:
            Invalid: ``bad_preferences``.
        """
        check_preferences(wanted)

        def work(conn: Connection) -> None:
            kept = store.find_preferences(conn, self._box, owner)
            key = kept.key if kept else secrets.token_bytes(SECRET_BYTES)
            before = kept.preferences if kept else Preferences()
            store.put_preferences(conn, self._box, owner, Kept(wanted, key), self._clock.now())
            target = f"notices/{owner.kind}/{owner.id}"
            record(conn, "notices.set", target, _facts(before), _facts(wanted))

        await self._database.write(work, durable=True)
        return wanted

    async def get_key(self, owner: NoticeOwner) -> bytes:
        """The key that requests to the owner's webhook are signed with; made on first use."""

        def work(conn: Connection) -> bytes:
            kept = store.find_preferences(conn, self._box, owner)
            if kept is None:
                kept = Kept(Preferences(), secrets.token_bytes(SECRET_BYTES))
                store.put_preferences(conn, self._box, owner, kept, self._clock.now())
            return kept.key

        return await self._database.write(work, durable=True)

    async def list_notices(
        self, owner: NoticeOwner, *, below_id: str | None = None, limit: int
    ) -> list[tuple[Notice, list[Sending]]]:
        """The newest notices of an owner with the ways that each went."""
        return await self._database.read(
            lambda conn: store.list_notices(conn, owner, below_id=below_id, limit=limit)
        )

    def _own_ways(
        self, conn: Connection, notice: Notice, to: Recipients, kept: Kept | None
    ) -> list[Sending]:
        due_at = notice.created_at
        if to.quiet is not None and not severity_reaches(notice.severity, to.quiet.lets_through):
            due_at = quiet_until(due_at, to.quiet) or due_at
        ways = [_way(notice, "mail", one, due_at) for one in dict.fromkeys(to.mail)]
        if to.webhook_url is not None:
            if kept is None:
                made = Kept(Preferences(), secrets.token_bytes(SECRET_BYTES))
                store.put_preferences(conn, self._box, notice.owner, made, notice.created_at)
            sealed = self._box.seal(to.webhook_url.encode(), store.url_context(notice.id))
            way = _way(notice, "webhook", "webhook", notice.created_at)
            ways.append(replace(way, sealed_url=sealed))
        return ways

    def told_by(
        self, conn: Connection, owner: NoticeOwner, kind: str, severity: Severity
    ) -> tuple[list[str], bool]:
        """Whom the preferences of an owner name for such a notice: letters to, and a webhook."""
        kept = store.find_preferences(conn, self._box, owner)
        wanted = kept.preferences if kept else Preferences()
        if is_muted(kind, wanted.muted):
            return [], False
        mail: list[str] = []
        if wanted.mail and severity_reaches(severity, wanted.mail_severity):
            mail = list(dict.fromkeys(self._addresses(conn, owner)))
        reaches = severity_reaches(severity, wanted.webhook_severity)
        return mail, wanted.webhook_url is not None and reaches

    def _ways(self, conn: Connection, notice: Notice, preferences: Preferences) -> list[Sending]:
        if is_muted(notice.kind, preferences.muted):
            return []
        ways: list[Sending] = []
        if preferences.mail and severity_reaches(notice.severity, preferences.mail_severity):
            due_at = _mail_due(notice, preferences)
            recipients = dict.fromkeys(self._addresses(conn, notice.owner))
            ways += [_way(notice, "mail", one, due_at) for one in recipients]
        url = preferences.webhook_url
        if url and severity_reaches(notice.severity, preferences.webhook_severity):
            ways.append(_way(notice, "webhook", "webhook", notice.created_at))
        return ways


def check_preferences(wanted: Preferences) -> None:
    """Refuses what cannot be meant.

    Raises:
        Invalid: ``bad_preferences``.
    """
    if len(wanted.muted) > MAX_MUTED or any(len(one) > 64 for one in wanted.muted):
        raise Invalid("bad_preferences", f"muted takes {MAX_MUTED} kinds of 64 characters at most.")
    if wanted.quiet is not None:
        check_quiet(wanted.quiet)
    url = wanted.webhook_url
    if url is None:
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or len(url) > MAX_URL_CHARS:
        raise Invalid("bad_preferences", "webhookUrl must be an http or https URL.")


def _mail_due(notice: Notice, preferences: Preferences) -> datetime:
    quiet = preferences.quiet
    if quiet is None or severity_reaches(notice.severity, quiet.lets_through):
        return notice.created_at
    return quiet_until(notice.created_at, quiet) or notice.created_at


def _way(notice: Notice, channel: Channel, target: str, due_at: datetime) -> Sending:
    return Sending(new_object_id(), notice, channel, target, "waiting", 0, due_at)


def _facts(preferences: Preferences) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(preferences)
    return {**shown, "webhookUrl": "set" if preferences.webhook_url else None}


def _bounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = dict(facts)
    if len(msgspec.json.encode(plain)) > MAX_FACTS_BYTES:
        return {name: str(value)[:500] for name, value in list(plain.items())[:20]}
    return plain
