"""The queue of letters between whoever writes them and the way out.

It lives in memory: a letter that waits while the process ends is lost. That is right for what is
sent, which a person asks for again (a reset) or sees in the API too (a transfer request).
"""

import asyncio
import logging
from collections import deque
from typing import Protocol

from roadstead.outbound.mail import Mail, MailSender

log = logging.getLogger(__name__)

MAX_WAITING = 1000
"""Letters that may wait; a mail server that takes one a second needs a quarter of an hour."""

ATTEMPTS = 4
"""How often a letter is tried."""

FIRST_PAUSE_S = 5.0
"""Seconds before the second try; then four times as many before each further one."""


class Mailbox(Protocol):
    """Where letters are posted."""

    def post(self, mail: Mail) -> None:
        """Takes a letter; never waits and never fails."""


class MailQueue:
    """Sends letters in the order in which they were posted.

    Args:
        sender: the way out.
        first_pause_s: see FIRST_PAUSE_S.

    Attributes:
        sent, lost: letters so far.
    """

    def __init__(self, sender: MailSender, *, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self._sender = sender
        self._first_pause_s = first_pause_s
        self._waiting: deque[Mail] = deque()
        self._posted = asyncio.Event()
        self.sent = 0
        self.lost = 0

    @property
    def waiting(self) -> int:
        """Letters that wait to be tried."""
        return len(self._waiting)

    def post(self, mail: Mail) -> None:
        """Takes a letter; when too many wait, it is counted as lost and logged."""
        if len(self._waiting) >= MAX_WAITING:
            self.lost += 1
            log.error("mail: %d letters wait already; one was dropped", MAX_WAITING)
            return
        self._waiting.append(mail)
        self._posted.set()

    async def run(self) -> None:
        """Sends until it is cancelled."""
        while True:
            while self._waiting:
                await self._deliver(self._waiting.popleft())
            self._posted.clear()
            await self._posted.wait()

    async def _deliver(self, mail: Mail) -> None:
        pause_s = self._first_pause_s
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._sender.send(mail)
            except Exception as error:
                # Whatever a mail server or a disk does, the next letter must still go.
                log.warning("mail: attempt %d of %d failed: %s", attempt, ATTEMPTS, error)
            else:
                self.sent += 1
                return
            if attempt < ATTEMPTS:
                await asyncio.sleep(pause_s)
                pause_s *= 4
        self.lost += 1
