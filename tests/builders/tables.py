"""All tables of the program, gathered from the capabilities' stores."""

import importlib
import pkgutil

from sqlalchemy import Connection, inspect, text

import roadstead


def load_stores() -> None:
    """Imports every module that puts tables on the one MetaData."""
    for module in pkgutil.walk_packages(roadstead.__path__, "roadstead."):
        if module.name.rsplit(".", 1)[-1].endswith("store") or module.name.endswith(".outbox"):
            importlib.import_module(module.name)


def empty_all_tables(conn: Connection) -> None:
    """Empties every table that exists, whether or not a store knows it."""
    existing = [name for name in inspect(conn).get_table_names() if name != "alembic_version"]
    names = ", ".join(f'"{name}"' for name in existing)
    conn.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
