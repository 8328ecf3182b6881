"""Room on the disk of the data folder, in words."""

import shutil
from pathlib import Path

LITTLE_DISK_BYTES = 1024**3
"""Free bytes below which the operator should make room: days of events of a busy server."""

NO_DISK_BYTES = 100 * 1024**2
"""Free bytes below which a busy server may stop within hours."""


def describe_room(folder: Path) -> str:
    """``ok`` while there is room for long, else what is left and what to do."""
    free = shutil.disk_usage(folder).free
    if free >= NO_DISK_BYTES:
        return "ok"
    return f"{free // 1024**2} MiB free; make room, a full disk takes no events"
