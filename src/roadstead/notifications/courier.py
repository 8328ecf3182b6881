"""Carries notices out, each by its own ways, until they have arrived or all attempts failed.

What waits are rows: a process that dies loses none, and another one takes them over when their
lease has ended.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec
from sqlalchemy import Connection

from roadstead.kit.clock import Clock, iso_ms
from roadstead.notifications import store
from roadstead.notifications.letters import Templates, write_letter
from roadstead.notifications.model import Sending
from roadstead.notifications.store import url_context
from roadstead.outbound.http_client import HttpClient
from roadstead.outbound.http_messages import HttpFailure, HttpRequest
from roadstead.outbound.mail import MailSender
from roadstead.outbound.signing import signed_headers
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox

log = logging.getLogger(__name__)

PAUSES_S = (10.0, 60.0, 300.0, 1800.0)
"""Seconds before each further attempt; then a way has failed."""

LEASE_S = 120.0
"""How long a process may keep what it took: longer than a mail server and a webhook take."""

TAKEN_AT_ONCE = 20
POLL_S = 30.0


class Courier:
    """The one task that the room needs.

    Args:
        database: where notices wait.
        box: opens preferences.
        sender: hands letters over.
        client: sends requests.
        templates: the words of letters.
        origin: gives the origin under which people reach this server.
        scale: shrinks the pauses, for tests.

    Attributes:
        sent, failed: ways so far.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        box: SecretBox,
        sender: MailSender,
        client: HttpClient,
        templates: Templates,
        origin: Callable[[], str],
        *,
        scale: float = 1.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._sender = sender
        self._client = client
        self._templates = templates
        self._origin = origin
        self._scale = scale
        self._wake = asyncio.Event()
        self.sent = 0
        self.failed = 0

    def wake(self) -> None:
        """Something new waits."""
        self._wake.set()

    async def run(self) -> None:
        """Carries out until it is cancelled; an unreachable database only delays it."""
        while True:
            pause_s = POLL_S
            try:
                pause_s = await self.carry()
            except Exception as error:
                log.warning("notices wait: %s", error)
            # Not wait_for: before Python 3.12 it can swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            self._wake.clear()

    async def carry(self) -> float:
        """Carries out what is due; gives the seconds until there may be more."""
        while True:
            now = self._clock.now()
            take = partial(
                store.take_due,
                now=now,
                until=now + timedelta(seconds=LEASE_S),
                limit=TAKEN_AT_ONCE,
            )
            due, next_at = await self._database.write(take)
            if not due:
                break
            await asyncio.gather(*map(self._send, due))
        if next_at is None:
            return POLL_S
        return min(POLL_S, max(0.05, (next_at - now).total_seconds()))

    async def _send(self, sending: Sending) -> None:
        try:
            if sending.channel == "mail":
                await self._mail(sending)
            else:
                await self._webhook(sending)
        except HttpFailure as failure:
            await self._failed(sending, str(failure))
        except Exception as error:
            # Whatever a mail server does, the next notice must still go.
            await self._failed(sending, str(error) or type(error).__name__)
        else:
            self.sent += 1
            await self._settle(sending, "sent", self._clock.now(), None)

    async def _mail(self, sending: Sending) -> None:
        letter = write_letter(sending.notice, sending.target, self._origin(), self._templates)
        await self._sender.send(letter)

    async def _webhook(self, sending: Sending) -> None:
        notice = sending.notice
        kept = await self._database.read(
            lambda conn: store.find_preferences(conn, self._box, notice.owner)
        )
        url = kept.preferences.webhook_url if kept else None
        if sending.sealed_url is not None:
            url = self._box.open(sending.sealed_url, url_context(notice.id)).decode()
        if kept is None or url is None:
            return  # it was turned off meanwhile
        body = msgspec.json.encode(
            {
                "type": notice.kind,
                "timestamp": iso_ms(notice.created_at),
                "data": {
                    "id": notice.id,
                    "severity": notice.severity,
                    "owner": {"kind": notice.owner.kind, "id": notice.owner.id},
                    "facts": notice.facts,
                },
            }
        )
        at_s = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Roadstead",
            **signed_headers([kept.key], f"msg_{notice.id}", at_s, body),
        }
        answer = await self._client.send(HttpRequest("POST", url, headers, body))
        if not 200 <= answer.status < 300:
            raise HttpFailure("broken", f"error status {answer.status} from host")

    async def _failed(self, sending: Sending, error: str) -> None:
        if sending.attempts >= len(PAUSES_S):
            self.failed += 1
            log.warning("notice %s: given up: %s", sending.notice.id, error)
            await self._settle(sending, "failed", self._clock.now(), error)
            return
        pause_s = PAUSES_S[sending.attempts] * self._scale
        due_at = self._clock.now() + timedelta(seconds=pause_s)
        await self._settle(sending, "waiting", due_at, error)

    async def _settle(
        self, sending: Sending, state: str, due_at: datetime, error: str | None
    ) -> None:
        def work(conn: Connection) -> None:
            store.settle(conn, sending.id, state=state, due_at=due_at, error=error)

        await self._database.write(work)
