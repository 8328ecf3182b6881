"""The table of figures: Markdown that a page can show, and one line for each run's summary."""

from collections.abc import Sequence
from dataclasses import dataclass

from roadstead.testbed.trials import Summary


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was released to how many devices, and what came of it."""

    case: str
    devices: int
    good: bool
    summary: Summary


HEADER = (
    "| release | devices | rollouts | halted | held for a person | paused only | went through |"
    " offered at the end, median / mean | bricked, mean / most | second soak | days, median |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|\n"
)


def to_markdown(rows: Sequence[Row]) -> str:
    """The table."""
    return HEADER + "".join(_line(row) for row in rows)


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
