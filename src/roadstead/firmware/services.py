"""The services of this room, built together."""

from collections.abc import Callable
from dataclasses import dataclass

from roadstead.events.ingest import EventIngest
from roadstead.firmware.files import FirmwareFiles
from roadstead.firmware.library import FirmwareLibrary
from roadstead.kit.clock import Clock
from roadstead.storage.blobs import Blobs
from roadstead.storage.database import Database


@dataclass(frozen=True, slots=True)
class FirmwareServices:
    """What the edges use of this room."""

    files: FirmwareFiles
    library: FirmwareLibrary


def build_firmware(
    database: Database,
    clock: Clock,
    blobs: Blobs,
    ingest: EventIngest,
    announce: Callable[[], None],
) -> FirmwareServices:
    """Builds the services; the arguments are those of ``FirmwareLibrary``."""
    files = FirmwareFiles(blobs)
    return FirmwareServices(
        files=files,
        library=FirmwareLibrary(database, clock, files, ingest, announce),
    )
