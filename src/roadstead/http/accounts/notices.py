"""Notices to people: what they want to be told, and what they were told. Ours."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from roadstead.http.integrations.integration_answers import owner_of
from roadstead.http.operation import Call, Handler, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.identity.recording import record_change
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid
from roadstead.notifications.model import NoticeOwner, Preferences
from roadstead.notifications.service import Record
from roadstead.outbound.signing import write_secret

_TAG = "Notices"

DEFAULT_LIMIT, MAX_LIMIT = 25, 100


class WayAnswer(msgspec.Struct):
    """One way that a notice goes: ``waiting`` (tried at ``due_at``), ``sent`` or ``failed``."""

    channel: str
    target: str
    state: str
    attempts: int
    due_at: str
    error: str | None


class NoticeAnswer(msgspec.Struct):
    """A notice."""

    id: str
    kind: str
    severity: str
    facts: dict[str, Any]
    created_at: str
    ways: list[WayAnswer]


class NoticePage(msgspec.Struct):
    """Notices, newest first; ``next_cursor`` is null on the last page."""

    notices: list[NoticeAnswer]
    next_cursor: str | None


class SecretAnswer(msgspec.Struct):
    """The secret by which the receiver of notices verifies signatures (Standard Webhooks)."""

    secret: str


class TestAnswer(msgspec.Struct):
    """The notice that was made; its ways tell whether it arrives."""

    id: str
    ok: bool = True


def _owner(call: Call) -> NoticeOwner:
    owner = owner_of(call)
    return NoticeOwner(owner.kind, owner.id)


async def list_notices(call: Call) -> NoticePage:
    """The newest notices."""
    text = call.query.get("limit") or str(DEFAULT_LIMIT)
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text[:6]) <= MAX_LIMIT:
        raise Invalid("invalid_request", f"'limit' must be a number from 1 to {MAX_LIMIT}.")
    limit = int(text)
    found = await call.parts.notices.list_notices(
        _owner(call), below_id=call.query.get("cursor") or None, limit=limit + 1
    )
    shown = [
        NoticeAnswer(
            id=notice.id,
            kind=notice.kind,
            severity=notice.severity,
            facts=notice.facts,
            created_at=iso_ms(notice.created_at),
            ways=[
                WayAnswer(
                    one.channel, one.target, one.state, one.attempts, iso_ms(one.due_at), one.error
                )
                for one in ways
            ],
        )
        for notice, ways in found[:limit]
    ]
    return NoticePage(shown, shown[-1].id if len(found) > limit else None)


async def get_preferences(call: Call) -> Preferences:
    """What the owner wants to be told, and how."""
    return await call.parts.notices.get_preferences(_owner(call))


async def set_preferences(call: Call) -> Preferences:
    """Replaces that."""
    wanted = call.body or Preferences()
    return await call.parts.notices.set_preferences(_owner(call), wanted, _record(call))


async def get_secret(call: Call) -> SecretAnswer:
    """The secret of the owner's webhook for notices."""
    return SecretAnswer(write_secret(await call.parts.notices.get_key(_owner(call))))


async def try_out(call: Call) -> TestAnswer:
    """Sends a notice by all ways that are on."""
    facts = {"asked_by": call.actor.username}
    notice_id = await call.parts.notices.notify(_owner(call), "test", facts, severity="critical")
    assert notice_id is not None
    return TestAnswer(notice_id)


def _record(call: Call) -> Record:
    actor = call.actor

    def record(
        conn: Connection, action: str, target: str, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        record_change(
            conn,
            actor,
            action,
            target,
            before,
            after,
            at=call.parts.clock.now(),
        )

    return record


_P = Permission

_SCOPES = (
    ("", "", _P.ACCOUNT_GET, _P.ACCOUNT_UPDATE),
    ("product_", "/products/{product}", _P.PRODUCTS_GET, _P.PRODUCTS_UPDATE),
    ("organization_", "/orgs/{org}", _P.ORGANIZATION_GET, _P.ORGANIZATION_UPDATE),
)
"""Whose notices; the right to look, and the right to change."""

_PAGING = (
    QueryParameter("cursor", "next_cursor of the page before."),
    QueryParameter("limit", f"At most so many, up to {MAX_LIMIT}; {DEFAULT_LIMIT} if not given."),
)

_ROWS: tuple[tuple[str, str, str, bool, str, Handler, dict[str, Any]], ...] = (
    ("list_{}notices", "GET", "", False, "List what people were told", list_notices,
     {"answer": NoticePage, "query": _PAGING}),
    ("get_{}notice_preferences", "GET", "/preferences", False,
     "Get what people want to be told, and how", get_preferences, {"answer": Preferences}),
    ("set_{}notice_preferences", "PUT", "/preferences", True,
     "Replace what people want to be told, and how", set_preferences,
     {"body": Preferences, "answer": Preferences}),
    ("get_{}notice_secret", "GET", "/secret", True,
     "Get the secret that signed notices are verified with", get_secret,
     {"answer": SecretAnswer}),
    ("test_{}notices", "POST", "/test", True, "Send a notice by all ways that are on", try_out,
     {"answer": TestAnswer}),
)  # fmt: skip


def _operations() -> Iterator[Operation]:
    for whose, scope, look, change in _SCOPES:
        for name, method, below, changes, summary, handler, more in _ROWS:
            yield Operation(
                name=name.format(whose),
                method=method,
                path=f"/v1{scope}/notices{below}",
                tag=_TAG,
                summary=summary,
                handler=handler,
                permission=change if changes else look,
                **more,
            )


OPERATIONS = tuple(_operations())
