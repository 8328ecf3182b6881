"""The migrated schema is the schema that the stores describe, on both engines."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from tests.builders.tables import load_stores

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
