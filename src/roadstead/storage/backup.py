"""A backup: one checked ``.tar.gz`` of a data folder, taken while the server runs.

Members: ``database/roadstead.db`` (a snapshot by SQLite's online backup, of one moment),
``folder/…`` (every other file of the data folder: the server's keys, ``roadstead.toml``),
``secret/secret.key`` where that key lies outside the folder, and last ``manifest.json`` with size
and SHA-256 of each. The archive is as secret as the data folder itself: it holds the keys.
"""

import contextlib
import gzip
import hashlib
import io
import os
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from roadstead.kit.errors import Conflict, Invalid, Unavailable
from roadstead.storage.opening import SQLITE_PREFIX, sqlite_path

FORMAT = 1
"""Of the archive; a later one is refused, because this program cannot know what it means."""

MANIFEST = "manifest.json"
DATABASE = "database/roadstead.db"
SECRET = "secret/secret.key"  # noqa: S105 - a member's name
FOLDER = "folder/"

MAX_MANIFEST_BYTES = 64 * 1024 * 1024
"""Bounds what is read of a manifest that somebody else wrote: about 400,000 files."""

CHUNK_BYTES = 1024 * 1024
"""Files are copied in pieces of this size, so that no file has to fit the memory."""

PRIVATE_MODE = 0o600

NOT_KEPT = frozenset({"serve.lock", "last_backup.json"})
"""Files about this process or this folder that mean nothing to the next one."""


class PackedFile(msgspec.Struct, frozen=True):
    """One member of the archive."""

    name: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What an archive holds.

    Attributes:
        program_version: of the Roadstead that wrote it.
        revision: of the database's schema.
        created_at: when the snapshot was taken.
    """

    format: int
    program_version: str
    revision: str
    created_at: datetime
    files: tuple[PackedFile, ...]


class Source(msgspec.Struct, frozen=True):
    """What is to be backed up."""

    data_dir: Path
    database_url: str
    secret_key_file: Path


def write_backup(
    target: Path, source: Source, *, program_version: str, revision: str, at: datetime
) -> Manifest:
    """Writes a backup and reads it again before it gets its name.

    Args:
        target: a file that does not exist yet; its folder needs room for the database twice.
        source: the data folder; the server may run on it.
        program_version: for the manifest.
        revision: of the database, for the manifest.
        at: for the manifest.

    Raises:
        Conflict: ``backup_exists``.
        Invalid: ``backup_not_sqlite``: PostgreSQL has its own tool; the message says how.
        Unavailable: ``backup_failed``: what was read again is not what was written.
        OSError: the disk.
    """
    if target.exists():
        raise Conflict("backup_exists", f"{target} exists already. Choose another name.")
    if not source.database_url.startswith(SQLITE_PREFIX):
        raise _not_sqlite(source)
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".backup-") as name:
        draft, snapshot = Path(name) / "draft", Path(name) / "snapshot"
        _take_snapshot(sqlite_path(source.database_url), snapshot)
        manifest = Manifest(FORMAT, program_version, revision, at, ())
        manifest = _pack(draft, _list_files(source, snapshot), manifest)
        _check(draft, manifest)
        try:
            os.link(draft, target)
        except FileExistsError:
            raise Conflict("backup_exists", f"{target} exists already.") from None
    _sync_folder(target.absolute().parent)
    return manifest


def read_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each member, in order; each must be read before the next is asked for.

    To be used inside ``only_sound``.

    Raises:
        Invalid: ``bad_backup``: something else than plain files.
    """
    with tarfile.open(archive, "r|gz") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is None:
                raise bad_backup(archive, f"{member.name} is no plain file")
            yield member.name, content


@contextlib.contextmanager
def only_sound(archive: Path) -> Iterator[None]:
    """Turns what the readers of the archive say about a damaged one into ``bad_backup``."""
    try:
        yield
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
        raise bad_backup(archive, str(error) or "it is cut off") from error


def copy_hashed(content: IO[bytes], out: IO[bytes] | None) -> tuple[int, str]:
    """Copies (or only reads) a member; gives its size in bytes and its SHA-256 in hexadecimal."""
    digest, size = hashlib.sha256(), 0
    while chunk := content.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
        if out is not None:
            out.write(chunk)
    return size, digest.hexdigest()


def parse_manifest(archive: Path, content: bytes) -> Manifest:
    """The manifest of an archive.

    Raises:
        Invalid: ``bad_backup``, ``backup_too_new``.
    """
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise bad_backup(archive, f"its manifest cannot be read ({error})") from error
    if manifest.format != FORMAT:
        raise Invalid(
            "backup_too_new",
            f"{archive} was written by Roadstead {manifest.program_version}; use that version.",
        )
    return manifest


def check_database(path: Path) -> str | None:
    """What SQLite finds wrong with a database file; None when it is sound."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)
    return None if found == "ok" else str(found)


def bad_backup(archive: Path, why: str) -> Invalid:
    """The error of an archive that cannot be used."""
    return Invalid("bad_backup", f"{archive} is no sound backup: {why}.")


def _take_snapshot(path: Path, snapshot: Path) -> None:
    if not path.exists():
        raise Unavailable("database_unavailable", f"There is no database at {path}.")
    try:
        with (
            contextlib.closing(sqlite3.connect(path)) as live,
            contextlib.closing(sqlite3.connect(snapshot)) as copy,
        ):
            # All pages in one step: a read transaction, which holds up no writer in WAL mode.
            live.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise Unavailable(
            "backup_failed", f"The database {path} cannot be copied: {error}."
        ) from error
    if (wrong := check_database(snapshot)) is not None:
        raise Unavailable("backup_failed", f"The database {path} is damaged: {wrong}.")


def _list_files(source: Source, snapshot: Path) -> Iterator[tuple[str, Path]]:
    yield DATABASE, snapshot
    database = sqlite_path(source.database_url)
    skipped = {database.with_name(database.name + end) for end in ("", "-wal", "-shm", "-journal")}
    skipped |= {source.data_dir / name for name in NOT_KEPT}
    for path in sorted(source.data_dir.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(source.data_dir).parts)
        if path.is_file() and not path.is_symlink() and path not in skipped and not hidden:
            yield FOLDER + path.relative_to(source.data_dir).as_posix(), path
    outside = not source.secret_key_file.is_relative_to(source.data_dir)
    if outside and source.secret_key_file.exists():
        yield SECRET, source.secret_key_file


def _pack(draft: Path, files: Iterator[tuple[str, Path]], manifest: Manifest) -> Manifest:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(descriptor, "wb") as out:
        with tarfile.open(fileobj=out, mode="w|gz") as tar:
            packed = tuple(_add(tar, name, path) for name, path in files)
            manifest = msgspec.structs.replace(manifest, files=packed)
            content = msgspec.json.encode(manifest)
            tar.addfile(_describe(MANIFEST, len(content)), io.BytesIO(content))
        out.flush()
        os.fsync(out.fileno())
    return manifest


def _add(tar: tarfile.TarFile, name: str, path: Path) -> PackedFile:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        reader = _HashingReader(file)
        tar.addfile(_describe(name, size), reader)
    return PackedFile(name, size, reader.digest.hexdigest())


def _describe(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, PRIVATE_MODE
    return info


class _HashingReader:
    """A file that is hashed while it is read, so that sum and content are of the same bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.digest.update(chunk)
        return chunk


def _check(draft: Path, manifest: Manifest) -> None:
    with only_sound(draft):
        found = [PackedFile(name, *copy_hashed(file, None)) for name, file in read_members(draft)]
    if tuple(found[:-1]) != manifest.files or found[-1].name != MANIFEST:
        raise Unavailable("backup_failed", "The backup read back differs from what was written.")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_sqlite(source: Source) -> Invalid:
    return Invalid(
        "backup_not_sqlite",
        "The database is PostgreSQL; back it up with its own tool, and the keys beside it: "
        "pg_dump --format=custom --file=roadstead.dump DATABASE_URL && "
        f"tar czf roadstead-keys.tar.gz {source.data_dir / 'keys'} {source.secret_key_file}. "
        "To go back: pg_restore --clean --if-exists --dbname=DATABASE_URL roadstead.dump.",
    )
