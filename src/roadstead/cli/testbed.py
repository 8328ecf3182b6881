"""`roadstead testbed`: rollouts over modelled fleets, to see what the gate stops and when."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from roadstead.kit.errors import DomainError, Invalid
from roadstead.rollouts.model import Policy, check_policy
from roadstead.simulator.fleet_file import FleetFile, read_fleet
from roadstead.testbed.bed import Outcome
from roadstead.testbed.cases import CASES, NEW, Case
from roadstead.testbed.table import Row, describe_false_stops, to_markdown, to_page
from roadstead.testbed.trials import run_trials, summarise

EXIT_FAILED = 1


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(testbed)


def testbed(
    fleet: Annotated[
        Path | None,
        typer.Option(help="A fleet of your own; without it, the usual releases.", metavar="FILE"),
    ] = None,
    version: Annotated[
        int, typer.Option(min=1, max=65534, help="Version to roll out over it.", metavar="V")
    ] = NEW,
    policy: Annotated[
        str, typer.Option(help="The rollout's policy as JSON.", metavar="JSON")
    ] = "{}",
    devices: Annotated[
        str, typer.Option(help="Sizes of the usual fleets, with commas.", metavar="N,N")
    ] = "2000",
    good: Annotated[
        int, typer.Option(min=1, help="Rollouts of the good release.", metavar="N")
    ] = 200,
    shaken: Annotated[
        int,
        typer.Option(
            min=1, help="Rollouts of a good release while much goes wrong for all.", metavar="N"
        ),
    ] = 40,
    bad: Annotated[
        int, typer.Option(min=1, help="Rollouts of each bad release, or of yours.", metavar="N")
    ] = 20,
    only: Annotated[
        str, typer.Option(help="Only usual releases whose names begin so.", metavar="NAME")
    ] = "",
    jobs: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that share the runs.", metavar="N")
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="Write a page with the table to this file, too.", metavar="FILE"),
    ] = None,
) -> None:
    """Run the real rollout engine and gate over modelled devices, weeks in seconds.

    Prints one line for each rollout as it ends, then a table: how many bad devices were reached
    before the stop, how many good releases were stopped, and how long it took.
    """
    rows: list[Row] = []
    try:
        rules = _parse_policy(policy)
        for trial in _trials(fleet, version, devices, _Runs(good, shaken, bad), only):
            rows.append(_try(trial, rules, jobs))
            if out is not None:  # after each, so that a run that is ended early leaves what it has
                out.write_text(to_page(rows, "make testbed"), "utf-8")
    except DomainError as error:
        typer.echo(f"roadstead testbed: {error.message}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except OSError as error:
        typer.echo(f"roadstead testbed: {out} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    typer.echo(f"\n{to_markdown(rows)}")
    typer.echo(describe_false_stops(rows))


@dataclass(frozen=True, slots=True)
class _Runs:
    """How many rollouts of each sort of release."""

    good: int
    shaken: int
    bad: int

    def of(self, case: Case) -> int:
        if not case.good:
            return self.bad
        return self.shaken if case.is_shaken else self.good


@dataclass(frozen=True, slots=True)
class _Trial:
    """What is tried, how often, and whether any stop of it is false."""

    name: str
    fleet: FleetFile
    version: int
    runs: int
    good: bool


def _trials(fleet: Path | None, version: int, devices: str, runs: _Runs, only: str) -> list[_Trial]:
    if fleet is not None:
        return [_Trial(fleet.name, read_fleet(fleet), version, runs.bad, good=False)]
    chosen = [case for case in CASES if case.name.startswith(only)]
    if not chosen:
        names = ", ".join(case.name for case in CASES)
        raise Invalid("unknown_release", f"No usual release begins with {only!r}: {names}.")
    return [
        _Trial(case.name, case.fleet(size), NEW, runs.of(case), case.good)
        for size in _parse_sizes(devices)
        for case in chosen
    ]


def _try(trial: _Trial, policy: Policy, jobs: int) -> Row:
    def tell(number: int, outcome: Outcome) -> None:
        typer.echo(
            f"{trial.name} devices={trial.fleet.devices} run={number} state={outcome.state}"
            f" rule={outcome.rule or '-'} stage={outcome.stage} offered={outcome.offered}"
            f" bricked={outcome.hurt} days={outcome.days:.2f}"
        )
        sys.stdout.flush()

    outcomes = run_trials(trial.fleet, trial.version, policy, trial.runs, jobs=jobs, told=tell)
    return Row(trial.name, trial.fleet.devices, trial.good, summarise(outcomes))


def _parse_policy(text: str) -> Policy:
    try:
        return check_policy(msgspec.json.decode(text, type=Policy))
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Invalid("bad_policy", f"--policy cannot be read: {error}.") from error


def _parse_sizes(text: str) -> list[int]:
    sizes = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= 200_000 for part in sizes):
        raise typer.BadParameter("--devices takes numbers from 1 to 200000, with commas")
    return [int(part) for part in sizes]
