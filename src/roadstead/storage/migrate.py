"""Brings a database to the schema of this version, by Alembic."""

import asyncio
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from roadstead.kit.errors import Unavailable
from roadstead.storage import postgres, sqlite
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
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert head is not None
    return head


_LOCK = 0x4D696772
"""Key of the PostgreSQL advisory lock under which one process migrates at a time."""


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    revision = _revision(connection)
    known = {script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}
    if revision is not None and revision not in known:
        raise Unavailable(
            "database_too_new",
            f"The database was changed by a later version of Roadstead (revision {revision}). "
            "Run that version, or restore a backup made before.",
        )
    if revision != head_revision():
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


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
            text = f"The database {path} cannot be used: {error.orig}."
            failure = Unavailable(failure.code, text)
        raise failure from error
    finally:
        engine.dispose()


async def _on_postgres(url: str, work: Work[Result]) -> Result:
    database = postgres.PostgresDatabase(asyncpg_url(url))
    try:
        return await database.write(work)
    finally:
        await database.close()
