"""The migrated schema is the schema that the stores describe, on both engines."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from tests.builders.tables import load_stores

from roadstead.kit.errors import Unavailable
from roadstead.storage import migrate
from roadstead.storage.columns import metadata
from roadstead.storage.database import Database


def differences(conn: Connection) -> list[object]:
    load_stores()
    context = MigrationContext.configure(conn, opts={"compare_type": True})
    return [
        entry
        for entry in compare_metadata(context, metadata)
        if "alembic_version" not in str(entry)
    ]


async def test_migrations_make_exactly_the_tables_of_the_stores(database: Database) -> None:
    assert await database.read(differences) == []


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    assert migrate.current_revision(database_url) == migrate.head_revision()
    migrate.upgrade(database_url)
    assert migrate.current_revision(database_url) == migrate.head_revision()


def set_revision(revision: str) -> Callable[[Connection], object]:
    change = text("UPDATE alembic_version SET version_num = :revision")
    return lambda conn: conn.execute(change, {"revision": revision})


async def test_a_database_of_a_later_version_is_left_alone(
    database: Database, database_url: str
) -> None:
    await database.write(set_revision("9999"))
    try:
        with pytest.raises(Unavailable) as refused:
            await asyncio.to_thread(migrate.upgrade, database_url)
    finally:
        await database.write(set_revision(migrate.head_revision()))
    assert refused.value.code == "database_too_new"


def test_two_processes_may_upgrade_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    code = "import sys; from roadstead.storage import migrate; migrate.upgrade(sys.argv[1])"
    processes = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert migrate.current_revision(url) == migrate.head_revision()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_bytes(b"these are notes " * 500)
    with pytest.raises(Unavailable, match=r"notes\.db"):
        migrate.upgrade(f"sqlite:///{file}")
    assert file.read_bytes() == b"these are notes " * 500


def test_file_names_and_revisions_agree() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert scripts.get_heads() == [migrate.head_revision()]
    for script in scripts.walk_revisions():
        assert Path(script.path).name.startswith(f"{script.revision}_")


def test_tables_without_row_ids_begin_with_their_keys(tmp_path: Path) -> None:
    # Some releases of SQLite (3.40 for one) say of others that they are damaged ("NULL value in
    # …"), and every backup is checked by them.
    url = f"sqlite:///{tmp_path / 'new.db'}"
    migrate.upgrade(url)
    with sqlite3.connect(tmp_path / "new.db") as conn:
        tables = [row[1] for row in conn.execute("PRAGMA table_list") if row[4]]
        keys = {
            table: [row[5] for row in conn.execute(f"PRAGMA table_info({table})")]
            for table in tables
        }
    assert len(keys) > 4
    wrong = [
        table
        for table, places in keys.items()
        if [n for n in places if n] != list(range(1, len([n for n in places if n]) + 1))
        or 0 in places[: len([n for n in places if n])]
    ]
    assert wrong == []
