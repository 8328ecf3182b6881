"""``roadstead user``: accounts, made by the operator."""

import getpass
import sys
from typing import Annotated

import typer

from roadstead.cli.data_folder import DataDir
from roadstead.cli.operator import OperatorParts, operate
from roadstead.identity.credentials import parse_new_password, parse_username
from roadstead.identity.lost_factor import remove_lost_factor
from roadstead.identity.model import OPERATOR
from roadstead.kit.clock import SystemClock

_MAX_STDIN_BYTES = 64 * 1024


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Accounts of people.", no_args_is_help=True)
    group.command()(create)
    group.command("disable-mfa")(disable_mfa)
    app.add_typer(group, name="user")


def create(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail address to log in with.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the standard input.")
    ] = False,
    admin: Annotated[
        bool, typer.Option("--admin", help="Make an administrator of the whole server.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Create an account. The first administrator is on plan enterprise."""
    # Both are checked before anything is created on the disk.
    username = parse_username(email)
    password = parse_new_password(_read_password(password_stdin), username)

    async def work(parts: OperatorParts) -> None:
        user = await parts.identity.create_user(username, password, is_admin=admin, actor=OPERATOR)
        plan = await parts.plans.plan_of(user.id)
        kind = "administrator" if admin else "user"
        print(f"created {kind} {user.username} id={user.id} plan={plan}")

    operate(data_dir, work)


def disable_mfa(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Whose second factor is lost.")],
    data_dir: DataDir = None,
) -> None:
    """Take a lost second factor and its recovery codes away; the password alone signs in then."""
    username = parse_username(email)

    async def work(parts: OperatorParts) -> None:
        user = await remove_lost_factor(parts.database, SystemClock(), username)
        print(f"removed the second factor of {user.username} id={user.id}")

    operate(data_dir, work)


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        content = sys.stdin.buffer.read(_MAX_STDIN_BYTES)
        try:
            return content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise typer.BadParameter("the password on the standard input is not UTF-8") from None
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on; give --password-stdin")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise typer.BadParameter("the two passwords differ")
    return password
