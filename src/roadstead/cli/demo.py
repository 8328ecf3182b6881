"""`roadstead demo`: a server and a cold chain of simulated fridges, in one command.

The server is a child process with its data in a temporary folder; the fridges live in this process
and reach it as real devices would, over UDP. Whatever ends the demo, nothing stays behind.
"""

import asyncio
import contextlib
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from roadstead.cli.demo_feed import DemoFeed
from roadstead.cli.demo_firmware import FirmwareStory
from roadstead.cli.demo_screen import Access, Screen, Welcome, print_welcome, show
from roadstead.cli.demo_server import DemoFailure, DemoServer, choose_ports
from roadstead.simulator.cloud_account import AccountError, CloudAccount
from roadstead.simulator.fleet import Fleet, FleetError
from roadstead.simulator.plan import FleetPlan

DEMO_EMAIL = "demo@example.com"
DEMO_REPORT_EVERY_S = 5.0
"""Seconds between two reports of one fridge: 25 of them make a lively but readable screen."""

FIRST_FRIDGE_TIMEOUT_S = 30.0
"""Longest wait for the first fridge to be online and claimed, before the welcome is printed."""

DEMO_DEVICE_LIMIT = 2000
EXIT_FAILED = 1


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(demo)


def demo(
    devices: Annotated[
        int, typer.Option(min=1, max=DEMO_DEVICE_LIMIT, help="How many fridges.", metavar="N")
    ] = 25,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="HTTP port; otherwise 8080 or any free one."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(min=0, help="End after this many seconds.", metavar="S")
    ] = None,
) -> None:
    """Start a server with simulated fridges and show what happens; Ctrl-C ends all of it."""
    folder = Path(tempfile.mkdtemp(prefix="roadstead-demo-"))
    try:
        asyncio.run(_Demo(folder, Screen(), devices).run(port, duration))
    except (DemoFailure, AccountError, FleetError) as error:
        typer.echo(f"roadstead demo: {error}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Demo:
    """One run of the demo: its parts are started in order and ended in the reverse order."""

    def __init__(self, folder: Path, console: Console, devices: int) -> None:
        self._folder = folder
        self._console = console
        self._devices = devices
        self._password = secrets.token_urlsafe(9)
        self._plan = FleetPlan(
            devices=devices, report_every_s=DEMO_REPORT_EVERY_S, seed=secrets.randbits(63)
        )

    async def run(self, port: int | None, duration_s: float | None) -> None:
        """Runs until a signal, until ``duration_s`` after the start, or until a part fails.

        Raises:
            DemoFailure, AccountError, FleetError: a part failed.
        """
        stop = _stop_on_signals(duration_s)
        life = asyncio.create_task(self._live(port))
        ending = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((life, ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            life.cancel()
            outcome = (await asyncio.gather(life, return_exceptions=True))[0]
        if isinstance(outcome, BaseExceptionGroup):
            outcome = outcome.exceptions[0]
        if isinstance(outcome, Exception):
            raise outcome

    async def _live(self, port: int | None) -> None:
        self._console.print(f"Starting a server and {self._devices} fridges …", style="dim")
        server = await DemoServer.start(self._folder, choose_ports(port))
        try:
            await server.create_user(DEMO_EMAIL, self._password)
            token = await server.log_in(DEMO_EMAIL, self._password)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_watch(server))
                tasks.create_task(self._run_fleet(server.url, token))
                tasks.create_task(self._present(server.url, token))
        finally:
            await asyncio.shield(server.stop())

    async def _run_fleet(self, url: str, token: str) -> None:
        async with CloudAccount(url, token) as account:
            await Fleet(self._plan, account).run(asyncio.Event())

    async def _present(self, url: str, token: str) -> None:
        async with _feed(url, token) as feed:
            device_id = await _first_fridge(feed)
            home = self._folder / "cli-home"
            print_welcome(
                self._console,
                Welcome(url, DEMO_EMAIL, self._password, token, device_id, home),
            )
            story = FirmwareStory(url, token, self._plan.platform_id, self._devices)
            telling = asyncio.create_task(story.run(feed))
            try:
                await show(self._console, feed, story.progress, Access(url, token))
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)


@contextlib.asynccontextmanager
async def _feed(url: str, token: str) -> AsyncIterator[DemoFeed]:
    """A feed that is being fed."""
    feed = DemoFeed(url, token)
    tasks = [asyncio.create_task(feed.poll()), asyncio.create_task(feed.follow())]
    try:
        yield feed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await feed.close()


async def _first_fridge(feed: DemoFeed) -> str:
    deadline = asyncio.get_running_loop().time() + FIRST_FRIDGE_TIMEOUT_S
    while asyncio.get_running_loop().time() < deadline:
        if feed.online and (device_id := feed.first_named()):
            return device_id
        await asyncio.sleep(0.1)
    raise DemoFailure(f"no fridge came online within {FIRST_FRIDGE_TIMEOUT_S:.0f} s")


async def _watch(server: DemoServer) -> None:
    code = await server.wait()
    raise server.failure(f"the server ended by itself (exit code {code})")


def _stop_on_signals(duration_s: float | None) -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if duration_s is not None:
        loop.call_later(duration_s, stop.set)
    return stop
