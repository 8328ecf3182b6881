"""The database as the capabilities see it: units of work over one SQLAlchemy Core connection.

A unit of work is a plain function of a ``Connection``. It runs in one transaction, away from the
event loop: on SQLite in the writer thread (many units share one commit) or in a reader thread, on
PostgreSQL over asyncpg. The same store functions therefore serve both engines and the tests.
"""

from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from sqlalchemy import Connection

Result = TypeVar("Result")
Work = Callable[[Connection], Result]


class Database(Protocol):
    """One database, opened once per process."""

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which engine it is; only for the rare query that must differ."""

    async def read(self, work: Work[Result]) -> Result:
        """Runs ``work`` in a read transaction and gives its result.

        Raises:
            Unavailable: ``database_unavailable`` when the database cannot be reached.
        """

    async def write(self, work: Work[Result], *, durable: bool = False) -> Result:
        """Runs ``work`` in a transaction; returns when it is committed.

        An exception from ``work`` rolls back this unit alone and is raised here.

        Args:
            work: function of the connection; may run again if the engine asks for a retry, so it
                must have no effect outside the connection.
            durable: the commit must survive a power loss, not only the death of the process
                (sessions, money, accounts). SQLite: synchronous=FULL for this commit.

        Raises:
            Unavailable: ``database_unavailable`` or ``disk_full``; nothing was changed.
        """

    async def close(self) -> None:
        """Commits what is queued, then closes all connections."""
