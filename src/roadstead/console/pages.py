"""The files of the console as built, or the plain start page where nothing is built."""

import gzip
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}

_COMPRESSIBLE = frozenset({".html", ".css", ".js", ".json", ".svg"})

HASHED_FOLDER = "chunks/"
"""Files below it carry a digest of their content in their names: they never change."""


@dataclass(frozen=True, slots=True)
class Page:
    """One file as it is sent.

    Attributes:
        content: its bytes.
        compressed: the same by gzip; None where that saves nothing.
        media_type: with the charset where it has one.
        forever: its content never changes under this name.
    """

    content: bytes
    compressed: bytes | None
    media_type: str
    forever: bool


class Pages:
    """All files of the console, read once; ``built`` tells whether it is the console."""

    def __init__(self) -> None:
        package = files("roadstead.console")
        built = package / "static"
        self.built = (built / "index.html").is_file()
        # The page of the API is plain in both cases; what is built wins where both have a file.
        self._files = dict(_read(package / "plain", ""))
        if self.built:
            self._files |= dict(_read(built, ""))

    def find(self, name: str) -> Page | None:
        """The file of this name (``index.html``, ``chunks/app-1f2e.js``), or None."""
        return self._files.get(name)


def _read(folder: Traversable, prefix: str) -> "list[tuple[str, Page]]":
    found: list[tuple[str, Page]] = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            found += _read(entry, f"{name}/")
            continue
        suffix = "." + entry.name.rpartition(".")[2]
        media_type = _MEDIA_TYPES.get(suffix)
        if media_type is not None:
            found.append((name, _page(name, entry.read_bytes(), suffix, media_type)))
    return found


def _page(name: str, content: bytes, suffix: str, media_type: str) -> Page:
    compressed = gzip.compress(content, 9, mtime=0) if suffix in _COMPRESSIBLE else None
    if compressed is not None and len(compressed) >= len(content):
        compressed = None
    return Page(content, compressed, media_type, name.startswith(HASHED_FOLDER))
