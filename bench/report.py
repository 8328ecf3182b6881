"""Figures, the table of them on the terminal, and docs/performance.md."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should reach.

    Attributes:
        value: the border.
        at_most: whether less is better.
        of: what the border is a share of, in words; empty for a plain number.
    """

    value: float
    at_most: bool = False
    of: str = ""

    def is_met(self, value: float) -> bool:
        """Whether ``value`` is on the right side of the border."""
        return value <= self.value if self.at_most else value >= self.value

    def shortfall(self, value: float) -> str:
        """By how much ``value`` misses the border, in words."""
        if self.at_most:
            return f"{value / self.value:.1f} times the aim"
        return f"{100 * value / self.value:.0f} % of the aim"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        part: letter of the question, (a) to (g).
        name: what was measured.
        values: of all rounds; the median counts, the least and the greatest are its spread.
        unit: of the values.
        beside: the yardstick of the same run in words, with the ratio to it.
        aim: what it should reach; None for a yardstick.
        shares: parts of a core that the program under test and the load generator used.
        why: what keeps it from its aim; told only where the aim is missed.
    """

    part: str
    name: str
    values: Sequence[float]
    unit: str
    beside: str = ""
    aim: Aim | None = None
    shares: tuple[float, float] | None = None
    why: str = ""

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values)

    @property
    def spread(self) -> str:
        """The least and the greatest round."""
        if len(self.values) < 2:
            return ""
        return f"{number(min(self.values))}–{number(max(self.values))}"

    @property
    def verdict(self) -> str:
        """How it stands to its aim."""
        if self.aim is None:
            return ""
        return "met" if self.aim.is_met(self.median) else self.aim.shortfall(self.median)

    def cells(self) -> tuple[str, ...]:
        """The columns of the table."""
        aim = ""
        if self.aim is not None:
            aim = f"{'≤' if self.aim.at_most else '≥'} {number(self.aim.value)}{self.aim.of}"
        whole = ""
        if self.shares is not None and self.unit == "/s" and self.shares[0]:
            whole = number(self.median / self.shares[0])
        shares = "" if self.shares is None else " / ".join(f"{100 * x:.0f} %" for x in self.shares)
        value = f"{number(self.median)} {self.unit}"
        return (
            self.part,
            self.name,
            value,
            self.spread,
            self.beside,
            aim,
            self.verdict,
            shares,
            whole,
        )


HEADS = (
    "",
    "what",
    "median",
    "spread",
    "beside",
    "aim",
    "verdict",
    "server / load CPU",
    "per server CPU-s",
)


@dataclass(slots=True)
class Report:
    """All figures of one run.

    Attributes:
        machine: where it ran.
        conditions: further facts that the reader needs, one per line.
        figures: in the order of the questions.
        took_s: length of the run.
    """

    machine: str
    quick: bool
    conditions: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    took_s: float = 0.0

    def show(self) -> None:
        """Prints the table."""
        table = Table(*HEADS, title=f"make bench on {self.machine}", title_justify="left")
        for figure in self.figures:
            table.add_row(*figure.cells())
        console = Console(width=None if Console().is_terminal else 190)
        console.print(table)
        for line in [*self.conditions, *self.shortfalls()]:
            console.print(f"- {line}", highlight=False, markup=False)

    def shortfalls(self) -> list[str]:
        """What missed its aim, by how much, and why."""
        return [
            f"({figure.part}) {figure.name}: {figure.verdict}. {figure.why}".rstrip()
            for figure in self.figures
            if figure.aim is not None and not figure.aim.is_met(figure.median)
        ]

    def write(self, method: str) -> None:
        """Writes docs/performance.md.

        Args:
            method: how it was measured, as Markdown.
        """
        rows = ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
        rows += ["| " + " | ".join(figure.cells()) + " |" for figure in self.figures]
        missed = self.shortfalls()
        parts = [
            "# Performance",
            "Written by `make bench`; run it again rather than edit this page.",
            f"{datetime.now(UTC):%Y-%m-%d}, {self.machine}"
            f"{', short run (`QUICK=1`)' if self.quick else ''}, {self.took_s:.0f} s.",
            "\n".join(rows),
            "\n".join(f"- {line}" for line in self.conditions),
            "## Where it falls short",
            "\n".join(f"- {line}" for line in missed) or "Every aim was met in this run.",
            method,
        ]
        DOCUMENT.write_text("\n\n".join(parts).rstrip() + "\n")


def number(value: float) -> str:
    """A number as people read it: three digits that mean something."""
    if value and abs(value) < 10:
        return f"{value:.2f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
