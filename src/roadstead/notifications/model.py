"""The values of this room: owners, severities, preferences, notices."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

import msgspec

OwnerKind = Literal["user", "product", "organization"]

Severity = Literal["info", "warning", "critical"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From least to most."""

Channel = Literal["mail", "webhook"]


class NoticeOwner(NamedTuple):
    """Whom a notice is for: an account, or the people behind a product or an organization."""

    kind: OwnerKind
    id: str


class QuietTime(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Hours in which notices wait, each day.

    Attributes:
        begin, end: ``22:00`` and ``07:00``; the end may lie on the next day.
        time_zone: as in the IANA database.
        lets_through: the least severity that does not wait.
    """

    begin: str
    end: str
    time_zone: str = "UTC"
    lets_through: Severity = "critical"


class Preferences(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """How an owner wants to be told.

    Attributes:
        mail: by letters, to the account or to the owner and the administrators of the team.
        mail_severity: the least severity of which letters are written.
        webhook_url: where signed requests go; None for nowhere.
        webhook_severity: as for letters.
        muted: kinds, or beginnings of kinds, of which nothing is said.
        quiet: when letters wait; requests to a program never do.
    """

    mail: bool = True
    mail_severity: Severity = "warning"
    webhook_url: str | None = None
    webhook_severity: Severity = "info"
    muted: tuple[str, ...] = ()
    quiet: QuietTime | None = None


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who gets one notice, in the place of those whom the owner's preferences name.

    Attributes:
        mail: e-mail addresses.
        webhook_url: where a request goes, signed with the owner's key; None for nowhere.
        quiet: when letters wait.
    """

    mail: tuple[str, ...] = ()
    webhook_url: str | None = None
    quiet: QuietTime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people should know.

    Attributes:
        id: 24 hex digits; also the id by which receivers recognise a repeat.
        kind: what happened, words joined by dots: ``device.offline``, ``rollout.halted``.
        facts: JSON values by name, which templates may use.
    """

    id: str
    owner: NoticeOwner
    kind: str
    severity: Severity
    facts: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sending:
    """One way that a notice goes.

    Attributes:
        target: an e-mail address, or the URL of a webhook.
        attempts: made so far.
        due_at: when it is tried, if it waits.
        state: ``waiting``, ``sent`` or ``failed``.
        sealed_url: where a webhook goes that is not the owner's own.
    """

    id: str
    notice: Notice
    channel: Channel
    target: str
    state: str
    attempts: int
    due_at: datetime
    error: str | None = None
    sealed_url: bytes | None = None


def severity_reaches(severity: Severity, least: Severity) -> bool:
    """Whether a severity is at least another one."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)


def is_muted(kind: str, muted: tuple[str, ...]) -> bool:
    """Whether nothing is said of a kind: it, or one it lies below, is muted."""
    return any(kind == one or kind.startswith(f"{one}.") for one in muted)
