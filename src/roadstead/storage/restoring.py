"""Makes a data folder from a backup, or nothing at all.

Everything is unpacked beside the place where it goes, held against the manifest, and only then
moved; a folder that holds anything is never touched.
"""

import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO

from roadstead.kit.errors import Conflict, Invalid
from roadstead.storage.backup import (
    DATABASE,
    FOLDER,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    PRIVATE_MODE,
    SECRET,
    Manifest,
    PackedFile,
    Source,
    bad_backup,
    check_database,
    copy_hashed,
    only_sound,
    parse_manifest,
    read_members,
)
from roadstead.storage.opening import SQLITE_PREFIX, sqlite_path

FOLDER_MODE = 0o700


def restore(archive: Path, target: Source) -> Manifest:
    """Unpacks a backup into places where nothing is yet.

    Args:
        archive: what ``backup.write_backup`` wrote.
        target: where the data folder, the database and the secret key go.

    Raises:
        Conflict: ``restore_would_overwrite``.
        Invalid: ``bad_backup``, ``backup_too_new``, ``restore_not_sqlite``; nothing was changed.
        OSError: the disk.
    """
    if not target.database_url.startswith(SQLITE_PREFIX):
        raise Invalid("restore_not_sqlite", "A backup of SQLite cannot go into PostgreSQL.")
    _refuse_overwriting(target)
    target.data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.data_dir, prefix=".restoring-") as name:
        staging = Path(name)
        with only_sound(archive):
            manifest = _unpack(archive, staging)
        if (wrong := check_database(staging / DATABASE)) is not None:
            raise bad_backup(archive, f"its database is damaged ({wrong})")
        _move(staging, manifest, target)
    return manifest


def _refuse_overwriting(target: Source) -> None:
    folder = target.data_dir
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(
            "restore_would_overwrite",
            f"The folder {folder} is not empty. Choose another --data-dir, or move it away first.",
        )
    for path in (sqlite_path(target.database_url), target.secret_key_file):
        if path.exists():
            raise Conflict("restore_would_overwrite", f"{path} exists already. Move it away first.")


def _unpack(archive: Path, staging: Path) -> Manifest:
    found: list[PackedFile] = []
    manifest: Manifest | None = None
    for name, content in read_members(archive):
        if manifest is not None:
            raise bad_backup(archive, "something follows its manifest")
        if name == MANIFEST:
            manifest = parse_manifest(archive, content.read(MAX_MANIFEST_BYTES))
        elif _is_ours(name):
            found.append(PackedFile(name, *_write(staging / name, content)))
        else:
            raise bad_backup(archive, f"it holds a file named {name!r}")
    if manifest is None:
        raise bad_backup(archive, "it has no manifest")
    if tuple(found) != manifest.files:
        raise bad_backup(archive, "its files are not those of its manifest")
    if not any(file.name == DATABASE for file in found):
        raise bad_backup(archive, "it holds no database")
    return manifest


def _is_ours(name: str) -> bool:
    path = PurePosixPath(name)
    plain = not path.is_absolute() and ".." not in path.parts and path.as_posix() == name
    inside = name.startswith(FOLDER) and "\0" not in name and not path.parts[1].startswith(".")
    return plain and (name in (DATABASE, SECRET) or inside)


def _write(path: Path, content: IO[bytes]) -> tuple[int, str]:
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(descriptor, "wb") as out:
        size_and_sum = copy_hashed(content, out)
        out.flush()
        os.fsync(out.fileno())
    return size_and_sum


def _move(staging: Path, manifest: Manifest, target: Source) -> None:
    """The database goes last: a folder without one is visibly not finished."""
    for file in reversed(manifest.files):
        place = _place(file.name, target)
        place.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _move_one(staging / file.name, place)


def _place(name: str, target: Source) -> Path:
    if name == DATABASE:
        return sqlite_path(target.database_url)
    if name == SECRET:
        return target.secret_key_file
    return target.data_dir / name.removeprefix(FOLDER)


def _move_one(source: Path, place: Path) -> None:
    try:
        source.rename(place)
    except OSError:  # another file system
        with source.open("rb") as content:
            _write(place, content)
