"""Reader threads of a SQLite database, each with a connection that it keeps.

A read is short: some ten microseconds in SQLite. Taking a connection from a pool and having
SQLAlchemy begin and end a transaction costs several times that, so each thread holds one
connection for which SQLAlchemy believes a single transaction is under way, and this module begins
and ends the real one around each unit of work.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine

from roadstead.storage.database import Work

Result = TypeVar("Result")

CACHE_KIB = 4096
"""Pages that each reader keeps for itself; the system keeps the file's pages for all of them."""


class _Unit(NamedTuple):
    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class ReaderThreads:
    """Runs units of work that only read, each in one snapshot of the database.

    Args:
        engine: gives each thread its connection.
        number: of threads.
        translate: what to raise instead of an error of SQLite's.
    """

    def __init__(
        self, engine: Engine, number: int, translate: Callable[[Exception], Exception]
    ) -> None:
        self._engine = engine
        self._translate = translate
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, name=f"sqlite-read-{number}", daemon=True)
            for number in range(number)
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, work: Work[Result]) -> Result:
        """Runs ``work`` in one of the threads."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._units.put(_Unit(work, loop, future))
        return await future

    def close(self) -> None:
        """Lets the threads finish what was asked and closes their connections; blocks."""
        for _ in self._threads:
            self._units.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        connection: Connection | None = None
        while (unit := self._units.get()) is not None:
            result, error = None, None
            try:
                connection = connection or self._connect()
                result = _run(connection, unit.work)
            except Exception as raised:
                error = self._translate(raised)
                if error is not raised:
                    error.__cause__ = raised
                    # The file or the connection is at fault: begin anew with the next unit.
                    _discard(connection)
                    connection = None
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                unit.loop.call_soon_threadsafe(_settle, unit.future, result, error)
            # While this thread waits, it must not keep what the unit gave.
            del unit, result, error
        _discard(connection)

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        driver = driver_of(connection)
        driver.execute("PRAGMA query_only=ON")
        driver.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.begin()
        driver.execute("ROLLBACK")
        driver.close_cursors()
        return connection


class Driver(sqlite3.Connection):
    """A connection that knows its cursors.

    While a cursor has rows left to give, SQLite keeps the snapshot it reads from, even beyond the
    end of the transaction: later reads of the same connection would not see what was committed
    since. An error that somebody keeps also keeps the frames it came through, and the cursors in
    them, for as long. So every unit of work closes what it opened.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opened: list[sqlite3.Cursor] = []

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """A new cursor."""
        opened = super().cursor(*args, **kwargs)
        self._opened.append(opened)
        return opened

    def close_cursors(self) -> None:
        """Closes every cursor of this connection; no result may be read any more."""
        for opened in self._opened:
            opened.close()
        self._opened.clear()


def driver_of(connection: Connection) -> Driver:
    """SQLite's own connection below SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, Driver)
    return driver


def _run(connection: Connection, work: Work[Result]) -> Result:
    driver = driver_of(connection)
    driver.execute("BEGIN")
    try:
        return work(connection)
    finally:
        driver.close_cursors()
        # A failing disk may have ended it already.
        if driver.in_transaction:
            driver.execute("ROLLBACK")


def _discard(connection: Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(Exception):
            connection.invalidate()
            connection.close()


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():  # the caller was cancelled
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
