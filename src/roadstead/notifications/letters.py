"""A notice in words. Pure but for reading its templates once.

A template is text with ``${name}`` for facts; a fact that is missing shows as ``(unknown)``. All
facts follow below the text, so that no template has to name each.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid
from roadstead.notifications.model import Notice
from roadstead.outbound.mail import Mail

SHIPPED = Path(__file__).parent / "templates.toml"

MAX_FACT_CHARS = 500
MAX_SUBJECT_CHARS = 150

_PLACE = re.compile(r"\$\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Words:
    """How a kind is said."""

    subject: str
    text: str


Templates = Mapping[str, Words]
"""Words by kind."""


def read_templates(own: Path | None = None) -> Templates:
    """The words that come with the program, and before them those of an operator's file.

    Raises:
        Invalid: ``bad_templates``: the operator's file is not right.
    """
    found = _collect(tomllib.loads(SHIPPED.read_text("utf-8")))
    if own is not None and own.is_file():
        try:
            found |= _collect(tomllib.loads(own.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise Invalid("bad_templates", f"{own} cannot be used: {error}.") from error
    return found


def write_letter(notice: Notice, recipient: str, origin: str, templates: Templates) -> Mail:
    """The letter that tells somebody of a notice."""
    words = find_words(notice.kind, templates)
    facts = {"kind": notice.kind, **notice.facts}
    lines = [f"  {name}: {_shown(value)}" for name, value in notice.facts.items()]
    text = "\n".join(
        [
            _filled(words.text, facts),
            "",
            *lines,
            *([""] if lines else []),
            f"At {iso_ms(notice.created_at)}, {notice.severity}, by {origin}",
            f"What you are told of is set at {origin}/v1/notices/preferences.",
            "",
        ]
    )
    subject = " ".join(_filled(words.subject, facts).split())[:MAX_SUBJECT_CHARS]
    return Mail(recipient, subject, text)


def find_words(kind: str, templates: Templates) -> Words:
    """The words of a kind, or of the nearest one above it."""
    name = kind
    while name:
        if name in templates:
            return templates[name]
        name = name.rpartition(".")[0]
    return templates["any"]


def _collect(tree: Mapping[str, Any], above: str = "") -> dict[str, Words]:
    found: dict[str, Words] = {}
    for name, inner in tree.items():
        if isinstance(inner, dict):
            kind = f"{above}{name}"
            if isinstance(inner.get("subject"), str) and isinstance(inner.get("text"), str):
                found[kind] = Words(inner["subject"], inner["text"])
            found |= _collect(inner, f"{kind}.")
    return found


def _filled(text: str, facts: Mapping[str, Any]) -> str:
    return _PLACE.sub(
        lambda found: _shown(facts[found[1]]) if found[1] in facts else "(unknown)", text
    )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    # A fact may come from a device: it must not look like a part of the letter.
    return " ".join(text.split())[:MAX_FACT_CHARS]
