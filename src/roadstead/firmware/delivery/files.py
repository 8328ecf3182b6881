"""The files that are being sent: one copy of each in memory, however many devices get it."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from roadstead.devices.updates import UpdateFile
from roadstead.storage.blobs import Blobs

KEPT_BYTES = 32 * 1024 * 1024
"""Files that nobody gets any more and that are kept in case somebody does, together."""


class _Entry:
    __slots__ = ("file", "users")

    def __init__(self) -> None:
        self.file: asyncio.Future[UpdateFile] = asyncio.get_running_loop().create_future()
        self.users = 0


class SendingFiles:
    """Files by their key, read once."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    @asynccontextmanager
    async def open(self, key: str, sha256: str) -> AsyncIterator[UpdateFile]:
        """The file, for as long as it is sent.

        Args:
            key: of the blob.
            sha256: of the file, hexadecimal.

        Raises:
            Unavailable: it cannot be read.
        """
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry()
            entry.users += 1
            await self._read(key, sha256, entry)
        else:
            entry.users += 1
        try:
            yield await asyncio.shield(entry.file)
        finally:
            entry.users -= 1
            self._forget_some()

    async def _read(self, key: str, sha256: str, entry: _Entry) -> None:
        try:
            content = await self._blobs.get(key)
        except BaseException as error:
            self._entries.pop(key, None)
            if isinstance(error, Exception):
                entry.file.set_exception(error)
                entry.file.exception()  # others may wait for it, or nobody
            else:
                entry.file.cancel()
            raise
        entry.file.set_result(UpdateFile(content, bytes.fromhex(sha256)))

    def _forget_some(self) -> None:
        idle = [
            (key, len(entry.file.result().content))
            for key, entry in self._entries.items()
            if not entry.users and entry.file.done() and not entry.file.cancelled()
        ]
        kept = sum(size for _, size in idle)
        for key, size in idle:
            if kept <= KEPT_BYTES:
                return
            del self._entries[key]
            kept -= size
