"""The files of the start page, as they lie in the package."""

from importlib.resources import files
from importlib.resources.abc import Traversable

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Pages:
    """All files of the folder ``static``, read when it is built."""

    def __init__(self) -> None:
        folder = files("roadstead.console") / "static"
        self._files = {
            entry.name: (entry.read_bytes(), media_type)
            for entry in folder.iterdir()
            if (media_type := _media_type(entry)) is not None
        }

    def find(self, name: str) -> tuple[bytes, str] | None:
        """The content and media type of a file, or None."""
        return self._files.get(name)


def _media_type(entry: Traversable) -> str | None:
    return _MEDIA_TYPES.get("." + entry.name.rpartition(".")[2])
