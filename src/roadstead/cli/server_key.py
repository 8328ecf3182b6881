"""``roadstead server-key``: the public keys that devices must know."""

import sys
from typing import Annotated, Literal

import typer

from roadstead.cli.data_folder import DataDir, open_settings
from roadstead.devices.server_keys import KeyKind, ServerKeys


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Public keys of this server.", no_args_is_help=True)
    group.command()(export)
    app.add_typer(group, name="server-key")


def export(
    encoding: Annotated[
        Literal["der", "pem"], typer.Option("--format", help="Binary or text.")
    ] = "der",
    kind: Annotated[
        KeyKind, typer.Option(help="ec for devices over UDP, rsa for devices over TCP.")
    ] = "ec",
    host: Annotated[
        str | None,
        typer.Option(help="Write the block with this address as it lies in a device's flash."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port in that block [default: 5684 for ec, 5683 for rsa]")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write the public key to the standard output."""
    if port is not None and host is None:
        raise typer.BadParameter("--port is part of the block that --host asks for")
    if host is not None and encoding == "pem":
        raise typer.BadParameter("the block that --host asks for is binary; leave out --format pem")
    keys = ServerKeys.load_or_create(open_settings(data_dir).keys_dir)
    if host is not None:
        content = keys.flash_blob(kind, host, port)
    elif encoding == "der":
        content = keys.public_der(kind)
    else:
        content = keys.public_pem(kind).encode()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
