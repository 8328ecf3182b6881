"""``roadstead device``: devices and their public keys, made known by the operator."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from roadstead.cli.data_folder import DataDir
from roadstead.cli.device_csv import MAX_PLATFORM_ID, CsvLine, read_registrations, refuse_repeats
from roadstead.cli.operator import OperatorParts, operate
from roadstead.devices.keys import MAX_KEY_BYTES, parse_public_key
from roadstead.devices.model import Registration
from roadstead.devices.registry import DeviceRegistry
from roadstead.identity.model import OPERATOR
from roadstead.kit.ids import parse_device_id

BATCH_LINES = 1000
"""Lines of a list that are registered together, so that a list of any length fits the memory."""

EXIT_SOME_REFUSED = 1


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Devices and their keys.", no_args_is_help=True)
    group.command("register")(register_device)
    app.add_typer(group, name="device")


def register_device(
    device_id: Annotated[
        str | None, typer.Argument(metavar="DEVICE_ID", help="24 hexadecimal digits.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The device's public key, DER or PEM.")
    ] = None,
    platform: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=MAX_PLATFORM_ID, help="Its platform number."),
    ] = None,
    serial_number: Annotated[str | None, typer.Option(metavar="SN", help="Its serial.")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE.csv",
            help="device_id,public_key(base64 DER),platform_id[,serial_number]; - for stdin.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a device and its public key known, or a list of them."""
    single = (device_id, public_key, platform, serial_number)
    if source is not None:
        if any(given is not None for given in single):
            raise typer.BadParameter("--from takes everything from the list; give nothing else")
        _register_list(source, data_dir)
        return
    if device_id is None or public_key is None or platform is None:
        raise typer.BadParameter("give DEVICE_ID, --public-key and --platform, or --from")
    known_id = parse_device_id(device_id)
    if known_id is None:
        raise typer.BadParameter(f"{device_id!r} is not 24 hexadecimal digits")
    key = parse_public_key(known_id, _read_file(public_key))
    registration = Registration(known_id, key.spki, platform, serial_number)

    async def work(parts: OperatorParts) -> None:
        is_new = await parts.registry.register(registration, actor=OPERATOR)
        print(f"{'registered' if is_new else 'unchanged'} {known_id}")

    operate(data_dir, work)


def _register_list(source: str, data_dir: str | None) -> None:
    if source == "-":
        refused = _register_lines(sys.stdin.buffer, data_dir)
    else:
        with _open_input(Path(source)) as file:
            refused = _register_lines(file, data_dir)
    if refused:
        raise typer.Exit(EXIT_SOME_REFUSED)


def _register_lines(file: BinaryIO, data_dir: str | None) -> int:
    """Registers what the lines say and prints the account of them; gives the number refused."""

    async def work(parts: OperatorParts) -> int:
        registered = unchanged = refused = 0
        for batch in _batches(refuse_repeats(read_registrations(file))):
            report = await _register_batch(parts.registry, batch)
            registered += report[0]
            unchanged += report[1]
            refused += len(report[2])
            for number, reason in sorted(report[2]):
                print(f"line {number}: {reason}", file=sys.stderr)
        print(f"registered {registered}, unchanged {unchanged}, refused {refused}")
        return refused

    return operate(data_dir, work)


async def _register_batch(
    registry: DeviceRegistry, batch: list[CsvLine]
) -> tuple[int, int, list[tuple[int, str]]]:
    """Numbers of registered and unchanged lines, and the refused ones with their reasons."""
    sound = [(line.number, line.registration) for line in batch if line.registration]
    report = await registry.register_many([item for _, item in sound], OPERATOR)
    refused = [(line.number, line.reason) for line in batch if not line.registration]
    refused += [(sound[position - 1][0], reason) for position, reason in report.refused]
    return report.registered, report.unchanged, refused


def _batches(lines: Iterable[CsvLine]) -> Iterator[list[CsvLine]]:
    waiting = iter(lines)
    while batch := list(islice(waiting, BATCH_LINES)):
        yield batch


def _read_file(path: Path) -> bytes:
    with _open_input(path) as file:
        return file.read(MAX_KEY_BYTES + 1)


def _open_input(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise typer.BadParameter(f"cannot read {path}: {reason}") from None
