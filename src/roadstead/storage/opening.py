"""Opens a database by its URL."""

import asyncio
from pathlib import Path

from sqlalchemy import text

from roadstead.kit.errors import Invalid
from roadstead.storage.database import Database
from roadstead.storage.postgres import PostgresDatabase
from roadstead.storage.sqlite import SqliteDatabase

SQLITE_PREFIX = "sqlite:///"


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
        database = PostgresDatabase(asyncpg_url(url))
    else:
        raise Invalid("bad_database_url", "The URL must begin with sqlite:/// or postgresql://.")
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
    """The same server with the driver named, as SQLAlchemy wants it."""
    return "postgresql+asyncpg://" + url.split("://", 1)[1]
