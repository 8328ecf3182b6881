"""The data folder that a command works on."""

import os
from typing import Annotated

import typer

from roadstead.config import Settings, ensure_folders, load

DataDir = Annotated[
    str | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Folder of the server's data; else ROADSTEAD_DATA_DIR, else ./roadstead-data.",
    ),
]
"""The option that every operator command takes."""


def open_settings(data_dir: str | None) -> Settings:
    """The settings of this command, with the folders in place.

    Raises:
        Invalid: ``bad_setting``.
        Unavailable: ``data_dir_unusable``.
    """
    settings = load(os.environ, {"data_dir": data_dir})
    ensure_folders(settings)
    return settings
