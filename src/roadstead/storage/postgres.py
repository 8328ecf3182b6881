"""PostgreSQL over asyncpg: units of work run by SQLAlchemy's ``run_sync``.

Here every unit has a transaction of its own; what must be fast goes through the journal, which
makes one unit of many rows.
"""

from typing import Any, Literal, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Work

Result = TypeVar("Result")

POOL_SIZE = 8
"""Connections kept open; the server has one event loop, so more only wait at the database."""

MAX_TRIES = 3
"""How often a unit runs when the engine asks for a retry (deadlock, serialization)."""

STATEMENT_TIMEOUT_MS = 30_000
"""No statement of this program should take longer; one that does must not hold its locks."""

CONNECT_TIMEOUT_S = 5

_RETRY_STATES = {"40001", "40P01"}
"""serialization_failure, deadlock_detected. Source: PostgreSQL documentation, appendix A."""

_FULL_STATES = {"53100"}
"""disk_full."""


class PostgresDatabase:
    """A Database on a PostgreSQL server."""

    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)

    async def read(self, work: Work[Result]) -> Result:
        """Runs ``work`` in a transaction that may only read."""
        return await self._run(work, readonly=True)

    async def write(self, work: Work[Result], *, durable: bool = False) -> Result:
        """Runs ``work`` in a transaction; every commit here survives a power loss."""
        return await self._run(work, readonly=False)

    async def close(self) -> None:
        """Closes all connections."""
        await self._engine.dispose()

    async def _run(self, work: Work[Result], *, readonly: bool) -> Result:
        for attempt in range(1, MAX_TRIES + 1):
            try:
                async with self._engine.connect() as connection:
                    await connection.execution_options(postgresql_readonly=readonly)
                    async with connection.begin():
                        return await connection.run_sync(work)
            except (OSError, TimeoutError, DBAPIError) as error:
                if attempt == MAX_TRIES or _sql_state(error) not in _RETRY_STATES:
                    raise _translated(error) from error
        raise AssertionError("the loop above returns or raises")


def make_engine(url: str) -> AsyncEngine:
    """The engine of a ``postgresql+asyncpg://`` URL."""
    return create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_pre_ping=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "server_settings": {
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "application_name": "roadstead",
            },
        },
    )


def _sql_state(error: BaseException) -> str | None:
    original: Any = getattr(error, "orig", None)
    return getattr(original, "sqlstate", None)


def _translated(error: BaseException) -> BaseException:
    state = _sql_state(error) or ""
    if state in _FULL_STATES:
        return Unavailable("disk_full", "The disk of the database is full; nothing was changed.")
    lost = isinstance(error, OSError | TimeoutError | InterfaceError | OperationalError)
    if lost or state.startswith(("08", "57")) or getattr(error, "connection_invalidated", False):
        return Unavailable(
            "database_unavailable", "The database does not answer; nothing was changed."
        )
    return error
