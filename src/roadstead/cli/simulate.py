"""`roadstead simulate`: a fleet of virtual devices against any Roadstead server."""

import asyncio
import contextlib
import secrets
import signal
import sys
from pathlib import Path
from typing import Annotated, Final, cast

import typer

from roadstead.kit.errors import DomainError
from roadstead.simulator.cloud_account import AccountError, CloudAccount
from roadstead.simulator.described import plan_of_file
from roadstead.simulator.fleet import Fleet, FleetError
from roadstead.simulator.fleet_file import read_fleet
from roadstead.simulator.generation import GENERATIONS
from roadstead.simulator.identity import parse_platform
from roadstead.simulator.network import NetworkConditions
from roadstead.simulator.plan import (
    DEVICE_LIMIT,
    PRODUCTS,
    FleetPlan,
    ProductName,
    SleepCycle,
)
from roadstead.simulator.state_folder import StateError, StateFolder
from roadstead.simulator.updating import UpdateHabits

REPORT_EVERY_S = 2.0
EXIT_FAILED = 1


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(simulate)


def simulate(
    context: typer.Context,
    api: Annotated[str, typer.Option(help="Address of the server's API.", metavar="URL")],
    token: Annotated[
        str,
        typer.Option(
            help="Access token of the user who shall own the devices.",
            metavar="T",
            envvar="ROADSTEAD_TOKEN",
        ),
    ],
    fleet: Annotated[
        Path | None,
        typer.Option(help="Describe the fleet in this file, and not by options.", metavar="FILE"),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=0.01, max=10_000, help="Hours of a described fleet's life in one hour.", metavar="F"
        ),
    ] = 1.0,
    product: Annotated[
        str | None,
        typer.Option(help="Put the devices into this product, by id or slug.", metavar="P"),
    ] = None,
    devices: Annotated[
        int, typer.Option(min=1, max=DEVICE_LIMIT, help="How many devices.", metavar="N")
    ] = 10,
    product_like: Annotated[
        str, typer.Option(help=f"What they are: {', '.join(PRODUCTS)}.")
    ] = "fridge",
    platform: Annotated[
        str, typer.Option(help="Their platform, by name or number.", metavar="P")
    ] = "argon",
    generation: Annotated[
        str,
        typer.Option(
            help=f"Their Device OS: {', '.join(GENERATIONS)}, or several with commas.",
            metavar="G",
        ),
    ] = "6.2",
    rate: Annotated[
        float, typer.Option(min=0.001, max=50, help="Reports per second and device.", metavar="R")
    ] = 0.1,
    ramp: Annotated[
        float, typer.Option(min=0.1, help="Devices that start per second.", metavar="R")
    ] = 100.0,
    loss: Annotated[
        float, typer.Option(min=0, max=1, help="Share of datagrams lost.", metavar="P")
    ] = 0.0,
    duplicate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of datagrams doubled.", metavar="P")
    ] = 0.0,
    reorder: Annotated[
        float, typer.Option(min=0, max=1, help="Share of datagrams overtaken.", metavar="P")
    ] = 0.0,
    delay: Annotated[
        float, typer.Option(min=0, help="Delay of datagrams, one way.", metavar="MS")
    ] = 0.0,
    sleep: Annotated[
        str | None, typer.Option(help="Seconds awake and asleep, e.g. 30/300.", metavar="A/B")
    ] = None,
    move_every: Annotated[
        float | None, typer.Option(min=0.1, help="Change source ports this often.", metavar="S")
    ] = None,
    reboot_every: Annotated[
        float | None, typer.Option(min=0.1, help="Restart devices this often.", metavar="S")
    ] = None,
    lose_session: Annotated[
        float, typer.Option(min=0, max=1, help="Share of restarts without session.", metavar="P")
    ] = 0.0,
    firmware_version: Annotated[
        int | None,
        typer.Option(min=1, max=65534, help="Version before the first update.", metavar="N"),
    ] = None,
    updates_disabled: Annotated[
        float, typer.Option(min=0, max=1, help="Share that disables updates.", metavar="P")
    ] = 0.0,
    update_damage: Annotated[
        float, typer.Option(min=0, max=1, help="Share of files found damaged.", metavar="P")
    ] = 0.0,
    update_reset: Annotated[
        float, typer.Option(min=0, max=1, help="Share of updates broken by a reset.", metavar="P")
    ] = 0.0,
    update_fall_back: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of updates that do not stay.", metavar="P"),
    ] = 0.0,
    duration: Annotated[
        float | None, typer.Option(min=0, help="End after this many seconds.", metavar="S")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same devices.", metavar="N")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Keep keys and sessions here and go on.", metavar="DIR")
    ] = None,
) -> None:
    """Run virtual devices that register themselves, connect, are claimed, and live."""
    if fleet is not None:
        plan = _read_plan(context, fleet, speed, ramp)
    else:
        plan = FleetPlan(
            devices=devices,
            product=_parse_product(product_like),
            generations=_parse_generations(generation),
            platform_id=_parse_platform(platform),
            conditions=NetworkConditions(loss, duplicate, reorder, delay),
            report_every_s=1 / rate,
            connect_per_s=ramp,
            sleep=_parse_sleep(sleep),
            move_every_s=move_every,
            reboot_every_s=reboot_every,
            lose_session=lose_session,
            firmware_version=firmware_version,
            updates=UpdateHabits(update_damage, update_reset, update_fall_back),
            updates_disabled=updates_disabled,
            seed=secrets.randbits(63) if seed is None else seed,
        )
    try:
        asyncio.run(_simulate(api, token, plan, state, duration, product))
    except (AccountError, FleetError, StateError) as error:
        typer.echo(f"roadstead simulate: {error}", err=True)
        raise typer.Exit(EXIT_FAILED) from None


_DESCRIBED: Final = frozenset(
    {"context", "api", "token", "fleet", "speed", "product", "ramp", "duration", "state"}
)
"""Options that make sense beside a fleet file; all others are said in it."""


def _read_plan(context: typer.Context, file: Path, speed: float, ramp: float) -> FleetPlan:
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in _DESCRIBED and source is not None and source.name == "COMMANDLINE":
            option = name.replace("_", "-")
            raise typer.BadParameter(f"--{option} cannot be given beside --fleet: the file says it")
    try:
        fleet = read_fleet(file)
    except DomainError as error:
        raise typer.BadParameter(error.message, param_hint="--fleet") from None
    if fleet.devices > DEVICE_LIMIT:
        text = f"{file}: one process can run {DEVICE_LIMIT} devices, not {fleet.devices}"
        raise typer.BadParameter(text, param_hint="--fleet")
    return plan_of_file(fleet, speed=speed, connect_per_s=ramp)


async def _simulate(
    api: str,
    token: str,
    plan: FleetPlan,
    state: Path | None,
    duration_s: float | None,
    product: str | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if duration_s is not None:
        loop.call_later(duration_s, stop.set)
    async with CloudAccount(api, token) as account:
        fleet = Fleet(plan, account, StateFolder(state) if state else None, product)
        reports = asyncio.create_task(_report(fleet))
        try:
            await fleet.run(stop)
        finally:
            reports.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reports
    _print_line(fleet, "ended ")


async def _report(fleet: Fleet) -> None:
    while True:
        await asyncio.sleep(REPORT_EVERY_S)
        _print_line(fleet)


def _print_line(fleet: Fleet, prefix: str = "") -> None:
    counters = fleet.counters
    typer.echo(
        f"{prefix}devices={len(fleet.devices)} online={fleet.online} asleep={fleet.asleep}"
        f" claimed={fleet.claimed} handshakes={counters.handshakes} resumes={counters.resumes}"
        f" losses={counters.connection_losses} published={counters.published}"
        f" acknowledged={counters.acknowledged} refused={counters.refused}"
        f" failed={counters.failed} received={counters.received} calls={counters.calls}"
        f" updates={counters.updates} bricked={counters.bricked}"
    )
    sys.stdout.flush()


def _parse_product(text: str) -> ProductName:
    if text not in PRODUCTS:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(PRODUCTS)}")
    return cast(ProductName, text)


def _parse_generations(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in GENERATIONS:
            raise typer.BadParameter(f"generation {name!r} is none of {', '.join(GENERATIONS)}")
    return names


def _parse_platform(text: str) -> int:
    try:
        return parse_platform(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _parse_sleep(text: str | None) -> SleepCycle | None:
    if text is None:
        return None
    awake, _, asleep = text.partition("/")
    try:
        cycle = SleepCycle(float(awake), float(asleep))
    except ValueError:
        raise typer.BadParameter(f"--sleep {text!r} must be AWAKE/ASLEEP in seconds") from None
    if not (0 < cycle.awake_s < float("inf") and 0 < cycle.asleep_s < float("inf")):
        raise typer.BadParameter("--sleep takes two times above zero")
    return cycle
