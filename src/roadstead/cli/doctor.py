"""``roadstead doctor``: what is wrong with this server, or with one device, and what to do."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from roadstead.cli.data_folder import DataDir
from roadstead.cli.doctor_checks import check_server
from roadstead.cli.doctor_device import Known, follow
from roadstead.cli.findings import print_findings
from roadstead.cli.operator import OperatorParts, operate
from roadstead.config import load
from roadstead.gateway import operator_socket
from roadstead.kit.ids import parse_device_id

EXIT_FAULTS = 1


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Say what is wrong and what to do.", invoke_without_command=True)
    group.callback()(server)
    group.command()(device)
    app.add_typer(group, name="doctor")


def server(context: typer.Context, data_dir: DataDir = None) -> None:
    """Look at settings, keys, database, disk, clock and ports; exit code 1 if anything FAILs."""
    if context.invoked_subcommand is not None:
        return
    settings = load(os.environ, {"data_dir": data_dir})
    if not print_findings(check_server(settings, os.environ)):
        raise typer.Exit(EXIT_FAULTS)


def device(
    device_id: Annotated[str, typer.Argument(metavar="DEVICE_ID", help="24 hexadecimal digits.")],
    data_dir: DataDir = None,
) -> None:
    """Follow one device: known, key, handshake, hello, describe; says where it stops."""
    known_id = parse_device_id(device_id)
    if known_id is None:
        raise typer.BadParameter(f"{device_id!r} is not 24 hexadecimal digits")

    async def look_up(parts: OperatorParts) -> Known | None:
        identity = await parts.registry.find_identity(known_id)
        if identity is None:
            return None
        digest = identity.spki_digest.hex() if identity.spki_digest else None
        return Known(digest, identity.claimed, identity.quarantined)

    known = operate(data_dir, look_up)
    folder = load(os.environ, {"data_dir": data_dir}).data_dir
    trace = operator_socket.ask(folder, f"device {known_id}")
    if not print_findings(follow(known_id, known, trace, datetime.now(UTC))):
        raise typer.Exit(EXIT_FAULTS)
