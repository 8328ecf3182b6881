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
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event

from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Work
from roadstead.storage.sqlite_reading import Driver, ReaderThreads, driver_of

Result = TypeVar("Result")

READERS = 3
"""Reader threads: reads are short, and more threads only fight for the interpreter lock."""

MAX_UNITS_PER_COMMIT = 512
"""Bounds how long the first unit of a batch waits for the last one."""

BUSY_TIMEOUT_MS = 10_000
"""How long a write waits for another process (a command beside the server) to finish its own."""


WAL_KEPT_BYTES = 64 * 1024 * 1024
"""The write-ahead log is cut back to this size after a burst, so that it does not keep the disk."""

CHECKPOINT_PAGES = 8000
"""Pages in the write-ahead log after which it is copied into the file: 32 MB. Batches of events
change the same pages of the indexes again and again; the longer the log, the fewer copies."""

_DISK_FULL = sqlite3.SQLITE_FULL
_FAILING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}
"""Result codes that tell of the file, the disk or another process, and not of the statement."""


class _Unit(NamedTuple):
    work: Work[Any]
    durable: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


_Outcome = tuple[Any, Exception | None]


class SqliteDatabase:
    """A Database in one SQLite file in WAL mode."""

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, path: Path) -> None:
        self._engine = make_engine(path)
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._readers = ReaderThreads(self._engine, READERS, _translated_read)
        self._writer = threading.Thread(target=self._write_loop, name="sqlite-write", daemon=True)
        self._writer.start()
        self._closed = False

    async def read(self, work: Work[Result]) -> Result:
        """Runs ``work`` in a reader thread, in one snapshot of the database."""
        if self._closed:
            raise _closed()
        return await self._readers.read(work)

    async def write(self, work: Work[Result], *, durable: bool = False) -> Result:
        """Runs ``work`` in the writer thread; returns after the commit that holds it."""
        if self._closed:
            raise _closed()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._units.put(_Unit(work, durable, loop, future))
        return await future

    async def close(self) -> None:
        """Commits what is queued, then closes all connections."""
        if self._closed:
            return
        self._closed = True
        self._units.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.close)
        self._engine.dispose()

    def _write_loop(self) -> None:
        while True:
            batch = self._next_batch()
            ends = batch[-1] is None
            units = [unit for unit in batch if unit is not None]
            if units:
                self._commit(units)
            # While this thread waits, it must not keep what the units gave (50,000 sessions once).
            del batch, units
            if ends:
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
                outcomes = _run_batch(connection, units)
        except Exception as error:
            if len(units) > 1 and result_code(error) == _DISK_FULL:
                for unit in units:  # what is small may still fit
                    self._commit([unit])
                return
            outcomes = [(None, translated(error))] * len(units)
        _tell(units, outcomes)


def _run_batch(connection: Connection, units: list[_Unit]) -> list[_Outcome]:
    level = "FULL" if any(unit.durable for unit in units) else "NORMAL"
    driver = driver_of(connection)
    driver.execute(f"PRAGMA synchronous={level}")
    driver.execute("PRAGMA query_only=OFF")
    connection.execution_options(write=True)
    try:
        with connection.begin():
            return [_run_unit(connection, unit.work) for unit in units]
    finally:
        driver.close_cursors()


def _run_unit(connection: Connection, work: Work[Any]) -> _Outcome:
    """Runs one unit in a savepoint; its own failure is its own, a failing disk is everybody's."""
    savepoint = connection.begin_nested()
    try:
        result = work(connection)
        savepoint.commit()
    except Exception as error:
        # SQLite may have given up the whole transaction, and every savepoint with it.
        gone = not driver_of(connection).in_transaction
        if gone or translated(error) is not error:
            raise
        savepoint.rollback()
        return None, error
    return result, None


def _tell(units: list[_Unit], outcomes: list[_Outcome]) -> None:
    """Wakes each event loop once for all of its units in a commit."""
    waiting: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], _Outcome]]] = {}
    for unit, outcome in zip(units, outcomes, strict=True):
        waiting.setdefault(unit.loop, []).append((unit.future, outcome))
    for loop, settled in waiting.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: list[tuple[asyncio.Future[Any], _Outcome]]) -> None:
    for future, (result, error) in settled:
        if future.done():  # the caller was cancelled; the write itself stands
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _on_begin says
    for pragma in (
        "journal_mode=WAL",
        f"journal_size_limit={WAL_KEPT_BYTES}",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-16384",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    # A write takes its lock at once: upgrading a read later fails instead of waiting.
    writes = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def make_engine(path: Path) -> Engine:
    """An engine whose connections begin transactions only where this module says so."""
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={
            "check_same_thread": False,
            "timeout": BUSY_TIMEOUT_MS / 1000,
            "factory": Driver,
        },
        pool_size=READERS + 2,
        max_overflow=0,
        hide_parameters=True,  # errors are logged, and parameters are secrets and payloads
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def result_code(error: BaseException) -> int | None:
    """SQLite's primary result code, None when the error is not SQLite's."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def translated(error: Exception) -> Exception:
    """``Unavailable`` where the file, the disk or another process is the cause; else the error."""
    code = result_code(error)
    if code == _DISK_FULL:
        return Unavailable("disk_full", "The disk of the server is full; nothing was changed.")
    if code in _FAILING:
        return Unavailable(
            "database_unavailable", "The database does not answer; nothing was changed."
        )
    return error


def _translated_read(error: Exception) -> Exception:
    # Of a read it tells of the work, which tried to write.
    return error if result_code(error) == sqlite3.SQLITE_READONLY else translated(error)


def _closed() -> Unavailable:
    return Unavailable("database_unavailable", "The database is closed.")
