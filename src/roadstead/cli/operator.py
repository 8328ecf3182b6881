"""What operator commands work with: the data folder, its database, and the server's own services.

The commands run beside a serving process: the database is shared, and each change leaves an outbox
row that the server picks up by itself, so nothing here has to be announced.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import typer

from roadstead.bus.local import LocalBus
from roadstead.config import Settings, ensure_folders, load
from roadstead.devices.registry import DeviceRegistry
from roadstead.identity.service import IdentityService
from roadstead.kit.clock import SystemClock
from roadstead.organizations.plans import PlanService
from roadstead.storage import migrate
from roadstead.storage.opening import open_database

Result = TypeVar("Result")

DataDir = Annotated[
    str | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Folder of the server's data; else ROADSTEAD_DATA_DIR, else ./roadstead-data.",
    ),
]
"""The option that every operator command takes."""


@dataclass(frozen=True, slots=True)
class OperatorParts:
    """The services of one data folder."""

    identity: IdentityService
    plans: PlanService
    registry: DeviceRegistry


def open_settings(data_dir: str | None) -> Settings:
    """The settings of this command, with the folders in place.

    Raises:
        Invalid: ``bad_setting``.
        Unavailable: ``data_dir_unusable``.
    """
    settings = load(os.environ, {"data_dir": data_dir})
    ensure_folders(settings)
    return settings


def operate(data_dir: str | None, work: Callable[[OperatorParts], Awaitable[Result]]) -> Result:
    """Runs ``work`` on the services of a data folder, whose database is migrated first."""
    settings = open_settings(data_dir)
    migrate.upgrade(settings.database_url)
    return asyncio.run(_operate(settings, work))


async def _operate(
    settings: Settings, work: Callable[[OperatorParts], Awaitable[Result]]
) -> Result:
    clock, bus = SystemClock(), LocalBus()
    database = await open_database(settings.database_url)
    try:
        plans = PlanService(database, clock, _announce, default_plan=settings.default_plan)
        identity = IdentityService(
            database, clock, _announce, account_opened=plans.account_opened, hasher_threads=1
        )
        registry = DeviceRegistry(database, clock, bus, _announce)
        return await work(OperatorParts(identity, plans, registry))
    finally:
        await database.close()


def _announce() -> None:
    """The outbox row is all that the server needs; it looks for new ones by itself."""
