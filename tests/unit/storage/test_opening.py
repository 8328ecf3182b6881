"""Database URLs: what is understood and what is refused."""

from pathlib import Path

import pytest

from roadstead.kit.errors import Invalid
from roadstead.storage.opening import asyncpg_url, open_database, sqlite_path


def test_a_sqlite_url_names_a_file() -> None:
    assert sqlite_path("sqlite:////var/lib/roadstead.db") == Path("/var/lib/roadstead.db")
    assert sqlite_path("sqlite:///roadstead.db") == Path("roadstead.db")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
def test_a_postgresql_url_gets_its_driver(scheme: str) -> None:
    assert asyncpg_url(f"{scheme}://jo:p%40ss@db:5433/fleet") == (
        "postgresql+asyncpg://jo:p%40ss@db:5433/fleet"
    )


def test_the_encryption_option_of_libpq_is_understood() -> None:
    assert asyncpg_url("postgresql://db/fleet?sslmode=require").endswith("/fleet?ssl=require")


def test_a_folder_of_sockets_is_understood() -> None:
    url = asyncpg_url("postgresql://postgres@/fleet?host=/run/postgresql")
    assert url == "postgresql+asyncpg://postgres@/fleet?host=%2Frun%2Fpostgresql"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://db/fleet",
        "roadstead.db",
        "",
        "postgresql://db:port/fleet",
        "postgresql://db/fleet?colour=blue",
    ],
)
async def test_other_urls_are_refused_with_what_is_accepted(url: str) -> None:
    with pytest.raises(Invalid, match="postgresql://USER@HOST/NAME") as refused:
        await open_database(url)
    assert refused.value.code == "bad_database_url"
