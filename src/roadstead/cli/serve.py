"""``roadstead serve``: the server in the foreground."""

import asyncio
import dataclasses
import difflib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from roadstead.cli import log_lines
from roadstead.cli.data_folder import DataDir
from roadstead.config import Settings, ensure_folders, list_unknown, load
from roadstead.kit.errors import DomainError

log = logging.getLogger("roadstead")

EXIT_FAULT = 1


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(serve)


def serve(
    data_dir: DataDir = None,
    http: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="API and pages [default: 127.0.0.1:8080]"),
    ] = None,
    udp: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT|off", help="Devices over UDP [default: 0.0.0.0:5684]"),
    ] = None,
    tcp: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT|off", help="Devices over TCP, not served yet"),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Settings [default: roadstead.toml in the data folder]"),
    ] = None,
) -> None:
    """Run the server until SIGTERM or Ctrl-C. Each option is also ROADSTEAD_<OPTION>."""
    given = {"data_dir": data_dir, "http": http, "udp": udp, "tcp": tcp, "config": config}
    settings = load(os.environ, given)
    ensure_folders(settings)
    log_lines.set_up(settings.log_format, settings.log_level)
    for line in list_warnings(settings, os.environ):
        print(f"roadstead: {line}", file=sys.stderr)
    _serve(dataclasses.replace(settings, tcp=None))


def list_warnings(settings: Settings, env: Mapping[str, str]) -> Iterator[str]:
    """What the operator asked for and does not get, one line each."""
    if settings.tcp is not None and settings.tcp_given:
        yield (
            f"devices of the TCP generation are not served by this version; "
            f"nothing listens on {settings.tcp}."
        )
    for name in list_unknown(env):
        yield f"the variable {name} means nothing to this version.{_meant(name, settings)}"


def _meant(name: str, settings: Settings) -> str:
    known = [f"ROADSTEAD_{field.name.upper()}" for field in dataclasses.fields(settings)]
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _serve(settings: Settings) -> None:
    # The server's parts take their time to import, which the other commands need not wait for.
    from roadstead.main import serve as serve_until_stopped

    try:
        asyncio.run(serve_until_stopped(settings))
    except DomainError:
        raise
    except Exception as error:
        known = error.subgroup(DomainError) if isinstance(error, ExceptionGroup) else None
        if known is not None:
            raise _first(known) from None
        log.critical("The server ended by a fault of its own.", exc_info=True)
        raise typer.Exit(EXIT_FAULT) from None


def _first(group: ExceptionGroup[DomainError]) -> DomainError:
    error: DomainError | ExceptionGroup[DomainError] = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
