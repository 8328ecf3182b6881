"""A second factor that its holder has lost: the operator of the server takes it away.

For somebody whose authenticator and recovery codes are both gone. That the person is who they say
is the operator's to make sure of; the audit trail names the operator.
"""

from sqlalchemy import Connection

from roadstead.identity import safety_store, store
from roadstead.identity.model import OPERATOR, User
from roadstead.identity.recording import record
from roadstead.kit.clock import Clock
from roadstead.kit.errors import NotFound
from roadstead.storage.database import Database


async def remove_lost_factor(database: Database, clock: Clock, username: str) -> User:
    """Takes the second factor and the recovery codes of an account away; gives the account.

    Sign-ins that stand go on, and the password stays: it alone opens the account from now on.

    Raises:
        NotFound: ``user_not_found`` or ``mfa_not_enabled``.
    """
    now = clock.now()

    def work(conn: Connection) -> User:
        user = store.find_user_by_name(conn, username)
        if user is None:
            raise NotFound("user_not_found", f"There is no account {username}.")
        if not safety_store.delete_factor(conn, user.id):
            raise NotFound("mfa_not_enabled", f"The account {username} has no second factor.")
        before: dict[str, object] = {"mfa": True}
        record(conn, OPERATOR, "user.disable_mfa", user.id, before, {"mfa": False}, at=now)
        return user

    return await database.write(work, durable=True)
