"""``roadstead audit``: who changed what, and whether the trail is whole."""

import json
from typing import Annotated

import typer

from roadstead.audit import trail
from roadstead.cli.data_folder import DataDir
from roadstead.cli.operator import OperatorParts, operate
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Conflict


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Who changed what.", no_args_is_help=True)
    group.command("list")(list_rows)
    group.command()(verify)
    app.add_typer(group, name="audit")


def list_rows(
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=1_000_000, help="Newest rows to show.")
    ] = 50,
    target: Annotated[
        str | None, typer.Option("--target", help="Only of this, as in device/0123… or user/….")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object in each line.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show the newest changes, the newest last."""

    async def work(parts: OperatorParts) -> None:
        rows = await parts.database.read(
            lambda conn: trail.list_rows(conn, target=target, limit=limit)
        )
        for row in reversed(rows):
            print(_json(row) if as_json else _line(row))

    operate(data_dir, work)


def verify(data_dir: DataDir = None) -> None:
    """Check that no row was changed or taken out. Exit code 1 if one was."""

    async def work(parts: OperatorParts) -> None:
        bad, (rows, newest) = await parts.database.read(
            lambda conn: (trail.verify(conn), trail.describe(conn))
        )
        if bad is not None:
            raise Conflict(
                "audit_broken",
                f"The audit trail is broken at row {bad}: it, or a row before it, was changed "
                "or taken out.",
            )
        print(f"ok rows={rows} newest={newest.hex()}")

    operate(data_dir, work)


def _line(row: trail.AuditRow) -> str:
    facts = " ".join(
        f"{name}={json.dumps(value, ensure_ascii=True)}"
        for name, value in (("before", row.before), ("after", row.after))
        if value is not None
    )
    where = row.address or "-"
    words = f"{row.id} {iso_ms(row.at)} {row.actor_name} {where} {row.action} {row.target} {facts}"
    # Names come from people; none may move the cursor of the operator's terminal.
    return "".join(letter if letter.isprintable() else "?" for letter in words).rstrip()


def _json(row: trail.AuditRow) -> str:
    return json.dumps(
        {
            "id": row.id,
            "at": iso_ms(row.at),
            "actor_id": row.actor_id,
            "actor": row.actor_name,
            "address": row.address,
            "action": row.action,
            "target": row.target,
            "before": row.before,
            "after": row.after,
            "hash": row.hash.hex(),
        }
    )
