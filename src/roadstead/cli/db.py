"""``roadstead db``: the database itself."""

import typer

from roadstead.cli.data_folder import DataDir, open_settings
from roadstead.storage import migrate


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="The database.", no_args_is_help=True)
    group.command()(upgrade)
    app.add_typer(group, name="db")


def upgrade(data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema, creating it where there is none."""
    url = open_settings(data_dir).database_url
    before = migrate.current_revision(url)
    migrate.upgrade(url)
    after = migrate.current_revision(url)
    print(f"database at revision {after}" + (" already" if before == after else f", was {before}"))
