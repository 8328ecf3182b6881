"""What operator commands work with: the data folder, its database, and the server's own services.

The commands run beside a serving process: the database is shared, and each change leaves an outbox
row that the server picks up by itself, so nothing here has to be announced.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from roadstead.bus.local import LocalBus
from roadstead.cli.data_folder import open_settings
from roadstead.config import Settings
from roadstead.devices.registry import DeviceRegistry
from roadstead.identity.service import IdentityService
from roadstead.kit.clock import SystemClock
from roadstead.organizations.plans import PlanService
from roadstead.storage import migrate
from roadstead.storage.database import Database
from roadstead.storage.opening import open_database

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class OperatorParts:
    """The services of one data folder."""

    identity: IdentityService
    plans: PlanService
    registry: DeviceRegistry
    database: Database


def operate(data_dir: str | None, work: Callable[[OperatorParts], Awaitable[Result]]) -> Result:
    """Runs ``work`` on the services of a data folder, whose database is migrated first."""
    settings = open_settings(data_dir)
    migrate.upgrade(settings.database_url)
    return asyncio.run(_operate(settings, work))


async def _operate(
    settings: Settings, work: Callable[[OperatorParts], Awaitable[Result]]
) -> Result:
    clock, bus = SystemClock(), LocalBus()
    async with contextlib.AsyncExitStack() as closing:
        database = await open_database(settings.database_url)
        closing.push_async_callback(database.close)
        plans = PlanService(database, clock, _announce, default_plan=settings.default_plan)
        identity = IdentityService(
            database, clock, _announce, account_opened=plans.account_opened, hasher_threads=1
        )
        closing.callback(identity.close)
        registry = DeviceRegistry(database, clock, bus, _announce)
        return await work(OperatorParts(identity, plans, registry, database))


def _announce() -> None:
    """The outbox row is all that the server needs; it looks for new ones by itself."""
