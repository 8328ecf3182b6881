"""Runs what is due: a few looks at small indexes, whatever the number of devices.

Several processes may run it on one database: each passes over what another one holds.
"""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Final

from roadstead.health.alerting.deciding import (
    PAGE,
    RULES_AT_ONCE,
    check_rules,
    is_due,
    settle_watches,
)
from roadstead.health.alerting.people import PeopleOf
from roadstead.health.alerting.telling import tell_due
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.notifications.service import Notices
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox

log = logging.getLogger(__name__)

POLL_S: Final = 2.0
"""Seconds between two looks while nothing calls."""

LEAST_PAUSE_S: Final = 0.2
"""Between two looks that were called for: what comes meanwhile is decided together."""

PAGE_PAUSE_S: Final = 0.02
"""Between two pages of a flood, so that everything else has its turn."""

SETTLED_AFTER_S: Final = 180.0
"""So long after the start the counts of fleets are complete."""


class AlertEngine:
    """Opens, resolves and tells.

    Args:
        people_of: who may see a product.

    Attributes:
        decided: subjects that were due, so far.
        told: rules whose notices were written, so far.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        box: SecretBox,
        notices: Notices,
        people_of: PeopleOf,
    ) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._notices = notices
        self._people_of = people_of
        self._wake = asyncio.Event()
        self._started_s = clock.monotonic()
        self.decided = 0
        self.told = 0

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def run(self) -> None:
        """Works until it is cancelled; a database that is away only delays it."""
        while True:
            try:
                await self.step()
            except Unavailable as error:
                log.warning("alerts wait: %s", error.message)
            except Exception:
                log.exception("alerts: a step failed; it is tried again")
            await asyncio.sleep(LEAST_PAUSE_S)
            # Not wait_for: before Python 3.12 it can swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            self._wake.clear()

    async def step(self) -> None:
        """Does everything that is due now, page by page.

        Raises:
            Unavailable: the database; what was done before stays done.
        """
        now = self._clock.now()
        if not await self._database.read(lambda conn: is_due(conn, now)):
            return
        settled = self._clock.monotonic() - self._started_s > SETTLED_AFTER_S
        check = partial(check_rules, box=self._box, now=now, settled=settled)
        while await self._database.write(check):  # noqa: ASYNC110 - a page of work, not a wait
            await asyncio.sleep(PAGE_PAUSE_S)
        settle = partial(settle_watches, box=self._box, now=now)
        while found := await self._database.write(settle):
            self.decided += found
            if found < PAGE:
                break
            await asyncio.sleep(PAGE_PAUSE_S)
        tell = partial(
            tell_due,
            box=self._box,
            notices=self._notices,
            people_of=self._people_of,
            now=now,
        )
        while found := await self._database.write(tell):
            self.told += found
            self._notices.wake()
            if found < RULES_AT_ONCE:
                break
