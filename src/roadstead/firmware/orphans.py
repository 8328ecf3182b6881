"""Files that no row names: of a process that died between a file and its row.

Looked for once a day, some at a time. Only files that are older than a day are removed, for a file
is written before its row.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, select

from roadstead.firmware.delivery.store import list_file_keys
from roadstead.firmware.flashing import FOLDER
from roadstead.firmware.store import firmware_versions
from roadstead.kit.clock import Clock
from roadstead.kit.errors import DomainError
from roadstead.storage.blobs import Blobs
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

VERSIONS: Final = "firmware"
"""Folder of the files of versions: ``firmware/VERSION_ID/...``."""

AGE: Final = timedelta(days=1)
FIRST_AFTER_S: Final = 600.0
EVERY_S: Final = 86_400.0
PAUSE_S: Final = 0.1
"""Between two batches of files."""


class OrphanFiles:
    """Removes them.

    Attributes:
        removed: files so far.
    """

    def __init__(self, database: Database, blobs: Blobs, clock: Clock) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self.removed = 0

    async def run(self) -> None:
        """Looks once a day until it is cancelled."""
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            try:
                await self.sweep()
            except DomainError as error:
                log.warning("files that no row names stay for now: %s", error.message)
            except Exception:
                log.exception("files that no row names could not be looked for")
            await asyncio.sleep(EVERY_S)

    async def sweep(self) -> int:
        """Removes what is old and needed by nothing; gives the number of files.

        Raises:
            Unavailable: the database, or the place of the files.
        """
        before, removed = self._clock.now() - AGE, 0
        for folder in (VERSIONS, FOLDER):
            async for keys in self._blobs.list_older(folder, before):
                orphans = await self._database.read(partial(_orphans, keys=keys))
                for key in orphans:
                    await self._blobs.delete(key)
                removed += len(orphans)
                await asyncio.sleep(PAUSE_S)
        self.removed += removed
        if removed:
            log.info("removed %d files that nothing needs", removed)
        return removed


def _orphans(conn: Connection, keys: Sequence[str]) -> list[str]:
    ids = {_folder_of(key) for key in keys if key.startswith(f"{VERSIONS}/")}
    column = firmware_versions.c.id
    known = set(conn.scalars(select(column).where(column.in_(ids)))) if ids else set()
    sending = list_file_keys(conn, keys)
    return [key for key in keys if _folder_of(key) not in known and key not in sending]


def _folder_of(key: str) -> str:
    return key.split("/")[1]
