"""`roadstead testbed`: rollouts over modelled fleets, to see what the gate stops and when."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from roadstead.kit.errors import DomainError, Invalid
from roadstead.rollouts.model import Policy, check_policy
from roadstead.simulator.fleet_file import FleetFile, read_fleet
from roadstead.testbed.bed import Outcome
from roadstead.testbed.cases import CASES, NEW
from roadstead.testbed.table import Row, to_markdown
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
        int, typer.Option(min=1, help="Rollouts of each good release.", metavar="N")
    ] = 200,
    bad: Annotated[
        int, typer.Option(min=1, help="Rollouts of each bad release, or of yours.", metavar="N")
    ] = 20,
    only: Annotated[
        str, typer.Option(help="Only usual releases whose names begin so.", metavar="NAME")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write the table to this file, too.", metavar="FILE")
    ] = None,
) -> None:
    """Run the real rollout engine and gate over modelled devices, weeks in seconds.

    Prints one line for each rollout as it ends, then a table: how many bad devices were reached
    before the stop, how many good releases were stopped, and how long it took.
    """
    try:
        rules = _parse_policy(policy)
        if fleet is not None:
            rows = [_try(read_fleet(fleet), fleet.name, version, rules, bad, good=False)]
        else:
            rows = [
                _try(case.fleet(size), case.name, NEW, rules, good if case.good else bad, case.good)
                for size in _parse_sizes(devices)
                for case in CASES
                if case.name.startswith(only)
            ]
    except DomainError as error:
        typer.echo(f"roadstead testbed: {error.message}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    table = to_markdown(rows)
    typer.echo(f"\n{table}")
    if out is not None:
        out.write_text(table, "utf-8")


def _try(fleet: FleetFile, name: str, version: int, policy: Policy, runs: int, good: bool) -> Row:
    def tell(number: int, outcome: Outcome) -> None:
        typer.echo(
            f"{name} devices={fleet.devices} run={number} state={outcome.state}"
            f" rule={outcome.rule or '-'} stage={outcome.stage} offered={outcome.offered}"
            f" bricked={outcome.hurt} days={outcome.days:.2f}"
        )

    outcomes = run_trials(fleet, version, policy, runs, told=tell)
    return Row(name, fleet.devices, good, summarise(outcomes))


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
