"""SQLite: one writer thread that shares commits, a few reader threads.

Every unit of work that waits while a commit is under way goes into the next one, each in a
savepoint of its own, so that a thousand small writes cost a handful of commits and one failing
unit hurts nobody else.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Work

Result = TypeVar("Result")

READERS = 3
"""Reader threads: reads are short, and more threads only fight for the interpreter lock."""

MAX_UNITS_PER_COMMIT = 512
"""Bounds how long the first unit of a batch waits for the last one."""

BUSY_TIMEOUT_MS = 10_000
"""How long a write waits for another process (a command beside the server) to finish its own."""


class _Unit(NamedTuple):
    work: Work[Any]
    durable: bool
    resolve: Callable[[Any, BaseException | None], None]


class SqliteDatabase:
    """A Database in one SQLite file in WAL mode."""

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, path: Path) -> None:
        self._engine = make_engine(path)
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-read")
        self._writer = threading.Thread(target=self._write_loop, name="sqlite-write", daemon=True)
        self._writer.start()
        self._closed = False

    async def read(self, work: Work[Result]) -> Result:
        """Runs ``work`` in a reader thread, in one snapshot of the database."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, work)

    async def write(self, work: Work[Result], *, durable: bool = False) -> Result:
        """Runs ``work`` in the writer thread; returns after the commit that holds it."""
        if self._closed:
            raise Unavailable("database_unavailable", "The database is closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            if future.done():  # the caller was cancelled; the write itself stands
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        def resolve(result: Any, error: BaseException | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, result, error)

        self._units.put(_Unit(work, durable, resolve))
        return await future

    async def close(self) -> None:
        """Commits what is queued, then closes all connections."""
        if self._closed:
            return
        self._closed = True
        self._units.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._engine.dispose()

    def _read(self, work: Work[Result]) -> Result:
        try:
            with self._engine.connect() as connection:
                return work(connection)
        except OperationalError as error:
            raise unavailable(error) from error

    def _write_loop(self) -> None:
        while True:
            batch = self._next_batch()
            units = [unit for unit in batch if unit is not None]
            if units:
                self._commit(units)
            if len(units) < len(batch):
                return

    def _next_batch(self) -> list[_Unit | None]:
        batch: list[_Unit | None] = [self._units.get()]
        while batch[-1] is not None and len(batch) < MAX_UNITS_PER_COMMIT:
            try:
                batch.append(self._units.get_nowait())
            except queue.Empty:
                break
        return batch

    def _commit(self, units: list[_Unit]) -> None:
        try:
            with self._engine.connect() as connection:
                outcomes = self._run_batch(connection, units)
        except Exception as error:
            shared = unavailable(error) if isinstance(error, DBAPIError) else error
            outcomes = [(None, shared)] * len(units)
        for unit, (result, failure) in zip(units, outcomes, strict=True):
            unit.resolve(result, failure)

    def _run_batch(
        self, connection: Connection, units: list[_Unit]
    ) -> list[tuple[Any, Exception | None]]:
        level = "FULL" if any(unit.durable for unit in units) else "NORMAL"
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute(f"PRAGMA synchronous={level}")
        connection.execution_options(write=True)
        with connection.begin():
            return [_run_unit(connection, unit.work) for unit in units]


def _run_unit(connection: Connection, work: Work[Any]) -> tuple[Any, Exception | None]:
    """Runs one unit in a savepoint; its own failure is its own, a failing disk is everybody's."""
    savepoint = connection.begin_nested()
    try:
        result = work(connection)
        savepoint.commit()
    except OperationalError:
        raise
    except Exception as error:
        savepoint.rollback()
        return None, error
    return result, None


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _on_begin says
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-16384"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    # A write takes its lock at once: upgrading a read later fails instead of waiting.
    writes = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def make_engine(path: Path) -> Engine:
    """An engine whose connections begin transactions only where this module says so."""
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        pool_size=READERS + 2,
        max_overflow=0,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def unavailable(error: BaseException) -> Unavailable:
    """The error that users see when SQLite cannot write or read."""
    text = str(getattr(error, "orig", error)).lower()
    if "full" in text or "no space" in text:
        return Unavailable("disk_full", "The disk of the server is full; nothing was changed.")
    return Unavailable("database_unavailable", "The database does not answer; nothing was changed.")
