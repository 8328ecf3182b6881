"""What can be looked up about the server itself, and who looks."""

from collections.abc import Awaitable
from typing import Protocol

import msgspec


class DatabaseFacts(msgspec.Struct):
    """The database: engine, revision of its schema and that of this program, size if known."""

    engine: str
    revision: str | None
    program_revision: str
    size_bytes: int | None


class DiskFacts(msgspec.Struct):
    """The disk that the data folder lies on."""

    folder: str
    free_bytes: int
    total_bytes: int


class BackupFacts(msgspec.Struct):
    """The last backup that ``roadstead backup`` took of this folder."""

    at: str
    file: str
    size_bytes: int


class CertificateFacts(msgspec.Struct):
    """The certificate of HTTPS."""

    subject: str
    ends_at: str


class Queue(msgspec.Struct):
    """Something that waits: its name, how much, and the most that it takes (null: no limit)."""

    name: str
    title: str
    waiting: int
    limit: int | None = None


class DeviceEdgeFacts(msgspec.Struct):
    """Devices that are connected, sessions that are kept, updates that are being sent."""

    online: int
    sessions: int
    updates_running: int


class ServerFacts(msgspec.Struct):
    """What is looked up about the server; null where it does not exist here."""

    database: DatabaseFacts
    disk: DiskFacts
    backup: BackupFacts | None
    certificate: CertificateFacts | None
    queues: list[Queue]
    devices: DeviceEdgeFacts
    settings: dict[str, str]


class StatusSource(Protocol):
    """Who can look."""

    def look(self) -> Awaitable[ServerFacts]:
        """All facts as they are now."""
