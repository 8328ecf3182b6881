"""Reads the command line and turns every failure into one line and an exit code.

Exit codes: 0 done; 1 it could not be done (a name taken, a port in use); 2 the input was wrong;
130 interrupted.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer
from typer.exceptions import Abort, TyperException
from typer.main import get_command

from roadstead import __version__
from roadstead.kit.errors import DomainError, Invalid

EXIT_REFUSED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

COMMANDS: dict[str, str] = {
    "serve": "roadstead.cli.serve",
    "user": "roadstead.cli.user",
    "plan": "roadstead.cli.plan",
    "device": "roadstead.cli.device",
    "firmware": "roadstead.cli.firmware",
    "rollout": "roadstead.cli.rollout",
    "server-key": "roadstead.cli.server_key",
    "db": "roadstead.cli.db",
    "audit": "roadstead.cli.audit",
    "backup": "roadstead.cli.backup",
    "restore": "roadstead.cli.backup",
    "doctor": "roadstead.cli.doctor",
    "simulate": "roadstead.cli.simulate",
    "testbed": "roadstead.cli.testbed",
    "demo": "roadstead.cli.demo",
}
"""The module of each command, in the order of the help. Each has ``register(app)``."""


def build_app(wanted: str | None = None) -> typer.Typer:
    """The command as a typer application.

    Args:
        wanted: the one command to load, which saves the others' time to import; None for all.
    """
    app = typer.Typer(
        name="roadstead",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_common)
    modules = [COMMANDS[wanted]] if wanted in COMMANDS else dict.fromkeys(COMMANDS.values())
    for module in modules:
        import_module(module).register(app)
    return app


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; gives the exit code and never raises."""
    try:
        command = get_command(build_app(next(iter(arguments), None)))
        result = command.main(args=list(arguments), prog_name="roadstead", standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        return _fail(error.format_message(), error.exit_code)
    except Invalid as error:
        return _fail(error.message, EXIT_BAD_INPUT)
    except DomainError as error:
        return _fail(error.message, EXIT_REFUSED)
    except (Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; without this the interpreter complains once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_REFUSED
    except OSError as error:
        return _fail(f"{error.filename or 'input'}: {error.strerror or error}", EXIT_REFUSED)
    except Exception as error:
        return _fail(f"unexpected {type(error).__name__}: {error}", EXIT_REFUSED)
    return result if isinstance(result, int) else 0


def _fail(message: str, code: int) -> int:
    line = " ".join(message.split())
    if line:
        print(f"roadstead: {_printable(line)}", file=sys.stderr)
    return code


def _printable(line: str) -> str:
    """The line with what could steer a terminal written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"roadstead {__version__}")
        raise typer.Exit


def _common(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """The device cloud you own."""
