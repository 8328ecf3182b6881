"""``roadstead backup`` and ``roadstead restore``: the data folder as one checked file."""

import os
from pathlib import Path
from typing import Annotated

import typer

from roadstead import __version__
from roadstead.cli.data_folder import DataDir
from roadstead.config import Settings, ensure_folders, load
from roadstead.kit.clock import SystemClock
from roadstead.storage import backup as packing
from roadstead.storage import migrate, restoring
from roadstead.storage.backup_record import BackupRecord, write_record

Archive = Annotated[Path, typer.Argument(metavar="FILE", help="A .tar.gz file.")]


def register(app: typer.Typer) -> None:
    """Adds both commands."""
    app.command()(backup)
    app.command()(restore)


def backup(file: Archive, data_dir: DataDir = None) -> None:
    """Write a checked backup; the server may run. It holds the keys: keep it as secret as they."""
    settings = load(os.environ, {"data_dir": data_dir})
    _require_folder(settings)
    url = settings.database_url
    revision = migrate.current_revision(url) if url.startswith("sqlite") else None
    manifest = packing.write_backup(
        file,
        _places(settings),
        program_version=__version__,
        revision=revision or "",
        at=SystemClock().now(),
    )
    size = file.stat().st_size
    write_record(settings.data_dir, BackupRecord(manifest.created_at, str(file.absolute()), size))
    print(f"backup {file}: {len(manifest.files)} files, {size} bytes, revision {revision}; checked")


def restore(file: Archive, data_dir: DataDir = None) -> None:
    """Make a data folder from a backup; nothing that exists is overwritten."""
    settings = load(os.environ, {"data_dir": data_dir})
    manifest = restoring.restore(file, _places(settings))
    ensure_folders(settings)
    print(
        f"restored {len(manifest.files)} files of {manifest.created_at:%Y-%m-%d %H:%M} UTC "
        f"into {settings.data_dir} (Roadstead {manifest.program_version}, "
        f"revision {manifest.revision})"
    )


def _places(settings: Settings) -> packing.Source:
    return packing.Source(settings.data_dir, settings.database_url, settings.secret_key_file)


def _require_folder(settings: Settings) -> None:
    if not settings.data_dir.is_dir():
        raise typer.BadParameter(f"there is no data folder at {settings.data_dir}")
