"""A flat TOML file as texts, for whoever parses them further."""

import tomllib
from pathlib import Path

from roadstead.kit.errors import Invalid


def read_texts(path: Path) -> dict[str, str]:
    """Each key with its value as text: switches as ``on`` and ``off``, lists joined by commas.

    Raises:
        Invalid: ``bad_setting``.
        FileNotFoundError, NotADirectoryError: there is no such file.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise Invalid("bad_setting", f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # of the encoding, or of TOML
        raise Invalid("bad_setting", f"{path} is not TOML: {error}.") from error
    return {name: _text_of(path, name, value) for name, value in document.items()}


def _text_of(path: Path, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    if not isinstance(value, str | int | float):
        raise Invalid("bad_setting", f"{name} in {path} must be a text, number or switch.")
    return str(value)
