"""Templates of integrations: files that say how a known receiver is reached.

A template is a TOML file: what its parameters are, and settings in which ``${name}`` stands for
one. Those that come with the program lie in ``templates``; an operator puts others into the folder
``templates`` of the data folder, and they can be used at once.
"""

import logging
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from roadstead.integrations.checking import bad
from roadstead.kit.errors import DomainError

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent / "templates"

MAX_FILE_BYTES = 64 * 1024
MAX_VALUE_CHARS = 2048

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_PLACE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Parameter(msgspec.Struct, frozen=True):
    """What is asked of who uses a template.

    Attributes:
        meaning: one sentence.
        default: taken when nothing is given; None when something must be.
    """

    meaning: str
    default: str | None = None


class _File(msgspec.Struct, frozen=True):
    title: str
    settings: dict[str, Any]
    description: str = ""
    integration_type: str = "Webhook"
    parameters: dict[str, Parameter] = {}


@dataclass(frozen=True, slots=True)
class IntegrationTemplate:
    """A template.

    Attributes:
        name: of its file, without the ending.
        settings: fields of an integration, with ``${name}`` for parameters.
    """

    name: str
    title: str
    description: str
    integration_type: str
    parameters: Mapping[str, Parameter]
    settings: Mapping[str, Any]

    def fill(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with these parameters put in.

        Raises:
            Invalid: ``bad_integration``: one is missing, unknown or no text.
        """
        if unknown := sorted(set(given) - set(self.parameters)):
            raise bad(f"template {self.name} has no parameter {unknown[0]!r}")
        values: dict[str, str] = {}
        for name, parameter in self.parameters.items():
            value = given.get(name, parameter.default)
            if isinstance(value, int | float) and not isinstance(value, bool):
                value = str(value)
            if not isinstance(value, str) or len(value) > MAX_VALUE_CHARS:
                raise bad(f"template {self.name} needs {name!r}: {parameter.meaning}")
            values[name] = value
        filled = _filled(dict(self.settings), values)
        assert isinstance(filled, dict)
        return {"integration_type": self.integration_type, **filled}


class TemplateFiles:
    """The templates of the program and of the operator; those of the operator win.

    Args:
        folder: the operator's; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list_templates(self) -> list[IntegrationTemplate]:
        """All that can be read, by name; those that cannot are named in the log."""
        found: dict[str, IntegrationTemplate] = {}
        for path in self._paths():
            try:
                found[path.stem] = read_template(path)
            except DomainError as error:
                log.warning("template %s cannot be used: %s", path, error.message)
        return [found[name] for name in sorted(found)]

    def get_template(self, name: str) -> IntegrationTemplate:
        """A template by its name.

        Raises:
            Invalid: ``bad_integration``.
        """
        if _NAME.fullmatch(name):
            for folder in (self._folder, SHIPPED):
                path = folder / f"{name}.toml"
                if path.is_file():
                    return read_template(path)
        raise bad(f"there is no template {name!r}")

    def _paths(self) -> Iterator[Path]:
        for folder in (SHIPPED, self._folder):
            yield from sorted(path for path in folder.glob("*.toml") if _NAME.fullmatch(path.stem))


def read_template(path: Path) -> IntegrationTemplate:
    """Reads a template's file.

    Raises:
        Invalid: ``bad_integration``: what is wrong with the file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise bad(f"template {path.stem} has more than {MAX_FILE_BYTES} bytes")
        read = msgspec.convert(tomllib.loads(content.decode()), _File)
    except OSError as error:
        raise bad(f"template {path.stem} cannot be read: {error.strerror}") from error
    except (ValueError, msgspec.ValidationError) as error:
        raise bad(f"template {path.stem} is not right: {error}") from error
    unknown = {name for text in _texts(read.settings) for name in _PLACE.findall(text)}
    if unknown := unknown - set(read.parameters):
        raise bad(f"template {path.stem} names ${{{min(unknown)}}}, which is no parameter of it")
    return IntegrationTemplate(
        path.stem,
        read.title,
        read.description,
        read.integration_type,
        read.parameters,
        read.settings,
    )


def _filled(tree: Any, values: Mapping[str, str]) -> Any:
    if isinstance(tree, str):
        return _PLACE.sub(lambda found: values[found[1]], tree)
    if isinstance(tree, list):
        return [_filled(one, values) for one in tree]
    if isinstance(tree, dict):
        return {name: _filled(one, values) for name, one in tree.items()}
    return tree


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        for one in tree:
            yield from _texts(one)
    elif isinstance(tree, dict):
        for one in tree.values():
            yield from _texts(one)
