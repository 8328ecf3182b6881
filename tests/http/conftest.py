"""A cloud in this process, on a SQLite file of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.builders.cloud import Cloud, Person, open_cloud

from roadstead.devices.server_keys import ServerKeys
from roadstead.storage import migrate
from roadstead.storage.database import Database
from roadstead.storage.opening import open_database


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Server keys, made once: an RSA key takes its time."""
    folder = tmp_path_factory.mktemp("server")
    ServerKeys.load_or_create(folder / "keys")
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The content of a migrated database file, made once."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
async def database(tmp_path: Path, empty_database: bytes) -> AsyncIterator[Database]:
    path = tmp_path / "roadstead.db"
    path.write_bytes(empty_database)
    opened = await open_database(f"sqlite:///{path}")
    yield opened
    await opened.close()


@pytest.fixture
async def cloud(database: Database, key_folder: Path) -> AsyncIterator[Cloud]:
    async with open_cloud(database, key_folder) as opened:
        yield opened


@pytest.fixture
async def jo(cloud: Cloud) -> Person:
    return await cloud.person("jo@example.com")


@pytest.fixture
async def stranger(cloud: Cloud) -> Person:
    return await cloud.person("stranger@example.com")


@pytest.fixture
async def admin(cloud: Cloud) -> Person:
    return await cloud.person("admin@example.com", is_admin=True)
