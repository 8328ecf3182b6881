"""What ``roadstead doctor`` found, one line each."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Level = Literal["OK", "WARN", "FAIL"]


class Finding(NamedTuple):
    """One line.

    Attributes:
        subject: what was looked at, as ``disk``.
        words: what was found and, unless all is well, what to do about it.
    """

    level: Level
    subject: str
    words: str


def print_findings(findings: Iterable[Finding]) -> bool:
    """Prints the lines as they come; True when none of them says FAIL."""
    sound = True
    for level, subject, words in findings:
        print(f"{level:<4}  {subject:<10}  {words}", flush=True)
        sound = sound and level != "FAIL"
    return sound
