"""The end of an account: what it owned is released, what it could do ends.

Audit rows stay: they tell what happened, under the name that the person had then.

Source: particle cloud notes §2.2.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from roadstead.identity import store
from roadstead.identity.model import Actor, User
from roadstead.identity.recording import record
from roadstead.identity.service import IdentityService
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict
from roadstead.storage import outbox
from roadstead.storage.database import Database

AccountClosing = Callable[[Connection, User, Actor, datetime], Sequence[tuple[str, str]]]
"""Who owns things of users: lets them go within the transaction that removes the account, with
audit rows, and gives the outbox messages (topic and key) that tell of it."""


class AccountRemoval:
    """Removes accounts.

    Args:
        closing: everybody who keeps things of users.
        announce: called after a change was committed that other processes must hear of.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        identity: IdentityService,
        closing: Sequence[AccountClosing],
        announce: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity
        self._closing = closing
        self._announce = announce

    async def delete_account(self, actor: Actor, password: str) -> None:
        """Removes the actor's own account, confirmed by the password.

        Raises:
            Invalid: ``wrong_password``.
            Conflict: ``last_administrator`` of the server.
            TooMany: ``locked_out``.
        """
        user = await self._identity.confirm_password(actor, password)
        now = self._clock.now()

        def work(conn: Connection) -> None:
            if user.is_admin and store.count_admins(conn) <= 1:
                raise Conflict(
                    "last_administrator",
                    "You are the only administrator of this server; make another one first.",
                )
            messages = [told for close in self._closing for told in close(conn, user, actor, now)]
            before: dict[str, object] = {"username": user.username, "is_admin": user.is_admin}
            record(conn, actor, "user.delete", user.id, before, None, at=now)
            store.delete_tokens(conn, user.id)
            store.delete_user(conn, user.id)
            for topic, key in (*messages, ("user.changed", user.id)):
                outbox.append(conn, topic, key)

        await self._database.write(work, durable=True)
        self._identity.forget(user.id)
        self._announce()
