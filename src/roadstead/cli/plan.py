"""``roadstead plan``: which plan an owner is on."""

from typing import Annotated

import typer

from roadstead.cli.data_folder import DataDir
from roadstead.cli.operator import OperatorParts, operate
from roadstead.identity.model import OPERATOR
from roadstead.organizations.model import PLAN_NAMES
from roadstead.organizations.plans import parse_plan


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Plans of owners.", no_args_is_help=True)
    group.command("set")(set_plan)
    app.add_typer(group, name="plan")


def set_plan(
    owner: Annotated[
        str,
        typer.Argument(
            metavar="OWNER", help="E-mail address of an account, or an organization's slug."
        ),
    ],
    plan: Annotated[str, typer.Argument(metavar="|".join(PLAN_NAMES), help="The plan.")],
    data_dir: DataDir = None,
) -> None:
    """Put an owner on a plan."""
    wanted = parse_plan(plan)

    async def work(parts: OperatorParts) -> None:
        await parts.plans.set_plan(owner, wanted, OPERATOR)
        print(f"{owner} is on plan {wanted}")

    operate(data_dir, work)
