"""The table of figures: Markdown that a page can show, and what it says in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from roadstead.rollouts.exact import binomial_upper
from roadstead.testbed.trials import Summary


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was released to how many devices, and what came of it."""

    case: str
    devices: int
    good: bool
    summary: Summary


HEADER: Final = (
    "| release | devices | rollouts | halted | held for a person | paused only | went through |"
    " offered at the end, median / mean | bricked, mean / most | second soak | days, median |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|\n"
)

SURE: Final = 0.025
"""Chance on either side of what is given as a range: together 95 % sure."""


def to_markdown(rows: Sequence[Row]) -> str:
    """The table."""
    return HEADER + "".join(_line(row) for row in rows)


def to_page(rows: Sequence[Row], command: str) -> str:
    """The table as a page of its own, with the command that makes it again."""
    return (
        "# What the test bed measured\n\n"
        f"Made by `{command}`. Each rollout has a fleet, noise and a draw of its own; run *n* is"
        " the same on every machine. What the words mean, and how devices are modelled, is said in"
        " [rollouts](rollouts.md#the-figures).\n\n"
        f"{to_headline(rows)}\n{describe_false_stops(rows)}\n\n## All of it\n\n{to_markdown(rows)}"
    )


HEADLINE: Final = (
    "| release, to {devices:,} devices | rollouts | stopped | devices reached, median / mean |"
    " bricked, mean | days, median |\n|---|---|---|---|---|---|\n"
)


def to_headline(rows: Sequence[Row]) -> str:
    """The short table, of the largest fleet: what was stopped, and how many it had reached."""
    largest = max(row.devices for row in rows)
    table = HEADLINE.format(devices=largest)
    for row in rows:
        if row.devices == largest:
            one = row.summary
            cells = (
                row.case,
                f"{one.runs}",
                f"{one.halted + one.held}",
                f"{one.offered_median:,.0f} / {one.offered_mean:,.0f}",
                f"{one.hurt_mean:.1f}",
                f"{one.days_median:.1f}",
            )
            table += f"| {' | '.join(cells)} |\n"
    return table


def describe_false_stops(rows: Sequence[Row]) -> str:
    """How many good releases were stopped, by size of fleet and in all."""
    good = [row for row in rows if row.good]
    if not good:
        return ""
    parts = [
        f"{stops} of {runs} good releases were stopped in fleets of {size:,} devices"
        f" ({_range(stops, runs)})"
        for size in sorted({row.devices for row in good})
        for stops, runs in [_count([row for row in good if row.devices == size])]
    ]
    return "; ".join(parts) + ". The range holds the true share with 95 % confidence."


def _count(rows: Sequence[Row]) -> tuple[int, int]:
    stops = sum(row.summary.halted + row.summary.held for row in rows)
    return stops, sum(row.summary.runs for row in rows)


def _range(stops: int, runs: int) -> str:
    low, high = confidence(stops, runs)
    return f"{stops / runs:.1%}; {low:.1%} to {high:.1%}"


def confidence(hits: int, runs: int) -> tuple[float, float]:
    """The exact range (Clopper and Pearson) of a share that showed so many hits."""
    low = 0.0 if hits == 0 else _share_at(hits, runs, SURE)
    high = 1.0 if hits == runs else _share_at(hits + 1, runs, 1 - SURE)
    return low, high


def _share_at(hits: int, runs: int, chance: float) -> float:
    """The share at which at least so many hits have this chance."""
    below, above = 0.0, 1.0
    for _ in range(60):
        middle = (below + above) / 2
        if binomial_upper(hits, runs, middle) < chance:
            below = middle
        else:
            above = middle
    return (below + above) / 2


def _line(row: Row) -> str:
    one = row.summary
    held = f"{one.held}" + (f" (+ {one.assisted} asked)" if one.assisted else "")
    cells = (
        row.case,
        f"{row.devices:,}",
        f"{one.runs}",
        f"{one.halted}",
        held,
        f"{one.paused}",
        f"{one.finished}",
        f"{one.offered_median:,.0f} / {one.offered_mean:,.0f}",
        f"{one.hurt_mean:.1f} / {one.hurt_most}",
        f"{one.extended}",
        f"{one.days_median:.1f}",
    )
    return f"| {' | '.join(cells)} |\n"
