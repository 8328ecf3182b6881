"""How the server as a whole is: gathered from the parts, the disk and the database when asked."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from sqlalchemy import Connection, text

from roadstead.config import Settings
from roadstead.http.server_facts import (
    BackupFacts,
    CertificateFacts,
    DatabaseFacts,
    DeviceEdgeFacts,
    DiskFacts,
    Queue,
    ServerFacts,
)
from roadstead.kit.clock import iso_ms
from roadstead.storage import migrate
from roadstead.storage.backup_record import read_record
from roadstead.storage.database import Database
from roadstead.storage.opening import SQLITE_PREFIX, sqlite_path

MAX_CERTIFICATE_BYTES = 256 * 1024
"""More than any chain has."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """Looks when asked; keeps nothing. Fills ``StatusSource``.

    Attributes:
        queues: what waits now.
        devices: what the device edge holds now.
    """

    settings: Settings
    database: Database
    queues: Callable[[], Sequence[Queue]]
    devices: Callable[[], DeviceEdgeFacts]

    async def look(self) -> ServerFacts:
        """All facts as they are now."""
        settings = self.settings
        disk, backup, certificate = await asyncio.to_thread(_look_at_files, settings)
        return ServerFacts(
            database=await self._look_at_database(),
            disk=disk,
            backup=backup,
            certificate=certificate,
            queues=list(self.queues()),
            devices=self.devices(),
            settings={
                "sign-up": settings.signup,
                "default plan": settings.default_plan,
                "letters": "a mail server" if settings.smtp_url else f"{settings.outbox_dir}",
                "public address": settings.public_url or "taken from each request",
                "rate limits": "on" if settings.rate_limits else "off",
                "unknown devices": settings.unknown_devices,
            },
        )

    async def _look_at_database(self) -> DatabaseFacts:
        url = self.settings.database_url
        on_sqlite = url.startswith(SQLITE_PREFIX)

        def work(conn: Connection) -> tuple[str | None, int | None]:
            revision = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
            size = None
            if not on_sqlite:
                size = conn.execute(text("SELECT pg_database_size(current_database())")).scalar()
            return revision, size

        revision, size = await self.database.read(work)
        if on_sqlite:
            size = await asyncio.to_thread(_size_on_disk, sqlite_path(url))
        return DatabaseFacts(self.database.dialect, revision, migrate.head_revision(), size)


def _look_at_files(
    settings: Settings,
) -> tuple[DiskFacts, BackupFacts | None, CertificateFacts | None]:
    usage = shutil.disk_usage(settings.data_dir)
    record = read_record(settings.data_dir)
    backup = certificate = None
    if record is not None:
        backup = BackupFacts(iso_ms(record.at), record.file, record.size_bytes)
    if settings.tls_cert is not None:
        certificate = read_certificate(settings.tls_cert)
    disk = DiskFacts(str(settings.data_dir), usage.free, usage.total)
    return disk, backup, certificate


def read_certificate(path: Path) -> CertificateFacts | None:
    """Whose certificate a file holds and until when; None when it cannot be read."""
    try:
        with path.open("rb") as file:
            first = x509.load_pem_x509_certificate(file.read(MAX_CERTIFICATE_BYTES))
    except (OSError, ValueError):
        return None
    return CertificateFacts(first.subject.rfc4514_string(), iso_ms(first.not_valid_after_utc))


def _size_on_disk(path: Path) -> int:
    """Bytes of a SQLite database with its write-ahead log."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
