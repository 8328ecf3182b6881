"""The files of versions: kept as blobs, read often, checked each time they are read."""

import asyncio
from collections import OrderedDict
from typing import Final

from roadstead.firmware.content import sha256_hex
from roadstead.kit.errors import Unavailable
from roadstead.storage.blobs import Blobs

CACHE_BYTES: Final = 64 * 1024 * 1024
"""Files in memory: a release goes to a whole fleet at once, and most are one or two megabytes."""


class FirmwareFiles:
    """Reads files by key, and keeps those that are asked for again in memory.

    Args:
        blobs: where they are kept.
    """

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached_bytes = 0
        self._reading: dict[str, asyncio.Task[bytes]] = {}

    async def read(self, key: str, sha256: str) -> bytes:
        """The content of a file.

        Args:
            key: where it is kept.
            sha256: what it must be, hexadecimal.

        Raises:
            Unavailable: ``blob_missing``, ``blobs_unavailable``; ``blob_damaged`` when it is not
                what was uploaded.
        """
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        task = self._reading.get(key)
        if task is None:
            # However many devices ask at once, the file is read once.
            task = asyncio.ensure_future(self._read(key, sha256))
            self._reading[key] = task
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        return await asyncio.shield(task)

    async def _read(self, key: str, sha256: str) -> bytes:
        content = await self.blobs.get(key)
        if await asyncio.to_thread(sha256_hex, content) != sha256:
            raise Unavailable("blob_damaged", f"The file {key} is not what was uploaded.")
        self._keep(key, content)
        return content

    def _keep(self, key: str, content: bytes) -> None:
        if len(content) > CACHE_BYTES // 2:
            return
        self._cache[key] = content
        self._cached_bytes += len(content)
        while self._cached_bytes > CACHE_BYTES:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped)

    async def drop(self, keys: list[str]) -> None:
        """Removes files that no row names any more."""
        for key in keys:
            content = self._cache.pop(key, None)
            self._cached_bytes -= 0 if content is None else len(content)
            await self.blobs.delete(key)
