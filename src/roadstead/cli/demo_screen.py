"""What `roadstead demo` prints: the welcome, then a live view, or lines without a terminal."""

import asyncio
import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from roadstead.cli.demo_feed import DemoFeed, SeenEvent
from roadstead.cli.demo_firmware import Progress

REFRESH_S = 0.25
PLAIN_LINE_EVERY_S = 1.0
DATA_LIMIT_CHARS = 60
BAR_WIDTH = 40


class Screen(Console):
    """A console that raises BrokenPipeError when its reader has gone, so that all ends in order."""

    def on_broken_pipe(self) -> None:
        """Raises what the demo ends by, instead of leaving the process."""
        raise BrokenPipeError


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a person needs to try the demo."""

    url: str
    email: str
    password: str
    token: str
    device_id: str
    cli_home: Path


def commands(welcome: Welcome) -> list[tuple[str, str]]:
    """Three commands with what they do; each works when pasted into a POSIX shell."""
    curl = "curl -s" if not _has_proxy() else "curl -s --noproxy '*'"
    bearer = f"-H 'Authorization: Bearer {welcome.token}'"
    device = f"{welcome.url}/v1/devices/{welcome.device_id}"
    return [
        ("Set a fridge's target to 2 °C", f"{curl} {bearer} {device}/setTarget -d arg=2"),
        (
            "Watch the events of all fridges",
            f"{curl} -N {bearer} {welcome.url}/v1/devices/events/fridge",
        ),
        ("Read a temperature with the official CLI (needs Node.js 22)", _official_cli(welcome)),
    ]


def _official_cli(welcome: Welcome) -> str:
    profile = json.dumps(
        {"apiUrl": welcome.url, "access_token": welcome.token, "username": welcome.email}
    )
    home = shlex.quote(str(welcome.cli_home))
    direct = "NO_PROXY=127.0.0.1 " if _has_proxy() else ""
    return (
        f"mkdir -p {home}/.particle && "
        f"printf %s {shlex.quote(profile)} > {home}/.particle/particle.config.json && "
        f"{direct}HOME={home} npx --yes particle-cli get {welcome.device_id} temperature"
    )


def _has_proxy() -> bool:
    return any(os.environ.get(name) for name in ("http_proxy", "HTTP_PROXY", "https_proxy"))


def print_welcome(console: Console, welcome: Welcome) -> None:
    """Prints address, login and commands; commands stay on one line each, to be copied whole."""
    console.print()
    console.print("[bold]Roadstead is running[/bold]", highlight=False)
    console.print(f"  address   {welcome.url}", highlight=False, soft_wrap=True)
    console.print(f"  login     {welcome.email}", highlight=False, soft_wrap=True)
    console.print(f"  password  {welcome.password}", highlight=False, markup=False, soft_wrap=True)
    for number, (title, command) in enumerate(commands(welcome), 1):
        console.print()
        console.print(f"  {number}. {title}", style="cyan", highlight=False)
        console.print(command, highlight=False, markup=False, soft_wrap=True)
    console.print()
    console.print("  Ctrl-C ends it all and leaves nothing behind.", style="dim")
    console.print()


@dataclass(frozen=True, slots=True)
class Access:
    """What commands need to reach the server."""

    url: str
    token: str


async def show(console: Console, feed: DemoFeed, story: Progress, access: Access) -> None:
    """Shows what happens, for ever: a live view on a terminal, else a line every second."""
    if console.is_terminal:
        await _show_live(console, feed, story, access)
    else:
        await _show_lines(console, feed, story, access)


async def _show_live(console: Console, feed: DemoFeed, story: Progress, access: Access) -> None:
    told = _Told()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            told.print_new(console, story, access)
            live.update(_view(feed, story), refresh=True)
            await asyncio.sleep(REFRESH_S)


async def _show_lines(console: Console, feed: DemoFeed, story: Progress, access: Access) -> None:
    told = _Told()
    while True:
        await asyncio.sleep(PLAIN_LINE_EVERY_S)
        told.print_new(console, story, access)
        last = feed.recent[-1] if feed.recent else None
        text = f"{_status(feed)}  {f'{last.device} {last.name} {_short(last)}' if last else ''}"
        if story.title:
            fraction = f" {story.done}/{story.total}" if story.total else ""
            text = f"{story.title}{fraction}  {text}"
        console.print(text.rstrip(), highlight=False, markup=False, soft_wrap=True)


class _Told:
    """What of the story stands above the view already."""

    def __init__(self) -> None:
        self._lines = self._hints = 0

    def print_new(self, console: Console, story: Progress, access: Access) -> None:
        """Prints what is new: steps that are done, then commands, whole on one line each."""
        for line in story.lines[self._lines :]:
            console.print(f"  ✓ {line}", style="green", highlight=False, markup=False)
        for title, request in story.hints[self._hints :]:
            curl = "curl -s" if not _has_proxy() else "curl -s --noproxy '*'"
            command = f"{curl} -H 'Authorization: Bearer {access.token}' {access.url}{request}"
            console.print(f"\n  {title}", style="cyan", highlight=False)
            console.print(command, highlight=False, markup=False, soft_wrap=True)
        self._lines, self._hints = len(story.lines), len(story.hints)


def _status(feed: DemoFeed) -> str:
    return (
        f"{feed.online}/{feed.known} devices online  "
        f"{feed.events_per_second():.1f} events/s  {feed.total} events"
    )


def _view(feed: DemoFeed, story: Progress) -> Panel:
    head = Text(_status(feed), style="bold green" if feed.online else "bold yellow")
    table = Table.grid(padding=(0, 2))
    for event in feed.recent:
        table.add_row(
            Text(event.at.strftime("%H:%M:%S"), style="dim"),
            Text(event.device, style="cyan"),
            Text(event.name, style="red" if event.name.endswith("/alarm") else ""),
            Text(_short(event)),
        )
    parts: list[RenderableType] = [head]
    if story.title:
        bar = Table.grid(padding=(0, 2))
        fraction = Text(f"{story.done}/{story.total}" if story.total else "")
        shown = ProgressBar(total=max(1, story.total), completed=story.done, width=BAR_WIDTH)
        bar.add_row(Text(story.title, style="bold"), shown, fraction)
        parts.append(bar)
    return Panel(Group(*parts, Text(), table), title="Roadstead demo: a cold chain", expand=True)


def _short(event: SeenEvent) -> str:
    data = event.data
    return data if len(data) <= DATA_LIMIT_CHARS else data[: DATA_LIMIT_CHARS - 1] + "…"
