"""When the last backup was taken: one small file in the data folder, which the server reads."""

from datetime import datetime
from pathlib import Path

import msgspec

NAME = "last_backup.json"

MAX_BYTES = 16 * 1024
"""More than a record with the longest path has."""


class BackupRecord(msgspec.Struct, frozen=True):
    """A backup that was written and checked.

    Attributes:
        at: when its snapshot was taken.
        file: where it was written to.
        size_bytes: of the file.
    """

    at: datetime
    file: str
    size_bytes: int


def write_record(folder: Path, record: BackupRecord) -> None:
    """Keeps the record in place of the one before.

    Raises:
        OSError: the disk.
    """
    draft = folder / f".{NAME}"
    draft.write_bytes(msgspec.json.encode(record))
    draft.replace(folder / NAME)


def read_record(folder: Path) -> BackupRecord | None:
    """The record of the last backup; None when there was none, or it cannot be read."""
    try:
        with (folder / NAME).open("rb") as file:
            return msgspec.json.decode(file.read(MAX_BYTES), type=BackupRecord)
    except (OSError, msgspec.MsgspecError):
        return None
