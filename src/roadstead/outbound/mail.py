"""A letter, and the two ways that it can leave: to a mail server, or into a folder."""

import asyncio
import logging
import os
import secrets
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from roadstead.kit.errors import Invalid

log = logging.getLogger(__name__)

SMTP_TIMEOUT_S = 20.0
"""Seconds for each step with the mail server; a letter waits in a queue and nobody for it."""

SMTP_PORT, SMTPS_PORT, SUBMISSION_PORT = 25, 465, 587
"""Spec: RFC 5321 §4.5.4.2, RFC 8314 §3.3, RFC 6409 §3.1."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain-text letter.

    Attributes:
        recipient: e-mail address.
        subject: one line.
        text: the body, lines ended by a newline.
    """

    recipient: str
    subject: str
    text: str


class MailSender(Protocol):
    """A way out for letters."""

    async def send(self, mail: Mail) -> None:
        """Returns when the letter was taken over.

        Raises:
            OSError: it was not (``smtplib.SMTPException`` is one).
        """


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server.

    Attributes:
        tls_from_start: TLS before the first word; otherwise it is asked for where it is offered.
        username, password: None to send without signing in.
    """

    host: str
    port: int
    tls_from_start: bool
    username: str | None = None
    password: str | None = None


def parse_smtp_url(text: str) -> SmtpServer:
    """Reads ``smtp://[user:password@]host[:port]`` or ``smtps://…``.

    Raises:
        Invalid: ``bad_smtp_url``; the message does not repeat the text, which may hold a password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _bad_url() from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
        raise _bad_url()
    secure = parts.scheme == "smtps"
    username = unquote(parts.username) if parts.username else None
    default = SMTPS_PORT if secure else SUBMISSION_PORT if username else SMTP_PORT
    password = unquote(parts.password) if parts.password is not None else None
    return SmtpServer(parts.hostname, port or default, secure, username, password)


class SmtpSender:
    """Hands letters to a mail server, one connection for each.

    Args:
        server: where to.
        sender: address in ``From`` and in the envelope.
        now: the wall-clock time, for ``Date``.
    """

    def __init__(self, server: SmtpServer, sender: str, now: Callable[[], datetime]) -> None:
        self._server = server
        self._sender = sender
        self._now = now

    async def send(self, mail: Mail) -> None:
        """Returns when the server has accepted the letter."""
        await asyncio.to_thread(self._send, compose(mail, self._sender, self._now()))

    def _send(self, message: EmailMessage) -> None:
        server, context = self._server, ssl.create_default_context()
        if server.tls_from_start:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=SMTP_TIMEOUT_S, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=SMTP_TIMEOUT_S)
        with connection:
            connection.ehlo()
            if not server.tls_from_start and connection.has_extn("starttls"):
                connection.starttls(context=context)
                connection.ehlo()
            elif not server.tls_from_start and server.username is not None:
                raise smtplib.SMTPException("the server offers no TLS; the password stays here")
            if server.username is not None:
                connection.login(server.username, server.password or "")
            connection.send_message(message)


class FolderSender:
    """Writes letters as ``.eml`` files that only this user may read, and says so in the log.

    Args:
        folder: made on first use.
        sender: address in ``From``.
        now: the wall-clock time.
    """

    def __init__(self, folder: Path, sender: str, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._sender = sender
        self._now = now

    async def send(self, mail: Mail) -> None:
        """Returns when the file is there."""
        at = self._now()
        path = self._folder / f"{at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.eml"
        content = compose(mail, self._sender, at).as_bytes()
        await asyncio.to_thread(_write, path, content)
        log.warning("no mail server is set (ROADSTEAD_SMTP_URL); a letter is in %s", path)


def compose(mail: Mail, sender: str, at: datetime) -> EmailMessage:
    """The letter as a message. Spec: RFC 5322."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    # Keeps out-of-office robots from answering. Spec: RFC 3834 §5.
    message["Auto-Submitted"] = "auto-generated"
    # As it is where possible, so that a link in a file can be copied whole.
    message.set_content(mail.text, cte="7bit" if mail.text.isascii() else None)
    return message


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)


def _bad_url() -> Invalid:
    return Invalid("bad_smtp_url", "not of the form smtp://user:password@host:port or smtps://…")
