"""Releases that go out at once: a product's connected members are looked at, a page at a time."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy import Connection

from roadstead.firmware.delivery import push_store
from roadstead.firmware.delivery.agenda import Agenda
from roadstead.firmware.delivery.push_store import Push
from roadstead.firmware.delivery.turns import DeliveryTurns
from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

OPEN_MAX: Final = 4000
"""Open deliveries beyond which a push waits until some have ended."""

OPEN_SPARE: Final = 400
"""Open deliveries of a product up to which its push goes on even then."""

PAGE: Final = 1000
"""Members in one step; those that are not connected cost nothing more."""

AGAIN_S: Final = 5.0

Ask = Callable[..., Awaitable[object]]
"""``DeliveryEngine.ask``."""


class DeliveryPushes:
    """Carries pushes out, a page of each in turn; how far each is stands in its row."""

    def __init__(self, database: Database, agenda: Agenda, turns: DeliveryTurns, ask: Ask) -> None:
        self._database = database
        self._agenda = agenda
        self._turns = turns
        self._ask = ask
        self._at_work = False

    def wake(self) -> None:
        """A push was committed, or was left by an earlier process."""
        if not self._at_work:
            self._at_work = True
            self._agenda.spawn(self._carry_out_all())

    async def _carry_out_all(self) -> None:
        try:
            while pushes := await self._database.read(push_store.list_pushes):
                with_room = [one for one in pushes if self._has_room(one.product_id)]
                if not with_room:
                    await self._wait_for_an_end()
                # A page of each in turn: a release to a million devices holds up no other product.
                for push in with_room:
                    await self._carry_on(push)
        except Unavailable as error:
            log.warning("a release goes out later: %s", error)
            self._agenda.after(AGAIN_S, self.wake)
        finally:
            self._at_work = False

    async def _carry_on(self, push: Push) -> None:
        members = await self._database.read(partial(_list_members, push=push))
        await self._ask(self._turns.connected(members), cause="release", asked_by=push.asked_by)
        if len(members) < PAGE:
            await self._database.write(partial(_end, push=push))
            return
        push = replace(push, at_device=members[-1])
        await self._database.write(partial(_move, push=push))

    def _has_room(self, product_id: int) -> bool:
        if len(self._turns.queue) <= OPEN_MAX:
            return True
        mine = sum(one.product_id == product_id for one in self._turns.queue)
        return mine <= OPEN_SPARE

    async def _wait_for_an_end(self) -> None:
        self._turns.ended.clear()
        await self._turns.ended.wait()


def _list_members(conn: Connection, push: Push) -> list[str]:
    return push_store.list_members(conn, push.product_id, push.at_device, PAGE)


def _move(conn: Connection, push: Push) -> None:
    push_store.move_push(conn, push.id, push.at_device)


def _end(conn: Connection, push: Push) -> None:
    push_store.delete_push(conn, push.id)
