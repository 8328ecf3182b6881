"""Opens a database by its URL."""

import asyncio
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError

from roadstead.kit.errors import Invalid
from roadstead.storage.database import Database
from roadstead.storage.sqlite import SqliteDatabase

SQLITE_PREFIX = "sqlite:///"

_OPTIONS = {"sslmode": "ssl", "ssl": "ssl", "host": "host", "port": "port"}
"""Options of a PostgreSQL URL, as libpq names them and as the driver does."""


async def open_database(url: str) -> Database:
    """The database of ``sqlite:///FILE`` or ``postgresql://…``, reachable when this returns.

    Raises:
        Invalid: ``bad_database_url``.
        Unavailable: ``database_unavailable``.
    """
    database: Database
    if url.startswith(SQLITE_PREFIX):
        database = await asyncio.to_thread(SqliteDatabase, sqlite_path(url))
    elif url.startswith("postgresql"):
        # Not imported where it is not used: its drivers take half a second of every start.
        from roadstead.storage.postgres import PostgresDatabase

        database = PostgresDatabase(asyncpg_url(url))
    else:
        raise _bad_url("it begins with neither sqlite:/// nor postgresql://")
    try:
        await database.read(lambda connection: connection.execute(text("SELECT 1")).scalar())
    except BaseException:
        await database.close()
        raise
    return database


def sqlite_path(url: str) -> Path:
    """The file of a ``sqlite:///FILE`` URL."""
    return Path(url.removeprefix(SQLITE_PREFIX))


def asyncpg_url(url: str) -> str:
    """The same server with the driver named, and options in the driver's words.

    Raises:
        Invalid: ``bad_database_url``.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _bad_url("it cannot be read as a URL") from error
    options = {_OPTIONS.get(name, name): value for name, value in parsed.query.items()}
    if unknown := options.keys() - set(_OPTIONS.values()):
        raise _bad_url(f"option {min(unknown)!r} is not known")
    full = parsed.set(drivername="postgresql+asyncpg", query=options)
    return full.render_as_string(hide_password=False)


def _bad_url(why: str) -> Invalid:
    return Invalid(
        "bad_database_url",
        f"The database URL is wrong: {why}. Use sqlite:///FILE or postgresql://USER@HOST/NAME, "
        "with ?sslmode=require for an encrypted connection.",
    )
