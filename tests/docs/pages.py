"""README and docs, taken apart: links, headings, blocks of code, commands."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_WORDS_BEFORE = {"|", "&&", "||", ";", "sudo", "exec"}

ELLIPSIS = "…"
"""Stands for anything in what a `console` block shows; a command with it is not a whole one."""


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        path: where it is.
        text: all of it.
    """

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Its path within the repository."""
        return str(self.path.relative_to(ROOT))

    @property
    def prose(self) -> str:
        """The page without its blocks of code."""
        return _FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> Iterator[str]:
        """The blocks of code in one of the languages."""
        for found in _FENCE.finditer(self.text):
            if found[1] in languages:
                yield found[2]

    def links(self) -> Iterator[str]:
        """Targets of links, those to other sites aside."""
        for target in _LINK.findall(self.prose):
            if not re.match(r"[a-z]+:", target):
                yield target

    def anchors(self) -> set[str]:
        """What a link's fragment may name: the headings, as the field's hosts write them."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}

    def spans(self) -> Iterator[str]:
        """What stands in `backticks` in the prose."""
        yield from _SPAN.findall(self.prose)

    def commands(self, program: str) -> Iterator[list[str]]:
        """The words after ``program`` wherever it is run, in blocks and in prose.

        The bare name is the name of the program and no run of it.
        """
        lines = [line for block in self.blocks("sh", "console") for line in _joined(block)]
        for text in [*lines, *self.spans()]:
            if ELLIPSIS not in text:
                yield from (words for words in _runs_of(program, text) if words)


def read_pages() -> list[Page]:
    """README and everything below docs."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [Page(path, path.read_text()) for path in paths]


def read_page(name: str) -> Page:
    """One page by its path within the repository."""
    return Page(ROOT / name, (ROOT / name).read_text())


def _joined(block: str) -> list[str]:
    """The lines of a block; those that a backslash continues are one."""
    return re.sub(r"\\\n\s*", " ", block).splitlines()


def _runs_of(program: str, text: str) -> Iterator[list[str]]:
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars="|;&<>()")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        return
    words = words[1:] if words[:1] == ["$"] else words
    for place, word in enumerate(words):
        is_program = word == program or word.endswith(f"bin/{program}")
        if is_program and (
            place == 0 or words[place - 1] in _WORDS_BEFORE or "=" in words[place - 1]
        ):
            yield _until_operator(words[place + 1 :])


def _until_operator(words: list[str]) -> list[str]:
    for place, word in enumerate(words):
        if set(word) <= set("|;&<>()"):
            return words[:place]
    return words
