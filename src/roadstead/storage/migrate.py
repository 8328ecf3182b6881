"""Brings a database to the schema of this version, by Alembic.

A server that is started again after a crash finds a current database nearly always, and devices are
waiting: so whether there is anything to do is found out without Alembic, which takes longer to
import than all of the rest takes to start.
"""

import asyncio
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from roadstead.kit.errors import Unavailable
from roadstead.storage import sqlite
from roadstead.storage.database import Work
from roadstead.storage.opening import SQLITE_PREFIX, asyncpg_url, sqlite_path

Result = TypeVar("Result")

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(url: str) -> None:
    """Runs what is missing, in one transaction; nothing happens on a current database.

    Two processes may do it at once: the second waits for the first.

    Raises:
        Unavailable: ``database_unavailable``; ``database_too_new`` when a later version of the
            program has already changed this database.
    """
    _with_connection(url, _upgrade)


def current_revision(url: str) -> str | None:
    """The revision that the database is at; None when it is empty."""
    return _with_connection(url, _revision)


def head_revision() -> str:
    """The revision of this version of the program."""
    return max(_known_revisions())


def _known_revisions() -> set[str]:
    """Revisions are numbered in a line, and each file is named for its own."""
    return {file.name.partition("_")[0] for file in (_SCRIPTS / "versions").glob("[0-9]*.py")}


_LOCK = 0x4D696772
"""Key of the PostgreSQL advisory lock under which one process migrates at a time."""


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    revision = _revision(connection)
    if revision is not None and revision not in _known_revisions():
        raise Unavailable(
            "database_too_new",
            f"The database was changed by a later version of Roadstead (revision {revision}). "
            "Run that version, or restore a backup made before.",
        )
    if revision != head_revision():
        _run_revisions(connection)


def _run_revisions(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _with_connection(url: str, work: Work[Result]) -> Result:
    if url.startswith(SQLITE_PREFIX):
        return _on_sqlite(url, work)
    return asyncio.run(_on_postgres(url, work))


def _on_sqlite(url: str, work: Work[Result]) -> Result:
    path = sqlite_path(url)
    engine = sqlite.make_engine(path)
    try:
        with engine.connect() as connection:
            connection.execution_options(write=True)
            with connection.begin():
                return work(connection)
    except DBAPIError as error:
        failure = sqlite.translated(error)
        if isinstance(failure, Unavailable):  # whoever starts a server must know why
            failure = Unavailable(
                failure.code, f"The database {path} cannot be used: {error.orig}."
            )
        raise failure from error
    finally:
        engine.dispose()


async def _on_postgres(url: str, work: Work[Result]) -> Result:
    from roadstead.storage.postgres import PostgresDatabase

    database = PostgresDatabase(asyncpg_url(url))
    try:
        return await database.write(work)
    finally:
        await database.close()
