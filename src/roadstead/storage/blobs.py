"""Blobs: whole files under a key, kept beside the database.

A folder in the data folder by default, an object store by URL. A blob is written once under a key
that nobody used before, and never changed; a row of the database that names a key is written after
its blob and removed before it, so that no row is ever without its file.
"""

import asyncio
import contextlib
import logging
import os
import re
import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from roadstead.kit.errors import DomainError, Invalid, Unavailable

log = logging.getLogger(__name__)

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}(/[a-z0-9][a-z0-9._-]{0,99}){0,5}")

SCHEMES = ("s3", "gs", "az")
"""Kinds of object stores by the scheme of their URL."""

FILE_MODE = 0o600

LOGGED_CHARS = 500

LISTED = 200
"""Keys given at a time."""

RETRIES: dict[str, Any] = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
"""Of an object store; a person or a device waits."""


class Blobs(Protocol):
    """Where files are kept. Keys are lower-case words joined by ``/``."""

    async def put(self, key: str, content: bytes) -> None:
        """Keeps a blob; it is there whatever happens once this returns.

        Raises:
            Unavailable: ``blobs_unavailable`` or ``disk_full``; nothing was kept.
        """

    async def get(self, key: str) -> bytes:
        """The content of a blob.

        Raises:
            Unavailable: ``blob_missing`` when there is none, ``blobs_unavailable``.
        """

    async def delete(self, key: str) -> None:
        """Removes a blob; one that is not there is no error.

        Raises:
            Unavailable: ``blobs_unavailable``.
        """

    def list_older(self, folder: str, before: datetime) -> AsyncIterator[list[str]]:
        """Keys of blobs below a folder (the first word of their keys) kept before a time.

        Some at a time, at most LISTED.

        Raises:
            Unavailable: ``blobs_unavailable``.
        """


def open_blobs(url: str | None, folder: Path) -> Blobs:
    """The blobs of ``url``, or of ``folder`` when it is None.

    Raises:
        Invalid: ``bad_setting``.
        Unavailable: ``blobs_not_installed``: the library for object stores is missing.
    """
    return FolderBlobs(folder) if url is None else StoreBlobs(url)


def parse_blobs_url(name: str, text: str) -> str | None:
    """A URL of an object store, ``s3://BUCKET/PREFIX``; None for an empty text.

    Raises:
        Invalid: ``bad_setting``; ``name`` is the setting's.
    """
    parts = urlsplit(text)
    if not text or (parts.scheme in SCHEMES and parts.hostname and not parts.query):
        return text or None
    kinds = ", ".join(f"{scheme}://BUCKET/PREFIX" for scheme in SCHEMES)
    raise Invalid("bad_setting", f"ROADSTEAD_{name.upper()} is {text!r}; accepted is {kinds}.")


class FolderBlobs:
    """Blobs as files of a folder.

    Args:
        folder: made with the first blob.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, key: str, content: bytes) -> None:
        """See Blobs."""
        try:
            await asyncio.to_thread(_write, self._folder / _checked(key), content)
        except OSError as error:
            raise Unavailable(
                "disk_full", f"The file cannot be stored: {error.strerror}."
            ) from error

    async def get(self, key: str) -> bytes:
        """See Blobs."""
        try:
            return await asyncio.to_thread((self._folder / _checked(key)).read_bytes)
        except FileNotFoundError as error:
            raise _missing(key) from error
        except OSError as error:
            raise _unavailable(error) from error

    async def delete(self, key: str) -> None:
        """See Blobs."""
        try:
            await asyncio.to_thread(_remove, self._folder / _checked(key))
        except OSError as error:
            raise _unavailable(error) from error

    async def list_older(self, folder: str, before: datetime) -> AsyncIterator[list[str]]:
        """See Blobs. Drafts that a process left when it died are removed on the way."""
        try:
            keys = await asyncio.to_thread(_list_older, self._folder, folder, before.timestamp())
        except OSError as error:
            raise _unavailable(error) from error
        for start in range(0, len(keys), LISTED):
            yield keys[start : start + LISTED]


class StoreBlobs:
    """Blobs in an object store; credentials are those of its own environment variables.

    Args:
        url: see ``parse_blobs_url``.
    """

    def __init__(self, url: str) -> None:
        try:
            # Not imported where it is not used: it is an extra of the package.
            from obstore.store import from_url
        except ImportError as error:
            raise Unavailable(
                "blobs_not_installed", "Object stores need an extra: pip install 'roadstead[s3]'."
            ) from error
        try:
            self._store: Any = from_url(url, retry_config=RETRIES)  # type: ignore[call-overload]
        except Exception as error:
            raise Invalid("bad_setting", f"The object store cannot be used: {error}.") from error

    async def put(self, key: str, content: bytes) -> None:
        """See Blobs."""
        path = _checked(key)
        try:
            await self._store.put_async(path, content)
        except Exception as error:
            raise _unavailable(error) from error

    async def get(self, key: str) -> bytes:
        """See Blobs."""
        path = _checked(key)
        try:
            found = await self._store.get_async(path)
            return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            raise _missing(key) from error
        except Exception as error:
            raise _unavailable(error) from error

    async def delete(self, key: str) -> None:
        """See Blobs."""
        path = _checked(key)
        try:
            await self._store.delete_async(path)
        except FileNotFoundError:
            return
        except Exception as error:
            raise _unavailable(error) from error

    async def list_older(self, folder: str, before: datetime) -> AsyncIterator[list[str]]:
        """See Blobs."""
        try:
            async for some in self._store.list(_checked(folder), chunk_size=LISTED):
                keys = [one["path"] for one in some if one["last_modified"] < before]
                yield [key for key in keys if key.startswith(f"{folder}/")]
        except Exception as error:
            raise _unavailable(error) from error


def _checked(key: str) -> str:
    # Keys are made by this program; one with ".." or a capital would mean a fault of its own.
    if not _KEY.fullmatch(key) or ".." in key:
        raise ValueError(f"{key!r} is no key of a blob")
    return key


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _list_older(root: Path, folder: str, before_s: float) -> list[str]:
    keys = []
    for path in sorted((root / _checked(folder)).rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            if not path.is_file() or path.stat().st_mtime >= before_s:
                continue
            if path.name.startswith("."):
                _remove(path)
            else:
                keys.append(path.relative_to(root).as_posix())
    return keys


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # there are others in it
        path.parent.rmdir()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _missing(key: str) -> DomainError:
    return Unavailable("blob_missing", f"The file {key} is not where files are kept.")


def _unavailable(error: Exception) -> DomainError:
    # What a store says is long, and names buckets; it is for the operator's eyes.
    log.error("blobs: %s", " ".join(str(error).split())[:LOGGED_CHARS])
    return Unavailable("blobs_unavailable", "Files cannot be read or written now; see the log.")
