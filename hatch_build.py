"""Builds the console when a wheel or an sdist is made, so that their users need no Node."""

import os
import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleBuildHook(BuildHookInterface):
    """Runs before the files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds, except for editable installs and from an sdist, which carries the built files."""
        root = Path(self.root)
        built = root / "src/roadstead/console/static/index.html"
        if version == "editable" or os.environ.get("ROADSTEAD_SKIP_CONSOLE") == "1":
            return
        if built.exists() and (root / "PKG-INFO").exists():
            return
        runpy.run_path(str(root / "console/build.py"))["main"]([])
