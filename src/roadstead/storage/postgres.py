"""PostgreSQL over asyncpg: units of work run by SQLAlchemy's ``run_sync``.

Here every unit has a transaction of its own; what must be fast goes through the journal, which
makes one unit of many rows.
"""

import asyncio
import random
from typing import Any, Literal, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Work

Result = TypeVar("Result")

POOL_SIZE = 8
"""Connections kept open; the server has one event loop, so more only wait at the database."""

MAX_TRIES = 5
"""How often a unit runs when the engine asks for a retry (deadlock, serialization)."""

RETRY_WITHIN_S = 0.05
"""A retry waits a random time up to this, longer with each try, so that two do not meet again."""

STATEMENT_TIMEOUT_MS = 30_000
"""No statement of this program should take longer; one that does must not hold its locks."""

CONNECT_TIMEOUT_S = 5

_RETRY_STATES = {"40001", "40P01"}
"""serialization_failure, deadlock_detected. Source: PostgreSQL documentation, appendix A."""

_FULL_STATE = "53100"
"""disk_full."""

_GONE_CLASSES = ("08", "28", "3D", "53", "57", "58")
"""Classes of states that tell of the server and not of the statement: connection, login, unknown
database, resources, operator intervention (also the statement timeout), system errors."""

_FAILURES = (OSError, TimeoutError, PoolTimeoutError, DBAPIError, asyncpg.PostgresError)


class PostgresDatabase:
    """A Database on a PostgreSQL server."""

    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)
        self._closed = False
        self._answered = False

    async def read(self, work: Work[Result]) -> Result:
        """Runs ``work`` in a transaction that may only read, in one snapshot of the database."""
        options = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
        return await self._run(work, options)

    async def write(self, work: Work[Result], *, durable: bool = False) -> Result:
        """Runs ``work`` in a transaction; every commit here survives a power loss.

        Isolation is READ COMMITTED: a unit that decides by what it read names that in the WHERE of
        its change, or locks the row.
        """
        return await self._run(work, {})

    async def close(self) -> None:
        """Closes all connections."""
        self._closed = True
        await self._engine.dispose()

    async def _run(self, work: Work[Result], options: dict[str, Any]) -> Result:
        if self._closed:
            raise Unavailable("database_unavailable", "The database is closed.")
        for attempt in range(1, MAX_TRIES + 1):
            try:
                result = await self._run_once(work, options)
                self._answered = True
                return result
            except _FAILURES as error:
                if attempt == MAX_TRIES or _sql_state(error) not in _RETRY_STATES:
                    raise self._translated(error) from error
            await asyncio.sleep(random.uniform(0, RETRY_WITHIN_S * attempt))  # noqa: S311
        raise AssertionError("the loop above returns or raises")

    async def _run_once(self, work: Work[Result], options: dict[str, Any]) -> Result:
        async with self._engine.connect() as connection:
            if options:
                await connection.execution_options(**options)
            async with connection.begin():
                return await connection.run_sync(work)

    def _translated(self, error: BaseException) -> BaseException:
        state = _sql_state(error) or ""
        if state == _FULL_STATE:
            return Unavailable("disk_full", "The database's disk is full; nothing was changed.")
        if not _is_outage(error) and not state.startswith(_GONE_CLASSES):
            return error
        # Whoever starts a server must know why; later callers are strangers to the database.
        why = "" if self._answered else f" ({getattr(error, 'orig', None) or error})"
        return Unavailable(
            "database_unavailable", f"The database does not answer{why}; nothing was changed."
        )


def make_engine(url: str) -> AsyncEngine:
    """The engine of a ``postgresql+asyncpg://`` URL."""
    return create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_pre_ping=True,
        hide_parameters=True,  # errors are logged, and parameters are secrets and payloads
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "server_settings": {
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "application_name": "roadstead",
            },
        },
    )


def _sql_state(error: BaseException) -> str | None:
    original: Any = getattr(error, "orig", None) or error
    return getattr(original, "sqlstate", None)


def _is_outage(error: BaseException) -> bool:
    lost = OSError | TimeoutError | PoolTimeoutError | InterfaceError | OperationalError
    return isinstance(error, lost) or bool(getattr(error, "connection_invalidated", False))
