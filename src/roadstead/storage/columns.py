"""Column types that read the same on SQLite and PostgreSQL."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Dialect, MetaData, Text
from sqlalchemy.types import TypeDecorator

from roadstead.kit.clock import from_ms, to_ms

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""The one MetaData: each capability's ``store.py`` adds its tables to it."""


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as Unix milliseconds (sorts and compares on both engines)."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Datetime to milliseconds."""
        return None if value is None else to_ms(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Milliseconds to datetime."""
        return None if value is None else from_ms(value)


class Json(TypeDecorator[Any]):
    """A JSON document, kept as text and coded by msgspec."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Document to text."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Text to document."""
        return None if value is None else msgspec.json.decode(value)
